//! Building an emulated board's firmware.

use std::fs;
use std::path::{Path, PathBuf};

use super::EmulatorError;
use super::system::last_lines;
use super::toolchain::Toolchain;
use crate::board::Board;
use crate::budget::FirmwareSize;

/// Builds a board's firmware (cargo does nothing when nothing changed) and returns the path of its ELF file.
///
/// Callers may run side by side: cargo locks its build folder.
///
/// # Errors
/// [`EmulatorError::NoSource`], [`EmulatorError::Program`] when cargo cannot be started, [`EmulatorError::Build`],
/// [`EmulatorError::Budget`], [`EmulatorError::Elf`].
pub(super) fn build(board: Board, toolchain: &Toolchain) -> Result<PathBuf, EmulatorError> {
    let source = source()?;
    let (package, binary) = board.firmware();
    let target_dir = source.with_file_name("target").join("firmware");
    let mut cargo = toolchain.cargo();
    cargo
        .args(["build", "--release", "--locked", "--color", "never"])
        .args(["--package", package, "--bin", binary, "--target", board.target()])
        .arg("--target-dir")
        .arg(&target_dir)
        .current_dir(&source);
    let program = cargo.get_program().to_string_lossy().into_owned();
    let output = cargo.output().map_err(|source| EmulatorError::Program { program, source })?;
    let elf = target_dir.join(board.target()).join("release").join(binary);
    if !output.status.success() || !elf.is_file() {
        return Err(EmulatorError::Build { folder: source, output: last_lines(&output.stderr, 40) });
    }
    let size = size(board, &elf)?;
    size.check(board.declaration()).map_err(|exceeded| EmulatorError::Budget { board, exceeded })?;
    Ok(elf)
}

/// What a built firmware takes.
///
/// # Errors
/// [`EmulatorError::Elf`].
pub(super) fn size(board: Board, elf: &Path) -> Result<FirmwareSize, EmulatorError> {
    let unreadable = |reason: String| EmulatorError::Elf { path: elf.to_owned(), reason };
    let bytes = fs::read(elf).map_err(|error| unreadable(error.to_string()))?;
    FirmwareSize::read(&bytes, board.declaration()).map_err(|error| unreadable(error.to_string()))
}

/// The firmware's workspace, beside this crate.
fn source() -> Result<PathBuf, EmulatorError> {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = host.with_file_name("firmware");
    if folder.join("Cargo.toml").is_file() { Ok(folder) } else { Err(EmulatorError::NoSource { folder }) }
}
