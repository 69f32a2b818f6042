//! Locations of an installed emulator.

use std::env;
use std::path::{Path, PathBuf};

use super::PROGRAM;
use crate::platform::PROGRAM_FOLDERS;

/// Returns files that may be an emulator: those on the search path first, then those in the usual locations.
pub(super) fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Windows' own variable, because programs may be on another drive.
    let programs = env::var_os("ProgramFiles").map(|folder| Path::new(&folder).join("qemu"));
    let usual = programs.into_iter().chain(PROGRAM_FOLDERS.iter().map(PathBuf::from));
    in_folders(env::split_paths(&path).chain(usual))
}

/// Returns the emulators' files in these folders, each once. Relative folders are ignored: they depend on the working
/// directory.
fn in_folders(folders: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let name = format!("{PROGRAM}{}", env::consts::EXE_SUFFIX);
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in folders.into_iter().filter(|folder| folder.is_absolute()) {
        let path = folder.join(&name);
        if path.is_file() && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_order_and_once() {
        let place = tempfile::tempdir().unwrap();
        let name = format!("{PROGRAM}{}", env::consts::EXE_SUFFIX);
        let [first, second, empty] = ["my tools", "b", "c"].map(|name| place.path().join(name));
        for folder in [&first, &second, &empty] {
            std::fs::create_dir(folder).unwrap();
        }
        for folder in [&first, &second] {
            std::fs::write(folder.join(&name), "").unwrap();
        }
        let folders = [PathBuf::from("."), empty, second.clone(), first.clone(), second.clone()];
        assert_eq!(in_folders(folders), [second.join(&name), first.join(&name)]);
    }
}
