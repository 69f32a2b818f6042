//! An emulated board that counts the instructions of an inference.

use std::path::Path;

use pinhole_core::model_file::ModelFile;
use pinhole_shared::link::Identity;

use super::flash_image::EmulatorFlash;
use super::qemu::{EmulatorClock, LONGEST_SILENCE};
use super::{EmulatedBoard, EmulatorError};
use crate::device::{CameraKind, InferenceDeviceError, Measurement};
use crate::firmware::Firmware;

/// A running emulated board whose clock advances with instructions, so that it can count them. The numbers are the same
/// every time, on every host.
///
/// It is separate from [`EmulatedBoard`] because neither serves the other's purpose. With the host's clock there is
/// nothing to count; with this clock, waiting for a camera ends at once.
#[derive(Debug)]
pub struct CountingBoard {
    board: EmulatedBoard,
}

impl CountingBoard {
    /// Starts a board like [`EmulatedBoard::start`], with this firmware and a loaded model; `path` is its name in
    /// errors.
    ///
    /// # Errors
    /// As [`EmulatedBoard::start`].
    pub fn start(firmware: Firmware, model: &ModelFile, path: &Path) -> Result<Self, EmulatorError> {
        let image = EmulatorFlash::of_model(firmware.board(), model, path)?;
        let mut board =
            EmulatedBoard::start_image(firmware, image, EmulatorClock::Instructions, CameraKind::Photos, |_| ())?;
        // The link is silent while the board classifies the input several hundred times.
        board.client.set_silence(10 * LONGEST_SILENCE);
        Ok(Self { board })
    }

    /// Returns the device's identity: its board and the model that it runs.
    pub fn identity(&self) -> &Identity {
        &self.board.identity
    }

    /// Sends an input (all bytes of it, row by row) and counts the cost of classifying it.
    ///
    /// # Errors
    /// [`InferenceDeviceError::Request`] or [`InferenceDeviceError::Stopped`].
    pub fn measure(&mut self, input: &[u8]) -> Result<Measurement, InferenceDeviceError> {
        let client = &mut self.board.client;
        let result = client.send_input(input).and_then(|()| client.measure());
        result.map_err(|error| self.board.explain(error))
    }
}
