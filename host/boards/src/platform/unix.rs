//! Linux, macOS and their relatives.

use std::path::Path;
use std::process::Command;

use rustix::fs::{Access, access, statvfs};

/// See [`super::PROGRAM_FOLDERS`].
pub(super) const PROGRAM_FOLDERS: &[&str] = if cfg!(target_os = "macos") {
    &["/opt/homebrew/bin", "/usr/local/bin", "/opt/local/bin"]
} else {
    &["/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin", "/run/current-system/sw/bin"]
};

/// See [`super::free_space`].
pub(super) fn free_space(folder: &Path) -> Option<u64> {
    let system = statvfs(folder).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

/// See [`super::may_write`].
pub(super) fn may_write(path: &Path) -> bool {
    access(path, Access::READ_OK | Access::WRITE_OK).is_ok()
}

/// A shell that reads a line, or the end of its input, and then ends a process.
pub(super) fn kill_after_input(process: u32) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"read -r line; kill -9 "$0""#, &process.to_string()]);
    shell
}
