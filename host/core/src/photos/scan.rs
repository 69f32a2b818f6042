//! Finds photos in folders, and their classes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use super::class_from::Source;
use super::error::LeftOut;
use super::list::{self, Listed, is_list};
use super::unsupported::format_of_name;
use super::{ClassFrom, PhotoError, Warning};
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

/// Photos by class, before they are sorted.
#[derive(Default)]
struct Collected {
    by_class: BTreeMap<String, Vec<PathBuf>>,
    warnings: Vec<Warning>,
}

/// Finds the photos of a folder or a list, and their classes. A list is a `.csv`, `.tsv` or `.txt` file with a path and a class on each
/// line.
///
/// A folder has one of two structures, unless the source says where the class is. Either each class has a sub-folder, or all photos are
/// in one folder and each file's name starts with its class ([`ClassFrom::Prefix`]). If the class is in the file's name by the source,
/// the photos of the folder and of its sub-folders are used.
///
/// Names are the same in any of Unicode's forms: a Mac stores `é` as two characters, other systems as one.
///
/// Hidden files are skipped. These become warnings: other files without the extension of a picture, run folders of `pinhole train`,
/// sub-folders without pictures, and folders with pictures further down.
///
/// # Errors
/// [`PhotoError`] with the path: see its variants. A class that has pictures, but only of formats that cannot be read, is an error.
/// The number of classes, and whether their photos can be read, are checked by [`super::load`].
pub fn scan<'a>(source: impl Into<Source<'a>>) -> Result<FoundPhotos, PhotoError> {
    let source = source.into();
    let folder = source.path;
    let Collected { mut by_class, warnings } = if is_list(folder) {
        listed(source)?
    } else if source.class_from.is_in_file_name() {
        by_file_names(source)?
    } else {
        by_structure(source)?
    };
    if by_class.is_empty() {
        return Err(PhotoError::Nothing { path: folder.to_owned(), left_out: LeftOut::of(&warnings) });
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

fn listed(source: Source<'_>) -> Result<Collected, PhotoError> {
    let (listed, warnings) = list::read(source.path, source.class_from)?;
    let mut collected = Collected { warnings, ..Collected::default() };
    for Listed { path, class } in listed {
        collected.by_class.entry(class).or_default().push(path);
    }
    Ok(collected)
}

/// Collects the photos of a folder and of its sub-folders by their own names.
fn by_file_names(source: Source<'_>) -> Result<Collected, PhotoError> {
    let (mut files, folders) = entries(source.path)?;
    let (folders, mut warnings) = without_runs(folders);
    for folder in folders {
        let (inside, deeper) = entries(&folder)?;
        files.extend(inside);
        warnings.extend(too_deep(deeper));
    }
    let mut collected = Collected { warnings, ..Collected::default() };
    let (pictures, other) = pictures(files);
    collected.add_by_names(pictures, &other, source)?;
    collected.warnings.extend(other);
    Ok(collected)
}

/// A sub-folder.
struct ClassFolder {
    path: PathBuf,
    pictures: Vec<PathBuf>,
    /// Its other files.
    other: Vec<Warning>,
    /// The folders in it.
    deeper: Vec<PathBuf>,
}

/// Collects the photos of a folder by its structure.
fn by_structure(source: Source<'_>) -> Result<Collected, PhotoError> {
    let folder = source.path;
    let (files, folders) = entries(folder)?;
    let (pictures, other) = pictures(files);
    let (folders, runs) = without_runs(folders);
    let mut class_folders = Vec::with_capacity(folders.len());
    for path in folders {
        let (files, deeper) = entries(&path)?;
        let (pictures, other) = self::pictures(files);
        class_folders.push(ClassFolder { path, pictures, other, deeper });
    }
    let mut collected = Collected { warnings: runs, ..Collected::default() };
    let with_pictures = class_folders.iter().find(|one| !one.pictures.is_empty());
    match (pictures.first(), with_pictures) {
        (Some(file), Some(class_folder)) if source.class_from.is_structure() => {
            let (file, class_folder) = (file.clone(), class_folder.path.clone());
            return Err(PhotoError::Mixed { path: folder.to_owned(), file, folder: class_folder });
        }
        (Some(_), None) if source.class_from.is_structure() => {
            collected.add_by_names(pictures, &other, source)?;
            let inside = class_folders.into_iter().flat_map(|one| one.other.into_iter().chain(too_deep(one.deeper)));
            collected.warnings.extend(inside);
        }
        (_, Some(_)) => {
            // Beside folders of classes, if the user says that these are meant.
            let reason = "it is not in a folder of a class";
            let outside = pictures.into_iter().map(|path| Warning { path, reason: reason.into() });
            collected.warnings.extend(outside);
            for class_folder in class_folders {
                collected.add_folder(class_folder)?;
            }
        }
        (_, None) => {
            // Folders of folders of classes, such as several data sets.
            let has_classes = |one: &&ClassFolder| one.deeper.iter().any(|deeper| has_pictures(deeper));
            if pictures.is_empty()
                && let Some(inner) = class_folders.iter().find(has_classes)
            {
                return Err(PhotoError::Deeper { path: folder.to_owned(), inner: inner.path.clone() });
            }
            collected.warnings.extend(class_folders.into_iter().flat_map(|one| one.other));
        }
    }
    collected.warnings.extend(other);
    Ok(collected)
}

impl Collected {
    /// Adds pictures by their names. `other` are files that are not used.
    fn add_by_names(
        &mut self,
        pictures: Vec<PathBuf>,
        other: &[Warning],
        Source { path: folder, class_from }: Source<'_>,
    ) -> Result<(), PhotoError> {
        for path in pictures {
            match class_from.class_of(&path)? {
                Some(class) => self.by_class.entry(class).or_default().push(path),
                None => self.warnings.push(Warning { path, reason: format!("its name does not match {class_from}") }),
            }
        }
        // A class whose pictures all have formats that cannot be read would be missing in silence.
        for warning in other.iter().filter(|warning| is_unread_picture(&warning.path)) {
            if let Ok(Some(class)) = class_from.class_of(&warning.path)
                && !self.by_class.contains_key(&class)
                && !self.by_class.is_empty()
            {
                let left_out = LeftOut::of(std::slice::from_ref(warning));
                return Err(PhotoError::EmptyClass { path: folder.to_owned(), class, left_out });
            }
        }
        Ok(())
    }

    /// Adds the folder of a class, or leaves it out if it has nothing to do with photos.
    fn add_folder(&mut self, ClassFolder { path, pictures, other, deeper }: ClassFolder) -> Result<(), PhotoError> {
        if pictures.is_empty() && !other.iter().any(|warning| is_unread_picture(&warning.path)) {
            let reason = if deeper.iter().any(|folder| has_pictures(folder)) {
                "its pictures are more than one folder down"
            } else {
                "it has no pictures"
            };
            self.warnings.push(Warning { path, reason: reason.into() });
            return Ok(());
        }
        let class = path.file_name().unwrap_or_default().to_str();
        let class = class.ok_or_else(|| PhotoError::NotUtf8 { path: path.clone() })?;
        let class: String = class.nfc().collect();
        if pictures.is_empty() {
            let unread: Vec<Warning> = other.into_iter().filter(|one| is_unread_picture(&one.path)).collect();
            let folder = path.parent().unwrap_or(&path).to_owned();
            return Err(PhotoError::EmptyClass { path: folder, class, left_out: LeftOut::of(&unread) });
        }
        self.warnings.extend(other);
        let inside = deeper.into_iter().filter(|folder| has_pictures(folder));
        self.warnings.extend(inside.map(|path| {
            let reason = format!(
                "its pictures are more than one folder down, in the folder of the class {class}; if it is a class, move it beside {class}"
            );
            Warning { path, reason }
        }));
        // Folders whose names differ only in their Unicode form are one class.
        self.by_class.entry(class).or_default().extend(pictures);
        Ok(())
    }
}

/// Finds the photos that paths on a command line mean, sorted. A file is itself, a list is the files in it; a folder is all pictures in it and, one level
/// down, in its sub-folders. Classes are ignored.
///
/// # Errors
/// [`PhotoError::Photo`] if a path does not exist, [`PhotoError::Folder`] if a folder cannot be read,
/// [`PhotoError::Nothing`] if a folder has no picture.
pub fn expand(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<Warning>), PhotoError> {
    let (mut found, mut warnings) = (Vec::new(), Vec::new());
    for path in paths {
        if is_list(path) {
            // Its classes do not matter: a name of a folder takes their place.
            let (listed, missing) = list::read(path, &ClassFrom::Folder)?;
            if listed.is_empty() {
                return Err(PhotoError::Nothing { path: path.clone(), left_out: LeftOut::of(&missing) });
            }
            found.extend(listed.into_iter().map(|one| one.path));
            warnings.extend(missing);
            continue;
        }
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

/// Returns true if a file has the ending of a picture, or of a format that people have photos in, but cannot be read.
fn is_unread_picture(path: &Path) -> bool {
    format_of_name(path).is_some() || image::ImageFormat::from_path(path).is_ok()
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

    /// Scans as `--class-from` says.
    fn scan_by(folder: &Path, class_from: &str) -> Result<FoundPhotos, PhotoError> {
        scan(Source { path: folder, class_from: &class_from.parse().unwrap() })
    }

    fn said(warnings: &[Warning]) -> Vec<(String, &str)> {
        warnings.iter().map(|warning| (name(&warning.path), &warning.reason[..])).collect()
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
        let folder = folder_with(&["a-1.jpg", "b-0.jpg", "b-1.tga", "notes.txt"]);
        let found = scan(folder.path()).unwrap();
        let said: Vec<_> =
            found.warnings.iter().map(|warning| (name(&warning.path), warning.reason.as_str())).collect();
        let unread = "this picture format is not supported: convert it to JPEG or PNG";
        let expected = [("b-1.tga", unread), ("notes.txt", "its ending is not that of a picture")];
        assert_eq!(said, expected.map(|(file, reason)| (file.to_owned(), reason)));
    }

    #[test]
    fn formats_that_cannot_be_read_are_said_by_name() {
        let folder = folder_with(&["a-1.jpg", "b-0.jpg", "b-1.HEIC", "b-2.avif", "b-3.jxl", "b-4.NEF"]);
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
        use std::ffi::OsStr;
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
        assert!(matches!(error(&["readme.txt"]), Nothing { .. }));
        assert!(matches!(error(&["x/readme.txt"]), Nothing { .. }));
        assert!(matches!(error(&[]), Nothing { .. }));
        assert!(matches!(scan(Path::new("no such folder")).unwrap_err(), Folder { .. }));
        let folder = folder_with(&["a1.jpg"]);
        assert!(matches!(scan(&folder.path().join("a1.jpg")).unwrap_err(), NotAFolder { .. }));
    }

    #[test]
    fn folders_that_have_nothing_to_do_with_photos_are_left_out() {
        let folder = folder_with(&["a/1.jpg", "b/readme.txt", "b/notes.md", "c/1.jpg", "d/e/1.jpg"]);
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        let found = scan(folder.path()).unwrap();
        assert_eq!(found.classes, ["a", "c"]);
        let none = "it has no pictures";
        let expected = [("b", none), ("d", "its pictures are more than one folder down"), ("empty", none)];
        assert_eq!(said(&found.warnings), expected.map(|(folder, reason)| (folder.to_owned(), reason)));
    }

    #[test]
    fn a_class_of_unreadable_pictures_is_an_error_that_names_one_of_its_own() {
        for files in [
            ["a/1.jpg", "a/0.heic", "b/2.heic", "b/readme.txt", "c/1.jpg"],
            ["a-1.jpg", "a-0.heic", "b-2.heic", "b-readme.txt", "c-1.jpg"],
        ] {
            let folder = folder_with(&files);
            match scan(folder.path()).unwrap_err() {
                PhotoError::EmptyClass { class, left_out, .. } => {
                    let said = left_out.to_string();
                    assert!(
                        class == "b" && said.contains("2.heic: it is a HEIC") && said.contains("1 left out"),
                        "{said}"
                    );
                }
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn classes_that_are_too_deep_are_said_with_the_folder_to_give() {
        let folder = folder_with(&["notes/x.txt", "set/cat/1.jpg", "set/dog/1.jpg", "zoo/cat/1.jpg"]);
        match scan(folder.path()).unwrap_err() {
            PhotoError::Deeper { inner, .. } => assert_eq!(inner, folder.path().join("set")),
            other => panic!("{other}"),
        }
        let folder = folder_with(&["dog/1.jpg", "dog/chihuahua/2.jpg", "cat/1.jpg"]);
        let found = scan(folder.path()).unwrap();
        assert_eq!((found.classes.len(), found.photos.len()), (2, 2));
        let reason = "its pictures are more than one folder down, in the folder of the class dog; if it is a class, move it beside dog";
        assert_eq!(said(&found.warnings), [("chihuahua".to_owned(), reason)]);
    }

    #[test]
    fn classes_are_where_the_source_says() {
        let folder = folder_with(&["7_a.jpg", "4_b.jpg", "x/7_c.jpg", "x/y/7_d.jpg", "x.txt"]);
        let found = scan_by(folder.path(), "first-char").unwrap();
        let expected = [("4_b.jpg", "4"), ("7_a.jpg", "7"), ("7_c.jpg", "7")];
        assert_eq!(names_and_classes(&found), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(found.warnings.len(), 2);

        let found = scan_by(folder.path(), r"regex:_([ab])\.").unwrap();
        assert_eq!(found.classes, ["a", "b"]);
        assert!(said(&found.warnings).contains(&("7_c.jpg".to_owned(), r"its name does not match regex:_([ab])\.")));
        assert!(matches!(scan_by(folder.path(), "regex:none"), Err(PhotoError::Nothing { .. })));

        assert!(matches!(scan(folder.path()), Err(PhotoError::Mixed { .. })));
        let found = scan_by(folder.path(), "folder").unwrap();
        assert_eq!(names_and_classes(&found), [("7_c.jpg".to_owned(), "x".to_owned())]);
        assert!(said(&found.warnings).contains(&("7_a.jpg".to_owned(), "it is not in a folder of a class")));
    }

    #[test]
    fn a_list_is_photos_with_and_without_classes() {
        let folder = folder_with(&["x/1.jpg", "x/2.jpg", "y.png"]);
        let list = folder.path().join("list.txt");
        std::fs::write(&list, "x/2.jpg,b\ny.png,a\nx/1.jpg,b\nx/3.jpg,a\n").unwrap();
        let found = scan(&list).unwrap();
        let expected = [("y.png", "a"), ("1.jpg", "b"), ("2.jpg", "b")];
        assert_eq!(names_and_classes(&found), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(said(&found.warnings).len(), 1);
        let (expanded, warnings) = expand(std::slice::from_ref(&list)).unwrap();
        assert_eq!((expanded.len(), warnings.len()), (3, 1));
        std::fs::write(&list, "").unwrap();
        assert!(matches!(scan(&list), Err(PhotoError::Nothing { .. })));
        assert!(matches!(expand(&[list]), Err(PhotoError::Nothing { .. })));
    }
}
