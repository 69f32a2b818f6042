//! Functions that differ between operating systems: one file each, with the same functions.
//!
//! | file | systems |
//! |---|---|
//! | `unix` | Linux, macOS and their relatives |
//! | `windows` | Windows |
//!
//! Programs that may or may not exist (on the search path, `apt-get`, Debian's compiler) are looked for without such a
//! file.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::path::Path;
use std::process::{Child, Stdio};

/// Folders that may contain installed programs without being on the search path: those of package managers and
/// installers.
pub(crate) const PROGRAM_FOLDERS: &[&str] = system::PROGRAM_FOLDERS;

/// Returns the free space of a folder's file system, bytes; `None` if the system does not tell.
pub(crate) fn free_space(folder: &Path) -> Option<u64> {
    system::free_space(folder)
}

/// Returns true if this user may write to a folder or device, as far as the system tells without trying.
pub fn may_write(path: &Path) -> bool {
    system::may_write(path)
}

/// Starts a process that kills another one, by its number, if this process ends without cleaning up: killed by a time
/// limit, say.
///
/// It waits for the end of a pipe that only this process holds. `None` if the system's shell cannot be started.
pub(crate) fn watchdog(process: u32) -> Option<Child> {
    let mut shell = system::kill_after_input(process);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::*;

    /// Starts a process that runs for longer than any test: this program, waiting for input that never comes.
    fn waiting() -> Child {
        let shell = if cfg!(windows) { "cmd" } else { "cat" };
        Command::new(shell).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    #[test]
    fn the_watchdog_ends_the_process_when_its_pipe_closes() {
        let mut watched = waiting();
        let mut watchdog = watchdog(watched.id()).unwrap();
        assert!(watched.try_wait().unwrap().is_none());
        // The same happens when the process that holds it ends.
        drop(watchdog.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(20);
        while watched.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it still runs");
            std::thread::sleep(Duration::from_millis(10));
        }
        watchdog.wait().unwrap();
    }
}
