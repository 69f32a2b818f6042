//! The user's cache folder. Only it, and the folders that commands are told to write to, are written.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use pinhole_core::artifacts::ScratchFolder;

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

/// Creates a private folder for temporary files, which is removed when dropped, and lets `prepare` prepare it. It is in the cache
/// folder. If that cannot be written or prepared, it is in the system's folder for temporary files, at last in `/tmp`.
///
/// # Errors
/// The first of the errors, if all of these fail.
pub(crate) fn scratch<T>(prepare: impl Fn(&ScratchFolder) -> io::Result<T>) -> io::Result<(ScratchFolder, T)> {
    let in_cache = || {
        let folder = folder().ok_or(io::ErrorKind::NotFound)?.join(TEMPORARY);
        fs::create_dir_all(&folder).map(|()| folder)
    };
    let make = |parent: PathBuf| {
        let scratch = ScratchFolder::new_in(&parent)?;
        let prepared = prepare(&scratch)?;
        Ok((scratch, prepared))
    };
    in_cache().and_then(make).or_else(|first| {
        // Folders of users may have long names, and sockets may not.
        let others = [Some(env::temp_dir()), cfg!(unix).then(|| PathBuf::from("/tmp"))];
        others.into_iter().flatten().find_map(|parent| make(parent).ok()).ok_or(first)
    })
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
