//! Lists of photos and their classes: `path,class` on each line of a `.csv`, `.tsv` or `.txt` file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};
use unicode_normalization::UnicodeNormalization;

use crate::artifacts::{limits, read_regular};

use super::{ClassFrom, PhotoError, Warning};

/// Names of the column of paths, in upper or lower case.
const PATHS: [&str; 9] = ["path", "file", "filename", "file_name", "image", "image_path", "img", "photo", "picture"];
/// Names of the column of classes, in upper or lower case.
const CLASSES: [&str; 5] = ["class", "label", "category", "class_name", "target"];

/// Endings of lists.
const ENDINGS: [&str; 3] = ["csv", "tsv", "txt"];

/// A photo of a list.
pub(super) struct Listed {
    pub(super) path: PathBuf,
    pub(super) class: String,
}

/// A photo of a list that is left out.
pub(super) struct Absent {
    /// Its class, if it has one.
    pub(super) class: Option<String>,
    pub(super) warning: Warning,
}

/// Returns true if a path is a file with the ending of a list.
pub(super) fn is_list(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    ENDINGS.contains(&&ending[..]) && path.is_file()
}

/// Reads a list. Columns are separated by commas, semicolons or tabs, whichever the first line has; quotes are those of CSV, and
/// spaces around cells do not count. The first two columns are path and class. If the first line names the columns (see [`PATHS`]
/// and [`CLASSES`]), any order and further columns are allowed. Relative paths are relative to the list's folder. Only
/// [`ClassFrom::Structure`] reads classes from the list.
///
/// A photo that is listed twice with the same class counts once. Photos that do not exist, and those without a class by their
/// names, are absent, with the reason.
///
/// # Errors
/// [`PhotoError::ListUnreadable`] if the file cannot be read. [`PhotoError::List`] with the line if a quote is not closed, a path
/// or class is missing or has a control character, a photo has two classes, or text is not UTF-8. Errors of
/// [`ClassFrom::class_of`].
pub(super) fn read(list: &Path, class_from: &ClassFrom) -> Result<(Vec<Listed>, Vec<Absent>), PhotoError> {
    let (mut listed, mut absent) = (Vec::new(), Vec::new());
    // Line and class of each photo.
    let mut seen: BTreeMap<PathBuf, (u64, String)> = BTreeMap::new();
    for Row { line, name, path, class } in rows(list, class_from.is_structure())? {
        let class = match class {
            Some(class) => Some(class),
            None => class_from.class_of(&path)?,
        };
        let Some(class) = class else {
            let reason = format!("its name does not match {class_from}");
            absent.push(Absent { class: None, warning: Warning { path, reason } });
            continue;
        };
        if let Some((first, before)) = seen.get(&path) {
            if *before != class {
                let reason = format!("{name} has the class {class:?}, and {before:?} in line {first}");
                return Err(PhotoError::List { path: list.to_owned(), line, reason });
            }
            continue;
        }
        seen.insert(path.clone(), (line, class.clone()));
        match missing(&path, line, list) {
            Some(warning) => absent.push(Absent { class: Some(class), warning }),
            None => listed.push(Listed { path, class }),
        }
    }
    Ok((listed, absent))
}

/// Returns the photos of a list without their classes, each once, and warnings for those that do not exist. The list needs no
/// classes.
///
/// # Errors
/// Those of [`read`], except those about classes.
pub(super) fn paths(list: &Path) -> Result<(Vec<PathBuf>, Vec<Warning>), PhotoError> {
    let (mut found, mut warnings, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for Row { line, path, .. } in rows(list, false)? {
        if !seen.insert(path.clone()) {
            continue;
        }
        match missing(&path, line, list) {
            Some(warning) => warnings.push(warning),
            None => found.push(path),
        }
    }
    Ok((found, warnings))
}

/// Returns a warning if a photo does not exist.
fn missing(path: &Path, line: u64, list: &Path) -> Option<Warning> {
    let reason = path.metadata().err()?;
    let reason = format!("the photo cannot be read: {reason} (line {line} of {})", list.display());
    Some(Warning { path: path.to_owned(), reason })
}

/// A line of a list.
struct Row {
    line: u64,
    /// The path as it is written.
    name: String,
    path: PathBuf,
    /// The class in Unicode's composed form (NFC), if it is read.
    class: Option<String>,
}

/// Reads the lines of a list. Their classes are read, and must be there, only if asked for.
fn rows(list: &Path, with_classes: bool) -> Result<Vec<Row>, PhotoError> {
    let unreadable = |reason: String| PhotoError::ListUnreadable { path: list.to_owned(), reason };
    let wrong = |line: u64, reason: String| PhotoError::List { path: list.to_owned(), line, reason };
    let text = read_regular(list, limits::LIST).map_err(|reason| unreadable(reason.to_string()))?;
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
    let separator = separator(text);
    let text = without_spaces_before_quotes(text, separator);
    let text = text.map_err(|line| wrong(line, "the quote that begins here is not closed".to_owned()))?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(separator)
        .from_reader(&text[..]);
    let folder = list.parent().unwrap_or(Path::new(""));
    let mut rows = Vec::new();
    let mut columns = (0, 1);
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| match error.kind() {
            csv::ErrorKind::Utf8 { pos, .. } => {
                wrong(pos.as_ref().map_or(0, |start| line_of(&text, start)), "it is not UTF-8 text".to_owned())
            }
            _ => unreadable(error.to_string()),
        })?;
        let line = record.position().map_or(0, |start| line_of(&text, start));
        if number == 0
            && let Some(named) = header(&record, with_classes)
        {
            columns = named;
            continue;
        }
        let cell = |column: usize, what: &str, absent: String| {
            let cell = record.get(column).filter(|cell| !cell.is_empty()).ok_or_else(|| wrong(line, absent))?;
            match cell.chars().find(|c| c.is_control()) {
                Some('\n' | '\r') => Err(wrong(line, format!("its {what} has a line break: is a quote missing?"))),
                Some(control) => Err(wrong(line, format!("its {what} has the control character {control:?}"))),
                None => Ok(cell.to_owned()),
            }
        };
        let name = cell(columns.0, "path", "it has no path".to_owned())?;
        let class = with_classes.then(|| cell(columns.1, "class", format!("{name} has no class after it")));
        let class = class.transpose()?.map(|class| class.nfc().collect());
        rows.push(Row { line, path: folder.join(&name), name, class });
    }
    Ok(rows)
}

/// Returns the line of a record, which begins after the empty lines before it.
fn line_of(text: &[u8], start: &csv::Position) -> u64 {
    let from = text.get(start.byte() as usize..).unwrap_or_default();
    let empty = from.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|&&byte| byte == b'\n').count();
    start.line() + empty as u64
}

/// Returns the separator of the first line.
fn separator(text: &[u8]) -> u8 {
    let line = text.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    [b'\t', b',', b';'].into_iter().find(|separator| line.contains(separator)).unwrap_or(b',')
}

/// Returns the text without spaces before quotes that begin a cell, as in `a.jpg, "cat"`: CSV has none, and would take such quotes
/// for text.
///
/// # Errors
/// The line of a quote that is not closed.
fn without_spaces_before_quotes(text: &[u8], separator: u8) -> Result<Vec<u8>, u64> {
    let mut tidy = Vec::with_capacity(text.len());
    // Start of the cell in `tidy`, while it has only spaces.
    let mut blank_cell = Some(0);
    // Line of the quote that is open.
    let mut open = None;
    let mut line = 1;
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            // Two quotes within quotes are one that belongs to the text.
            b'"' if open.is_some() && bytes.next_if_eq(&b'"').is_some() => tidy.push(b'"'),
            b'"' if open.is_some() => open = None,
            _ if open.is_some() => {}
            b'"' => {
                if let Some(start) = blank_cell.take() {
                    tidy.truncate(start);
                    open = Some(line);
                }
            }
            b'\r' | b'\n' => blank_cell = Some(tidy.len() + 1),
            _ if byte == separator => blank_cell = Some(tidy.len() + 1),
            b' ' | b'\t' => {}
            _ => blank_cell = None,
        }
        tidy.push(byte);
        line += u64::from(byte == b'\n');
    }
    open.map_or(Ok(tidy), Err)
}

/// Returns the columns of path and class if a record names them. A class need not be named if it is not read.
fn header(record: &StringRecord, with_classes: bool) -> Option<(usize, usize)> {
    let named =
        |names: &[&str]| record.iter().position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)));
    let (path, class) = (named(&PATHS), named(&CLASSES));
    if with_classes { path.zip(class) } else { path.map(|path| (path, class.unwrap_or(usize::MAX))) }
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
            Ok((listed, absent)) => (
                Ok(listed.into_iter().map(|one| (below(&one.path), one.class)).collect()),
                absent
                    .into_iter()
                    .map(|Absent { warning: Warning { path, reason }, .. }| format!("{}: {reason}", below(&path)))
                    .collect(),
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
            " \"a.jpg\", \"cat\"\n \"b c.jpg\" ,\t\"dog\" \r\nin/d.jpg , \"dog\"",
            "path,class,note\na.jpg,cat,\"two\nlines\"\nb c.jpg,dog,\"a \"\"quote\"\"\"\nin/d.jpg,dog,5\"\n",
        ] {
            let (listed, warnings) = read_list(text.as_bytes(), "");
            assert_eq!((listed.unwrap(), warnings.len()), (expected.clone(), 0), "{text}");
        }
        let (listed, _) = read_list(b"a.jpg\nin/d.jpg\n", "first-char");
        assert_eq!(listed.unwrap(), pairs(&[("a.jpg", "a"), ("in/d.jpg", "d")]));
        let (listed, _) = read_list(b"a.jpg, \"black, \"\"white\"\"\"\nb c.jpg,5\" nail\n", "");
        assert_eq!(listed.unwrap(), pairs(&[("a.jpg", "black, \"white\""), ("b c.jpg", "5\" nail")]));
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
        refused(b"a.jpg,cat\nnone.jpg,dog\nnone.jpg,cat\n", 3, "none.jpg has the class \"cat\", and \"dog\" in line 2");
        // The quote would take the next lines into the class, or be lost at the end of the file.
        refused(b"a.jpg,cat\nb c.jpg,\"dog\nin/d.jpg,dog\n", 2, "the quote that begins here is not closed");
        refused(b"a.jpg,cat\nb c.jpg,\"dog", 2, "the quote that begins here is not closed");
        refused(b"a.jpg,cat\n\"b c.jpg,dog\n\"in/d.jpg\",dog\n", 2, "its path has a line break");
        refused(b"a.jpg,\"cat\nb c.jpg,\"dog\"\n", 1, "its class has a line break");
        refused(b"a.jpg,cat\nb\0.jpg,dog\n", 2, "its path has the control character '\\0'");
        refused(b"a.jpg,cat\nb c.jpg,d\x1bog\n", 2, "its class has the control character '\\u{1b}'");
        let (listed, warnings) = read_list(b"a.jpg,cat\nnone.jpg,dog\n", "");
        assert_eq!(listed.unwrap(), pairs(&[("a.jpg", "cat")]));
        assert!(warnings[0].starts_with("none.jpg: ") && warnings[0].contains("line 2 of "), "{warnings:?}");
    }
}
