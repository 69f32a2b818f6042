//! Linux, macOS and their relatives.

use std::process::Command;

/// A shell that reads a line, or the end of its input, and then ends a process.
pub(super) fn kill_after_input(process: u32) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"read -r line; kill -9 "$0""#, &process.to_string()]);
    shell
}
