//! Photos of a study: each once, for every input size of the systems, and their split.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pinhole_core::photos::{
    self, Dataset, DuplicatePhotos, FoundDuplicates, NearDuplicate, PhotoOptions, Series, SplitFolders, Warning,
};
use pinhole_shared::pixels::{Color, Fit, InputShape};
use sha2::{Digest, Sha256};

use super::plan::hex;
use super::{StudyError, System};

/// Folders of a study's photos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoFolders {
    /// Folder of the photos, or of the training photos of a given split.
    pub training: PathBuf,
    /// Folder of a given split's held-out photos.
    pub validation: Option<PathBuf>,
    /// Settings of reading and comparing the photos.
    pub options: PhotoOptions,
}

/// Progress of comparing photos with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Number of pairs to compare.
    Of(u64),
    /// Number of further pairs that were compared.
    More(u64),
}

impl PhotoFolders {
    /// Finds the folders of photos from one that a user names, as [`SplitFolders::find`] does. A named `validation` folder takes
    /// precedence over one that is found.
    ///
    /// # Errors
    /// [`StudyError::TwoHeldOut`] if there are several such folders and none is named.
    pub fn find(folder: &Path, validation: Option<&Path>) -> Result<Self, StudyError> {
        let found = SplitFolders::find(folder);
        match (validation.map(Path::to_owned), found.validation, found.test) {
            (None, Some(validation), Some(test)) => {
                let (first, second) = (validation.clone().min(test.clone()), validation.max(test));
                Err(StudyError::TwoHeldOut { first, second })
            }
            (named, validation, _) => Ok(Self {
                training: found.training,
                validation: named.or(validation),
                options: PhotoOptions::default(),
            }),
        }
    }

    /// Sets the settings of reading and comparing the photos.
    pub fn with(self, options: PhotoOptions) -> Self {
        Self { options, ..self }
    }
}

/// All photos of a study.
#[derive(Clone, Debug)]
pub struct StudyPhotos {
    /// The same photos in the same order for each input shape: those of the training folder, then held-out ones.
    by_shape: BTreeMap<InputShape, Dataset>,
    /// Number of photos from the training folder.
    pub training_count: usize,
    /// True if the other photos are the held-out ones of a given split.
    pub given_split: bool,
    /// Photos that were left out.
    pub warnings: Vec<Warning>,
    /// Number of photos that were enlarged, because they are smaller than the largest input.
    pub enlarged: usize,
    /// Pairs of photos that are nearly the same; indices as in the datasets.
    pub duplicates: Vec<NearDuplicate>,
    /// Number of photos that were not compared with all others, because they resemble too many.
    pub unfinished: usize,
    source: PhotoFolders,
}

impl StudyPhotos {
    /// Reads the photos, without reports of progress: see [`Self::load_telling`].
    ///
    /// # Errors
    /// [`StudyError::Photos`].
    ///
    /// # Panics
    /// If there is no system.
    pub fn load(source: &PhotoFolders, systems: &[System]) -> Result<Self, StudyError> {
        Self::load_telling(source, systems, &|_| ())
    }

    /// Reads the photos for every input shape of the systems, and compares them with each other. All systems see the same
    /// photos: a photo that cannot be read is left out of all.
    ///
    /// # Errors
    /// [`StudyError::Photos`].
    ///
    /// # Panics
    /// If there is no system.
    pub fn load_telling(
        source: &PhotoFolders,
        systems: &[System],
        observe: &(dyn Fn(Compared) + Sync),
    ) -> Result<Self, StudyError> {
        let shapes: BTreeSet<InputShape> = systems.iter().map(|system| system.recipe.input()).collect();
        let largest = shapes.iter().copied().max_by_key(|shape| (shape.bytes(), *shape)).expect("a study has systems");
        let (reference, training_count, warnings) = load_shape(source, largest)?;
        let usable: BTreeSet<&Path> = reference.examples.iter().map(|example| example.path.as_path()).collect();
        let mut by_shape = BTreeMap::new();
        for &shape in shapes.iter().filter(|&&shape| shape != largest) {
            let (mut dataset, _, _) = load_shape(source, shape)?;
            dataset.examples.retain(|example| usable.contains(example.path.as_path()));
            by_shape.insert(shape, dataset);
        }
        let enlarged = reference.enlarged;
        let examples: Vec<_> = reference.examples.iter().collect();
        let found = if source.options.duplicate_search {
            observe(Compared::Of((examples.len() * examples.len().saturating_sub(1) / 2) as u64));
            photos::search(&examples, largest, training_count, &|more| observe(Compared::More(more)))
        } else {
            FoundDuplicates::default()
        };
        by_shape.insert(largest, reference);
        Ok(Self {
            by_shape,
            training_count,
            given_split: source.validation.is_some(),
            warnings,
            enlarged,
            duplicates: found.pairs,
            unfinished: found.unfinished,
            source: source.clone(),
        })
    }

    /// Returns the photos of the training folder alone, without the given split.
    pub fn training_only(&self) -> Self {
        let count = self.training_count;
        Self {
            by_shape: self.by_shape.iter().map(|(&shape, dataset)| (shape, subset(dataset, 0..count))).collect(),
            given_split: false,
            duplicates: self.duplicates.iter().filter(|pair| pair.second < count).copied().collect(),
            source: PhotoFolders { validation: None, ..self.source.clone() },
            enlarged: self.enlarged,
            warnings: self.warnings.clone(),
            ..*self
        }
    }

    /// Returns all photos as inputs of a system's shape.
    ///
    /// # Panics
    /// If no system of the study has this shape.
    pub fn dataset(&self, input: InputShape) -> &Dataset {
        &self.by_shape[&input]
    }

    /// Returns the folder of the photos, or of the training photos of a given split.
    pub fn folder(&self) -> &Path {
        &self.source.training
    }

    /// Returns the class names.
    pub fn classes(&self) -> &[String] {
        &self.any().classes
    }

    /// Returns all photos, with inputs of any of the shapes.
    pub fn any(&self) -> &Dataset {
        self.by_shape.values().next().expect("photos are loaded for at least one shape")
    }

    /// Returns a photo's path below the folder where it was found, with forward slashes, the same on every machine. Held-out
    /// photos of a given split have their folder's name before it.
    pub(super) fn relative_path(&self, index: usize) -> String {
        let path = &self.any().examples[index].path;
        let below = |source: &Path| {
            // Paths in a list are relative to its folder.
            let folder = if source.is_file() { source.parent().unwrap_or(source) } else { source };
            path.strip_prefix(folder).unwrap_or(path).to_owned()
        };
        let relative = match &self.source.validation {
            Some(folder) if index >= self.training_count => {
                Path::new(folder.file_name().unwrap_or_default()).join(below(folder))
            }
            _ => below(&self.source.training),
        };
        relative.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    }

    /// Returns the SHA-256 of a photo's input of each shape, in hexadecimal, by the shapes' names ([`shape_name`]).
    pub(super) fn digests(&self, index: usize) -> BTreeMap<String, String> {
        let digest = |dataset: &Dataset| hex(&Sha256::digest(&dataset.examples[index].pixels));
        self.by_shape.iter().map(|(&shape, dataset)| (shape_name(shape), digest(dataset))).collect()
    }

    /// Returns the series that this number of folds cuts into blocks.
    pub fn series(&self, folds: u32) -> Vec<Series> {
        let all = self.any();
        photos::series_of_folds(all, &photos::groups(all.examples.len(), &self.duplicates), folds as usize)
    }

    /// Returns the near-duplicates by their paths. Pairs across the given split are marked: a network is tested on a copy of
    /// what it has learned.
    pub fn duplicate_paths(&self) -> Vec<DuplicatePhotos> {
        let examples: Vec<_> = self.any().examples.iter().collect();
        let training = if self.given_split { self.training_count } else { examples.len() };
        DuplicatePhotos::of(&self.duplicates, &examples, self.classes(), training)
    }
}

/// Returns the name of an input shape in a plan: its side (or width and height), its color unless that is gray, and its fit unless
/// pictures are cropped.
pub(super) fn shape_name(input: InputShape) -> String {
    let size = input.side().map_or_else(|| format!("{}x{}", input.width, input.height), |side| side.to_string());
    let color = if input.color == Color::Gray { String::new() } else { format!(" {}", input.color) };
    let fit = if input.fit == Fit::Crop { String::new() } else { format!(" {}", input.fit) };
    size + &color + &fit
}

fn load_shape(source: &PhotoFolders, input: InputShape) -> Result<(Dataset, usize, Vec<Warning>), StudyError> {
    let mut all = photos::load(source.options.of(&source.training), input, None)?;
    let training_count = all.examples.len();
    if let Some(folder) = &source.validation {
        let validation = photos::load(source.options.of(folder), input, Some(&all.classes))?;
        all.examples.extend(validation.examples);
        all.warnings.extend(validation.warnings);
        all.enlarged += validation.enlarged;
    }
    let warnings = std::mem::take(&mut all.warnings);
    Ok((all, training_count, warnings))
}

/// Returns some of a dataset's examples, in the order of the indices.
pub(super) fn subset(dataset: &Dataset, indices: impl IntoIterator<Item = usize>) -> Dataset {
    let examples = indices.into_iter().map(|index| dataset.examples[index].clone()).collect();
    Dataset { input: dataset.input, classes: dataset.classes.clone(), examples, warnings: Vec::new(), enlarged: 0 }
}
