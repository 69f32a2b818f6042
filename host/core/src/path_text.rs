//! Paths as text for JSON, which cannot represent paths that are not Unicode.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serializer;

/// Returns a path as text. Paths in Unicode are themselves. In others, each byte that is not UTF-8 becomes its number, such as
/// `\xFF`: so two paths that differ in such bytes stay different. Only a path that has the characters `\xFF` itself has the
/// same text as one with the byte.
pub fn path_text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text += chunk.valid();
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    text
}

/// Serializes a path as [`path_text`], for serde's `serialize_with`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path_text(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_paths_are_themselves() {
        for path in ["", "a/b.jpg", "pâté 1.jpg", r"C:\x.jpg"] {
            assert_eq!(path_text(Path::new(path)), path);
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_unicode_stay_different() {
        use std::os::unix::ffi::OsStrExt;
        let text = |name: &[u8]| path_text(Path::new(std::ffi::OsStr::from_bytes(name)));
        assert_eq!(text(b"caf\xE9-1.jpg"), r"caf\xE9-1.jpg");
        assert_eq!(text(b"\xB9\xB7"), r"\xB9\xB7");
        assert_ne!(text(b"\xB9"), text(b"\xB8"));
    }
}
