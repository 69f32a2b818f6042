//! Windows.

use std::path::Path;
use std::process::Command;

/// See [`super::PROGRAM_FOLDERS`].
pub(super) const PROGRAM_FOLDERS: &[&str] =
    &[r"C:\Program Files\qemu", r"C:\msys64\ucrt64\bin", r"C:\msys64\mingw64\bin", r"C:\msys64\clang64\bin"];

/// See [`super::free_space`]: the standard library does not ask for it.
pub(super) fn free_space(_folder: &Path) -> Option<u64> {
    None
}

/// See [`super::may_write`]. Ports have no metadata here, and no owners.
pub(super) fn may_write(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |data| !data.permissions().readonly())
}

/// A shell that reads a line, or the end of its input, and then ends a process.
pub(super) fn kill_after_input(process: u32) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/d", "/c", "set", "/p", "line=", "&", "taskkill", "/f", "/pid", &process.to_string()]);
    shell
}
