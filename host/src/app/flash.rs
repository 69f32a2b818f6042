//! Writes firmware and model into a board's flash, or into a file for other tools.

use pinhole_boards::board::Board;
use pinhole_boards::device::InferenceDevice as _;
use pinhole_boards::firmware::{Firmware, FirmwareError, FlashImage, Used, packed_for};
use pinhole_boards::flash_file::{self, FlashFile, FlashFileError, FlashFileFormat};
use pinhole_boards::probe::{
    self, Attachment, DebugProbeSelector, DebugProbes, FlashStep, ProbeError, Unlock, check_fits, connect,
};
use pinhole_core::model_file::PackedModel;
use pinhole_shared::link::Identity;
use pinhole_train::runs::Trained;

use super::events::{Events, Note, Progress, Task};

/// Contents for a board's flash, prepared and not yet written.
pub struct Prepared {
    board: Board,
    firmware: Firmware,
    model: PackedModel,
    image: FlashImage,
    map: Vec<Used>,
    model_only: bool,
}

impl Prepared {
    /// Prepares the board's firmware and a model that fits the board. With `model_only`, the model alone is written
    /// beside the firmware that is already on the board.
    ///
    /// # Errors
    /// [`FirmwareError`].
    pub fn new(trained: &Trained, board: Board, model_only: bool) -> Result<Self, FirmwareError> {
        let model = packed_for(board, &trained.model, &trained.model_path)?;
        let firmware = Firmware::of(board)?;
        let written = (!model_only).then_some(&firmware);
        let image = FlashImage::new(board, written, &model)?;
        let map = image.memory_map(written);
        Ok(Self { board, firmware, model, image, map, model_only })
    }

    /// Returns the board.
    pub fn board(&self) -> Board {
        self.board
    }

    /// Returns the model as it is stored in flash.
    pub fn model(&self) -> &PackedModel {
        &self.model
    }

    /// Returns the memory map of the written parts.
    pub fn map(&self) -> &[Used] {
        &self.map
    }

    /// Returns the firmware if it is written too.
    fn written_firmware(&self) -> Option<&Firmware> {
        (!self.model_only).then_some(&self.firmware)
    }

    /// Encodes a file for other tools, which [`flash_file::write`] writes.
    ///
    /// # Errors
    /// [`FlashFileError`].
    pub fn file(&self, format: FlashFileFormat) -> Result<FlashFile, FlashFileError> {
        flash_file::encode(&self.image, self.written_firmware(), format)
    }

    /// Checks that the contents fit the board's chip, as far as that is known without a probe.
    ///
    /// # Errors
    /// [`ProbeError`].
    pub fn check(&self, debug_probes: &DebugProbes) -> Result<(), ProbeError> {
        check_fits(&self.image, debug_probes)
    }

    /// Writes the contents through a debug probe, resets the board, and asks it for its identity.
    ///
    /// # Errors
    /// [`ProbeError`], also if the board does not report that it runs the written contents.
    pub fn flash(
        &self,
        debug_probes: &DebugProbes,
        selector: Option<&DebugProbeSelector>,
        unlock: Unlock,
        events: &mut dyn Events,
    ) -> Result<Identity, ProbeError> {
        let board = self.board;
        let chip = board.chip().ok_or(ProbeError::NoChip { board })?;
        let mut attachment = Attachment::new(debug_probes, board, selector, unlock)?;
        events.progress(&Progress::Begins(Task::Flashing));
        let flashed = probe::flash(debug_probes, &mut attachment, &self.image, |step| {
            events.progress(&match step {
                FlashStep::Total(bytes) => Progress::Total(bytes),
                FlashStep::Done(bytes) => Progress::Done(bytes),
            });
        });
        events.progress(&Progress::Ends);
        flashed?;
        events.note(&Note::Flashed { bytes: self.image.bytes() });
        let log = events.log();
        events.progress(&Progress::Begins(Task::WaitingForBoard));
        let device = connect(attachment, &self.firmware, log);
        events.progress(&Progress::Ends);
        let device = device?;
        // Compares the firmware again while it runs, in addition to the check before the reset.
        if self.written_firmware().is_some() && !device.has_log() {
            return Err(ProbeError::Verify { chip: chip.name });
        }
        let (expected, got) = (self.model.model().checksum(), device.identity().model_checksum);
        if got != expected {
            return Err(ProbeError::OtherModel { expected, got });
        }
        Ok(device.into_identity())
    }
}
