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

use std::io;
use std::path::Path;
use std::process::{Child, Stdio};

/// Folders that may contain installed programs without being on the search path: those of package managers and
/// installers.
pub(crate) const PROGRAM_FOLDERS: &[&str] = system::PROGRAM_FOLDERS;

/// Stream of bytes between this process and one that it has started.
pub(crate) use system::LineStream;

/// Waits for a connection of a process that this one starts.
#[derive(Debug)]
pub(crate) struct LineListener(system::LineListener);

impl LineListener {
    /// Listens, without blocking. Where the system allows it, only processes of this user can connect: the way there is a file
    /// `name` in `folder`, which must be private.
    ///
    /// # Errors
    /// The folder's file system has no sockets, or the path is too long for them.
    pub(crate) fn new(folder: &Path, name: &str) -> io::Result<Self> {
        system::LineListener::new(folder, name).map(Self)
    }

    /// Returns the address as QEMU's option `-chardev socket` has it.
    ///
    /// # Errors
    /// From the operating system.
    pub(crate) fn address(&self) -> io::Result<String> {
        self.0.address()
    }

    /// Returns a connection; `None` if there is none yet.
    ///
    /// # Errors
    /// From the operating system.
    pub(crate) fn accept(&self) -> io::Result<Option<LineStream>> {
        match self.0.accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            accepted => accepted.map(Some),
        }
    }
}

/// Returns both ends of a line, for tests.
#[cfg(test)]
pub(crate) fn line_pair() -> (LineStream, LineStream) {
    system::line_pair().expect("a line can be made")
}

/// Returns true if only root or this user can have put a folder's contents there: it belongs to one of them, and nobody else may
/// write to it. Always true where files have no such owners.
pub(crate) fn is_own(folder: &Path) -> bool {
    system::is_own(folder)
}

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
        let deadline = Instant::now() + Duration::from_secs(300);
        while watched.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it still runs");
            std::thread::sleep(Duration::from_millis(10));
        }
        watchdog.wait().unwrap();
    }
}
