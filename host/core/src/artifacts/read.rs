//! Reading of whole files: regular ones, up to a limit that each kind of file has.
//!
//! A pipe or a device would be waited for without an end, and a file of any size would fill the memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A file that is not a regular one.
pub const NOT_REGULAR: &str = "it is not a regular file, but a pipe or a device";

/// Most bytes that are read of each kind of file. Each is far above what Pinhole itself writes.
pub mod limits {
    /// A recipe, TOML: 31 layers take a few kilobytes.
    pub const RECIPE: u64 = 1 << 20;
    /// A model file: the most weights of a recipe, 2^27, with their biases and multipliers.
    pub const MODEL: u64 = 256 << 20;
    /// A TensorFlow Lite file; it has the weights of a model.
    pub const TFLITE: u64 = 256 << 20;
    /// Float weights: 2^27 weights of 4 bytes, and as much again for all else.
    pub const WEIGHTS: u64 = 2 << 30;
    /// A checkpoint: the weights four times (as they are, at their best, and two moments), and the order of the photos.
    pub const CHECKPOINT: u64 = 4 << 30;
    /// The summary of a run, the plan of a study, and other JSON: a line for each of some hundred thousand photos.
    pub const JSON: u64 = 256 << 20;
    /// The metrics of a training, CSV: about 100 bytes an epoch.
    pub const METRICS: u64 = 64 << 20;
    /// A list of photos: a path and a class on each line.
    pub const LIST: u64 = 256 << 20;
    /// A report, HTML with pictures.
    pub const REPORT: u64 = 256 << 20;
}

/// Returns true for a pipe, a device or a socket, or a link to one. Reading it might never end. It is written to directly
/// (`--out /dev/null`): a rename would replace it by a file.
pub(crate) fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// Reads a whole regular file of at most `limit` bytes, or one that a link leads to. Callers add the path to the error.
///
/// # Errors
/// The system's error, for a folder too; an error of its own for a pipe, a device or a socket (`/dev/stdin` is one, unless a file
/// is redirected to it), and for a larger file, of which nothing is kept.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    let size = file.metadata()?.len();
    if size > limit {
        return Err(too_large(size, limit));
    }
    // Files of the system may say that they have no bytes, and a file may grow while it is read: so the limit is checked again.
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size as usize)?;
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64, limit));
    }
    Ok(bytes)
}

/// Reads a whole regular file as text, like [`read_regular`].
///
/// # Errors
/// Those of [`read_regular`], and text that is not UTF-8.
pub fn read_regular_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read_regular(path, limit)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Reads the first bytes of a regular file, at most `count`.
///
/// # Errors
/// Those of [`read_regular`], except for large files.
pub fn first_bytes(path: &Path, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns true if a regular file starts with these bytes; false if it cannot be read.
pub fn starts_with(path: &Path, start: &[u8]) -> bool {
    first_bytes(path, start.len()).is_ok_and(|bytes| bytes == start)
}

/// Opens a file for reading if it is a regular one. Opening a pipe that nobody writes to would wait, so that is found before.
fn open_regular(path: &Path) -> io::Result<File> {
    if is_special(path) {
        return Err(io::Error::other(NOT_REGULAR));
    }
    let file = File::open(path)?;
    let there = file.metadata()?;
    // It may have been replaced since.
    if !there.is_file() && !there.is_dir() {
        return Err(io::Error::other(NOT_REGULAR));
    }
    Ok(file)
}

fn too_large(size: u64, limit: u64) -> io::Error {
    let text = |bytes: u64| if bytes < 10 << 20 { format!("{bytes} bytes") } else { format!("{} MB", bytes >> 20) };
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it has {}, more than {}", text(size), text(limit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"abcd").unwrap();
        assert_eq!(read_regular(&path, 4).unwrap(), b"abcd");
        let refused = read_regular(&path, 3).unwrap_err();
        assert_eq!(refused.to_string(), "it has 4 bytes, more than 3 bytes");
        assert_eq!(first_bytes(&path, 9).unwrap(), b"abcd");
        assert!(starts_with(&path, b"ab") && !starts_with(&path, b"abcde"));
        // A file of a terabyte that takes no room on the disk.
        let large = folder.path().join("large");
        File::create(&large).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read_regular(&large, 256 << 20).unwrap_err().to_string(), "it has 1048576 MB, more than 256 MB");
        std::fs::write(&path, b"\xFF").unwrap();
        assert_eq!(read_regular_text(&path, 9).unwrap_err().to_string(), "it is not UTF-8 text");
        assert_eq!(read_regular(&folder.path().join("b"), 9).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(read_regular(folder.path(), 9).is_err() && !starts_with(folder.path(), b"a"));
    }

    /// Devices never end, and a pipe without a writer never begins.
    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for path in [&*pipe, &*link, Path::new("/dev/zero"), Path::new("/dev/null")] {
            assert_eq!(read_regular(path, 9).unwrap_err().to_string(), NOT_REGULAR, "{}", path.display());
            assert!(first_bytes(path, 9).is_err());
        }
    }
}
