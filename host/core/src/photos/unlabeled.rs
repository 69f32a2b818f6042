//! Photos to classify, without regard to their classes.

use std::path::{Path, PathBuf};

use pinhole_shared::pixels::InputShape;
use rayon::prelude::*;

use super::error::LeftOut;
use super::folder::one_level;
use super::list::{self, is_list};
use super::{PhotoError, Warning, decode, thinned};

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

/// Finds the photos that paths on a command line mean, in the order of the paths. A file is itself. A list is the files in it,
/// as it has them. A folder is all pictures directly in it, then those in the folders in it, sorted. Classes are ignored.
///
/// # Errors
/// [`PhotoError::Photo`] if a path does not exist, [`PhotoError::Folder`] if a folder cannot be read, [`PhotoError::Nothing`] if a
/// folder or a list has no picture, and errors of reading a list.
pub fn expand(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<Warning>), PhotoError> {
    let (mut found, mut warnings) = (Vec::new(), Vec::new());
    for path in paths {
        let (files, left_out) = expand_one(path)?;
        found.extend(files);
        warnings.extend(left_out);
    }
    Ok((found, warnings))
}

/// Like [`expand`], for one path.
fn expand_one(path: &Path) -> Result<(Vec<PathBuf>, Vec<Warning>), PhotoError> {
    let (files, warnings) = if is_list(path) {
        list::paths(path)?
    } else if path.is_dir() {
        let all = one_level(path)?.all_files();
        (all.pictures, [all.folders, all.other].concat())
    } else {
        // A missing file is reported now, before a board is started for it. If it is not a picture, reading finds that.
        path.metadata().map_err(|reason| PhotoError::unreadable(path, reason))?;
        (vec![path.to_owned()], Vec::new())
    };
    if files.is_empty() {
        return Err(PhotoError::Nothing { path: path.to_owned(), left_out: LeftOut::of(&warnings) });
    }
    Ok((files, warnings))
}

/// Reads the photos that paths on a command line mean (see [`expand`]) as inputs of this shape, on all cores, in order.
///
/// A photo that cannot be used is an error if its file was named. In a folder or a list it is left out with a warning, as in
/// training.
///
/// # Errors
/// [`PhotoError::Photo`] for a named file, [`PhotoError::Nothing`] for a folder or a list without a usable photo, and those of
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
        let (found, warnings) = expand_one(path)?;
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
            Err(PhotoError::Photo { path, reason }) if paths[place].is_dir() || is_list(&paths[place]) => {
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
    use super::super::folder::tests::{folder_with, name, said};
    use super::*;

    #[test]
    fn a_list_needs_no_classes_and_no_named_folder() {
        let folder = folder_with(&["a.jpg", "in/b.jpg"]);
        // As for a list in the working folder, the folder that `a.jpg` is in has no name in its path.
        let list = folder.path().join("in").join("..").join("list.csv");
        for text in ["a.jpg\nin/b.jpg\na.jpg\n", "a.jpg,cat\nin/b.jpg,dog\na.jpg,dog\n", "path\na.jpg\nin/b.jpg\n"] {
            std::fs::write(&list, text).unwrap();
            let (files, warnings) = expand(std::slice::from_ref(&list)).unwrap();
            assert_eq!(files.iter().map(|path| name(path)).collect::<Vec<_>>(), ["a.jpg", "b.jpg"], "{text}");
            assert_eq!(warnings, [], "{text}");
        }
    }

    #[test]
    fn a_folder_without_photos_names_its_own_files() {
        let folder = folder_with(&["good/1.jpg", "good/0.txt", "bad/2.txt"]);
        let [good, bad] = ["good", "bad"].map(|name| folder.path().join(name));
        match expand(&[good, bad.clone()]) {
            Err(PhotoError::Nothing { path, left_out }) => {
                let own = bad.join("2.txt");
                assert_eq!(path, bad);
                let reason = "its ending is not that of a picture";
                assert_eq!(left_out.to_string(), format!(" (1 left out; the first: {}: {reason})", own.display()));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_is_its_files_and_names_those_that_do_not_exist() {
        let folder = folder_with(&["b.jpg", "a.png"]);
        let list = folder.path().join("list.txt");
        std::fs::write(&list, "b.jpg\nnone.jpg\na.png\nnone.jpg\n").unwrap();
        let (files, warnings) = expand(std::slice::from_ref(&list)).unwrap();
        assert_eq!(files, ["b.jpg", "a.png"].map(|name| folder.path().join(name)));
        assert_eq!(said(&warnings).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["none.jpg"]);
        for text in ["", "none.jpg\n"] {
            std::fs::write(&list, text).unwrap();
            let error = expand(std::slice::from_ref(&list)).unwrap_err();
            assert!(matches!(&error, PhotoError::Nothing { path, .. } if *path == list), "{error}");
        }
    }

    #[test]
    fn broken_files_are_left_out_of_folders_and_lists_and_errors_by_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let [whole, broken] = ["a.png", "b.jpg"].map(|name| folder.path().join(name));
        image::GrayImage::from_pixel(60, 50, image::Luma([7])).save(&whole).unwrap();
        std::fs::write(&broken, "no picture").unwrap();
        let given = folder.path().to_owned();
        let (usable, warnings) = read_unlabeled(&[given.clone(), whole.clone()], InputShape::gray(50)).unwrap();
        let expected = Unlabeled { path: whole.clone(), pixels: vec![7; 2500], enlarged: false };
        assert_eq!(usable, [expected.clone(), expected.clone()]);
        assert_eq!(warnings.iter().map(|warning| &warning.path).collect::<Vec<_>>(), [&broken]);

        let list = folder.path().join("list.csv");
        std::fs::write(&list, "b.jpg\na.png\n").unwrap();
        let (usable, warnings) = read_unlabeled(std::slice::from_ref(&list), InputShape::gray(50)).unwrap();
        assert_eq!(usable, [expected]);
        assert_eq!(warnings.iter().map(|warning| &warning.path).collect::<Vec<_>>(), [&broken]);
        std::fs::write(&list, "b.jpg\n").unwrap();
        let none = read_unlabeled(std::slice::from_ref(&list), InputShape::gray(50));
        assert!(matches!(none, Err(PhotoError::Nothing { path, .. }) if path == list));
        std::fs::remove_file(&list).unwrap();

        let named = read_unlabeled(&[given.clone(), broken.clone()], InputShape::gray(50));
        assert!(matches!(named, Err(PhotoError::Photo { path, .. }) if path == broken));
        let (some, _) =
            read_some_unlabeled(&[whole.clone(), whole.clone(), whole.clone()], InputShape::gray(50), Some(2)).unwrap();
        assert_eq!(some.len(), 2);
        let (enlarged, _) = read_unlabeled(std::slice::from_ref(&given), InputShape::gray(51)).unwrap();
        assert_eq!(enlarged, [Unlabeled { path: whole, pixels: vec![7; 51 * 51], enlarged: true }]);
    }
}
