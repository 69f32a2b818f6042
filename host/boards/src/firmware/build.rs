//! Builds a board's firmware from a checkout's sources.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::FirmwareError;
use super::prebuilt::ToolchainFacts;
use super::toolchain::Toolchain;
use crate::board::Board;

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
/// [`FirmwareError::NoToolchain`], [`FirmwareError::NoSource`], [`FirmwareError::Program`] if cargo cannot be started,
/// [`FirmwareError::Build`], [`FirmwareError::Elf`].
pub(super) fn build(board: Board) -> Result<Built, FirmwareError> {
    let checkout = checkout()?;
    let toolchain = Toolchain::find(board.target())?;
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

/// Returns the toolchain that [`super::Firmware::build`] uses for a board.
///
/// # Errors
/// [`FirmwareError::NoToolchain`].
pub fn toolchain_facts(board: Board) -> Result<ToolchainFacts, FirmwareError> {
    Toolchain::find(board.target())?.facts()
}

/// Finds the checkout whose firmware sources are built: the one around the working directory, else the one in which
/// this program was compiled.
///
/// # Errors
/// [`FirmwareError::NoSource`].
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
    let mut candidates = here.ancestors().map(Path::to_owned).chain(compiled_in);
    candidates.find(|folder| is_checkout(folder)).ok_or(FirmwareError::NoSource { folder: here })
}
