//! The user's cache folder: the only place outside the folders that commands are told to write to.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use tempfile::NamedTempFile;

use crate::settings::variables;

/// Folder of temporary files in the cache folder.
const TEMPORARY: &str = "tmp";

/// Pinhole's cache folder, whether or not it is there: that of the environment's `PINHOLE_CACHE`, else `pinhole` in the
/// system's folder for caches (`$XDG_CACHE_HOME` or `~/.cache` on Linux, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on
/// Windows). `None` for a user without a home folder.
pub fn folder() -> Option<PathBuf> {
    let named = env::var_os(variables::CACHE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let folder = named.or_else(|| dirs::cache_dir().map(|folder| folder.join("pinhole")))?;
    // Programs that are started in another folder get it too. Fails only where there is no working directory any more.
    Some(std::path::absolute(&folder).unwrap_or(folder))
}

/// A new temporary file, deleted when it is dropped: in the cache folder, or, where that cannot be written, in the system's folder
/// for temporary files.
///
/// # Errors
/// When neither can be written.
pub fn temporary_file() -> io::Result<NamedTempFile> {
    const PREFIX: &str = "pinhole-";
    let in_cache = || {
        let folder = folder()?.join(TEMPORARY);
        fs::create_dir_all(&folder).ok()?;
        NamedTempFile::with_prefix_in(PREFIX, folder).ok()
    };
    in_cache().map_or_else(|| NamedTempFile::with_prefix(PREFIX), Ok)
}

/// Creates a cache folder and its parents, if it is not there.
///
/// # Errors
/// When it cannot be created.
pub fn create(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Total size of the files in a folder and below it, bytes. Files that cannot be read count as 0.
pub fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => size(&entry.path()),
        Ok(data) if data.is_file() => data.len(),
        _ => 0,
    });
    sizes.sum()
}
