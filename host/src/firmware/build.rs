//! Building a board's firmware.

use std::fs;
use std::path::{Path, PathBuf};

use defmt_decoder::Table;

use super::FirmwareError;
use super::system::last_lines;
use super::toolchain::Toolchain;
use crate::board::Board;
use crate::budget::FirmwareSize;

/// A board's firmware, built.
#[derive(Clone, Debug)]
pub struct Firmware {
    path: PathBuf,
    elf: Vec<u8>,
    size: FirmwareSize,
}

impl Firmware {
    /// Builds a board's firmware: the first time takes a minute or so, and cargo does nothing when nothing changed.
    ///
    /// Callers may run side by side: cargo locks its build folder.
    ///
    /// # Errors
    /// [`FirmwareError::NoToolchain`], [`FirmwareError::Install`], [`FirmwareError::NoSource`],
    /// [`FirmwareError::Program`] when cargo cannot be started, [`FirmwareError::Build`], [`FirmwareError::Budget`],
    /// [`FirmwareError::Elf`].
    pub fn build(board: Board) -> Result<Self, FirmwareError> {
        let toolchain = Toolchain::find(board.target())?;
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
        let output = cargo.output().map_err(|source| FirmwareError::Program { program, source })?;
        let path = target_dir.join(board.target()).join("release").join(binary);
        if !output.status.success() || !path.is_file() {
            return Err(FirmwareError::Build { folder: source, output: last_lines(&output.stderr, 40) });
        }
        let unreadable = |reason: String| FirmwareError::Elf { path: path.clone(), reason };
        let elf = fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
        let size = FirmwareSize::read(&elf, board.declaration()).map_err(|error| unreadable(error.to_string()))?;
        size.check(board.declaration()).map_err(|exceeded| FirmwareError::Budget { board, exceeded })?;
        Ok(Self { path, elf, size })
    }

    /// Where its ELF file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of that file.
    pub fn elf(&self) -> &[u8] {
        &self.elf
    }

    /// What it takes.
    pub fn size(&self) -> FirmwareSize {
        self.size
    }

    /// What decodes its log.
    ///
    /// # Errors
    /// [`FirmwareError::Elf`] when the file has no such table.
    pub(crate) fn log_table(&self) -> Result<Table, FirmwareError> {
        let table = Table::parse(&self.elf).map_err(|error| self.unreadable(&error))?;
        table.ok_or_else(|| self.unreadable(&"it has no log table"))
    }

    /// That its file is not what it should be.
    pub(crate) fn unreadable(&self, reason: &dyn std::fmt::Display) -> FirmwareError {
        FirmwareError::Elf { path: self.path.clone(), reason: reason.to_string() }
    }
}

/// The firmware's workspace, beside this crate.
fn source() -> Result<PathBuf, FirmwareError> {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = host.with_file_name("firmware");
    if folder.join("Cargo.toml").is_file() { Ok(folder) } else { Err(FirmwareError::NoSource { folder }) }
}
