//! Folders as they are on disk: which files and folders of them count.

use std::path::{Path, PathBuf};

use super::unsupported::{is_picture, why_not};
use super::{PhotoError, Warning};
use crate::artifacts::{is_run, is_special, is_study};

/// A folder, and the folders directly in it. Photos are searched for no further down.
pub(super) struct OneLevel {
    /// Pictures directly in the folder.
    pub(super) pictures: Vec<PathBuf>,
    /// Other files directly in the folder.
    pub(super) other: Vec<Warning>,
    /// Folders in it, except those that Pinhole wrote.
    pub(super) folders: Vec<SubFolder>,
    /// Folders in it that Pinhole wrote.
    pub(super) ours: Vec<Warning>,
}

/// A folder directly in another.
pub(super) struct SubFolder {
    pub(super) path: PathBuf,
    pub(super) pictures: Vec<PathBuf>,
    /// Its other files.
    pub(super) other: Vec<Warning>,
    /// The folders in it.
    pub(super) deeper: Vec<PathBuf>,
}

/// Reads a folder and the folders directly in it. Everything is sorted.
///
/// # Errors
/// [`PhotoError::NotAFolder`] if it is a file, [`PhotoError::Folder`] with the folder that cannot be read.
pub(super) fn one_level(folder: &Path) -> Result<OneLevel, PhotoError> {
    let (files, folders) = entries(folder)?;
    let (pictures, other) = pictures(files);
    let (folders, ours) = without_ours(folders);
    let read = |path: PathBuf| {
        let (files, deeper) = entries(&path)?;
        let (pictures, other) = self::pictures(files);
        Ok(SubFolder { path, pictures, other, deeper })
    };
    let folders = folders.into_iter().map(read).collect::<Result<_, PhotoError>>()?;
    Ok(OneLevel { pictures, other, folders, ours })
}

/// All files of a folder and of the folders directly in it.
pub(super) struct AllFiles {
    pub(super) pictures: Vec<PathBuf>,
    /// Other files.
    pub(super) other: Vec<Warning>,
    /// Folders that are not searched.
    pub(super) folders: Vec<Warning>,
}

impl OneLevel {
    /// Returns all files, wherever they are.
    pub(super) fn all_files(self) -> AllFiles {
        let mut all = AllFiles { pictures: self.pictures, other: self.other, folders: self.ours };
        for SubFolder { pictures, other, deeper, .. } in self.folders {
            all.pictures.extend(pictures);
            all.other.extend(other);
            all.folders.extend(too_deep(deeper));
        }
        all
    }
}

/// Returns the visible files and the visible folders directly in a folder, each sorted.
///
/// # Errors
/// [`PhotoError::NotAFolder`] or [`PhotoError::Folder`].
pub(super) fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), PhotoError> {
    if folder.is_file() {
        return Err(PhotoError::NotAFolder { path: folder.to_owned() });
    }
    let unreadable = |reason| PhotoError::Folder { path: folder.to_owned(), reason };
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        // macOS puts a folder of this name into archives: it has names of pictures, but no pictures.
        if name.starts_with(b".") || name == b"__MACOSX" {
            continue;
        }
        if path.is_dir() { folders.push(path) } else { files.push(path) }
    }
    files.sort();
    folders.sort();
    Ok((files, folders))
}

/// Returns the folders that Pinhole did not write, and warnings for those that it did. With the default `--out`, the second
/// training or study on the photos in `.` finds the first one's folder beside them.
fn without_ours(folders: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<Warning>) {
    let is_ours = |folder: &PathBuf| is_run(folder) || is_study(folder);
    let (ours, folders): (Vec<_>, Vec<_>) = folders.into_iter().partition(is_ours);
    let reason = "a folder that Pinhole wrote, not photos";
    (folders, ours.into_iter().map(|path| Warning { path, reason: reason.into() }).collect())
}

/// Returns warnings for folders that have pictures at any depth: photos are searched for one level down only.
pub(super) fn too_deep(folders: Vec<PathBuf>) -> impl Iterator<Item = Warning> {
    let reason = "its pictures are more than one folder down";
    folders.into_iter().filter(|folder| has_pictures(folder)).map(|path| Warning { path, reason: reason.into() })
}

/// Returns true if a folder has a picture at any depth. Links to folders are not followed: they may form cycles.
pub(super) fn has_pictures(folder: &Path) -> bool {
    // Folders that cannot be read count as empty.
    let Ok((files, folders)) = entries(folder) else { return false };
    files.iter().any(|path| is_picture(path))
        || folders.iter().any(|folder| !folder.is_symlink() && has_pictures(folder))
}

/// Returns the files with the ending of a picture that can be read, and warnings for the others.
fn pictures(files: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<Warning>) {
    let (pictures, other): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| is_picture(path) && !is_special(path));
    let warnings = other.into_iter().map(|path| Warning { reason: why_not(&path).into(), path }).collect();
    (pictures, warnings)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns a folder with these files, which are empty, and the folders that they are in.
    pub(in crate::photos) fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        folder
    }

    /// Returns a file's or folder's own name.
    pub(in crate::photos) fn name(path: &Path) -> String {
        path.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// Returns names and reasons.
    pub(in crate::photos) fn said(warnings: &[Warning]) -> Vec<(String, &str)> {
        warnings.iter().map(|warning| (name(&warning.path), &warning.reason[..])).collect()
    }

    #[test]
    fn hidden_files_and_copies_of_names_do_not_count() {
        let folder = folder_with(&["b.jpg", "a.jpg", ".c.jpg", ".hidden/1.jpg", "__MACOSX/1.jpg", "d/1.jpg"]);
        let (files, folders) = entries(folder.path()).unwrap();
        let names = |paths: Vec<PathBuf>| paths.iter().map(|path| name(path)).collect::<Vec<_>>();
        assert_eq!(
            (names(files), names(folders)),
            (vec!["a.jpg".to_owned(), "b.jpg".to_owned()], vec!["d".to_owned()])
        );
    }

    #[test]
    fn pictures_and_others_are_told_apart_at_both_levels() {
        let folder = folder_with(&["1.jpg", "2.heic", "in/3.png", "in/4.txt", "in/deep/x/5.jpg", "in/none/6.txt"]);
        let all = one_level(folder.path()).unwrap().all_files();
        assert_eq!(all.pictures, ["1.jpg", "in/3.png"].map(|path| folder.path().join(path)));
        assert_eq!(all.other.iter().map(|warning| name(&warning.path)).collect::<Vec<_>>(), ["2.heic", "4.txt"]);
        assert_eq!(said(&all.folders), [("deep".to_owned(), "its pictures are more than one folder down")]);
    }
}
