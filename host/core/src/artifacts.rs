//! Files and folders that Pinhole writes: whole or not at all, and recognized again.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_shared::model::MAGIC;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;
use thiserror::Error;

/// Name of a run folder's summary.
pub const RUN_SUMMARY: &str = "run.json";

/// Name of a study folder's plan.
pub const STUDY_PLAN: &str = "plan.json";

/// Why a file or folder could not be written.
#[derive(Debug, Error, Diagnostic)]
pub enum WriteError {
    /// Writing failed.
    #[error("{} cannot be written: {reason}", path.display())]
    #[diagnostic(help("{}", help_for_writing(path, reason)))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A folder was to be where a file is.
    #[error("{} cannot be a folder: {} is a file", path.display(), file.display())]
    #[diagnostic(help("give another --out; the file is kept"))]
    FileInTheWay {
        /// The folder.
        path: PathBuf,
        /// The file: the same, or above it.
        file: PathBuf,
    },
    /// A model was to be written over something that is none.
    #[error("{} is there and is no model; it is kept", path.display())]
    #[diagnostic(help("give another --out"))]
    NoModel {
        /// The file.
        path: PathBuf,
    },
}

fn help_for_writing(path: &Path, reason: &std::io::Error) -> String {
    let folder = folder_of(path);
    if reason.kind() == std::io::ErrorKind::NotFound && !folder.exists() {
        return format!("create the folder {} first, or give another --out; nothing was written", folder.display());
    }
    "check that the folder can be written to and the disk has room; nothing was half-written".to_owned()
}

/// A temporary file in a folder. Its errors, unlike those of the `tempfile` crate's own files, do not name it: that file means
/// nothing to anyone.
fn temporary_in(folder: &Path) -> std::io::Result<NamedTempFile<File>> {
    tempfile::Builder::new().make_in(folder, |path| File::create_new(path))
}

/// Writes a file whole or not at all: to a temporary file beside it, which then takes its name.
///
/// # Errors
/// [`WriteError::Write`] with the path.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let wrong = |reason| WriteError::Write { path: path.to_owned(), reason };
    if is_special(path) {
        return std::fs::write(path, bytes).map_err(wrong);
    }
    let mut file = temporary_in(folder_of(path)).map_err(wrong)?;
    file.as_file_mut().write_all(bytes).map_err(wrong)?;
    file.as_file().sync_all().map_err(wrong)?;
    file.persist(path).map_err(|error| wrong(error.error))?;
    Ok(())
}

/// [`write_file`] for a model: over another model or over nothing, but never over weights, photos or anything else.
///
/// # Errors
/// [`WriteError::NoModel`] or [`WriteError::Write`], with the path.
pub fn write_model(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    check_model_place(path)?;
    write_file(path, bytes)
}

/// Whether [`write_model`] may and can write there: to be asked before long work whose result is a model.
///
/// # Errors
/// Those of [`write_model`].
pub fn check_model_place(path: &Path) -> Result<(), WriteError> {
    if path.is_file() {
        let there = std::fs::read(path).unwrap_or_default();
        if !there.is_empty() && !there.starts_with(&MAGIC) {
            return Err(WriteError::NoModel { path: path.to_owned() });
        }
    }
    check_place(path)
}

/// Whether a file may be written there: to be asked before long work whose result it is.
///
/// # Errors
/// [`WriteError::Write`] with the path.
pub fn check_place(path: &Path) -> Result<(), WriteError> {
    if is_special(path) {
        return Ok(());
    }
    temporary_in(folder_of(path)).map(drop).map_err(|reason| WriteError::Write { path: path.to_owned(), reason })
}

/// Whether a folder may be created there, as far as that is known without doing it.
///
/// # Errors
/// [`WriteError::FileInTheWay`].
pub fn check_folder_place(path: &Path) -> Result<(), WriteError> {
    match path.ancestors().find(|above| above.is_file()) {
        Some(file) => Err(WriteError::FileInTheWay { path: path.to_owned(), file: file.to_owned() }),
        None => Ok(()),
    }
}

/// Whether a path is a device or a pipe (`--out /dev/null`), which is written to: a file renamed over it would take its place.
fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir())
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a folder, and its parents, if it is not there, and makes sure that files can be written into it.
///
/// # Errors
/// [`WriteError::FileInTheWay`] or [`WriteError::Write`], with the path.
pub fn create_folder(path: &Path) -> Result<(), WriteError> {
    check_folder_place(path)?;
    let wrong = |reason| WriteError::Write { path: path.to_owned(), reason };
    std::fs::create_dir_all(path).map_err(wrong)?;
    temporary_in(path).map(drop).map_err(wrong)
}

/// Removes a file, if it is there.
///
/// # Errors
/// [`WriteError::Write`] with the path.
pub fn remove(path: PathBuf) -> Result<(), WriteError> {
    match std::fs::remove_file(&path) {
        Err(reason) if reason.kind() != std::io::ErrorKind::NotFound => Err(WriteError::Write { path, reason }),
        _ => Ok(()),
    }
}

/// Whether a folder is a run folder, of this version or another: its summary names a version of Pinhole.
pub fn is_run(folder: &Path) -> bool {
    let text = std::fs::read(folder.join(RUN_SUMMARY)).unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(&text).is_ok_and(|summary| summary["pinhole"].is_string())
}

/// Whether a folder is a study's, or a search's, of this version or another: its plan names a version of Pinhole, and systems.
pub fn is_study(folder: &Path) -> bool {
    let plan = read_json::<serde_json::Value>(&folder.join(STUDY_PLAN));
    plan.is_some_and(|plan| plan["pinhole"].is_string() && plan["systems"].is_array())
}

/// A JSON file's value; `None` where it cannot be read, or is another.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_whole_and_failures_leave_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_file(&path, b"one").unwrap();
        write_file(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
        let missing = folder.path().join("no/such/folder/a.txt");
        let complaint = write_file(&missing, b"x").unwrap_err().to_string();
        let expected = format!("{} cannot be written: ", missing.display());
        // Nothing of the temporary file; the folder of this test is one, too.
        let reason = complaint.strip_prefix(&expected).unwrap_or_else(|| panic!("{complaint}"));
        assert!(reason.contains("os error 2") && !reason.contains(".tmp"), "{complaint}");
    }
}
