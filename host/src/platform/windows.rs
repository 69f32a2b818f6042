//! Windows.

use std::process::Command;

/// A shell that reads a line, or the end of its input, and then ends a process.
pub(super) fn kill_after_input(process: u32) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/d", "/c", "set", "/p", "line=", "&", "taskkill", "/f", "/pid", &process.to_string()]);
    shell
}
