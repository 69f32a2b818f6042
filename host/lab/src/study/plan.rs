//! The plan of a study, written before anything is trained: systems, seeds and photos, and every trial (training) of their
//! product. The same plan means the same study, on whatever machine its trials are trained.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use pinhole_core::photos::{Dataset, copies, folds, groups};
use pinhole_core::recipe::Recipe;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::photos::{StudyPhotos, shape_name, subset};
use super::systems::PlannedStart;
use super::{StudyError, System};

/// Part of every key. Change it if, within one version of Pinhole, the same recipe, seed and photos come to train other
/// weights, or if the contents of a record change.
const TRAINING_FORMAT: &str = "2";

/// Most seeds, and most repeats of a cross-validation.
const MAX_SEEDS: u32 = 1000;
/// Most trials of a study. Lists of all trials are kept in memory.
const MAX_TRIALS: u64 = 1_000_000;
/// Most bytes of a system's name: its trials' files have longer names, which file systems limit to 255.
const MAX_NAME: usize = 200;

/// Numbers of seeds, folds and repeats, which the user chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StudySize {
    /// Number of trainings of each system on a given split, with seeds 1, 2, ...
    pub seeds: u32,
    /// Number of folds of the cross-validation; 0 for none.
    pub folds: u32,
    /// Repeats of the cross-validation, with seeds 1, 2, ..., each with other folds.
    pub repeats: u32,
}

/// The photos that a trial validates on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// The held-out photos of the given split.
    Given,
    /// Fold `fold` (from 0) of the cross-validation with the trial's seed.
    Fold(u32),
}

/// A trial (training).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Index of its system.
    pub system: usize,
    /// Seed of the training, and of the folds.
    pub seed: u64,
    /// Photos that are held out.
    pub split: Split,
}

/// A study as written to `plan.json`. Equal plans are equal files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyPlan {
    /// Version of Pinhole: another version may train differently.
    pub pinhole: String,
    /// Class names.
    pub classes: Vec<String>,
    /// Photos: those of the training folder, then the held-out ones.
    pub photos: Vec<PlannedPhoto>,
    /// Number of photos from the training folder.
    pub training_count: usize,
    /// True if the other photos are the held-out ones of a given split.
    pub given_split: bool,
    /// Files that were left out, with the reasons.
    pub left_out: Vec<String>,
    /// Pairs of photos that are nearly the same, by index.
    pub duplicates: Vec<(usize, usize)>,
    /// Systems.
    pub systems: Vec<PlannedSystem>,
    /// Trainings of each system on the given split; 0 without one.
    pub seeds: u32,
    /// Folds of the cross-validation; 0 for none.
    pub folds: u32,
    /// Repeats of the cross-validation; 0 for none.
    pub repeats: u32,
    /// For each repeat, the fold of each photo.
    pub assignments: Vec<Vec<usize>>,
}

/// A photo of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedPhoto {
    /// Path below the photo folder, whose own location may differ between machines.
    pub path: String,
    /// Index of its class.
    pub class: u16,
    /// SHA-256 of its input's pixels, in hexadecimal, for each input shape of the systems: by its side, or "50 rgb" and such.
    pub pixels: BTreeMap<String, String>,
}

/// A system of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedSystem {
    /// Name.
    pub name: String,
    /// Name of its input shape, as in [`PlannedPhoto::pixels`].
    pub input: String,
    /// Recipe, TOML.
    pub recipe: String,
    /// The trained network that it continues from; absent for new networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PlannedStart>,
}

impl StudyPlan {
    /// Plans a study. Folds are stratified by class, differ from repeat to repeat, and keep near-duplicates together.
    ///
    /// # Errors
    /// [`StudyError::Photos`] if a class has too few photos for the folds; [`StudyError::NothingHeldOut`] without folds and
    /// without a given split; [`StudyError::TooManyTrainings`].
    pub fn new(photos: &StudyPhotos, systems: &[System], size: StudySize) -> Result<Self, StudyError> {
        let all = photos.any();
        let folds_count = if size.repeats == 0 { 0 } else { size.folds };
        if folds_count == 0 && !photos.given_split {
            return Err(StudyError::NothingHeldOut { path: photos.folder().to_owned() });
        }
        let repeats = if folds_count == 0 { 0 } else { size.repeats };
        let seeds = if photos.given_split { size.seeds } else { 0 };
        // More folds than photos have an error of their own, which names the class.
        let of_repeat = u64::from(folds_count).min(all.examples.len() as u64);
        let of_system = u64::from(seeds) + of_repeat * u64::from(repeats);
        let count = of_system.saturating_mul(systems.len() as u64);
        if count > MAX_TRIALS {
            return Err(StudyError::TooManyTrainings { count });
        }
        let groups = groups(all.examples.len(), &photos.duplicates);
        let assignments = (1..=u64::from(repeats))
            .map(|seed| folds(all, &groups, folds_count as usize, seed))
            .collect::<Result<Vec<_>, _>>()?;
        let planned = (0..all.examples.len()).map(|index| PlannedPhoto {
            path: photos.relative_path(index),
            class: all.examples[index].class,
            pixels: photos.digests(index),
        });
        let left_out = photos.warnings.iter().map(|warning| {
            let name = warning.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            format!("{name}: {}", warning.reason)
        });
        Ok(Self {
            pinhole: env!("CARGO_PKG_VERSION").to_owned(),
            classes: all.classes.clone(),
            photos: planned.collect(),
            training_count: photos.training_count,
            given_split: photos.given_split,
            left_out: left_out.collect(),
            duplicates: photos.duplicates.iter().map(|pair| (pair.first, pair.second)).collect(),
            systems: systems
                .iter()
                .map(|system| PlannedSystem {
                    name: system.name.clone(),
                    input: shape_name(system.recipe.input()),
                    recipe: system.recipe.to_toml(),
                    from: system.planned_start(),
                })
                .collect(),
            seeds,
            folds: folds_count,
            repeats,
            assignments,
        })
    }

    /// Checks that a plan from a file could come from [`StudyPlan::new`], as far as code relies on it. The error is the
    /// reason.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let count = self.photos.len();
        let sound = [
            (!self.systems.is_empty() && count > 0, "it has no systems or no photos"),
            (self.systems.iter().all(|system| is_file_name(&system.name)), "a system's name cannot be that of a file"),
            (self.has_different_names(), "two systems have the same name"),
            (self.seeds.max(self.repeats) <= MAX_SEEDS, "it has more than 1000 seeds or repeats"),
            (self.folds as usize <= count, "it has more folds than photos"),
            (self.trial_count() <= MAX_TRIALS, "it has more than a million trainings"),
            (self.classes.len() >= 2, "it has fewer than two classes"),
            (
                self.photos.iter().all(|photo| usize::from(photo.class) < self.classes.len()),
                "a photo's class does not exist",
            ),
            (self.training_count <= count, "it trains on more photos than it has"),
            (!self.given_split || self.training_count < count, "its given split holds nothing out"),
            (self.given_split || self.seeds == 0, "it has seeds for a split that does not exist"),
            (self.seeds > 0 || self.repeats > 0, "it has nothing to train"),
            ((self.folds == 0) == (self.repeats == 0), "it has folds without repeats, or repeats without folds"),
            (self.assignments.len() == self.repeats as usize, "its numbers of folds and repeats differ"),
            (self.assignments.iter().all(|folds| self.are_folds(folds)), "the folds of a repeat are not valid"),
            (self.duplicates.iter().all(|&(a, b)| a < count && b < count), "a near-duplicate does not exist"),
            (
                self.systems
                    .iter()
                    .all(|system| self.photos.iter().all(|photo| photo.pixels.contains_key(&system.input))),
                "a photo lacks an input size",
            ),
        ];
        sound.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, what)| Err(what))
    }

    fn has_different_names(&self) -> bool {
        let names: BTreeSet<&str> = self.systems.iter().map(|system| system.name.as_str()).collect();
        names.len() == self.systems.len()
    }

    /// Returns the number of trials, without a list of them.
    fn trial_count(&self) -> u64 {
        let of_system = u64::from(self.seeds) + u64::from(self.folds) * u64::from(self.repeats);
        of_system.saturating_mul(self.systems.len() as u64)
    }

    /// Returns true if these are folds of all photos, none of them empty.
    fn are_folds(&self, folds: &[usize]) -> bool {
        folds.len() == self.photos.len()
            && self.folds >= 2
            && folds.iter().all(|&fold| fold < self.folds as usize)
            && (0..self.folds as usize).all(|fold| folds.contains(&fold))
    }

    /// Returns the systems with their parsed recipes. A network to continue from is not read again: these systems cannot be
    /// trained.
    ///
    /// # Errors
    /// [`StudyError::Recipe`] if a recipe is invalid: the plan was changed by hand.
    pub fn systems(&self) -> Result<Vec<System>, StudyError> {
        self.systems
            .iter()
            .map(|system| Ok(System::new(system.name.clone(), Recipe::parse(&system.recipe, &system.name)?)))
            .collect()
    }

    /// Returns all trials, system by system: on the given split seed by seed, then fold by fold, repeat by repeat.
    pub fn trials(&self) -> Vec<Trial> {
        let given_split = (1..=u64::from(self.seeds)).map(|seed| (seed, Split::Given));
        let cross_validation =
            (1..=u64::from(self.repeats)).flat_map(|seed| (0..self.folds).map(move |fold| (seed, Split::Fold(fold))));
        let one: Vec<_> = given_split.chain(cross_validation).collect();
        let systems = 0..self.systems.len();
        systems.flat_map(|system| one.iter().map(move |&(seed, split)| Trial { system, seed, split })).collect()
    }

    /// Returns the indices of the photos that a trial validates on, ascending.
    ///
    /// # Panics
    /// If the trial is not one of this plan's.
    pub fn validation(&self, trial: Trial) -> Vec<usize> {
        match trial.split {
            Split::Given => (self.training_count..self.photos.len()).collect(),
            Split::Fold(fold) => {
                let assignment = &self.assignments[trial.seed as usize - 1];
                (0..self.photos.len()).filter(|&index| assignment[index] == fold as usize).collect()
            }
        }
    }

    /// Returns the name of a trial, for people and for its file.
    pub fn trial_name(&self, trial: Trial) -> String {
        let system = &self.systems[trial.system].name;
        match trial.split {
            Split::Given => format!("{system}.seed-{}", trial.seed),
            Split::Fold(fold) => format!("{system}.fold-{}-of-{}.seed-{}", fold + 1, self.folds, trial.seed),
        }
    }

    /// Returns the key of a trial: the SHA-256 of all that its result depends on. A result with this key remains valid.
    pub fn key(&self, trial: Trial) -> String {
        let system = &self.systems[trial.system];
        let mut hash = Sha256::new();
        let held_out = self.validation(trial);
        let mut put = |field: &str| {
            // Each field ends with a byte that no field contains, so that different lists of fields give different bytes.
            hash.update(field.as_bytes());
            hash.update([0]);
        };
        put(&self.pinhole);
        put(TRAINING_FORMAT);
        put(&system.recipe);
        if let Some(from) = &system.from {
            put(&format!("from {:08x}", from.checksum));
        }
        put(&trial.seed.to_string());
        put(&self.classes.join("\n"));
        for (index, photo) in self.photos.iter().enumerate() {
            put(&photo.pixels[&system.input]);
            put(&photo.class.to_string());
            put(if held_out.binary_search(&index).is_ok() { "held out" } else { "trained on" });
        }
        hex(&hash.finalize())
    }

    /// Returns a trial's training data, with the recipe's copies, and its validation data.
    pub(super) fn data(&self, trial: Trial, photos: &StudyPhotos, system: &System) -> (Dataset, Dataset) {
        let all = photos.dataset(system.recipe.input());
        let held_out = self.validation(trial);
        let trained_on = (0..all.examples.len()).filter(|index| held_out.binary_search(index).is_err());
        let training = copies(&subset(all, trained_on), &system.recipe.training.copies);
        (training, subset(all, held_out.iter().copied()))
    }

    /// Returns the share of the largest class: the accuracy of always deciding for it.
    pub fn largest_share(&self) -> f64 {
        self.class_shares().into_iter().fold(0.0, f64::max)
    }

    /// Returns the loss of a network that knows only the classes' shares, nats: ln(classes) if all are equally large.
    pub fn guess_loss(&self) -> f64 {
        let shares = self.class_shares().into_iter().filter(|&share| share > 0.0);
        -shares.map(|share| share * libm::log(share)).sum::<f64>()
    }

    fn class_shares(&self) -> Vec<f64> {
        let count_of = |class| self.photos.iter().filter(|photo| usize::from(photo.class) == class).count();
        (0..self.classes.len()).map(|class| count_of(class) as f64 / self.photos.len() as f64).collect()
    }

    /// Returns a difference between two plans in words, if there is one. Files that were left out are not part of a study.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        let differ = [
            ("versions of Pinhole", self.pinhole != other.pinhole),
            ("photos", self.photos != other.photos || self.classes != other.classes),
            ("systems", self.systems != other.systems),
            (
                "seeds, folds or repeats",
                (self.seeds, self.folds, self.repeats) != (other.seeds, other.folds, other.repeats),
            ),
            ("splits", self.assignments != other.assignments || self.training_count != other.training_count),
        ];
        differ.into_iter().find(|(_, differ)| *differ).map(|(what, _)| what)
    }
}

/// Returns true if a name can be a part of a file's name, and cannot lead out of its folder.
pub(super) fn is_file_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let is_one = matches!(parts.next(), Some(Component::Normal(part)) if part == name) && parts.next().is_none();
    is_one && name.len() <= MAX_NAME && !name.contains(char::is_control)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
