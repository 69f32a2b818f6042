//! Functions for tests only; not part of this crate's stable interface.

use std::path::Path;

use super::flash_image::EmulatorFlash;
use super::qemu::EmulatorClock;
use super::{EmulatedBoard, EmulatorError};
use crate::board::Board;
use crate::device::CameraKind;
use crate::firmware::Firmware;

pub use super::kill_on_drop::KillOnDrop;

/// Like [`EmulatedBoard::start`], with a file's bytes in the board's flash unchanged, whether or not they are packed
/// for it.
///
/// # Errors
/// As [`EmulatedBoard::start`].
pub fn start_with_bytes_of(board: Board, file: &Path) -> Result<EmulatedBoard, EmulatorError> {
    let image = EmulatorFlash::as_it_is(board, file)?;
    EmulatedBoard::start_image(Firmware::of(board)?, image, EmulatorClock::Host, CameraKind::Photos, |_| ())
}

/// Like [`start_with_bytes_of`], and expects that a model with this checksum answers.
///
/// # Errors
/// As [`EmulatedBoard::start`].
pub fn start_expecting(board: Board, file: &Path, checksum: u32) -> Result<EmulatedBoard, EmulatorError> {
    let image = EmulatorFlash::as_it_is(board, file)?.said_to_be(checksum);
    EmulatedBoard::start_image(Firmware::of(board)?, image, EmulatorClock::Host, CameraKind::Photos, |_| ())
}
