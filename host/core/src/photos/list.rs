//! Lists of photos and their classes: `path,class` on each line of a `.csv`, `.tsv` or `.txt` file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};
use unicode_normalization::UnicodeNormalization;

use super::{ClassFrom, PhotoError, Warning};

/// Names of the column of paths, in upper or lower case.
const PATHS: [&str; 9] = ["path", "file", "filename", "file_name", "image", "image_path", "img", "photo", "picture"];
/// Names of the column of classes.
const CLASSES: [&str; 5] = ["class", "label", "category", "class_name", "target"];

/// Endings of lists.
const ENDINGS: [&str; 3] = ["csv", "tsv", "txt"];

/// A photo of a list.
pub(super) struct Listed {
    pub(super) path: PathBuf,
    pub(super) class: String,
}

/// Returns true if a path is a file with the ending of a list.
pub(super) fn is_list(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    ENDINGS.contains(&&ending[..]) && path.is_file()
}

/// Reads a list. Columns are separated by commas, semicolons or tabs, whichever the first line has; quotes are those of CSV. The first
/// two columns are path and class. If the first line names the columns (path, file, filename, image, photo, ...; class, label,
/// category, target), any order and further columns are allowed. Relative paths are relative to the list's folder. A class
/// that is named in `class_from` is not read from the list.
///
/// A photo that is listed twice with the same class counts once. Files that do not exist become warnings with their line.
///
/// # Errors
/// [`PhotoError::ListUnreadable`], and [`PhotoError::List`] with the line.
pub(super) fn read(list: &Path, class_from: &ClassFrom) -> Result<(Vec<Listed>, Vec<Warning>), PhotoError> {
    let text = std::fs::read(list)
        .map_err(|reason| PhotoError::ListUnreadable { path: list.to_owned(), reason: reason.to_string() })?;
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
    let wrong = |line: u64, reason: String| PhotoError::List { path: list.to_owned(), line, reason };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(delimiter(text))
        .from_reader(text);
    let folder = list.parent().unwrap_or(Path::new(""));
    let (mut listed, mut warnings): (Vec<Listed>, _) = (Vec::new(), Vec::new());
    // Line and place of each photo.
    let mut seen: BTreeMap<PathBuf, (u64, usize)> = BTreeMap::new();
    let mut columns = (0, 1);
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| match error.kind() {
            csv::ErrorKind::Utf8 { pos, .. } => {
                wrong(pos.as_ref().map_or(0, |start| line_of(text, start)), "it is not UTF-8 text".to_owned())
            }
            _ => PhotoError::ListUnreadable { path: list.to_owned(), reason: error.to_string() },
        })?;
        let line = record.position().map_or(0, |start| line_of(text, start));
        if row == 0
            && let Some(named) = header(&record, class_from)
        {
            columns = named;
            continue;
        }
        let name = record.get(columns.0).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| wrong(line, "it has no path".to_owned()))?;
        let path = folder.join(name);
        let class: String = if class_from.is_structure() {
            let class = record.get(columns.1).filter(|class| !class.is_empty());
            class.ok_or_else(|| wrong(line, format!("{name} has no class after it")))?.nfc().collect()
        } else {
            match class_from.class_of(&path)? {
                Some(class) => class,
                None => {
                    warnings.push(Warning { path, reason: format!("its name does not match {class_from}") });
                    continue;
                }
            }
        };
        match seen.get(&path) {
            Some(&(first, place)) if listed[place].class != class => {
                let before = &listed[place].class;
                return Err(wrong(line, format!("{name} has the class {class:?}, and {before:?} in line {first}")));
            }
            Some(_) => continue,
            None => {}
        }
        if let Err(reason) = path.metadata() {
            let reason = format!("the photo cannot be read: {reason} (line {line} of {})", list.display());
            warnings.push(Warning { path, reason });
            continue;
        }
        seen.insert(path.clone(), (line, listed.len()));
        listed.push(Listed { path, class });
    }
    Ok((listed, warnings))
}

/// Returns the line of a record, which begins after the empty lines before it.
fn line_of(text: &[u8], start: &csv::Position) -> u64 {
    let from = text.get(start.byte() as usize..).unwrap_or_default();
    let empty = from.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|&&byte| byte == b'\n').count();
    start.line() + empty as u64
}

/// Returns the separator of the first line.
fn delimiter(text: &[u8]) -> u8 {
    let line = text.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    [b'\t', b',', b';'].into_iter().find(|separator| line.contains(separator)).unwrap_or(b',')
}

/// Returns the columns of path and class if a record names them.
fn header(record: &StringRecord, class_from: &ClassFrom) -> Option<(usize, usize)> {
    let named =
        |names: &[&str]| record.iter().position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)));
    let (path, class) = (named(&PATHS), named(&CLASSES));
    // Without a list's classes, none need be named.
    if class_from.is_structure() { path.zip(class) } else { path.map(|path| (path, class.unwrap_or(usize::MAX))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Classes = Vec<(String, String)>;

    /// Writes a list beside the empty photos a.jpg, `b c.jpg` and `in/d.jpg`, and reads it.
    fn read_list(text: &[u8], class_from: &str) -> (Result<Classes, PhotoError>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        for name in ["a.jpg", "b c.jpg", "in/d.jpg"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let list = folder.path().join("list.csv");
        std::fs::write(&list, text).unwrap();
        let below = |path: &Path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap().replace('\\', "/");
        let class_from = if class_from.is_empty() { ClassFrom::Structure } else { class_from.parse().unwrap() };
        match read(&list, &class_from) {
            Ok((listed, warnings)) => (
                Ok(listed.into_iter().map(|one| (below(&one.path), one.class)).collect()),
                warnings.into_iter().map(|warning| format!("{}: {}", below(&warning.path), warning.reason)).collect(),
            ),
            Err(error) => (Err(error), Vec::new()),
        }
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(path, class)| (path.to_owned(), class.to_owned())).collect()
    }

    #[test]
    fn lists_as_people_write_them() {
        let expected = pairs(&[("a.jpg", "cat"), ("b c.jpg", "dog"), ("in/d.jpg", "dog")]);
        for text in [
            "a.jpg,cat\nb c.jpg,dog\nin/d.jpg,dog\n",
            "path,class\na.jpg,cat\nb c.jpg,dog\nin/d.jpg,dog",
            "\u{feff}Label;size;Filename\r\ncat;3;a.jpg\r\ndog;4;b c.jpg\r\n\r\ndog;5;in/d.jpg\r\n",
            "a.jpg\tcat\nb c.jpg\tdog\nin/d.jpg\tdog\n",
            "\"a.jpg\",\"cat\"\n\"b c.jpg\", dog\nin/d.jpg, dog\na.jpg,cat\n",
        ] {
            let (listed, warnings) = read_list(text.as_bytes(), "");
            assert_eq!((listed.unwrap(), warnings.len()), (expected.clone(), 0), "{text}");
        }
        let (listed, _) = read_list(b"a.jpg\nin/d.jpg\n", "first-char");
        assert_eq!(listed.unwrap(), pairs(&[("a.jpg", "a"), ("in/d.jpg", "d")]));
    }

    #[test]
    fn faults_name_their_line() {
        let refused = |text: &[u8], line: u64, words: &str| match read_list(text, "").0 {
            Err(PhotoError::List { line: of, reason, .. }) => {
                assert!(of == line && reason.contains(words), "line {of}: {reason}");
            }
            other => panic!("{words}: {other:?}"),
        };
        refused(b"path,class\na.jpg,cat\nb c.jpg\n", 3, "b c.jpg has no class");
        refused(b"a.jpg,cat\nb c.jpg,\n", 2, "b c.jpg has no class");
        refused(b"a.jpg,cat\n\n,dog\n", 3, "no path");
        refused(b"a.jpg,cat\nin/d.jpg,dog\na.jpg,dog\n", 3, "a.jpg has the class \"dog\", and \"cat\" in line 1");
        refused(b"a.jpg,cat\nb c.jpg,\xe9\n", 2, "not UTF-8");
        let (listed, warnings) = read_list(b"a.jpg,cat\nnone.jpg,dog\n", "");
        assert_eq!(listed.unwrap(), pairs(&[("a.jpg", "cat")]));
        assert!(warnings[0].starts_with("none.jpg: ") && warnings[0].contains("line 2 of "), "{warnings:?}");
    }
}
