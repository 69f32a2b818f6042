//! Files and folders that Pinhole writes: written whole or not at all, and recognized later.
//!
//! | module | contents |
//! |---|---|
//! | `group` | several files of a folder, put in place together |
//! | `aside` | earlier files, kept beside the new ones |
//! | `lock` | one process at a time |
//! | `place` | output that would land among photos |
//! | `read` | regular files, up to a limit of their kind |
//! | `temporary` | temporary files and folders, and those that killed processes have left |

mod aside;
mod group;
mod lock;
mod place;
mod read;
mod temporary;
#[cfg(test)]
mod testing;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_shared::model::MAGIC;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

pub use self::aside::keep_aside;
pub use self::group::{StagedFiles, finish_files, remove_staged, write_files};
pub use self::lock::{ClaimedFolder, FileLock, LockState};
pub use self::place::check_outside;
pub(crate) use self::read::is_special;
pub use self::read::{NOT_REGULAR, first_bytes, limits, read_regular, read_regular_text, starts_with};
pub use self::temporary::ScratchFolder;

/// Name of a run folder's summary.
pub const RUN_SUMMARY: &str = "run.json";

/// Name of a study folder's plan.
pub const STUDY_PLAN: &str = "plan.json";

/// Error of writing a file or folder.
#[derive(Debug, Error, Diagnostic)]
pub enum WriteError {
    /// Writing failed.
    #[error("{} cannot be written: {reason}", path.display())]
    #[diagnostic(help("{}", help_for_writing(path, reason)))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Error from the operating system.
        reason: std::io::Error,
    },
    /// The path of a folder, or a part of it, is a file.
    #[error("{} cannot be a folder: {} is a file", path.display(), file.display())]
    #[diagnostic(help("give another --out; the file is kept"))]
    FileInTheWay {
        /// The folder.
        path: PathBuf,
        /// The file: `path` itself, or one of its parents.
        file: PathBuf,
    },
    /// The path of a file to write is a folder.
    #[error("{} cannot be written: it is a folder", path.display())]
    #[diagnostic(help("give another --out, or rename the folder; it is kept"))]
    FolderInTheWay {
        /// The folder.
        path: PathBuf,
    },
    /// Files are complete in a temporary folder, and one of them cannot be moved to its place.
    #[error("{} cannot be replaced: {reason}", path.display())]
    #[diagnostic(help(
        "close programs that have it open, and run any command on the folder: the new files are complete in {}, and are \
         then moved to their places",
        pending.display()
    ))]
    Replace {
        /// The file to replace.
        path: PathBuf,
        /// The temporary folder.
        pending: PathBuf,
        /// Error from the operating system.
        reason: std::io::Error,
    },
    /// Another process writes into the folder.
    #[error("another Pinhole process is writing to {}", folder.display())]
    #[diagnostic(help("wait until it has ended, or give another --out"))]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The output would land among the photos that are read.
    #[error("{} is inside {}, a folder of photos", out.display(), photos.display())]
    #[diagnostic(help(
        "what is written there would be taken for photos or a class: give an --out outside, such as {}",
        outside.display()
    ))]
    AmongPhotos {
        /// The output.
        out: PathBuf,
        /// The folder of photos.
        photos: PathBuf,
        /// A place for the output that is not inside.
        outside: PathBuf,
    },
    /// The file to overwrite is not a model.
    #[error("{} exists and is not a model; it is kept", path.display())]
    #[diagnostic(help("give another --out"))]
    NoModel {
        /// The file.
        path: PathBuf,
    },
}

fn help_for_writing(path: &Path, reason: &std::io::Error) -> String {
    if is_special(path) {
        return "what was written there is incomplete; give another --out".to_owned();
    }
    let folder = folder_of(path);
    if reason.kind() == std::io::ErrorKind::NotFound && !folder.exists() {
        return format!("create the folder {} first, or give another --out; nothing was written", folder.display());
    }
    let earlier = if path.is_file() { ", and the file that was there is unchanged" } else { "" };
    format!("check that the folder is writable and the disk has free space; no partial file was left{earlier}")
}

/// Gives a new file the permissions of the one that it will replace. Without one, it keeps those that the umask leaves.
fn keep_permissions(replaced: &Path, file: &File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |data: std::fs::Metadata| data.permissions().mode() & 0o777;
        let Some(kept) = replaced.metadata().ok().filter(std::fs::Metadata::is_file).map(mode) else { return Ok(()) };
        if kept != mode(file.metadata()?) {
            file.set_permissions(std::fs::Permissions::from_mode(kept))?;
        }
    }
    // On Windows they come from the folder.
    #[cfg(not(unix))]
    let _ = (replaced, file);
    Ok(())
}

/// Makes names in a folder durable, where the system can: Windows cannot open folders.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// Writes a file whole or not at all: to a temporary file beside it, which is then renamed. A replaced file keeps its permissions.
///
/// # Errors
/// [`WriteError::Write`] with the path.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let wrong = |reason| WriteError::Write { path: path.to_owned(), reason };
    if is_special(path) {
        return std::fs::write(path, bytes).map_err(wrong);
    }
    let mut file = temporary::file_in(folder_of(path)).map_err(wrong)?;
    // Before the first byte: what is private is never readable for others.
    keep_permissions(path, file.as_file()).map_err(wrong)?;
    file.as_file_mut().write_all(bytes).map_err(wrong)?;
    file.as_file().sync_all().map_err(wrong)?;
    file.persist(path).map_err(|error| wrong(error.error))?;
    sync_folder(folder_of(path));
    Ok(())
}

/// Writes a model by [`write_file`]. It may replace another model, but never weights, photos or any other file.
///
/// # Errors
/// [`WriteError::NoModel`] or [`WriteError::Write`], with the path.
pub fn write_model(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    check_model_place(path)?;
    write_file(path, bytes)
}

/// Checks that [`write_model`] may and can write to a path. Call it before long work whose result is a model.
///
/// # Errors
/// Those of [`write_model`].
pub fn check_model_place(path: &Path) -> Result<(), WriteError> {
    if path.is_file() {
        // One that cannot be read is kept too.
        let there = first_bytes(path, MAGIC.len());
        if !there.is_ok_and(|there| there.is_empty() || there == MAGIC) {
            return Err(WriteError::NoModel { path: path.to_owned() });
        }
    }
    check_place(path)
}

/// Checks that a file can be written to a path. Call it before long work whose result is that file.
///
/// # Errors
/// [`WriteError::Write`] with the path.
pub fn check_place(path: &Path) -> Result<(), WriteError> {
    if is_special(path) {
        return Ok(());
    }
    temporary::file_in(folder_of(path)).map(drop).map_err(|reason| WriteError::Write { path: path.to_owned(), reason })
}

/// Checks that a folder can be created at a path, as far as that is known without creating it.
///
/// # Errors
/// [`WriteError::FileInTheWay`].
pub fn check_folder_place(path: &Path) -> Result<(), WriteError> {
    match path.ancestors().find(|above| above.is_file()) {
        Some(file) => Err(WriteError::FileInTheWay { path: path.to_owned(), file: file.to_owned() }),
        None => Ok(()),
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a folder and its parents if they are missing, and checks that files can be written into it.
///
/// # Errors
/// [`WriteError::FileInTheWay`] or [`WriteError::Write`], with the path.
pub fn create_folder(path: &Path) -> Result<(), WriteError> {
    check_folder_place(path)?;
    let wrong = |reason| WriteError::Write { path: path.to_owned(), reason };
    std::fs::create_dir_all(path).map_err(wrong)?;
    temporary::file_in(path).map(drop).map_err(wrong)
}

/// Removes a file if it exists.
///
/// # Errors
/// [`WriteError::Write`] with the path.
pub fn remove(path: PathBuf) -> Result<(), WriteError> {
    match std::fs::remove_file(&path) {
        Err(reason) if reason.kind() != std::io::ErrorKind::NotFound => Err(WriteError::Write { path, reason }),
        _ => Ok(()),
    }
}

/// Returns true for a run folder of any version: one whose summary names a version of Pinhole.
pub fn is_run(folder: &Path) -> bool {
    read_json::<Value>(&folder.join(RUN_SUMMARY)).is_some_and(|summary| summary["pinhole"].is_string())
}

/// Returns true for the folder of a study or search of any version: one whose plan names a version of Pinhole, and systems.
pub fn is_study(folder: &Path) -> bool {
    let plan = read_json::<Value>(&folder.join(STUDY_PLAN));
    plan.is_some_and(|plan| plan["pinhole"].is_string() && plan["systems"].is_array())
}

/// Reads a value from a JSON file. Returns `None` if the file cannot be read or holds another type.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&read_regular(path, limits::JSON).ok()?).ok()
}

#[cfg(test)]
mod tests;
