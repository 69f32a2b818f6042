//! Windows.

use std::fs::File;
use std::io;
use std::process::Command;

/// See [`super::let_everyone_read`]: a file has the rights of its folder, whoever made it.
pub(super) fn let_everyone_read(_file: &File) -> io::Result<()> {
    Ok(())
}

/// A shell that reads a line, or the end of its input, and then ends a process.
pub(super) fn kill_after_input(process: u32) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/d", "/c", "set", "/p", "line=", "&", "taskkill", "/f", "/pid", &process.to_string()]);
    shell
}
