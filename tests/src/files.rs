//! Folders and files of tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

/// Creates an empty folder, which is removed with the returned value.
pub fn temporary() -> TempDir {
    tempfile::tempdir().expect("temporary folders can be created")
}

/// Writes a model file with these bytes, and returns its path, with the temporary folder that it is in.
pub fn on_disk(bytes: &[u8]) -> (TempDir, PathBuf) {
    let temp = temporary();
    let path = temp.path().join("model.pinhole");
    std::fs::write(&path, bytes).expect("a fresh folder can be written to");
    (temp, path)
}

/// The files and folders of a folder, sorted by name.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    files.sort();
    files
}

/// The names of the files and folders of a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let name = |path: PathBuf| path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8").to_owned();
    files_in(folder).into_iter().map(name).collect()
}

/// Everything below a folder, by relative path: the bytes of files, and `None` for folders.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut all = BTreeMap::new();
    for name in names_in(folder) {
        let path = folder.join(&name);
        let bytes = path.is_file().then(|| std::fs::read(&path).expect("the file can be read"));
        if path.is_dir() {
            all.extend(contents(&path).into_iter().map(|(below, bytes)| (Path::new(&name).join(below), bytes)));
        }
        all.insert(PathBuf::from(name), bytes);
    }
    all
}

/// Reads a JSON file.
pub fn read_json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in:\n{text}"))
}

/// Returns the bytes of a file in a run folder. The folder's own path, which the report names, is written as RUN: so the same
/// run has the same bytes in any folder.
///
/// # Panics
/// If the file cannot be read.
pub fn run_file(folder: &Path, name: &str) -> Vec<u8> {
    let bytes = std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let path = folder.to_str().expect("a temporary folder has a name in ASCII");
    match String::from_utf8(bytes) {
        Ok(text) => text.replace(path, "RUN").into_bytes(),
        Err(binary) => binary.into_bytes(),
    }
}
