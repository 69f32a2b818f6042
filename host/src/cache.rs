//! The user's cache folder: the only place outside the folders that commands are told to write to.

use std::env;
use std::path::PathBuf;

use crate::settings::variables;

/// Pinhole's cache folder, whether or not it is there: that of the environment's `PINHOLE_CACHE`, else `pinhole` in the
/// system's folder for caches (`$XDG_CACHE_HOME` or `~/.cache` on Linux, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on
/// Windows). `None` for a user without a home folder.
pub fn folder() -> Option<PathBuf> {
    let named = env::var_os(variables::CACHE).filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| dirs::cache_dir().map(|folder| folder.join("pinhole")))
}
