//! The systems of a study: the article's, and those that a user names; and the comparisons between the article's.

use std::path::Path;
use std::sync::Arc;

use pinhole_core::recipe::{DEFAULT, NAMED, Recipe, RecipeError};
use pinhole_train::runs::JobError;
use pinhole_train::runs::pretrained::PretrainedSource;
use pinhole_train::{Network, transfer};
use serde::{Deserialize, Serialize};

use super::StudyError;
use super::plan::is_file_name;

/// A network and its training, with its name in tables and figures.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// Name of a bundled recipe, or the file stem of the user's own; `from-` and the model's name for one that continues.
    pub name: String,
    /// The recipe.
    pub recipe: Recipe,
    /// The trained network that every training continues from; `None` for a new network. A system whose recipe and network are
    /// chosen by the photos (`train --recipe auto`) is one with both, which the caller chooses.
    pub from: Option<Arc<PretrainedSource>>,
}

/// The trained network that a system continues from, as a plan names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStart {
    /// Name of a bundled model, or the file.
    pub name: String,
    /// Checksum of its parameters: see [`PretrainedSource::checksum`].
    pub checksum: u32,
}

impl System {
    /// A system that trains new networks.
    pub fn new(name: String, recipe: Recipe) -> Self {
        Self { name, recipe, from: None }
    }

    /// A system that continues from a trained network, by that network's recipe. Its name is that of the model, after `from-`.
    pub fn continuing(source: PretrainedSource) -> Self {
        Self {
            name: format!("from-{}", name_of(&source.path)),
            recipe: source.pretrained.recipe.clone(),
            from: Some(Arc::new(source)),
        }
    }

    /// Returns the network that a training with this seed begins with.
    ///
    /// # Errors
    /// [`JobError::Transfer`] if the recipe is for another network than the one to continue from; a candle error if memory cannot
    /// be allocated.
    pub fn network(&self, classes: &[String], seed: u64) -> Result<Network, JobError> {
        match &self.from {
            None => Ok(Network::new(&self.recipe, classes, seed)?),
            Some(source) => Ok(transfer(&source.pretrained, &self.recipe, classes, seed)?),
        }
    }

    /// Returns the network that it continues from, for a plan.
    pub(super) fn planned_start(&self) -> Option<PlannedStart> {
        let named =
            |source: &Arc<PretrainedSource>| PlannedStart { name: name_of(&source.path), checksum: source.checksum };
        self.from.as_ref().map(named)
    }
}

/// Returns the name of a trained network: that of its run folder, whose files all have the same names, or its file's without
/// ending.
fn name_of(path: &Path) -> String {
    let folder = path.parent().filter(|folder| pinhole_core::artifacts::is_run(folder)).and_then(Path::file_name);
    folder.or_else(|| path.file_stem()).unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A comparison: systems drawn in one figure because they answer one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Heading.
    pub title: &'static str,
    /// Question that it answers.
    pub question: &'static str,
    /// Names of the systems; the others are compared with the first.
    pub systems: &'static [&'static str],
    /// True if every run is drawn on its own: if some runs learn and others do not, their mean represents neither.
    pub each_run: bool,
}

/// The article's comparisons, in its order, including those that it names without doing them.
pub const COMPARISONS: &[Comparison] = &[
    Comparison {
        title: "Size, 1",
        question: "Does a smaller or a bigger network do better than the baseline?",
        systems: &["baseline", "smaller", "bigger"],
        each_run: false,
    },
    Comparison {
        title: "Size, 2",
        question: "Does twice the bigger network do better still?",
        systems: &["baseline", "bigger", "bigger2"],
        each_run: false,
    },
    Comparison {
        title: "Activation",
        question: "Sigmoid or relu?",
        systems: &["baseline", "baseline-relu", "baseline-relu-dropout"],
        each_run: false,
    },
    Comparison {
        title: "L1 and L2 penalties, baseline",
        question: "Do small weights keep the baseline from overfitting?",
        systems: &["baseline", "baseline-l2", "baseline-l1", "baseline-l1-strong"],
        each_run: false,
    },
    Comparison {
        title: "L1 and L2 penalties, bigger network",
        question: "Do small weights keep the bigger network from overfitting?",
        systems: &["bigger", "bigger-l2", "bigger-l1", "bigger-l1-strong"],
        each_run: false,
    },
    Comparison {
        title: "Dropout, small networks",
        question: "Does leaving out a quarter of the first layer help?",
        systems: &["baseline", "baseline-dropout", "smaller", "smaller-dropout"],
        each_run: false,
    },
    Comparison {
        title: "Dropout, big networks",
        question: "Does leaving out half of the wide layers help?",
        systems: &["bigger", "bigger-dropout", "bigger2", "bigger2-dropout"],
        each_run: false,
    },
    Comparison {
        title: "No convergence",
        question: "Do all runs learn at all?",
        systems: &["bigger-dropout", "bigger2-dropout"],
        each_run: true,
    },
    Comparison {
        title: "More data: copies and augmentation",
        question: "Do negatives, quarter turns or random variations of the photos help?",
        systems: &["baseline-dropout", "inverted", "inverted-rotated", "augmented"],
        each_run: false,
    },
    Comparison {
        title: "More data, bigger network",
        question: "Does the bigger network make better use of the copies?",
        systems: &["bigger-dropout", "bigger-inverted-rotated"],
        each_run: false,
    },
    Comparison {
        title: "Optimizer",
        question: "Adam, or the SGD of the article's first part?",
        systems: &["baseline", "baseline-sgd"],
        each_run: false,
    },
    Comparison {
        title: "Conclusion",
        question: "Is the baseline with dropout the one to take?",
        systems: &["baseline-dropout", "baseline", "smaller-dropout", "bigger-dropout"],
        each_run: false,
    },
];

/// Returns all bundled systems in the order of [`NAMED`], except the convolutional ones: those are for thousands of photos,
/// and take hours instead of minutes.
///
/// # Errors
/// Those of [`Recipe::find`]; none in practice, which a test checks.
pub fn article() -> Result<Vec<System>, RecipeError> {
    let mut systems = Vec::new();
    for (name, _) in NAMED {
        let recipe = Recipe::find(name)?;
        if recipe.layers.iter().all(|layer| layer.as_dense().is_some()) {
            systems.push(System::new((*name).to_owned(), recipe));
        }
    }
    Ok(systems)
}

/// Returns systems by the names of bundled recipes or the paths of recipe files.
///
/// # Errors
/// [`StudyError::Recipe`]; [`StudyError::SameName`] if two would have the same name.
pub fn named(names_or_paths: &[String]) -> Result<Vec<System>, StudyError> {
    let mut systems: Vec<System> = Vec::new();
    for name_or_path in names_or_paths {
        let recipe = Recipe::find(name_or_path)?;
        let is_bundled = NAMED.iter().any(|(name, _)| name == name_or_path);
        let stem = std::path::Path::new(name_or_path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = if is_bundled { name_or_path.clone() } else { stem.unwrap_or_else(|| name_or_path.clone()) };
        add(&mut systems, System::new(name, recipe))?;
    }
    Ok(systems)
}

/// Adds a system.
///
/// # Errors
/// [`StudyError::SameName`] if another one has its name; [`StudyError::Name`] if no file can have it.
pub fn add(systems: &mut Vec<System>, system: System) -> Result<(), StudyError> {
    if systems.iter().any(|other| other.name == system.name) {
        return Err(StudyError::SameName { name: system.name });
    }
    if !is_file_name(&system.name) {
        return Err(StudyError::Name { name: system.name });
    }
    systems.push(system);
    Ok(())
}

/// Returns the reference system: the article's winner if it takes part, else the first.
pub fn reference(systems: &[System]) -> usize {
    systems.iter().position(|system| system.name == DEFAULT).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_comparison_is_of_systems_that_ship_and_every_system_is_compared() {
        let systems = article().unwrap();
        let compared: Vec<&str> = COMPARISONS.iter().flat_map(|comparison| comparison.systems).copied().collect();
        for name in &compared {
            assert!(systems.iter().any(|system| system.name == *name), "{name}");
        }
        for system in &systems {
            assert!(compared.contains(&system.name.as_str()), "{} is in no figure", system.name);
        }
        assert_eq!(systems[reference(&systems)].name, DEFAULT);
    }

    #[test]
    fn names_are_told_apart() {
        let names = |names: &[&str]| named(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["bigger", "smaller"]).unwrap()[1].name, "smaller");
        assert!(matches!(names(&["bigger", "bigger"]), Err(StudyError::SameName { name }) if name == "bigger"));
        assert!(matches!(names(&["no-such"]), Err(StudyError::Recipe(_))));
        let from = System::continuing(PretrainedSource::read(Path::new("conv-50-tiny")).unwrap());
        assert_eq!((from.name.as_str(), from.recipe.training.epochs), ("from-conv-50-tiny", 100));
        let mut systems = names(&["smaller"]).unwrap();
        add(&mut systems, from.clone()).unwrap();
        assert!(matches!(add(&mut systems, from), Err(StudyError::SameName { name }) if name == "from-conv-50-tiny"));
    }
}
