//! Linux, macOS and their relatives.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, access, statvfs};
use rustix::process::geteuid;

/// See [`super::LineStream`].
pub(crate) type LineStream = UnixStream;

/// See [`super::LineListener`].
#[derive(Debug)]
pub(super) struct LineListener {
    path: PathBuf,
    listener: UnixListener,
}

impl LineListener {
    pub(super) fn new(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(name);
        let listener = UnixListener::bind(&path)?;
        listener.set_nonblocking(true)?;
        Ok(Self { path, listener })
    }

    pub(super) fn address(&self) -> io::Result<String> {
        let path = self.path.to_str().ok_or_else(|| io::Error::other("the folder's name is not Unicode"))?;
        // A comma in an option is written twice.
        Ok(format!("path={}", path.replace(',', ",,")))
    }

    pub(super) fn accept(&self) -> io::Result<LineStream> {
        let (stream, _) = self.listener.accept()?;
        // Some systems pass it on from the listener.
        stream.set_nonblocking(false)?;
        Ok(stream)
    }
}

/// See [`super::line_pair`].
#[cfg(test)]
pub(super) fn line_pair() -> io::Result<(LineStream, LineStream)> {
    UnixStream::pair()
}

/// See [`super::is_own`].
pub(super) fn is_own(folder: &Path) -> bool {
    const OTHERS_WRITE: u32 = 0o022;
    folder
        .metadata()
        .is_ok_and(|data| (data.uid() == 0 || data.uid() == geteuid().as_raw()) && data.mode() & OTHERS_WRITE == 0)
}

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
