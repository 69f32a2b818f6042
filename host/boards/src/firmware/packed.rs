//! Packs a model file for a board's flash.

use std::path::Path;

use pinhole_core::model_file::{ModelFile, PackedModel};

use super::FirmwareError;
use crate::board::Board;
use crate::budget::{Shortfalls, shortfalls};

/// Packs a model for a board and checks that it fits. `path` is the model's file, for messages.
///
/// # Errors
/// [`FirmwareError::Pack`], [`FirmwareError::DoesNotFit`].
pub fn packed_for(board: Board, model: &ModelFile, path: &Path) -> Result<PackedModel, FirmwareError> {
    let packed =
        model.packed(board.packing()).map_err(|source| FirmwareError::Pack { path: path.to_owned(), source })?;
    let shortfalls = Shortfalls(shortfalls(&packed.model(), board.declaration()));
    if shortfalls.0.is_empty() {
        Ok(packed)
    } else {
        Err(FirmwareError::DoesNotFit { path: path.to_owned(), board, shortfalls })
    }
}
