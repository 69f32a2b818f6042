//! Linux, macOS and their relatives.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// See [`super::let_everyone_read`].
pub(super) fn let_everyone_read(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o644))
}

/// A shell that reads a line, or the end of its input, and then ends a process.
pub(super) fn kill_after_input(process: u32) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"read -r line; kill -9 "$0""#, &process.to_string()]);
    shell
}
