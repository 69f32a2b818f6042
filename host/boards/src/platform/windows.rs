//! Windows.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

/// See [`super::LineStream`].
pub(crate) type LineStream = TcpStream;

/// See [`super::LineListener`]. The standard library has no sockets here that are files: any process of the machine can connect
/// to a port.
#[derive(Debug)]
pub(super) struct LineListener(TcpListener);

impl LineListener {
    pub(super) fn new(_folder: &Path, _name: &str) -> io::Result<Self> {
        // A port that the system chose: none can be in use.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    pub(super) fn address(&self) -> io::Result<String> {
        Ok(format!("host=127.0.0.1,port={},nodelay=on", self.0.local_addr()?.port()))
    }

    pub(super) fn accept(&self) -> io::Result<LineStream> {
        let (stream, _) = self.0.accept()?;
        stream.set_nonblocking(false)?;
        // Requests are small, and each waits for its answer.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// See [`super::line_pair`].
#[cfg(test)]
pub(super) fn line_pair() -> io::Result<(LineStream, LineStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let stream = TcpStream::connect(listener.local_addr()?)?;
    Ok((listener.accept()?.0, stream))
}

/// See [`super::is_own`].
pub(super) fn is_own(_folder: &Path) -> bool {
    true
}

/// See [`super::PROGRAM_FOLDERS`].
pub(super) const PROGRAM_FOLDERS: &[&str] =
    &[r"C:\Program Files\qemu", r"C:\msys64\ucrt64\bin", r"C:\msys64\mingw64\bin", r"C:\msys64\clang64\bin"];

/// See [`super::free_space`]: the standard library does not ask for it.
pub(super) fn free_space(_folder: &Path) -> Option<u64> {
    None
}

/// See [`super::may_write`]. Ports have no metadata here, and no owners.
pub(super) fn may_write(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |data| !data.permissions().readonly())
}

/// A shell that reads a line, or the end of its input, and then ends a process.
pub(super) fn kill_after_input(process: u32) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/d", "/c", "set", "/p", "line=", "&", "taskkill", "/f", "/pid", &process.to_string()]);
    shell
}
