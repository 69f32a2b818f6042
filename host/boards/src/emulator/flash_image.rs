//! The bytes of an emulated board's flash, in a file that the emulator loads.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use pinhole_core::model_file::ModelFile;
use tempfile::NamedTempFile;

use super::EmulatorError;
use crate::board::Board;
use crate::cache;
use crate::firmware::packed_for;

/// A file with the bytes of the flash. A temporary file is deleted when this is dropped.
#[derive(Debug)]
pub(super) enum EmulatorFlash {
    /// The file, unchanged.
    File(PathBuf),
    /// The model packed for the board.
    Packed(NamedTempFile),
}

impl EmulatorFlash {
    /// Packs a model file for a board. Any other file is used unchanged.
    ///
    /// # Errors
    /// [`EmulatorError::Model`], [`EmulatorError::ModelTooLarge`], [`EmulatorError::Firmware`],
    /// [`EmulatorError::Temporary`].
    pub(super) fn of(board: Board, path: &Path) -> Result<Self, EmulatorError> {
        let bytes = read(board, path)?;
        let Ok(model) = ModelFile::from_bytes(&bytes) else { return Ok(Self::File(path.to_owned())) };
        Self::of_model(board, &model, path)
    }

    /// Packs a model for a board. `path` is the path it was read from.
    ///
    /// # Errors
    /// [`EmulatorError::Firmware`], [`EmulatorError::Temporary`].
    pub(super) fn of_model(board: Board, model: &ModelFile, path: &Path) -> Result<Self, EmulatorError> {
        let packed = packed_for(board, model, path)?;
        Ok(Self::Packed(temporary(packed.bytes())?))
    }

    /// Uses a file's bytes unchanged, whatever they are.
    ///
    /// # Errors
    /// [`EmulatorError::Model`], [`EmulatorError::ModelTooLarge`].
    pub(super) fn as_it_is(board: Board, path: &Path) -> Result<Self, EmulatorError> {
        read(board, path).map(|_| Self::File(path.to_owned()))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Packed(file) => file.path(),
        }
    }
}

/// Creates a temporary file with these bytes, for the emulator to read.
///
/// # Errors
/// [`EmulatorError::Temporary`].
pub(super) fn temporary(bytes: &[u8]) -> Result<NamedTempFile, EmulatorError> {
    let mut file = cache::temporary_file().map_err(EmulatorError::Temporary)?;
    file.write_all(bytes).map_err(EmulatorError::Temporary)?;
    Ok(file)
}

/// Reads a file that is no longer than the board's region for it.
fn read(board: Board, path: &Path) -> Result<Vec<u8>, EmulatorError> {
    let unreadable = |source| EmulatorError::Model { path: path.to_owned(), source };
    let (got, room) = (fs::metadata(path).map_err(unreadable)?.len(), u64::from(board.declaration().model.bytes));
    if got > room {
        return Err(EmulatorError::ModelTooLarge { path: path.to_owned(), got, room });
    }
    fs::read(path).map_err(unreadable)
}
