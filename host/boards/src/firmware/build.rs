//! Builds a board's firmware from a checkout's sources.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::FirmwareError;
use super::prebuilt::ToolchainFacts;
use super::toolchain::Toolchain;
use crate::board::Board;
use crate::platform::is_own;

/// ELF file of a board's firmware, as built by cargo.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) path: PathBuf,
    pub(super) elf: Vec<u8>,
}

/// Builds a board's firmware. cargo shows its progress on stderr, and does nothing if nothing has changed.
///
/// Several builds may run at once: cargo locks its build folder.
///
/// # Errors
/// [`FirmwareError::NoToolchain`], [`FirmwareError::NoSource`], [`FirmwareError::SourceOfOthers`], [`FirmwareError::Program`] if
/// cargo cannot be started, [`FirmwareError::Build`], [`FirmwareError::Elf`].
pub(super) fn build(board: Board) -> Result<Built, FirmwareError> {
    let checkout = checkout()?;
    let toolchain = Toolchain::find(board.declaration().core)?;
    let source = checkout.join("firmware");
    let (package, binary) = board.firmware();
    let target_dir = checkout.join("target").join("firmware");
    let mut cargo = toolchain.cargo(&checkout);
    cargo
        .args(["build", "--release", "--locked"])
        .args(["--package", package, "--bin", binary, "--target", board.target()])
        .arg("--target-dir")
        .arg(&target_dir)
        .current_dir(&source);
    let program = cargo.get_program().to_string_lossy().into_owned();
    let status = cargo.status().map_err(|source| FirmwareError::Program { program, source })?;
    let path = target_dir.join(board.target()).join("release").join(binary);
    if !status.success() {
        return Err(FirmwareError::Build { board, folder: source });
    }
    let elf =
        fs::read(&path).map_err(|error| FirmwareError::Elf { board, path: path.clone(), reason: error.to_string() })?;
    Ok(Built { path, elf })
}

/// Returns a `cargo` command with the toolchain, target flags and environment of a board's firmware, for sources of a checkout.
///
/// # Errors
/// [`FirmwareError::NoToolchain`].
pub fn cargo(board: Board, checkout: &Path) -> Result<Command, FirmwareError> {
    Ok(Toolchain::find(board.declaration().core)?.cargo(checkout))
}

/// Returns the toolchain that [`super::Firmware::build`] uses for a board.
///
/// # Errors
/// [`FirmwareError::NoToolchain`].
pub fn toolchain_facts(board: Board) -> Result<ToolchainFacts, FirmwareError> {
    Toolchain::find(board.declaration().core)?.facts()
}

/// Finds the checkout whose firmware sources are built: the one around the working directory, else the one in which
/// this program was compiled.
///
/// Building runs code of the checkout. A user chooses the working directory, but not the other place, whose owner may be somebody
/// else by now. So that one counts only if nobody but root and this user can change it or a folder above it, where cargo reads its
/// settings.
///
/// # Errors
/// [`FirmwareError::NoSource`], [`FirmwareError::SourceOfOthers`].
pub fn checkout() -> Result<PathBuf, FirmwareError> {
    let here = env::current_dir().unwrap_or_default();
    // A program for distribution must not contain names of folders of the build machine.
    let compiled_in = match option_env!("PINHOLE_DISTRIBUTED") {
        Some(_) => None,
        None => Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_owned),
    };
    let is_checkout = |folder: &Path| {
        ["firmware/Cargo.toml", "shared/Cargo.toml", "host/Cargo.toml"].iter().all(|file| folder.join(file).is_file())
    };
    if let Some(folder) = here.ancestors().find(|folder| is_checkout(folder)) {
        return Ok(folder.to_owned());
    }
    let folder = compiled_in.filter(|folder| is_checkout(folder)).ok_or(FirmwareError::NoSource { folder: here })?;
    if is_safe(&folder) { Ok(folder) } else { Err(FirmwareError::SourceOfOthers { folder }) }
}

/// Returns true if only root and this user can change a folder and those above it.
fn is_safe(folder: &Path) -> bool {
    folder.canonicalize().is_ok_and(|folder| folder.ancestors().all(is_own))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn sources_that_others_can_change_are_not_safe() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("checkout");
        fs::create_dir(&folder).unwrap();
        let allow = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        for (mode, own) in [(0o700, true), (0o755, true), (0o775, false), (0o757, false), (0o1777, false)] {
            allow(mode);
            assert_eq!(is_own(&folder), own, "{mode:o}");
        }
        allow(0o777);
        assert!(!is_safe(&folder));
        let below = folder.join("below");
        fs::create_dir(&below).unwrap();
        assert!(!is_safe(&below), "what is above counts too");
        assert!(!is_own(&folder.join("missing")));
        assert!(is_safe(Path::new("/")));
    }
}
