//! Labeled network inputs, in memory.

use std::path::{Path, PathBuf};

use pinhole_shared::pixels::InputShape;
use rayon::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::error::LeftOut;
use super::letterbox::change_inside;
use super::split_folders::are_split_names;
use super::{FoundPhotos, PhotoError, Source, Warning, decode, scan, thinned};
use crate::recipe::Copies;

/// One labeled input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The photo it came from.
    pub path: PathBuf,
    /// Index of the class.
    pub class: u16,
    /// Input bytes as on the device: row by row, the channels of a pixel together.
    pub pixels: Vec<u8>,
}

/// Labeled inputs of one shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Shape of the inputs.
    pub input: InputShape,
    /// Class names; an example's class is an index into them.
    pub classes: Vec<String>,
    /// The inputs, sorted by class and path.
    pub examples: Vec<Example>,
    /// Files that were left out, with the reason.
    pub warnings: Vec<Warning>,
    /// Number of photos that were enlarged, because they are smaller than the input.
    pub enlarged: usize,
}

impl Dataset {
    /// Returns the number of examples of each class.
    pub fn class_counts(&self) -> Vec<usize> {
        (0..self.classes.len()).map(|class| self.members(class).len()).collect()
    }

    /// Returns the names of the classes without an example.
    pub fn missing(&self) -> Vec<String> {
        let counts = self.class_counts();
        self.classes.iter().zip(counts).filter(|(_, count)| *count == 0).map(|(class, _)| class.clone()).collect()
    }

    /// Returns the indices of a class's examples, ascending.
    pub(super) fn members(&self, class: usize) -> Vec<usize> {
        (0..self.examples.len()).filter(|&i| usize::from(self.examples[i].class) == class).collect()
    }

    /// Returns the examples whose indices to keep, without the warnings and the count of enlarged photos, which belong to the
    /// whole folder.
    pub(super) fn select(&self, keep: impl Fn(usize) -> bool) -> Self {
        let examples =
            self.examples.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, example)| example.clone()).collect();
        Self { input: self.input, classes: self.classes.clone(), examples, warnings: Vec::new(), enlarged: 0 }
    }
}

/// Reads all photos of a folder or a list (see [`scan`]) as inputs of this shape, on all cores. Their order does not depend on
/// the cores.
///
/// With `known` classes, labels are indices into them, and the folder's classes must be among them, with the same upper and
/// lower case. Else the labels are the folder's own classes, all of which must have usable photos. Photos that cannot be used
/// become warnings.
///
/// # Errors
/// [`PhotoError`]: those of [`scan`], a class that is not known, or a class or folder without a usable photo.
pub fn load<'a>(
    source: impl Into<Source<'a>>,
    input: InputShape,
    known: Option<&[String]>,
) -> Result<Dataset, PhotoError> {
    load_some(source, input, known, None, &|_| ())
}

/// Progress of reading photos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// So many files have been found, and are read now. This comes once, and first.
    Found(usize),
    /// One more has been read.
    One,
}

/// Like [`load`], but reads at most `limit` photos, spread evenly over the folder's: each class has its share of them.
/// `observe` receives the progress, from several threads.
///
/// # Errors
/// Those of [`load`].
pub fn load_some<'a>(
    source: impl Into<Source<'a>>,
    input: InputShape,
    known: Option<&[String]>,
    limit: Option<usize>,
    observe: &(dyn Fn(Reading) + Sync),
) -> Result<Dataset, PhotoError> {
    let source = source.into();
    let folder = source.path;
    let found = scan(source)?;
    check_classes(&found, folder, known.is_some())?;
    let classes = known.map_or_else(|| found.classes.clone(), <[String]>::to_vec);
    let labels = found
        .classes
        .iter()
        .enumerate()
        .map(|(index, class)| {
            // Networks trained before names were composed have them in other forms.
            classes.iter().position(|known| known.nfc().eq(class.chars())).ok_or_else(|| PhotoError::UnknownClass {
                path: found.photos.iter().find(|p| p.class == index).map_or(folder.to_owned(), |p| p.path.clone()),
                class: class.clone(),
                known: classes.join(", "),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;

    let photos = thinned(found.photos, limit);
    observe(Reading::Found(photos.len()));
    let read_one = |path| {
        let read = decode::read_input(path, input);
        observe(Reading::One);
        read
    };
    let read: Vec<_> = photos.par_iter().map(|photo| read_one(&photo.path)).collect();
    let (mut warnings, mut enlarged) = (found.warnings, 0);
    let mut examples = Vec::with_capacity(read.len());
    // Class of each photo that cannot be used.
    let mut unusable: Vec<(u16, Warning)> = Vec::new();
    for (photo, read) in photos.into_iter().zip(read) {
        match read {
            Ok(read) => {
                enlarged += usize::from(read.enlarged);
                examples.push(Example { path: photo.path, class: labels[photo.class] as u16, pixels: read.pixels });
            }
            Err(PhotoError::Photo { path, reason }) => {
                unusable.push((labels[photo.class] as u16, Warning { path, reason: reason.to_string() }));
            }
            Err(other) => return Err(other),
        }
    }
    warnings.extend(unusable.iter().map(|(_, warning)| warning.clone()));
    let dataset = Dataset { input, classes, examples, warnings, enlarged };
    if dataset.examples.is_empty() {
        return Err(PhotoError::Nothing { path: folder.to_owned(), left_out: LeftOut::of(&dataset.warnings) });
    }
    if known.is_none()
        && let Some(empty) = dataset.class_counts().iter().position(|&count| count == 0)
    {
        // Files of other classes are not the reason.
        let own: Vec<Warning> = unusable
            .into_iter()
            .filter(|(class, _)| usize::from(*class) == empty)
            .map(|(_, warning)| warning)
            .collect();
        let (path, class) = (folder.to_owned(), dataset.classes[empty].clone());
        return Err(PhotoError::EmptyClass { path, class, left_out: LeftOut::of(&own) });
    }
    Ok(dataset)
}

/// Checks that a folder's classes can be: they are not a split's folders and, unless classes are known, at least two.
pub(super) fn check_classes(found: &FoundPhotos, folder: &Path, are_known: bool) -> Result<(), PhotoError> {
    let (path, names) = (folder.to_owned(), found.classes.join(", "));
    if are_split_names(&found.classes) {
        return Err(PhotoError::Split { path, found: names });
    }
    if !are_known && found.classes.len() < 2 {
        let left_out = LeftOut::of(&found.warnings);
        return Err(PhotoError::TooFewClasses { path, count: found.classes.len(), found: names, left_out });
    }
    Ok(())
}

/// Adds changed copies of every example to a dataset, each right after its original.
pub fn copies(dataset: &Dataset, copies: &[Copies]) -> Dataset {
    // Recipes turn square inputs only.
    let (side, channels) = (usize::from(dataset.input.width), usize::from(dataset.input.color.channels()));
    let changed = |example: &Example, copy: &Copies| {
        let pixels = match copy {
            Copies::Inverted => change_inside(&example.pixels, dataset.input, |inside, _| {
                inside.iter().map(|pixel| 255 - pixel).collect()
            }),
            // A quarter turn counterclockwise: the right column becomes the top row.
            Copies::Rotated => {
                let pixels = (0..side * side).map(|i| (i % side) * side + side - 1 - i / side);
                pixels.flat_map(|pixel| &example.pixels[pixel * channels..][..channels]).copied().collect()
            }
        };
        Example { pixels, ..example.clone() }
    };
    let examples = dataset
        .examples
        .iter()
        .flat_map(|example| {
            std::iter::once(example.clone()).chain(copies.iter().map(move |copy| changed(example, copy)))
        })
        .collect();
    Dataset { examples, ..dataset.clone() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns these numbers of examples of each class.
    pub(in crate::photos) fn dataset(counts: &[usize]) -> Dataset {
        let examples = counts.iter().enumerate().flat_map(|(class, &count)| {
            (0..count).map(move |i| Example {
                path: format!("{class}/{i}").into(),
                class: class as u16,
                pixels: vec![1, 2, 3, 4],
            })
        });
        let classes = (0..counts.len()).map(|class| class.to_string()).collect();
        Dataset { input: InputShape::gray(2), classes, examples: examples.collect(), warnings: Vec::new(), enlarged: 0 }
    }

    #[test]
    fn copies_are_negatives_and_quarter_turns() {
        let tripled = copies(&dataset(&[1, 1]), &[Copies::Inverted, Copies::Rotated]);
        let pixels: Vec<_> = tripled.examples.iter().map(|example| (example.class, &example.pixels[..])).collect();
        let (original, negative, turned) = (&[1, 2, 3, 4][..], &[254, 253, 252, 251][..], &[2, 4, 1, 3][..]);
        assert_eq!(pixels, [(0, original), (0, negative), (0, turned), (1, original), (1, negative), (1, turned)]);
        let mut color = dataset(&[1]);
        color.input = InputShape::rgb(2);
        color.examples[0].pixels = (1..=12).collect();
        // A pixel's channels stay together.
        assert_eq!(copies(&color, &[Copies::Rotated]).examples[1].pixels, [4, 5, 6, 10, 11, 12, 1, 2, 3, 7, 8, 9]);
    }

    /// The first file that is left out may be another class's.
    #[test]
    fn a_class_without_a_usable_photo_names_its_own_files() {
        let folder = tempfile::tempdir().unwrap();
        for (class, broken) in [("a", true), ("b", true), ("c", false)] {
            std::fs::create_dir(folder.path().join(class)).unwrap();
            let whole = class != "b";
            if whole {
                image::GrayImage::new(9, 9).save(folder.path().join(class).join("whole.png")).unwrap();
            }
            if broken {
                std::fs::write(folder.path().join(class).join("broken.png"), class).unwrap();
            }
        }
        match load(folder.path(), InputShape::gray(9), None) {
            Err(PhotoError::EmptyClass { class, left_out, .. }) => {
                let own = folder.path().join("b").join("broken.png");
                let (said, own) = (left_out.to_string(), own.display().to_string());
                assert!(class == "b" && said.contains("1 left out") && said.contains(&own), "{said}");
            }
            other => panic!("{other:?}"),
        }
    }
}
