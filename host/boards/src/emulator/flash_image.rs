//! The bytes of an emulated board's flash, which the emulator loads from a file.

use std::path::{Path, PathBuf};
use std::{fs, io};

use pinhole_core::artifacts::ScratchFolder;
use pinhole_core::model_file::ModelFile;
use pinhole_shared::model::format::header::CHECKSUM;

use super::EmulatorError;
use crate::board::Board;
use crate::firmware::packed_for;

/// The bytes of the flash.
#[derive(Debug)]
pub(super) struct EmulatorFlash {
    contents: Contents,
    /// Checksum of the model; `None` if the bytes are too few to be one.
    checksum: Option<u32>,
}

#[derive(Debug)]
enum Contents {
    /// Those of a file, unchanged.
    File(PathBuf),
    /// A model packed for the board.
    Packed(Vec<u8>),
}

impl EmulatorFlash {
    /// Packs a model file for a board. Any other file is used unchanged.
    ///
    /// # Errors
    /// [`EmulatorError::Model`], [`EmulatorError::ModelTooLarge`], [`EmulatorError::Firmware`].
    pub(super) fn of(board: Board, path: &Path) -> Result<Self, EmulatorError> {
        let bytes = read(board, path)?;
        match ModelFile::from_bytes(&bytes) {
            Ok(model) => Self::of_model(board, &model, path),
            Err(_) => Ok(Self { contents: Contents::File(path.to_owned()), checksum: stated_checksum(&bytes) }),
        }
    }

    /// Packs a model for a board. `path` is the path it was read from.
    ///
    /// # Errors
    /// [`EmulatorError::Firmware`].
    pub(super) fn of_model(board: Board, model: &ModelFile, path: &Path) -> Result<Self, EmulatorError> {
        let packed = packed_for(board, model, path)?;
        let contents = Contents::Packed(packed.bytes().to_owned());
        Ok(Self { contents, checksum: Some(packed.model().checksum()) })
    }

    /// Uses a file's bytes unchanged, whatever they are.
    ///
    /// # Errors
    /// [`EmulatorError::Model`], [`EmulatorError::ModelTooLarge`].
    pub(super) fn as_it_is(board: Board, path: &Path) -> Result<Self, EmulatorError> {
        let bytes = read(board, path)?;
        Ok(Self { contents: Contents::File(path.to_owned()), checksum: stated_checksum(&bytes) })
    }

    /// Returns the same bytes, said to be a model with this checksum.
    pub(super) fn said_to_be(self, checksum: u32) -> Self {
        Self { checksum: Some(checksum), ..self }
    }

    /// Returns the file that the emulator loads. A packed model is written to this folder.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn file_in(&self, folder: &ScratchFolder) -> io::Result<PathBuf> {
        match &self.contents {
            Contents::File(path) => Ok(path.clone()),
            Contents::Packed(bytes) => folder.write("flash.bin", bytes),
        }
    }

    /// Returns the checksum of the model; `None` if the bytes are too few to be one.
    pub(super) fn checksum(&self) -> Option<u32> {
        self.checksum
    }
}

/// Returns the checksum that a model file states: a board runs it only if that is right.
fn stated_checksum(file: &[u8]) -> Option<u32> {
    file.get(CHECKSUM.span().range())?.try_into().ok().map(u32::from_le_bytes)
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
