//! Finds photos in folders, and their classes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::error::LeftOut;
use super::unsupported::format_of_name;
use super::{PhotoError, Warning};
use crate::artifacts::{is_run, is_study};

/// A photo file and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPhoto {
    /// The file.
    pub path: PathBuf,
    /// Index of its class in [`FoundPhotos::classes`].
    pub class: usize,
}

/// The photos of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPhotos {
    /// Class names in Unicode's composed form (NFC), sorted.
    pub classes: Vec<String>,
    /// Photos, sorted by class and path: the same order on every machine.
    pub photos: Vec<FoundPhoto>,
    /// Files that are not pictures by their extension, and folders that are not searched.
    pub warnings: Vec<Warning>,
}

/// Finds the photos of a folder with one of two structures. Either each class has a sub-folder, or all photos are in one
/// folder and each file's name starts with its class. The class ends at the first character that is neither a letter nor a
/// mark on one: `muffin_12.jpg`, `chihuahua-unseen-3.jpg`.
///
/// Names are the same in any of Unicode's forms: a Mac stores `é` as two characters, other systems as one.
///
/// Hidden files are skipped. Other files without the extension of a picture become warnings, and so do run folders of
/// `pinhole train` and folders with pictures further down.
///
/// # Errors
/// [`PhotoError`] with the path: see its variants. The number of classes, and whether their photos can be read, are
/// checked by [`super::load`].
pub fn scan(folder: &Path) -> Result<FoundPhotos, PhotoError> {
    let (files, folders) = entries(folder)?;
    let (pictures, mut warnings) = pictures(files);
    let mut by_class: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut class_folders = Vec::new();
    let (folders, runs) = without_runs(folders);
    warnings.extend(runs);
    for class_folder in folders {
        let (files, deeper) = entries(&class_folder)?;
        let (pictures, other) = self::pictures(files);
        warnings.extend(other);
        warnings.extend(too_deep(deeper));
        class_folders.push((class_folder, pictures));
    }
    let with_pictures = class_folders.iter().find(|(_, pictures)| !pictures.is_empty());
    match (pictures.first(), with_pictures) {
        (Some(file), Some((class_folder, _))) => {
            return Err(PhotoError::Mixed {
                path: folder.to_owned(),
                file: file.clone(),
                folder: class_folder.clone(),
            });
        }
        (Some(_), None) => {
            for path in pictures {
                by_class.entry(class_of_file(&path)?).or_default().push(path);
            }
        }
        (None, Some(_)) => {
            for (class_folder, pictures) in class_folders {
                let class = class_folder.file_name().unwrap_or_default().to_str();
                let class = class.ok_or_else(|| PhotoError::NotUtf8 { path: class_folder.clone() })?;
                let class: String = class.nfc().collect();
                if pictures.is_empty() {
                    let left_out = LeftOut::of(&warnings);
                    return Err(PhotoError::EmptyClass { path: folder.to_owned(), class, left_out });
                }
                // Folders whose names differ only in their Unicode form are one class.
                by_class.entry(class).or_default().extend(pictures);
            }
        }
        (None, None) => {
            return Err(PhotoError::Nothing { path: folder.to_owned(), left_out: LeftOut::of(&warnings) });
        }
    }
    check_names(folder, by_class.keys())?;
    let classes: Vec<String> = by_class.keys().cloned().collect();
    by_class.values_mut().for_each(|paths| paths.sort());
    let photos = by_class
        .into_values()
        .enumerate()
        .flat_map(|(class, paths)| paths.into_iter().map(move |path| FoundPhoto { path, class }))
        .collect();
    Ok(FoundPhotos { classes, photos, warnings })
}

/// Finds the photos that paths on a command line mean, sorted. A file is itself; a folder is all pictures in it and, one level
/// down, in its sub-folders. Classes are ignored.
///
/// # Errors
/// [`PhotoError::Photo`] if a path does not exist, [`PhotoError::Folder`] if a folder cannot be read,
/// [`PhotoError::Nothing`] if a folder has no picture.
pub fn expand(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<Warning>), PhotoError> {
    let (mut found, mut warnings) = (Vec::new(), Vec::new());
    for path in paths {
        if !path.is_dir() {
            // A missing file is reported now, before a board is started for it. If it is not a picture, reading finds that.
            path.metadata().map_err(|reason| PhotoError::unreadable(path, reason))?;
            found.push(path.clone());
            continue;
        }
        let before = found.len();
        let (mut files, folders) = entries(path)?;
        let (folders, runs) = without_runs(folders);
        warnings.extend(runs);
        for folder in folders {
            let (inside, deeper) = entries(&folder)?;
            files.extend(inside);
            warnings.extend(too_deep(deeper));
        }
        let (pictures, other) = pictures(files);
        found.extend(pictures);
        warnings.extend(other);
        if found.len() == before {
            return Err(PhotoError::Nothing { path: path.clone(), left_out: LeftOut::of(&warnings) });
        }
    }
    Ok((found, warnings))
}

/// Returns the visible files and the visible folders directly in a folder, each sorted.
pub(super) fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), PhotoError> {
    if folder.is_file() {
        return Err(PhotoError::NotAFolder { path: folder.to_owned() });
    }
    let unreadable = |reason| PhotoError::Folder { path: folder.to_owned(), reason };
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        // macOS puts such a folder into archives: copies of names without pictures.
        if name(&path).starts_with('.') || name(&path) == "__MACOSX" {
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
fn without_runs(folders: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<Warning>) {
    let is_ours = |folder: &PathBuf| is_run(folder) || is_study(folder);
    let (runs, folders): (Vec<_>, Vec<_>) = folders.into_iter().partition(is_ours);
    let reason = "a folder that Pinhole wrote, not photos";
    (folders, runs.into_iter().map(|path| Warning { path, reason: reason.into() }).collect())
}

/// Returns warnings for folders that contain pictures at any depth: photos are searched one level down only.
fn too_deep(folders: Vec<PathBuf>) -> impl Iterator<Item = Warning> {
    let reason = "its pictures are more than one folder down";
    folders.into_iter().filter(|folder| has_pictures(folder)).map(|path| Warning { path, reason: reason.into() })
}

/// Returns true if a folder contains a picture at any depth. Links to folders are not followed: they may form cycles.
fn has_pictures(folder: &Path) -> bool {
    // Folders that cannot be read count as empty.
    let Ok((files, folders)) = entries(folder) else { return false };
    files.iter().any(|path| is_picture(path))
        || folders.iter().any(|folder| !folder.is_symlink() && has_pictures(folder))
}

pub(super) fn is_picture(path: &Path) -> bool {
    image::ImageFormat::from_path(path).is_ok_and(|format| format.reading_enabled())
}

/// Returns the files with the extension of a supported picture format, and warnings for the others.
fn pictures(files: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<Warning>) {
    let (pictures, other): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| is_picture(path) && !is_special(path));
    let warnings = other.into_iter().map(|path| Warning { reason: why_not(&path).into(), path }).collect();
    (pictures, warnings)
}

/// Returns true for a pipe, a device or a socket: reading it might never end. A link is what it leads to.
fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file())
}

/// Returns the reason why a file is not a picture for this program.
fn why_not(path: &Path) -> &'static str {
    if is_special(path) {
        return "it is not a regular file";
    }
    if let Some(reason) = format_of_name(path) {
        return reason;
    }
    match image::ImageFormat::from_path(path) {
        Ok(_) => "this picture format is not supported: convert it to JPEG or PNG",
        Err(_) => "its ending is not that of a picture",
    }
}

fn class_of_file(path: &Path) -> Result<String, PhotoError> {
    let stem = path.file_stem().map_or(Some(""), OsStr::to_str);
    let stem = stem.ok_or_else(|| PhotoError::NotUtf8 { path: path.to_owned() })?;
    // Composed first; marks without a composed form stay characters of their own.
    let class: String = stem.nfc().take_while(|&c| c.is_alphabetic() || is_combining_mark(c)).collect();
    if !class.starts_with(char::is_alphabetic) {
        Err(PhotoError::Nameless { path: path.to_owned() })
    } else {
        Ok(class)
    }
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn check_names<'a>(folder: &Path, classes: impl Iterator<Item = &'a String>) -> Result<(), PhotoError> {
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    for class in classes {
        if class.len() > 255 {
            return Err(PhotoError::LongName { path: folder.to_owned(), class: class.clone() });
        }
        if let Some(first) = seen.insert(class.to_lowercase(), class) {
            return Err(PhotoError::Collision { path: folder.to_owned(), first: first.clone(), second: class.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        folder
    }

    fn names_and_classes(found: &FoundPhotos) -> Vec<(String, String)> {
        found.photos.iter().map(|photo| (name(&photo.path), found.classes[photo.class].clone())).collect()
    }

    #[test]
    fn both_layouts() {
        let folder = folder_with(&["muffin_2.jpg", "chihuahua-unseen-1.png", "muffin10.JPG", "notes.txt", ".hidden"]);
        let found = scan(folder.path()).unwrap();
        let expected =
            [("chihuahua-unseen-1.png", "chihuahua"), ("muffin10.JPG", "muffin"), ("muffin_2.jpg", "muffin")];
        assert_eq!(names_and_classes(&found), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(found.warnings.len(), 1);
        assert!(found.warnings[0].path.ends_with("notes.txt"));

        let folder = folder_with(&["b/1.jpg", "a 1/x.webp", "c/3.bmp"]);
        assert_eq!(scan(folder.path()).unwrap().classes, ["a 1", "b", "c"]);
    }

    #[test]
    fn names_are_the_same_in_any_unicode_form() {
        // An accent as its own character, one composed with its letter, and a mark that has no composed form.
        let (decomposed, composed, uncomposable) = ("e\u{301}te\u{301}", "\u{e9}t\u{e9}", "x\u{301}y");
        let files = [
            format!("{decomposed}-1.jpg"),
            format!("{composed}-2.jpg"),
            format!("{uncomposable}3.jpg"),
            "eta-4.jpg".to_owned(),
        ];
        let folder = folder_with(&files.each_ref().map(String::as_str));
        let found = scan(folder.path()).unwrap();
        assert_eq!(found.classes, ["eta", uncomposable, composed]);
        assert_eq!(found.photos.iter().map(|photo| photo.class).collect::<Vec<_>>(), [0, 1, 2, 2]);

        let files = [format!("{decomposed}/1.jpg"), format!("{composed}/2.jpg"), "eta/4.jpg".to_owned()];
        let folder = folder_with(&files.each_ref().map(String::as_str));
        let found = scan(folder.path()).unwrap();
        assert_eq!(found.classes, ["eta", composed]);
        assert_eq!(found.photos.len(), 3, "both spellings' photos");

        let only_a_mark = folder_with(&["\u{301}1.jpg"]);
        assert!(matches!(scan(only_a_mark.path()), Err(PhotoError::Nameless { .. })));
    }

    #[test]
    fn pictures_too_deep_are_warned_of_once_a_folder() {
        let folder = folder_with(&["a/1.jpg", "a/old/2.jpg", "a/old/3.jpg", "a/x/y/z/4.jpg", "a/t/x.txt", "b/5.jpg"]);
        let deep: Vec<_> = ["old", "x"].map(|name| folder.path().join("a").join(name)).into();
        let paths = |warnings: Vec<Warning>| warnings.into_iter().map(|warning| warning.path).collect::<Vec<_>>();
        let found = scan(folder.path()).unwrap();
        assert_eq!((found.photos.len(), paths(found.warnings)), (2, deep.clone()));
        let (expanded, warnings) = expand(&[folder.path().to_owned()]).unwrap();
        assert_eq!((expanded.len(), paths(warnings)), (2, deep));
    }

    #[test]
    fn pictures_that_cannot_be_read_are_said_to_be_pictures() {
        let folder = folder_with(&["a-1.jpg", "b-1.tga", "notes.txt"]);
        let found = scan(folder.path()).unwrap();
        let said: Vec<_> =
            found.warnings.iter().map(|warning| (name(&warning.path), warning.reason.as_str())).collect();
        let unread = "this picture format is not supported: convert it to JPEG or PNG";
        let expected = [("b-1.tga", unread), ("notes.txt", "its ending is not that of a picture")];
        assert_eq!(said, expected.map(|(file, reason)| (file.to_owned(), reason)));
    }

    #[test]
    fn formats_that_cannot_be_read_are_said_by_name() {
        let folder = folder_with(&["a-1.jpg", "b-1.HEIC", "b-2.avif", "b-3.jxl", "b-4.NEF"]);
        let found = scan(folder.path()).unwrap();
        for (warning, format) in found.warnings.iter().zip(["HEIC", "AVIF", "JPEG XL", "raw"]) {
            assert!(warning.reason.contains(format) && warning.reason.contains("JPEG"), "{warning:?}");
        }
        assert_eq!(found.warnings.len(), 4);
    }

    /// As characters that stand for any wrong byte, the three would be one class.
    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_are_not_utf8_are_refused_with_their_path() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        for name in [b"\xc3\xa8", b"\xb9\xb7", b"\xc4\xf1"] {
            let class = folder.path().join(OsStr::from_bytes(name));
            std::fs::create_dir(&class).unwrap();
            std::fs::write(class.join("1.jpg"), b"").unwrap();
        }
        let wrong = folder.path().join(OsStr::from_bytes(b"\xb9\xb7"));
        assert!(matches!(scan(folder.path()), Err(PhotoError::NotUtf8 { path }) if path == wrong));
        let folder = tempfile::tempdir().unwrap();
        let wrong = folder.path().join(OsStr::from_bytes(b"caf\xe9-1.jpg"));
        std::fs::write(&wrong, b"").unwrap();
        assert!(matches!(scan(folder.path()), Err(PhotoError::NotUtf8 { path }) if path == wrong));
    }

    #[test]
    fn run_folders_are_no_classes() {
        let folder = folder_with(&["a/1.jpg", "b/1.jpg", "run/report.html", "c/1.jpg"]);
        std::fs::write(folder.path().join("run").join("run.json"), r#"{"pinhole": "9.9.9"}"#).unwrap();
        // From another program, so a class like any other.
        std::fs::write(folder.path().join("c").join("run.json"), r#"{"laps": 3}"#).unwrap();
        let found = scan(folder.path()).unwrap();
        assert_eq!(found.classes, ["a", "b", "c"]);
        let left_out: Vec<String> = found.warnings.iter().map(|warning| name(&warning.path)).collect();
        assert_eq!(left_out, ["run", "run.json"]);
    }

    #[test]
    fn wrong_folders_are_told_apart() {
        use PhotoError::*;
        let error = |files: &[&str]| scan(folder_with(files).path()).unwrap_err();
        assert!(matches!(error(&["a1.jpg", "b/1.jpg", "c/1.jpg"]), Mixed { .. }));
        assert!(matches!(error(&["1.jpg", "a2.jpg"]), Nameless { .. }));
        assert!(matches!(error(&["Cat1.jpg", "cat2.jpg"]), Collision { .. }));
        assert!(matches!(error(&["a/1.jpg", "b/readme.txt", "c/1.jpg"]), EmptyClass { class, .. } if class == "b"));
        assert!(matches!(error(&["readme.txt"]), Nothing { .. }));
        assert!(matches!(error(&[]), Nothing { .. }));
        assert!(matches!(scan(Path::new("no such folder")).unwrap_err(), Folder { .. }));
        let folder = folder_with(&["a1.jpg"]);
        assert!(matches!(scan(&folder.path().join("a1.jpg")).unwrap_err(), NotAFolder { .. }));
    }
}
