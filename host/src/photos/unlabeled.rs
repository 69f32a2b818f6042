//! Photos to be classified, whatever their classes.

use std::path::PathBuf;

use pinhole_shared::pixels::InputShape;
use rayon::prelude::*;

use super::error::LeftOut;
use super::{PhotoError, Warning, decode, expand};

/// A photo and what the network sees of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlabeled {
    /// The photo.
    pub path: PathBuf,
    /// Row by row, the channels of a pixel together.
    pub pixels: Vec<u8>,
}

/// Reads the photos that paths on a command line mean (see [`expand`]) as inputs of this shape, on all cores, in order.
///
/// One that cannot be used is an error when it was named itself; in a folder it is left out with a warning, as in
/// training.
///
/// # Errors
/// [`PhotoError::Photo`] for a named file, [`PhotoError::Nothing`] for a folder without a usable photo, and what
/// [`expand`] finds.
pub fn read_unlabeled(paths: &[PathBuf], input: InputShape) -> Result<(Vec<Unlabeled>, Vec<Warning>), PhotoError> {
    let (mut usable, mut warnings) = (Vec::new(), Vec::new());
    for path in paths {
        let (files, mut left_out) = expand(std::slice::from_ref(path))?;
        let read: Vec<_> = files.into_par_iter().map(|file| (decode::read_input(&file, input), file)).collect();
        let before = usable.len();
        for (pixels, file) in read {
            match pixels {
                Ok(pixels) => usable.push(Unlabeled { path: file, pixels }),
                Err(PhotoError::Photo { path: file, reason }) if path.is_dir() => {
                    left_out.push(Warning { path: file, reason: reason.to_string() });
                }
                Err(other) => return Err(other),
            }
        }
        if usable.len() == before {
            return Err(PhotoError::Nothing { path: path.clone(), left_out: LeftOut::of(&left_out) });
        }
        warnings.append(&mut left_out);
    }
    Ok((usable, warnings))
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
        let expected = Unlabeled { path: whole.clone(), pixels: vec![7; 2500] };
        assert_eq!(usable, [expected.clone(), expected]);
        assert_eq!(warnings.iter().map(|warning| &warning.path).collect::<Vec<_>>(), [&broken]);

        let named = read_unlabeled(&[given.clone(), broken.clone()], InputShape::gray(50));
        assert!(matches!(named, Err(PhotoError::Photo { path, .. }) if path == broken));
        let too_small = read_unlabeled(std::slice::from_ref(&given), InputShape::gray(51));
        assert!(matches!(too_small, Err(PhotoError::Nothing { path, .. }) if path == given));
    }
}
