//! Finds photos in folders and lists, and their classes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::class_from::Source;
use super::collected::Collected;
use super::error::LeftOut;
use super::folder::one_level;
use super::list::{self, Absent, Listed, is_list};
use super::structure::by_structure;
use super::{PhotoError, Warning};

/// A photo file and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPhoto {
    /// The file.
    pub path: PathBuf,
    /// Index of its class in [`FoundPhotos::classes`].
    pub class: usize,
}

/// The photos of a folder or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPhotos {
    /// Class names in Unicode's composed form (NFC), sorted.
    pub classes: Vec<String>,
    /// Photos, sorted by class and path: the same order on every machine.
    pub photos: Vec<FoundPhoto>,
    /// Files that are not pictures by their ending, pictures without a class, listed photos that do not exist, and folders that are
    /// not searched.
    pub warnings: Vec<Warning>,
}

/// Finds the photos of a folder or a list, and their classes. A list is a `.csv`, `.tsv` or `.txt` file with a path and a class on
/// each line.
///
/// With [`ClassFrom::Structure`](super::ClassFrom::Structure), a folder has one of two structures: each class has a folder in
/// it, or all photos are directly in it and their names start with their class. With
/// [`ClassFrom::Folder`](super::ClassFrom::Folder) it must be the former. With the others, the class is in the file's name: the
/// photos directly in the folder and in the folders in it are used.
///
/// Names are the same in any of Unicode's forms: a Mac stores `é` as two characters, other systems as one.
///
/// Hidden files are skipped. These become warnings: other files without the ending of a picture, folders that Pinhole wrote,
/// folders without pictures, and folders with pictures further down.
///
/// # Errors
/// [`PhotoError`] with the path: see its variants. A class that has pictures, but none of a format that can be read, is an
/// error, as is a class of a list of which no photo exists. The number of classes, and whether their photos can be read, are
/// checked by [`super::load`].
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

/// Collects the photos of a list.
fn listed(source: Source<'_>) -> Result<Collected, PhotoError> {
    let (listed, absent) = list::read(source.path, source.class_from)?;
    let mut collected = Collected::default();
    for Listed { path, class } in listed {
        collected.add(class, path);
    }
    collected.check_classes(source.path, absent.iter().filter_map(|one| Some((one.class.clone()?, &one.warning))))?;
    collected.warnings = absent.into_iter().map(|Absent { warning, .. }| warning).collect();
    Ok(collected)
}

/// Collects the photos of a folder and of the folders in it by their own names.
fn by_file_names(source: Source<'_>) -> Result<Collected, PhotoError> {
    let all = one_level(source.path)?.all_files();
    let mut collected = Collected { warnings: all.folders, ..Collected::default() };
    collected.add_by_names(all.pictures, all.other, source)?;
    Ok(collected)
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
    use super::super::folder::tests::{folder_with, name, said};
    use super::*;

    /// Scans as `--class-from` says.
    fn scan_by(folder: &Path, class_from: &str) -> Result<FoundPhotos, PhotoError> {
        scan(Source { path: folder, class_from: &class_from.parse().unwrap() })
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

    /// All photos are in the folder that is given, so there is no class.
    #[test]
    fn folders_of_classes_that_are_not_there_are_asked_for() {
        for files in [&["1.jpg", "2.jpg"][..], &["1.jpg", "notes/x.txt"]] {
            let folder = folder_with(files);
            let error = scan_by(folder.path(), "folder").unwrap_err();
            let first = folder.path().join("1.jpg");
            assert!(
                matches!(&error, PhotoError::NoClassFolder { path, file } if path == folder.path() && *file == first),
                "{error}"
            );
        }
        assert!(matches!(scan_by(folder_with(&["x/y.txt"]).path(), "folder"), Err(PhotoError::Nothing { .. })));
    }

    #[test]
    fn a_list_is_photos_with_classes() {
        let folder = folder_with(&["x/1.jpg", "x/2.jpg", "y.png"]);
        let list = folder.path().join("list.txt");
        std::fs::write(&list, "x/2.jpg,b\ny.png,a\nx/1.jpg,b\nx/3.jpg,a\n").unwrap();
        let found = scan(&list).unwrap();
        let expected = [("y.png", "a"), ("1.jpg", "b"), ("2.jpg", "b")];
        assert_eq!(names_and_classes(&found), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(said(&found.warnings).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["3.jpg"]);
        std::fs::write(&list, "").unwrap();
        assert!(matches!(scan(&list), Err(PhotoError::Nothing { .. })));
    }

    #[test]
    fn a_class_of_a_list_without_a_photo_that_exists_is_an_error_that_names_its_own() {
        let folder = folder_with(&["x/1.jpg", "y.png"]);
        let list = folder.path().join("list.csv");
        std::fs::write(&list, "x/1.jpg,a\nx/2.jpg,a\ny.png,b\nx/3.jpg,c\nx/4.jpg,c\n").unwrap();
        match scan(&list) {
            Err(PhotoError::EmptyClass { path, class, left_out }) => {
                let said = left_out.to_string();
                let own = folder.path().join("x/3.jpg");
                let start = format!(" (2 left out; the first: {}: ", own.display());
                assert!(path == list && class == "c" && said.starts_with(&start), "{class}{said}");
                assert!(said.contains("(line 4 of "), "{said}");
            }
            other => panic!("{other:?}"),
        }
        std::fs::write(&list, "x/3.jpg,a\nx/4.jpg,b\n").unwrap();
        assert!(matches!(scan(&list), Err(PhotoError::Nothing { .. })), "no class has one");
    }
}
