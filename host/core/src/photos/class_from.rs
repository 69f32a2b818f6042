//! Where the class of a photo is: in the name of its folder, or in a part of its own name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use regex::Regex;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::PhotoError;

/// Source of a photo's class.
#[derive(Clone, Debug, Default)]
pub enum ClassFrom {
    /// The folder's structure: one folder per class ([`Self::Folder`]), or files named by class ([`Self::Prefix`]). In a list, the
    /// column of classes.
    #[default]
    Structure,
    /// The name of the folder that the file is in.
    Folder,
    /// The letters at the start of the file's name: `muffin_12.jpg`, `chihuahua-unseen-3.jpg`. The class ends before the first
    /// character that is neither a letter nor a mark on one.
    Prefix,
    /// The first character of the file's name: `7-0231.jpg`.
    FirstChar,
    /// The first group of a regular expression that takes part in the match with the file's name, with its ending. If no group
    /// does, the whole match. Files that it does not match, or whose class would be empty, have no class.
    Pattern(Regex),
}

/// Error of reading a [`ClassFrom`] from text.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ClassFromError {
    /// It is none of the names.
    #[error("give folder, prefix, first-char or regex:PATTERN")]
    Unknown,
    /// The regular expression is wrong.
    #[error("{0}")]
    Pattern(#[from] regex::Error),
}

impl ClassFrom {
    /// Returns true if the class is in the file's own name, so that its folder does not matter.
    pub(super) fn is_in_file_name(&self) -> bool {
        matches!(self, Self::Prefix | Self::FirstChar | Self::Pattern(_))
    }

    /// Returns true for the default.
    pub fn is_structure(&self) -> bool {
        matches!(self, Self::Structure)
    }

    /// Returns a photo's class in Unicode's composed form (NFC); `None` if its name does not match the regular expression.
    /// [`Self::Structure`] is read as [`Self::Prefix`].
    ///
    /// # Errors
    /// [`PhotoError::NotUtf8`] if the name that has the class is not UTF-8, [`PhotoError::Nameless`] if it has no class.
    pub(super) fn class_of(&self, path: &Path) -> Result<Option<String>, PhotoError> {
        let name = match self {
            Self::Folder => folder_name(path),
            // A pattern may be about the ending.
            Self::Pattern(_) => path.file_name().map(ToOwned::to_owned),
            Self::Structure | Self::Prefix | Self::FirstChar => path.file_stem().map(ToOwned::to_owned),
        };
        let name = name.unwrap_or_default();
        let name = name.to_str().ok_or_else(|| PhotoError::NotUtf8 { path: path.to_owned() })?;
        // Composed first; marks without a composed form stay characters of their own.
        let name: String = name.nfc().collect();
        let class = match self {
            Self::Folder => name,
            Self::Pattern(pattern) => {
                let Some(found) = pattern.captures(&name) else { return Ok(None) };
                // The first group of several alternatives that took part.
                found.iter().skip(1).flatten().next().or(found.get(0)).map_or("", |part| part.as_str()).to_owned()
            }
            Self::FirstChar => {
                let mut letters = name.chars().take(1).collect::<String>();
                letters.extend(name.chars().skip(1).take_while(|&c| is_combining_mark(c)));
                letters
            }
            Self::Structure | Self::Prefix => {
                let class: String = name.chars().take_while(|&c| c.is_alphabetic() || is_combining_mark(c)).collect();
                if class.starts_with(char::is_alphabetic) { class } else { String::new() }
            }
        };
        match (&self, class.trim().is_empty()) {
            (_, false) => Ok(Some(class)),
            (Self::Pattern(_), true) => Ok(None),
            _ => Err(PhotoError::Nameless { path: path.to_owned() }),
        }
    }
}

/// Returns the name of the folder that a file is in. Where its path does not have it (`1.jpg`, `../1.jpg`), the file system does.
fn folder_name(path: &Path) -> Option<OsString> {
    let folder = path.parent()?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let resolved = || folder.canonicalize().ok()?.file_name().map(ToOwned::to_owned);
    folder.file_name().map(ToOwned::to_owned).or_else(resolved)
}

/// Reads `folder`, `prefix`, `first-char` or `regex:PATTERN`.
impl FromStr for ClassFrom {
    type Err = ClassFromError;

    fn from_str(text: &str) -> Result<Self, ClassFromError> {
        Ok(match text {
            "folder" => Self::Folder,
            "prefix" => Self::Prefix,
            "first-char" => Self::FirstChar,
            _ => Self::Pattern(Regex::new(text.strip_prefix("regex:").ok_or(ClassFromError::Unknown)?)?),
        })
    }
}

/// Writes what [`ClassFrom::from_str`] reads, except for the default: "structure" is not read.
impl std::fmt::Display for ClassFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Structure => f.write_str("structure"),
            Self::Folder => f.write_str("folder"),
            Self::Prefix => f.write_str("prefix"),
            Self::FirstChar => f.write_str("first-char"),
            Self::Pattern(pattern) => write!(f, "regex:{pattern}"),
        }
    }
}

impl PartialEq for ClassFrom {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for ClassFrom {}

/// Photos as a user names them: a folder or a list, and where their classes are.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The folder or the list.
    pub path: &'a Path,
    /// Source of the classes.
    pub class_from: &'a ClassFrom,
}

impl<'a> From<&'a Path> for Source<'a> {
    fn from(path: &'a Path) -> Self {
        Self { path, class_from: &ClassFrom::Structure }
    }
}

impl<'a> From<&'a PathBuf> for Source<'a> {
    fn from(path: &'a PathBuf) -> Self {
        Self::from(path.as_path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(class_from: &str, path: &str) -> Option<String> {
        class_from.parse::<ClassFrom>().unwrap().class_of(Path::new(path)).unwrap()
    }

    #[test]
    fn classes_in_parts_of_names() {
        for (class_from, path, expected) in [
            ("folder", "photos/with handle/1.jpg", "with handle"),
            ("prefix", "photos/x/muffin_12.jpg", "muffin"),
            ("first-char", "digits/7-0231.jpg", "7"),
            ("first-char", "digits/e\u{301}1.jpg", "\u{e9}"),
            ("first-char", "digits/x\u{301}1.jpg", "x\u{301}"),
            (r"regex:_(\w+)\.", "photos/0012_cat.jpg", "cat"),
            (r"regex:cat|dog", "photos/my dog.jpg", "dog"),
            (r"regex:^(a)|(b)$", "photos/x.b", "b"),
        ] {
            assert_eq!(class(class_from, path).as_deref(), Some(expected), "{class_from}: {path}");
        }
        assert_eq!(class("regex:cat|dog", "photos/cow.jpg"), None);
        assert_eq!(class("regex:x*", "photos/cow.jpg"), None, "an empty match is none");
        let prefix: ClassFrom = "prefix".parse().unwrap();
        assert!(matches!(prefix.class_of(Path::new("2024.jpg")), Err(PhotoError::Nameless { .. })));
    }

    #[test]
    fn a_folder_that_a_path_does_not_name_has_its_own_name() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(temp.path().join("cat/old")).unwrap();
        let photo = temp.path().join("cat/old/../1.jpg");
        assert_eq!(class("folder", photo.to_str().unwrap()).as_deref(), Some("cat"));
        let working = std::env::current_dir().unwrap();
        assert_eq!(class("folder", "1.jpg").as_deref(), working.file_name().unwrap().to_str());
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["folder", "prefix", "first-char", r"regex:^(\d)"] {
            assert_eq!(text.parse::<ClassFrom>().unwrap().to_string(), text);
        }
        assert_eq!("suffix".parse::<ClassFrom>(), Err(ClassFromError::Unknown));
        assert!(matches!("regex:(".parse::<ClassFrom>(), Err(ClassFromError::Pattern(_))));
        assert!(ClassFrom::default().is_structure());
    }
}
