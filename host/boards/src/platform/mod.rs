//! What differs from system to system: one file each, with the same functions.
//!
//! | file | systems |
//! |---|---|
//! | `unix` | Linux, macOS and their relatives |
//! | `windows` | Windows |
//!
//! What is found by looking (programs on the search path, `apt-get`, Debian's compiler) needs no such file: it is there or not.

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

/// Folders where installed programs may be although they are not on the search path: those of package managers, and of
/// installers.
pub(crate) const PROGRAM_FOLDERS: &[&str] = system::PROGRAM_FOLDERS;

/// Free space where a folder is, bytes; `None` where the system does not say.
pub(crate) fn free_space(folder: &Path) -> Option<u64> {
    system::free_space(folder)
}

/// Whether this user may write to a folder or device, as far as the system tells without trying.
pub fn may_write(path: &Path) -> bool {
    system::may_write(path)
}

/// Starts a process that ends another, by its number, when this one ends without doing so: killed, say, by a time limit.
///
/// It waits for the end of a pipe that only this process holds. `None` where the system's shell cannot be started.
pub(crate) fn watchdog(process: u32) -> Option<Child> {
    let mut shell = system::kill_after_input(process);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::*;

    /// A process that runs for longer than any test: this program, waiting for input that does not come.
    fn waiting() -> Child {
        let shell = if cfg!(windows) { "cmd" } else { "cat" };
        Command::new(shell).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    #[test]
    fn the_watchdog_ends_the_process_when_its_pipe_closes() {
        let mut watched = waiting();
        let mut watchdog = watchdog(watched.id()).unwrap();
        assert!(watched.try_wait().unwrap().is_none());
        // What happens to it when the process that holds it ends.
        drop(watchdog.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(20);
        while watched.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it still runs");
            std::thread::sleep(Duration::from_millis(10));
        }
        watchdog.wait().unwrap();
    }
}
