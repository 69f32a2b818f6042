//! Photos to classify, without regard to their classes.

use std::path::PathBuf;

use pinhole_shared::pixels::InputShape;
use rayon::prelude::*;

use super::error::LeftOut;
use super::{PhotoError, Warning, decode, expand, thinned};

/// A photo and its network input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlabeled {
    /// The photo.
    pub path: PathBuf,
    /// Input bytes: row by row, the channels of a pixel together.
    pub pixels: Vec<u8>,
    /// True if the photo is smaller than the input and was enlarged.
    pub enlarged: bool,
}

/// Reads the photos that paths on a command line mean (see [`expand`]) as inputs of this shape, on all cores, in order.
///
/// A photo that cannot be used is an error if its file was named. In a folder it is left out with a warning, as in training.
///
/// # Errors
/// [`PhotoError::Photo`] for a named file, [`PhotoError::Nothing`] for a folder without a usable photo, and those of
/// [`expand`].
pub fn read_unlabeled(paths: &[PathBuf], input: InputShape) -> Result<(Vec<Unlabeled>, Vec<Warning>), PhotoError> {
    read_some_unlabeled(paths, input, None)
}

/// Like [`read_unlabeled`], but reads at most `limit` photos, spread evenly over all of them.
///
/// # Errors
/// Those of [`read_unlabeled`].
pub fn read_some_unlabeled(
    paths: &[PathBuf],
    input: InputShape,
    limit: Option<usize>,
) -> Result<(Vec<Unlabeled>, Vec<Warning>), PhotoError> {
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    for (place, path) in paths.iter().enumerate() {
        let (found, warnings) = expand(std::slice::from_ref(path))?;
        files.extend(found.into_iter().map(|file| (place, file)));
        left_out.push(warnings);
    }
    let read = |(place, file): (usize, PathBuf)| (place, decode::read_input(&file, input), file);
    let read: Vec<_> = thinned(files, limit).into_par_iter().map(read).collect();
    let mut usable = Vec::with_capacity(read.len());
    // For each path: true if one of its files could be used; `None` if none was read.
    let mut has_usable = vec![None; paths.len()];
    for (place, input, file) in read {
        let is_usable = input.is_ok();
        match input {
            Ok(input) => usable.push(Unlabeled { path: file, pixels: input.pixels, enlarged: input.enlarged }),
            Err(PhotoError::Photo { path, reason }) if paths[place].is_dir() => {
                left_out[place].push(Warning { path, reason: reason.to_string() });
            }
            Err(other) => return Err(other),
        }
        has_usable[place] = Some(is_usable || has_usable[place] == Some(true));
    }
    if let Some(place) = has_usable.iter().position(|usable| *usable == Some(false)) {
        return Err(PhotoError::Nothing { path: paths[place].clone(), left_out: LeftOut::of(&left_out[place]) });
    }
    Ok((usable, left_out.into_iter().flatten().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_files_are_left_out_of_folders_and_errors_by_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let [whole, broken] = ["a.png", "b.jpg"].map(|name| folder.path().join(name));
        image::GrayImage::from_pixel(60, 50, image::Luma([7])).save(&whole).unwrap();
        std::fs::write(&broken, "no picture").unwrap();
        let given = folder.path().to_owned();
        let (usable, warnings) = read_unlabeled(&[given.clone(), whole.clone()], InputShape::gray(50)).unwrap();
        let expected = Unlabeled { path: whole.clone(), pixels: vec![7; 2500], enlarged: false };
        assert_eq!(usable, [expected.clone(), expected]);
        assert_eq!(warnings.iter().map(|warning| &warning.path).collect::<Vec<_>>(), [&broken]);

        let named = read_unlabeled(&[given.clone(), broken.clone()], InputShape::gray(50));
        assert!(matches!(named, Err(PhotoError::Photo { path, .. }) if path == broken));
        let (some, _) =
            read_some_unlabeled(&[whole.clone(), whole.clone(), whole.clone()], InputShape::gray(50), Some(2)).unwrap();
        assert_eq!(some.len(), 2);
        let (enlarged, _) = read_unlabeled(std::slice::from_ref(&given), InputShape::gray(51)).unwrap();
        assert_eq!(enlarged, [Unlabeled { path: whole, pixels: vec![7; 51 * 51], enlarged: true }]);
    }
}
