//! Classes by the structure of a folder: a folder for each class, or files named by class.

use unicode_normalization::UnicodeNormalization;

use super::collected::Collected;
use super::error::LeftOut;
use super::folder::{SubFolder, has_pictures, one_level, too_deep};
use super::unsupported::is_named_as_picture;
use super::{PhotoError, Source, Warning};

/// Collects the photos of a folder by its structure. [`super::ClassFrom::Folder`] allows only folders of classes.
///
/// # Errors
/// [`PhotoError`]: a folder that cannot be read, a structure that has no or no single meaning, or a class without a photo that can
/// be read.
pub(super) fn by_structure(source: Source<'_>) -> Result<Collected, PhotoError> {
    let path = || source.path.to_owned();
    let is_any_structure = source.class_from.is_structure();
    let folder = one_level(source.path)?;
    let class_folder = folder.folders.iter().find(|one| !one.pictures.is_empty()).map(|one| one.path.clone());
    let mut collected = Collected { warnings: folder.ours, ..Collected::default() };
    match (folder.pictures.first(), class_folder) {
        (Some(file), Some(folder)) if is_any_structure => {
            return Err(PhotoError::Mixed { path: path(), file: file.clone(), folder });
        }
        (Some(_), None) if is_any_structure => {
            collected.add_by_names(folder.pictures, folder.other, source)?;
            let inside = folder.folders.into_iter().flat_map(|one| one.other.into_iter().chain(too_deep(one.deeper)));
            collected.warnings.extend(inside);
        }
        (Some(file), None) => return Err(PhotoError::NoClassFolder { path: path(), file: file.clone() }),
        (_, Some(_)) => {
            // Beside folders of classes, if the user says that these are meant.
            let reason = "it is not in a folder of a class";
            let outside = folder.pictures.into_iter().map(|path| Warning { path, reason: reason.into() });
            collected.warnings.extend(outside);
            for class_folder in folder.folders {
                add_folder(&mut collected, class_folder)?;
            }
            collected.warnings.extend(folder.other);
        }
        (None, None) => {
            // Folders of folders of classes, such as several data sets.
            let has_classes = |one: &&SubFolder| one.deeper.iter().any(|deeper| has_pictures(deeper));
            if let Some(inner) = folder.folders.iter().find(has_classes) {
                return Err(PhotoError::Deeper { path: path(), inner: inner.path.clone() });
            }
            collected.warnings.extend(folder.folders.into_iter().flat_map(|one| one.other));
            collected.warnings.extend(folder.other);
        }
    }
    Ok(collected)
}

/// Adds the folder of a class, or leaves it out if it has nothing to do with photos.
fn add_folder(collected: &mut Collected, folder: SubFolder) -> Result<(), PhotoError> {
    let SubFolder { path, pictures, other, deeper } = folder;
    if pictures.is_empty() && !other.iter().any(|warning| is_named_as_picture(&warning.path)) {
        let reason = if deeper.iter().any(|folder| has_pictures(folder)) {
            "its pictures are more than one folder down"
        } else {
            "it has no pictures"
        };
        collected.warnings.push(Warning { path, reason: reason.into() });
        return Ok(());
    }
    let class = path.file_name().unwrap_or_default().to_str();
    let class = class.ok_or_else(|| PhotoError::NotUtf8 { path: path.clone() })?;
    let class: String = class.nfc().collect();
    if pictures.is_empty() {
        let unread: Vec<Warning> = other.into_iter().filter(|one| is_named_as_picture(&one.path)).collect();
        let parent = path.parent().unwrap_or(&path).to_owned();
        return Err(PhotoError::EmptyClass { path: parent, class, left_out: LeftOut::of(&unread) });
    }
    collected.warnings.extend(other);
    collected.warnings.extend(too_deep(deeper).map(|Warning { path, reason }| {
        let reason = format!("{reason}, in the folder of the class {class}; if it is a class, move it beside {class}");
        Warning { path, reason }
    }));
    // Folders whose names differ only in their Unicode form are one class.
    collected.by_class.entry(class).or_default().extend(pictures);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::folder::tests::{folder_with, name, said};
    use super::super::scan;
    use super::*;

    #[test]
    fn pictures_too_deep_are_warned_of_once_a_folder() {
        let folder = folder_with(&["a/1.jpg", "a/old/2.jpg", "a/old/3.jpg", "a/x/y/z/4.jpg", "a/t/x.txt", "b/5.jpg"]);
        let deep: Vec<_> = ["old", "x"].map(|name| folder.path().join("a").join(name)).into();
        let paths = |warnings: Vec<Warning>| warnings.into_iter().map(|warning| warning.path).collect::<Vec<_>>();
        let found = scan(folder.path()).unwrap();
        assert_eq!((found.photos.len(), paths(found.warnings)), (2, deep.clone()));
        let (expanded, warnings) = super::super::expand(&[folder.path().to_owned()]).unwrap();
        assert_eq!((expanded.len(), paths(warnings)), (2, deep));
    }

    #[test]
    fn pictures_that_cannot_be_read_are_said_to_be_pictures() {
        let folder = folder_with(&["a-1.jpg", "b-0.jpg", "b-1.tga", "notes.txt"]);
        let found = scan(folder.path()).unwrap();
        let unread = "this picture format is not supported: convert it to JPEG or PNG";
        let expected = [("b-1.tga", unread), ("notes.txt", "its ending is not that of a picture")];
        assert_eq!(said(&found.warnings), expected.map(|(file, reason)| (file.to_owned(), reason)));
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
        let reason = "its pictures are more than one folder down, in the folder of the class dog; if it is a class, move it \
                      beside dog";
        assert_eq!(said(&found.warnings), [("chihuahua".to_owned(), reason)]);
    }
}
