//! Building an emulated board's firmware.

use std::path::{Path, PathBuf};

use super::system::last_lines;
use super::toolchain::Toolchain;
use super::{Board, EmulatorError};

/// Builds a board's firmware (cargo does nothing when nothing changed) and returns the path of its ELF file.
///
/// Callers may run side by side: cargo locks its build folder.
///
/// # Errors
/// [`EmulatorError::NoSource`], [`EmulatorError::Program`] when cargo cannot be started, [`EmulatorError::Build`].
pub(super) fn build(board: Board, toolchain: &Toolchain) -> Result<PathBuf, EmulatorError> {
    let source = source()?;
    let target_dir = source.with_file_name("target").join("firmware");
    let mut cargo = toolchain.cargo();
    cargo
        .args(["build", "--release", "--locked", "--color", "never"])
        .args(["--package", Board::PACKAGE, "--bin", board.binary(), "--target", board.target()])
        .arg("--target-dir")
        .arg(&target_dir)
        .current_dir(&source);
    let program = cargo.get_program().to_string_lossy().into_owned();
    let output = cargo.output().map_err(|source| EmulatorError::Program { program, source })?;
    let elf = target_dir.join(board.target()).join("release").join(board.binary());
    if !output.status.success() || !elf.is_file() {
        return Err(EmulatorError::Build { folder: source, output: last_lines(&output.stderr, 40) });
    }
    Ok(elf)
}

/// The firmware's workspace, beside this crate.
fn source() -> Result<PathBuf, EmulatorError> {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = host.with_file_name("firmware");
    if folder.join("Cargo.toml").is_file() { Ok(folder) } else { Err(EmulatorError::NoSource { folder }) }
}
