//! Folders in which people keep photos for training and for evaluation.

use std::path::{Path, PathBuf};

use super::folder::entries;
use super::unsupported::is_picture;

/// Names of a folder of training photos, in upper or lower case.
const TRAINING: [&str; 2] = ["train", "training"];
/// Names of a folder of photos that are used in training only to choose an epoch.
const VALIDATION: [&str; 3] = ["validation", "valid", "val"];
/// Names of a folder of photos that are not used in training.
const TEST: [&str; 2] = ["test", "testing"];

/// Most folders around the photos that hold nothing else, as archives have them.
const MAX_WRAPPERS: usize = 3;

/// Folders of photos, as found in one that a user names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitFolders {
    /// Folder of the training photos: all photos, if they are not split.
    pub training: PathBuf,
    /// Folder of the photos to validate on, if they are split.
    pub validation: Option<PathBuf>,
    /// Folder of photos for a test, where there is one besides `validation`.
    pub test: Option<PathBuf>,
}

impl SplitFolders {
    /// Finds the photos in a folder. It is split if it has a folder named `train` (or `training`) and one named `test`,
    /// `validation`, `valid` or `val`. With both kinds of the latter, `test` stays apart. A class of a data set can be named
    /// `train` too: beside folders with other names, it is a split only if it has folders inside.
    ///
    /// A folder that holds a single folder of folders is taken for that one: unpacked archives are often like this. A folder that
    /// cannot be read is returned as it is, for the error of reading it.
    pub fn find(folder: &Path) -> Self {
        let mut folder = folder.to_owned();
        for _ in 0..MAX_WRAPPERS {
            match only_folder(&folder) {
                Some(inner)
                    if folders_in(&inner).iter().any(|path| !folders_in(path).is_empty() || has_pictures(path)) =>
                {
                    folder = inner;
                }
                _ => break,
            }
        }
        let folders = folders_in(&folder);
        let named = |names: &[&str]| folders.iter().find(|path| has_name(path, names)).cloned();
        let (training, validation, test) = (named(&TRAINING), named(&VALIDATION), named(&TEST));
        match training {
            Some(training) if (validation.is_some() || test.is_some()) && is_split(&training, &folders) => {
                let (validation, test) = if validation.is_some() { (validation, test) } else { (test, None) };
                Self { training, validation, test }
            }
            _ => Self { training: folder, validation: None, test: None },
        }
    }
}

/// Returns true if these names of classes are those of folders of a split.
pub(super) fn are_split_names(classes: &[String]) -> bool {
    let is_training = |class: &String| has_name(Path::new(class), &TRAINING);
    classes.len() > 1 && classes.iter().any(is_training) && classes.iter().all(|class| is_split_name(Path::new(class)))
}

fn is_split(training: &Path, folders: &[PathBuf]) -> bool {
    !folders_in(training).is_empty() || !folders.iter().any(|path| !is_split_name(path) && has_pictures(path))
}

fn is_split_name(path: &Path) -> bool {
    [&TRAINING[..], &VALIDATION, &TEST].iter().any(|names| has_name(path, names))
}

fn has_name(path: &Path, names: &[&str]) -> bool {
    path.file_name().is_some_and(|own| names.iter().any(|name| own.eq_ignore_ascii_case(name)))
}

/// Returns the only folder in a folder without pictures.
fn only_folder(folder: &Path) -> Option<PathBuf> {
    let [only] = &folders_in(folder)[..] else { return None };
    (!has_pictures(folder)).then(|| only.clone())
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    entries(folder).map(|(_, folders)| folders).unwrap_or_default()
}

/// Returns true if there are pictures directly in the folder.
fn has_pictures(folder: &Path) -> bool {
    entries(folder).is_ok_and(|(files, _)| files.iter().any(|path| is_picture(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is found in a folder of empty files, below it.
    fn found(files: &[&str]) -> [String; 3] {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        let below = |path: &Path| path.strip_prefix(folder.path()).unwrap().to_string_lossy().replace('\\', "/");
        let SplitFolders { training, validation, test } = SplitFolders::find(folder.path());
        [
            below(&training),
            validation.map_or_else(String::new, |path| below(&path)),
            test.map_or_else(String::new, |path| below(&path)),
        ]
    }

    #[test]
    fn splits_as_people_have_them() {
        for name in ["test", "val", "valid", "validation", "Test", "VAL"] {
            let files = ["train/a/1.jpg", "train/b/1.jpg", &format!("{name}/a/2.jpg"), &format!("{name}/b/2.jpg")];
            assert_eq!(found(&files), ["train", name, ""]);
        }
        let all = ["train/a/1.jpg", "val/a/2.jpg", "test/a/3.jpg"];
        assert_eq!(found(&all), ["train", "val", "test"], "the test stays apart");
        // Photos named by class, as in the article's data set; and a folder of other things.
        assert_eq!(found(&["train/a-1.jpg", "test/a-2.jpg", "notes/readme.txt"]), ["train", "test", ""]);
        assert_eq!(
            found(&["__MACOSX/train/._1.jpg", "set/set/Training/a/1.jpg", "set/set/testing/a/1.jpg"]),
            ["set/set/Training", "set/set/testing", ""]
        );
    }

    #[test]
    fn classes_are_no_splits() {
        assert_eq!(found(&["a/1.jpg", "b/1.jpg"]), ["", "", ""]);
        assert_eq!(found(&["a-1.jpg", "b-1.jpg"]), ["", "", ""]);
        assert_eq!(found(&["set/a/1.jpg", "set/b/1.jpg"]), ["set", "", ""], "an archive's own folder");
        assert_eq!(found(&["train/1.jpg", "bus/1.jpg", "car/1.jpg"]), ["", "", ""], "vehicles");
        assert_eq!(found(&["train/1.jpg", "bus/1.jpg", "test/1.jpg"]), ["", "", ""], "a class named test, too");
        assert_eq!(found(&["train/a/1.jpg", "train/b/1.jpg"]), ["train", "", ""]);
        let names = |names: &[&str]| are_split_names(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert!(names(&["test", "train"]) && names(&["TRAIN", "test", "val"]));
        assert!(!names(&["train"]) && !names(&["bus", "test", "train"]) && !names(&["test", "val"]));
    }
}
