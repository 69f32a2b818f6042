//! Checks if a file is a usable emulator.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{EmulatorOrigin, EmulatorProgram, PROGRAM, Unusable, command};
use crate::board::Board;
use crate::firmware::system::last_lines;

/// Oldest usable major version of QEMU: 5.2 does not support `nodelay=on`, which serial lines require. Debian's 7.2 and
/// 10.0 were tested.
const OLDEST: u32 = 6;
/// Lines of a program's error messages that are shown.
const LINES: usize = 3;

/// Checks the emulator that the user named.
pub(super) fn named(path: &Path) -> Result<EmulatorProgram, Unusable> {
    let unusable = |reason: &str| Unusable { path: path.to_owned(), reason: reason.to_owned() };
    if path.is_dir() {
        return Err(unusable("it is a folder, not a program"));
    }
    if !path.exists() {
        return Err(unusable("there is no such file"));
    }
    // A name without a folder would be looked for on the search path.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match works(&path, &[]) {
        Ok(()) => Ok(EmulatorProgram { path, origin: EmulatorOrigin::Named, libraries: Vec::new() }),
        Err(reason) => Err(Unusable { path, reason }),
    }
}

/// Checks that a program starts, is a QEMU of at least [`OLDEST`], and has the machines of all emulated boards.
///
/// # Errors
/// The reason, in words.
pub(super) fn works(path: &Path, libraries: &[PathBuf]) -> Result<(), String> {
    let said = run(command(path, libraries).arg("--version"))?;
    let Some(version) = parse_version(&said) else { return Err(format!("it is not a {PROGRAM}")) };
    if major(&version).is_some_and(|major| major < OLDEST) {
        return Err(format!("QEMU {version} is too old; version {OLDEST}.0 or newer is needed"));
    }
    let machines = run(command(path, libraries).args(["-machine", "help"]))?;
    let lacking = lacking(&machines, Board::ALL.into_iter().filter_map(Board::machine));
    if lacking.is_empty() { Ok(()) } else { Err(format!("it lacks the machines {}", lacking.join(", "))) }
}

/// Returns the version that a program reports; `None` if it is not QEMU.
pub(super) fn version(path: &Path, libraries: &[PathBuf]) -> Option<String> {
    parse_version(&run(command(path, libraries).arg("--version")).ok()?)
}

/// Returns the output of a program.
///
/// # Errors
/// A message if it does not start or fails.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("it does not start: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = last_lines(&output.stderr, LINES);
    Err(if said.is_empty() { format!("it failed ({})", output.status) } else { format!("it failed: {said}") })
}

/// Returns the machines that are missing from the output of `-machine help`: lines of a name, spaces and a description.
fn lacking(list: &str, machines: impl IntoIterator<Item = &'static str>) -> Vec<&'static str> {
    let has = |machine: &str| list.lines().any(|line| line.split_whitespace().next() == Some(machine));
    let mut lacking: Vec<&str> = machines.into_iter().filter(|machine| !has(machine)).collect();
    lacking.dedup();
    lacking
}

fn parse_version(output: &str) -> Option<String> {
    let rest = output.lines().next()?.strip_prefix("QEMU emulator version ")?;
    Some(rest.split_whitespace().next()?.to_owned())
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_qemu_prints_them() {
        let debian = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright (c) 2003-2022\n";
        assert_eq!(parse_version(debian).as_deref(), Some("7.2.22"));
        assert_eq!(parse_version("QEMU emulator version 10.0.2\n").as_deref(), Some("10.0.2"));
        for other in ["", "QEMU emulator version ", "qemu-img version 7.2.22\n", "bash 5.2\n"] {
            assert_eq!(parse_version(other), None, "{other:?}");
        }
    }

    #[test]
    fn versions_have_a_major_part() {
        assert_eq!((major("5.2.0"), major("10.0.13"), major("v9"), major("")), (Some(5), Some(10), None, None));
    }

    #[test]
    fn machines_that_are_missing_are_named() {
        let list = "Supported machines are:\nmps2-an385           ARM MPS2 with AN385 FPGA image for Cortex-M3\n";
        assert_eq!(lacking(list, ["mps2-an385"]), [""; 0]);
        assert_eq!(lacking(list, ["mps2-an386", "mps2-an385"]), ["mps2-an386"]);
        // A name in another machine's description does not count.
        assert_eq!(lacking(list, ["ARM"]), ["ARM"]);
    }

    #[test]
    fn the_boards_have_machines() {
        assert!(Board::ALL.into_iter().filter_map(Board::machine).count() >= 2);
    }
}
