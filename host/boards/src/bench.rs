//! What an inference costs on an emulated board, layer by layer: instructions, counted, the same every time.

use std::path::Path;

use miette::Diagnostic;
use pinhole_core::model_file::ModelFile;
use pinhole_core::random::Random;
use pinhole_shared::link::Unit;
use pinhole_shared::model::Layer;
use serde::Serialize;
use thiserror::Error;

use crate::board::Board;
use crate::budget::predict::predict;
use crate::emulator::{CountingBoard, EmulatorError};
use crate::firmware::Firmware;

/// Seed of the input that is classified. Noise, because what a layer costs may depend a little on what it sees.
const INPUT_SEED: u64 = 1;

/// What an inference costs on a board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bench {
    /// Name the board gave.
    pub board: String,
    /// Kernel it ran.
    pub kernel: String,
    /// What was counted.
    pub unit: Unit,
    /// Of the whole inference, from the input's pixels to the decision.
    pub instructions: u64,
    /// Multiply-accumulates of the whole inference.
    pub macs: u64,
    /// Stack of the whole inference, bytes, found by painting.
    pub stack_bytes: u32,
    /// The layers, in order.
    pub layers: Vec<LayerBench>,
    /// Clock cycles and time, which an emulator cannot count.
    pub modelled: Option<Modelled>,
}

/// Cycles and time of an inference, [modelled](crate::budget::predict) from the model alone: by Arm's timing tables, for
/// memory that never makes the core wait.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Modelled {
    /// Clock cycles of the whole inference.
    pub cycles: u64,
    /// Cycles of each layer, in the order of the layers.
    pub layer_cycles: Vec<u64>,
    /// The board's clock, Hz.
    pub clock_hz: u32,
    /// Time of the whole inference at that clock, ms.
    pub time_ms: f64,
}

impl Modelled {
    /// `None` where there is no table for what the model takes.
    fn of(file: &ModelFile, board: Board) -> Option<Self> {
        let (packed, declared) = (file.packed(board.packing()).ok()?, board.declaration());
        let work = predict(&packed.model(), declared.core)?;
        Some(Self {
            cycles: work.whole.cycles,
            layer_cycles: work.layers.iter().map(|layer| layer.cycles).collect(),
            clock_hz: declared.clock_hz,
            time_ms: work.time_ms(declared.clock_hz),
        })
    }
}

/// What a layer costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerBench {
    /// Kind of the layer.
    pub kind: &'static str,
    /// Activations read.
    pub inputs: usize,
    /// Activations written.
    pub outputs: usize,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Of the layer: kernel, requantization and activation function.
    pub instructions: u64,
}

impl Bench {
    /// What the inference costs beside its layers: the decision, mostly.
    pub fn rest(&self) -> u64 {
        let layers: u64 = self.layers.iter().map(|layer| layer.instructions).sum();
        self.instructions.saturating_sub(layers)
    }
}

/// Why a benchmark has no result.
#[derive(Debug, Error, Diagnostic)]
pub enum BenchError {
    /// The board failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Board(#[from] EmulatorError),
    /// The board counted something else than this Pinhole expects.
    #[error("the board measured {got} layers in {unit:?}, not {expected} layers in instructions")]
    #[diagnostic(help("build and flash the firmware that belongs to this Pinhole"))]
    Parts {
        /// Layers of the model.
        expected: usize,
        /// Layers measured.
        got: usize,
        /// What was counted.
        unit: Unit,
    },
    /// The board decided otherwise than the host.
    #[error("the board decided otherwise than the host: what it costs to be wrong is not worth knowing")]
    #[diagnostic(help("`pinhole prove` finds the first integer that differs"))]
    Decision,
}

/// Counts what an inference of this model costs on an emulated board. `path` is what errors call the model.
///
/// # Errors
/// [`BenchError`].
pub fn bench(file: &ModelFile, path: &Path, board: Board) -> Result<Bench, BenchError> {
    bench_on(Firmware::of(board).map_err(EmulatorError::from)?, file, path)
}

/// [`fn@bench`] with this firmware.
///
/// # Errors
/// [`BenchError`].
pub fn bench_on(firmware: Firmware, file: &ModelFile, path: &Path) -> Result<Bench, BenchError> {
    let model = file.model();
    let modelled = Modelled::of(file, firmware.board());
    let mut random = Random::seeded(INPUT_SEED);
    let input: Vec<u8> = (0..model.inputs()).map(|_| random.below(256) as u8).collect();
    let mut board = CountingBoard::start(firmware, file, path)?;
    let measurement = board.measure(&input).map_err(EmulatorError::from)?;
    let (expected, got, unit) = (model.layers().len(), measurement.layers.len(), measurement.unit);
    if got != expected || unit != Unit::Instructions {
        return Err(BenchError::Parts { expected, got, unit });
    }
    if measurement.decision != file.engine().run(&input) {
        return Err(BenchError::Decision);
    }
    let layers = model.layers().zip(measurement.layers);
    let identity = board.identity();
    Ok(Bench {
        board: identity.board.as_str().to_owned(),
        kernel: identity.kernel.as_str().to_owned(),
        unit,
        instructions: measurement.whole,
        macs: model.macs(),
        stack_bytes: measurement.stack_bytes,
        layers: layers.map(|(layer, instructions)| layer_bench(&layer, instructions)).collect(),
        modelled,
    })
}

fn layer_bench(layer: &Layer<'_>, instructions: u64) -> LayerBench {
    LayerBench {
        kind: layer.kind(),
        inputs: layer.inputs(),
        outputs: layer.outputs(),
        macs: layer.macs(),
        instructions,
    }
}
