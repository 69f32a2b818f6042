//! Memory that a model and the firmware take on a board, and the time of an inference there.

use miette::Diagnostic;
use pinhole_boards::board::Board;
use pinhole_boards::budget::predict::{Prediction, predict, timing_tables};
use pinhole_boards::budget::{FirmwareSize, Requirements, Shortfall, shortfalls};
use pinhole_boards::device::{CameraKind, InferenceDevice as _, InferenceDeviceError};
use pinhole_boards::emulator::{EmulatorError, emulator};
use pinhole_boards::firmware::{Firmware, FirmwareError};
use pinhole_core::photos::Picture;
use pinhole_shared::link::Report;
use pinhole_shared::pixels::{InputShape, PictureSize, PixelFormat};
use pinhole_train::runs::Trained;
use serde::Serialize;
use thiserror::Error;

use super::board::{BoardError, start_board};
use super::events::{Events, Note};

/// Error of computing a board's budget.
#[derive(Debug, Error, Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
#[allow(missing_docs, reason = "each variant is the stage it is named after")]
pub enum BudgetError {
    Firmware(#[from] FirmwareError),
    Board(#[from] BoardError),
    Emulator(#[from] EmulatorError),
    Device(#[from] InferenceDeviceError),
}

/// Memory that a model and the firmware take on a board, and the time of an inference.
#[derive(Debug, Serialize)]
pub struct BoardBudget {
    /// Name of the board.
    pub name: &'static str,
    /// Its processor core.
    pub core: &'static str,
    /// Clock, Hz.
    pub clock_hz: u32,
    /// True if everything fits.
    pub fits: bool,
    /// Requirements of the model that exceed the board's room.
    #[serde(rename = "misfits")]
    pub shortfalls: Vec<Shortfall>,
    /// Flash.
    pub flash: FlashUse,
    /// RAM.
    pub ram: Ram,
    /// Requirements of the model.
    pub model: Requirements,
    /// Room that the firmware has for a model.
    pub room: Room,
    /// Prediction by counted instructions and timing tables; not measured on silicon.
    pub predicted: Option<Predicted>,
}

/// Flash: used and available.
#[derive(Debug, Serialize)]
pub struct FlashUse {
    /// Code and constants of the firmware.
    pub code_bytes: u64,
    /// Most that the code may take.
    pub code_budget_bytes: u32,
    /// Part of the code that is the engine: kernels, model parser, pixel pipeline, activation functions.
    pub engine_bytes: u64,
    /// Most that the engine may take.
    pub engine_budget_bytes: u32,
    /// The model, packed.
    pub model_bytes: usize,
    /// Room for the model.
    pub model_budget_bytes: u32,
}

/// RAM: used and available.
#[derive(Debug, Serialize)]
pub struct Ram {
    /// Variables.
    pub static_bytes: u64,
    /// Most that the variables may take.
    pub static_budget_bytes: u32,
    /// Deepest stack, as the board measures it by painting after a picture. Absent if the model does not fit, if the
    /// board is not emulated, and without an emulator.
    pub worst_stack_bytes: Option<u32>,
    /// Reserved stack.
    pub stack_budget_bytes: u32,
}

/// Room that the firmware has for a model.
#[derive(Debug, Serialize)]
pub struct Room {
    /// Largest side of a square input of that many channels. Others must have no more bytes, nor more in a row.
    pub input_side_px: u16,
    /// Most channels of an input.
    pub input_channels: u16,
    /// Most bytes of an input.
    pub input_bytes: u32,
    /// Most bytes of a row of it.
    pub input_row_bytes: u32,
    /// Accumulators.
    pub accumulators: u32,
    /// Activations.
    pub activations: u32,
    /// Lanes.
    #[serde(rename = "lanes")]
    pub scratch: u32,
    /// Arena, bytes.
    pub arena_bytes: u32,
}

/// Predicted cost of an inference.
#[derive(Debug, Serialize)]
pub struct Predicted {
    /// Instructions and cycles.
    #[serde(flatten)]
    pub work: Prediction,
    /// Time at the board's clock, ms.
    pub time_ms: f64,
    /// The core whose timing tables these are: the board's, or the nearest whose tables are published.
    pub timing_tables: &'static str,
}

/// Shows the board a picture, requests a full report, and returns the deepest stack.
/// `None`, and a note, if no emulator is available: the rest of the budget does not need one.
fn worst_stack(trained: &Trained, board: Board, events: &mut dyn Events) -> Result<Option<u32>, BudgetError> {
    match emulator() {
        Err(EmulatorError::Locate(missing)) => {
            events.note(&Note::StackNotMeasured { reason: missing.to_string() });
            return Ok(None);
        }
        emulator => emulator?,
    };
    let mut running = start_board(board, CameraKind::Photos, trained, events)?;
    let InputShape { height, width, .. } = trained.model.model().input();
    // The size is not a multiple of the input's, so that the pixel pipeline does all of its work. It is enough for any part of the
    // picture that the network may see.
    let side = height.max(width);
    let (width, height) = (side + side / 2 + 1, side + side / 3 + 1);
    let row = (0..usize::from(width) * 3).map(|byte| (byte * 37 % 251) as u8);
    let rows: Vec<u8> = row.cycle().take(usize::from(width) * 3 * usize::from(height)).collect();
    let size = PictureSize { width, height };
    let picture = Picture::new(size, PixelFormat::Rgb888, rows).expect("as many bytes as a picture of this size has");
    running.show(picture)?;
    running.capture(Report::AllValues)?;
    Ok(Some(running.statistics()?.stack_bytes))
}

impl BoardBudget {
    /// Packs the model for the board and measures the board's firmware. If the board is emulated and the model fits, it
    /// also measures the deepest stack.
    ///
    /// # Errors
    /// [`BudgetError`]. A model that does not fit is not an error.
    ///
    /// # Panics
    /// Never: the picture that is shown has the bytes of its size.
    pub fn of(trained: &Trained, board: Board, events: &mut dyn Events) -> Result<Self, BudgetError> {
        let declared = board.declaration();
        let packed = trained
            .model
            .packed(board.packing())
            .map_err(|source| FirmwareError::Pack { path: trained.model_path.clone(), source })?;
        let FirmwareSize { code_bytes, engine_bytes, static_ram_bytes } = Firmware::of(board)?.size();
        let model = packed.model();
        let needs = Requirements::of(&model);
        let shortfalls = shortfalls(&model, declared);
        let buffers = declared.buffers;
        let worst_stack_bytes =
            if shortfalls.is_empty() && board.is_emulated() { worst_stack(trained, board, events)? } else { None };
        // A stack that is too deep is not a shortfall of the model, but the board must not be flashed either.
        let stack_fits = worst_stack_bytes.is_none_or(|worst| worst <= declared.budget.stack_bytes);
        Ok(Self {
            name: board.name(),
            core: declared.core.name(),
            clock_hz: declared.clock_hz,
            fits: shortfalls.is_empty() && stack_fits,
            shortfalls,
            flash: FlashUse {
                code_bytes,
                code_budget_bytes: declared.budget.code_bytes,
                engine_bytes,
                engine_budget_bytes: declared.budget.engine_bytes,
                model_bytes: needs.flash_bytes,
                model_budget_bytes: declared.model.bytes,
            },
            ram: Ram {
                static_bytes: static_ram_bytes,
                static_budget_bytes: declared.budget.static_ram_bytes,
                worst_stack_bytes,
                stack_budget_bytes: declared.budget.stack_bytes,
            },
            model: needs,
            room: Room {
                input_side_px: buffers.input_side_px,
                input_channels: buffers.input_channels,
                input_bytes: buffers.input_bytes(),
                input_row_bytes: buffers.input_row_bytes(),
                accumulators: buffers.accumulators,
                activations: buffers.activations,
                scratch: buffers.lanes,
                arena_bytes: buffers.arena_bytes,
            },
            predicted: predict(&model, declared.core).map(|work| Predicted {
                time_ms: work.time_ms(declared.clock_hz),
                work,
                timing_tables: timing_tables(declared.core),
            }),
        })
    }
}
