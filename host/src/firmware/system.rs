//! Programs of this machine: finding them, and installing Debian's packages where that is possible.

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

const APT: &str = "/usr/bin/apt-get";

/// Why packages could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// apt-get could not be run.
    #[error("apt-get could not be started")]
    Start(#[source] io::Error),
    /// apt-get failed.
    #[error("`apt-get install {packages}` failed:\n{output}")]
    Failed {
        /// The packages.
        packages: String,
        /// The end of what it printed.
        output: String,
    },
    /// It did what it should, and what is needed is still not there.
    #[error("`apt-get install {packages}` succeeded, but what they should bring is not there")]
    NoEffect {
        /// The packages.
        packages: String,
    },
}

/// A program on the search path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// Whether this is Debian or one of its relatives.
pub(crate) fn has_apt() -> bool {
    Path::new(APT).is_file()
}

/// Whether Debian's packages can be installed without asking anyone.
pub(crate) fn can_install() -> bool {
    let effective_user = || Command::new("/usr/bin/id").arg("-u").stdin(Stdio::null()).output().ok();
    has_apt() && effective_user().is_some_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Installs packages, and says so on stderr. Removes none: where they conflict with installed ones, apt-get fails.
pub(crate) fn install(packages: &[&str]) -> Result<(), InstallError> {
    // Tests start emulators side by side, and apt-get cannot run twice.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let names = packages.join(" ");
    // Not worth failing for when stderr is closed.
    let _ = writeln!(io::stderr(), "pinhole: installing the Debian packages {names} (apt-get)");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(APT);
        command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).args(arguments);
        command.output().map_err(InstallError::Start)
    };
    // An old package list only matters when installing then fails.
    apt(&["update"])?;
    let output = apt(&[&["install", "--yes", "--no-remove", "--no-install-recommends"], packages].concat())?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    Err(InstallError::Failed { packages: names, output: last_lines(&printed, 12) })
}

/// The end of a program's output.
pub(crate) fn last_lines(output: &[u8], count: usize) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_output() {
        assert_eq!(last_lines(b"a\nb\nc\n", 2), "b\nc");
        assert_eq!(last_lines(b"a\n", 5), "a");
        assert_eq!(last_lines(b"", 5), "");
    }

    #[test]
    fn no_program_has_this_name() {
        assert_eq!(find_program("pinhole-no-such-program"), None);
    }
}
