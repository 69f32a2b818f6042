//! Writes a reproducible archive: the same files give the same bytes at any time and on any machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use miette::{IntoDiagnostic as _, Result};
use sha2::{Digest as _, Sha256};
use tar::{Builder, Header};

/// Name of the file with the checksums.
pub(super) const SUMS: &str = "SHA256SUMS";

/// Modification time of all files in the archive: 1 January 1980, in seconds since 1970. Unpacking programs accept it
/// as a date, unlike 0.
const MODIFIED_S: u64 = 315_532_800;

/// A file of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArchiveFile {
    pub(super) bytes: Vec<u8>,
    pub(super) is_program: bool,
}

impl ArchiveFile {
    /// Creates a file that is not a program.
    pub(super) fn plain(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), is_program: false }
    }
}

/// Files by their path in the archive, with `/` as separator.
pub(super) type Files = BTreeMap<String, ArchiveFile>;

/// Returns the checksums of the files in the format of `sha256sum --check`.
pub(super) fn sums(files: &Files) -> String {
    let mut sums = String::new();
    for (name, file) in files {
        let _ = writeln!(sums, "{}  {name}", sha256(&file.bytes));
    }
    sums
}

/// Returns SHA-256 as 64 hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a compressed tar archive of the files, all in one folder, ordered by name.
///
/// # Errors
/// If a path is too long for the format.
pub(super) fn archive(folder: &str, files: &Files) -> Result<Vec<u8>> {
    // Without name and date in its header.
    let mut builder = Builder::new(GzBuilder::new().write(Vec::new(), Compression::best()));
    for (name, file) in files {
        let mut header = Header::new_ustar();
        header.set_size(file.bytes.len() as u64);
        header.set_mode(if file.is_program { 0o755 } else { 0o644 });
        header.set_mtime(MODIFIED_S);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, format!("{folder}/{name}"), file.bytes.as_slice()).into_diagnostic()?;
    }
    let mut compressed = builder.into_inner().into_diagnostic()?;
    compressed.flush().into_diagnostic()?;
    compressed.finish().into_diagnostic()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn files() -> Files {
        let program = ArchiveFile { bytes: b"\x7fELF".to_vec(), is_program: true };
        Files::from([("pinhole".to_owned(), program), ("man/a.1".to_owned(), ArchiveFile::plain("text"))])
    }

    #[test]
    fn the_archive_holds_the_files_in_order_and_nothing_of_this_machine() {
        let bytes = archive("pinhole-0", &files()).unwrap();
        assert_eq!(bytes, archive("pinhole-0", &files()).unwrap());
        let mut read = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
        let mut found = Vec::new();
        for entry in read.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header().clone();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), MODIFIED_S);
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            found.push((entry.path().unwrap().display().to_string(), header.mode().unwrap(), bytes));
        }
        let expected =
            [("pinhole-0/man/a.1", 0o644, b"text".to_vec()), ("pinhole-0/pinhole", 0o755, b"\x7fELF".to_vec())];
        assert_eq!(found, expected.map(|(name, mode, bytes)| (name.to_owned(), mode, bytes)));
    }

    #[test]
    fn sums_are_those_of_sha256sum() {
        // Output of coreutils' sha256sum for a file with "text".
        let line = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1  man/a.1\n";
        assert!(sums(&files()).starts_with(line), "{}", sums(&files()));
    }
}
