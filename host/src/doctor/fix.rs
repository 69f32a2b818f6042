//! Fixes what this user's rights allow.

use std::io;
use std::path::PathBuf;

use pinhole_boards::cache;
use pinhole_boards::emulator::locate::{self, CopyStep, LocateError};

use super::facts::Facts;

/// Error of fixing.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FixError {
    /// A folder cannot be created or removed.
    #[error("the folder {} cannot be created or cleaned", path.display())]
    #[diagnostic(help("set PINHOLE_CACHE to a writable folder"))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The private copy of the emulator could not be made.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Emulator(#[from] LocateError),
}

/// Creates the cache folder, removes leftovers of interrupted downloads, and makes the emulator's private copy if it is
/// needed and possible. `tell` gets each step of the copy before it happens. Returns descriptions of what was done.
///
/// # Errors
/// Any [`FixError`].
pub fn fix(facts: &Facts, tell: impl FnMut(&CopyStep)) -> Result<Vec<String>, FixError> {
    let mut done = Vec::new();
    if let Some(cache) = &facts.cache {
        let path = &cache.path;
        if !cache.exists {
            cache::create(path).map_err(|source| FixError::Folder { path: path.clone(), source })?;
            done.push(format!("created the cache folder {}", path.display()));
        }
        match locate::clean(path).map_err(|(path, source)| FixError::Folder { path, source })? {
            0 => {}
            count => done.push(format!("removed {count} interrupted downloads")),
        }
    }
    if facts.emulator.will_be_copied_to.is_some() {
        let emulator = locate::find(tell)?;
        done.push(format!("made a private copy of the emulator: {}", emulator.path().display()));
    }
    Ok(done)
}
