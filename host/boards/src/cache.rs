//! The user's cache folder. Only it, and the folders that commands are told to write to, are written.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use tempfile::NamedTempFile;

use crate::settings::variables;

/// Folder of temporary files in the cache folder.
const TEMPORARY: &str = "tmp";

/// Returns Pinhole's cache folder, whether or not it exists: `PINHOLE_CACHE`, else `pinhole` in the system's cache
/// folder (`$XDG_CACHE_HOME` or `~/.cache` on Linux, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows). `None`
/// for a user without a home folder.
pub fn folder() -> Option<PathBuf> {
    let named = env::var_os(variables::CACHE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let folder = named.or_else(|| dirs::cache_dir().map(|folder| folder.join("pinhole")))?;
    // Absolute, for programs that are started in another folder. Fails only if the working directory does not exist any
    // more.
    Some(std::path::absolute(&folder).unwrap_or(folder))
}

/// Creates a temporary file that is deleted when dropped: in the cache folder, or in the system's folder for temporary
/// files if the cache folder cannot be written.
///
/// # Errors
/// If neither folder can be written.
pub fn temporary_file() -> io::Result<NamedTempFile> {
    const PREFIX: &str = "pinhole-";
    let in_cache = || {
        let folder = folder()?.join(TEMPORARY);
        fs::create_dir_all(&folder).ok()?;
        NamedTempFile::with_prefix_in(PREFIX, folder).ok()
    };
    in_cache().map_or_else(|| NamedTempFile::with_prefix(PREFIX), Ok)
}

/// Creates a cache folder and its parents, if missing.
///
/// # Errors
/// If it cannot be created.
pub fn create(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Returns the total size of the files in and below a folder, bytes. Files that cannot be read count as 0.
pub fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => size(&entry.path()),
        Ok(data) if data.is_file() => data.len(),
        _ => 0,
    });
    sizes.sum()
}
