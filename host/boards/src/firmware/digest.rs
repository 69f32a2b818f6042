//! Digest of everything that firmware is built from.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::prebuilt::ToolchainFacts;
use super::toolchain::BUILD_ENVIRONMENT;

/// Sources of firmware in a checkout; folders with everything below them.
const SOURCES: [&str; 4] = ["shared/Cargo.toml", "shared/src", "firmware", "Cargo.toml"];
/// Names that are excluded: tests, documents, build output.
const LEFT_OUT: [&str; 4] = ["tests", "tests.rs", "README.md", "target"];
/// Manifest tables of dependencies that are compiled into firmware or run while it is built.
const DEPENDENCIES: [&str; 2] = ["dependencies", "build-dependencies"];

/// Returns the SHA-256, as 64 hexadecimal digits, of everything that firmware is built from. That is names and contents
/// of the sources in a checkout, with the lock file, the toolchain, and its environment variables. Line ends count as
/// LF.
///
/// # Errors
/// If a source cannot be read.
pub fn source_digest(checkout: &Path, toolchain: &ToolchainFacts) -> io::Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&checkout.join(source), &mut files)?;
    }
    let mut named: Vec<(String, PathBuf)> = files
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(checkout).unwrap_or(&path);
            let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            (parts.join("/"), path)
        })
        .collect();
    named.sort();
    let mut from_workspace = BTreeSet::new();
    for (name, path) in &named {
        if name != "Cargo.toml" && name.ends_with("/Cargo.toml") {
            from_workspace.extend(inherits(&parsed(&fs::read(path)?)?));
        }
    }
    let mut hash = Sha256::new();
    let mut add = |name: &str, bytes: &[u8]| {
        for part in [name.as_bytes(), bytes] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    };
    for (name, path) in named {
        let mut bytes = fs::read(&path)?;
        bytes.retain(|&byte| byte != b'\r');
        if name == "Cargo.toml" {
            bytes = inherited(&bytes, &from_workspace)?;
        }
        add(&name, &bytes);
    }
    add("rustc", toolchain.rustc.as_bytes());
    add("builds_core", &[u8::from(toolchain.builds_core)]);
    for (variable, value) in BUILD_ENVIRONMENT {
        add(variable, value.as_bytes());
    }
    Ok(hex(&hash.finalize()))
}

/// Formats bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parsed(manifest: &[u8]) -> io::Result<toml::Table> {
    let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidData, error);
    let text = std::str::from_utf8(manifest).map_err(|error| invalid(error.to_string()))?;
    text.parse().map_err(|error: toml::de::Error| invalid(error.to_string()))
}

/// Returns the names of the dependencies that a manifest takes from its workspace.
fn inherits(manifest: &toml::Table) -> Vec<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let tables = targets.filter_map(toml::Value::as_table).chain([manifest]);
    tables
        .flat_map(|table| DEPENDENCIES.iter().filter_map(|name| table.get(*name)?.as_table()))
        .flatten()
        .filter(|(_, value)| value.get("workspace").and_then(toml::Value::as_bool) == Some(true))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Returns the part of the host's workspace that `shared` and `firmware/app` inherit: the packages' common fields, and
/// the dependencies named in `shared`. Formatting of the manifest makes no difference.
fn inherited(manifest: &[u8], shared: &BTreeSet<String>) -> io::Result<Vec<u8>> {
    let manifest = parsed(manifest)?;
    let workspace = manifest.get("workspace").and_then(toml::Value::as_table);
    let table = |name: &str| workspace.and_then(|workspace| workspace.get(name)?.as_table());
    let dependencies = table("dependencies").into_iter().flatten().filter(|(name, _)| shared.contains(*name));
    let mut kept = toml::Table::new();
    kept.insert("package".to_owned(), toml::Value::Table(table("package").cloned().unwrap_or_default()));
    let dependencies = dependencies.map(|(name, value)| (name.clone(), value.clone())).collect();
    kept.insert("dependencies".to_owned(), toml::Value::Table(dependencies));
    Ok(kept.to_string().into_bytes())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.file_name().is_some_and(|name| LEFT_OUT.iter().any(|left_out| name == *left_out)) {
        return Ok(());
    }
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.is_file() {
        files.push(path.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> ToolchainFacts {
        ToolchainFacts { rustc: "rustc 1.95.0".to_owned(), builds_core: false }
    }

    fn checkout() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("Cargo.toml", "[workspace]\nmembers = []\n[workspace.dependencies]\nserde = \"1\"\n"),
            ("shared/Cargo.toml", "[package]\n[dependencies]\nserde = { workspace = true }\n"),
            ("shared/src/lib.rs", "//! x\n"),
            ("firmware/Cargo.lock", "version = 4\n"),
            ("firmware/app/tests/device.rs", "// a test\n"),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn everything_that_goes_in_counts() {
        let folder = checkout();
        let digest = || source_digest(folder.path(), &facts()).unwrap();
        let before = digest();
        assert_eq!(before.len(), 64);
        let other = ToolchainFacts { builds_core: true, ..facts() };
        assert_ne!(source_digest(folder.path(), &other).unwrap(), before);
        for (name, text, counts) in [
            ("shared/src/lib.rs", "//! y\n", true),
            ("firmware/Cargo.lock", "version = 5\n", true),
            ("firmware/boards/new/board.toml", "core = 1\n", true),
            ("Cargo.toml", "[workspace]\nmembers = []\n[workspace.dependencies]\nserde = \"2\"\n", true),
            ("Cargo.toml", "[workspace.dependencies]\nserde = \"2\"\nclap = \"4\"\n", false),
            ("Cargo.toml", "# written otherwise\n[workspace.dependencies]\nserde = '2'\n[profile.dev]\n", false),
            ("shared/src/lib.rs", "//! y\r\n", false),
            ("firmware/app/tests/device.rs", "// another test\n", false),
            ("firmware/boards/new/README.md", "wiring\n", false),
            ("host/src/lib.rs", "//! host\n", false),
        ] {
            let before = digest();
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            assert_eq!(digest() != before, counts, "{name}: {text}");
        }
    }
}
