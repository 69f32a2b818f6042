//! An emulated board that counts what an inference costs.

use std::path::Path;

use pinhole_core::model_file::ModelFile;
use pinhole_shared::link::Identity;

use super::flash_image::FlashImage;
use super::qemu::{Clock, READ_TIMEOUT};
use super::{EmulatedBoard, EmulatorError};
use crate::device::{CameraKind, DeviceError, Measurement};
use crate::firmware::Firmware;

/// A running emulated board whose clock goes by instructions, so that it can count them: the same numbers every time, on
/// every host.
///
/// Apart from [`EmulatedBoard`] because each is of no use for the other's purpose: with the host's clock there is nothing
/// to count, and with this one a wait for a camera is over before it has begun.
#[derive(Debug)]
pub struct CountingBoard {
    board: EmulatedBoard,
}

impl CountingBoard {
    /// Starts a board as [`EmulatedBoard::start`] does, with this firmware and a model at hand; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`EmulatedBoard::start`].
    pub fn start(firmware: Firmware, model: &ModelFile, path: &Path) -> Result<Self, EmulatorError> {
        let image = FlashImage::of_model(firmware.board(), model, path)?;
        let board = EmulatedBoard::start_image(firmware, image, Clock::Instructions, CameraKind::Photos, |_| ())?;
        // The link is silent while the board classifies the input some hundred times over.
        board.link.set_read_timeout(Some(READ_TIMEOUT * 10)).map_err(DeviceError::Socket)?;
        Ok(Self { board })
    }

    /// Who the device is and what it runs.
    pub fn identity(&self) -> &Identity {
        &self.board.identity
    }

    /// Sends an input (all bytes of it, row by row) and counts what it costs to classify it.
    ///
    /// # Errors
    /// [`DeviceError::Request`] or [`DeviceError::Stopped`].
    pub fn measure(&mut self, input: &[u8]) -> Result<Measurement, DeviceError> {
        let client = &mut self.board.client;
        let result = client.send_input(input).and_then(|()| client.measure());
        result.map_err(|error| self.board.explain(error))
    }
}
