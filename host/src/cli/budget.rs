//! What `pinhole inspect --board` shows of the board.

use miette::{IntoDiagnostic as _, Result};
use pinhole_boards::board::Board;
use pinhole_boards::budget::predict::{Prediction, predict};
use pinhole_boards::budget::{FirmwareSize, Misfit, Misfits, Needs, misfits};
use pinhole_boards::device::Device as _;
use pinhole_boards::emulator::{EmulatorError, emulator};
use pinhole_boards::firmware::{Firmware, FirmwareError};
use pinhole_core::photos::Picture;
use pinhole_shared::link::Report;
use pinhole_shared::pixels::{PictureSize, PixelFormat};
use pinhole_train::runs::Trained;
use serde::Serialize;

use super::output::{note, say};
use super::simulate::start_board;

/// What a model and the firmware take of a board.
#[derive(Debug, Serialize)]
pub(super) struct BoardBudget {
    name: &'static str,
    core: &'static str,
    clock_hz: u32,
    fits: bool,
    /// What the model takes more of than the board has.
    misfits: Vec<Misfit>,
    flash: Flash,
    ram: Ram,
    model: Needs,
    room: Room,
    /// By counted instructions and timing tables: a model, not silicon.
    predicted: Option<Predicted>,
}

#[derive(Debug, Serialize)]
struct Flash {
    code_bytes: u64,
    code_budget_bytes: u32,
    /// Of the code: kernels, model parser, pixel pipeline, activation functions.
    engine_bytes: u64,
    engine_budget_bytes: u32,
    model_bytes: usize,
    model_budget_bytes: u32,
}

#[derive(Debug, Serialize)]
struct Ram {
    static_bytes: u64,
    static_budget_bytes: u32,
    /// As the board finds it after a picture, by painting; absent where the model does not fit, for a board that is not emulated, and
    /// without an emulator.
    worst_stack_bytes: Option<u32>,
    stack_budget_bytes: u32,
}

/// What the firmware has for a model.
#[derive(Debug, Serialize)]
struct Room {
    input_side_px: u16,
    input_channels: u16,
    accumulators: u32,
    activations: u32,
    lanes: u32,
    arena_bytes: u32,
}

#[derive(Debug, Serialize)]
struct Predicted {
    #[serde(flatten)]
    work: Prediction,
    time_ms: f64,
}

/// Shows the board a picture, has all of it reported, and asks how deep its stack has been.
/// `None`, and a note, where no emulator can be had: all the rest is known without.
fn worst_stack(trained: &Trained, board: Board) -> Result<Option<u32>> {
    match emulator() {
        Err(EmulatorError::Locate(missing)) => {
            note(&format!("the stack is not measured: {missing}; `pinhole doctor` says what to do"));
            return Ok(None);
        }
        emulator => emulator?,
    };
    let mut running = start_board(board, trained, false)?;
    let side = trained.model.model().input().side;
    // Larger than the input by no whole number, so that the pixel pipeline does all it can.
    let (width, height) = (side + side / 2 + 1, side + side / 3 + 1);
    let row = (0..usize::from(width) * 3).map(|byte| (byte * 37 % 251) as u8);
    let rows: Vec<u8> = row.cycle().take(usize::from(width) * 3 * usize::from(height)).collect();
    let size = PictureSize { width, height };
    let picture = Picture::new(size, PixelFormat::Rgb888, rows).into_diagnostic()?;
    running.show(picture)?;
    running.capture(Report::AllValues)?;
    Ok(Some(running.statistics()?.stack_bytes))
}

impl BoardBudget {
    /// Packs the model for the board, and measures the board's firmware.
    pub(super) fn of(trained: &Trained, board: Board) -> Result<Self> {
        let declared = board.declaration();
        let packed = trained
            .model
            .packed(board.packing())
            .map_err(|source| FirmwareError::Pack { path: trained.model_path.clone(), source })?;
        let FirmwareSize { code_bytes, engine_bytes, static_ram_bytes } = Firmware::of(board)?.size();
        let model = packed.model();
        let needs = Needs::of(&model);
        let misfits = misfits(&needs, declared);
        let buffers = declared.buffers;
        let worst_stack_bytes =
            if misfits.is_empty() && board.is_emulated() { worst_stack(trained, board)? } else { None };
        // A stack that is too deep is no misfit of the model, but nothing to flash either.
        let stack_fits = worst_stack_bytes.is_none_or(|worst| worst <= declared.budget.stack_bytes);
        Ok(Self {
            name: board.name(),
            core: declared.core.name(),
            clock_hz: declared.clock_hz,
            fits: misfits.is_empty() && stack_fits,
            misfits,
            flash: Flash {
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
                accumulators: buffers.accumulators,
                activations: buffers.activations,
                lanes: buffers.lanes,
                arena_bytes: buffers.arena_bytes,
            },
            predicted: predict(&model, declared.core)
                .map(|work| Predicted { time_ms: work.time_ms(declared.clock_hz), work }),
        })
    }

    /// Whether the model fits. Firmware that does not fit is not built.
    pub(super) fn fits(&self) -> bool {
        self.fits
    }

    pub(super) fn print(&self) {
        let (flash, ram, model, room) = (&self.flash, &self.ram, &self.model, &self.room);
        say!();
        say!("board     {}: {} at {} MHz", self.name, self.core, f64::from(self.clock_hz) / 1e6);
        say!("          {:<22} {:>8}  {:>8}", "", "takes", "may take");
        let line = |what: &str, takes: u64, may_take: u32| {
            let percent = 100.0 * takes as f64 / f64::from(may_take.max(1));
            say!("          {what:<22} {takes:>8}  {may_take:>8}  {percent:>5.1} %");
        };
        line("flash, code, bytes", flash.code_bytes, flash.code_budget_bytes);
        line("  engine code, bytes", flash.engine_bytes, flash.engine_budget_bytes);
        line("flash, model, bytes", flash.model_bytes as u64, flash.model_budget_bytes);
        line("RAM, static, bytes", ram.static_bytes, ram.static_budget_bytes);
        match ram.worst_stack_bytes {
            Some(worst) => line("RAM, worst stack, bytes", u64::from(worst), ram.stack_budget_bytes),
            None => say!("          {:<22} {:>8}  {:>8}", "RAM, stack, bytes", "?", ram.stack_budget_bytes),
        }
        line("input side, px", u64::from(model.input_side_px), u32::from(room.input_side_px));
        line("input channels", u64::from(model.input_channels), u32::from(room.input_channels));
        line("accumulators", model.accumulators as u64, room.accumulators);
        line("activations", model.activations as u64, room.activations);
        line("lanes", model.lanes as u64, room.lanes);
        line("arena, bytes", model.arena_bytes as u64, room.arena_bytes);
        if let Some(Predicted { work, time_ms }) = &self.predicted {
            say!("predicted {} instructions an inference, by layer:", work.whole.instructions);
            for (index, layer) in work.layers.iter().enumerate() {
                say!("{index:>5}  {:>10} instructions, {:>10} cycles", layer.instructions, layer.cycles);
            }
            say!(
                "          {} cycles, {time_ms:.2} ms (modelled: timing tables, memory that never waits)",
                work.whole.cycles
            );
        }
        if self.fits {
            say!("fits      yes");
        } else if self.misfits.is_empty() {
            say!("fits      no: the firmware's stack is deeper than the board reserves");
            say!("          raise stack_bytes in the board's declaration, or find out what is so deep");
        } else {
            let misfits = Misfits(self.misfits.clone());
            say!("fits      no: {misfits}");
            say!("          {}", misfits.advice());
        }
    }
}
