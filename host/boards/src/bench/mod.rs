//! Benchmark: instruction counts of an inference on an emulated board, layer by layer. Every run gives the same counts.

pub mod peers;
pub mod table;

use std::path::Path;

use miette::Diagnostic;
use pinhole_core::model_file::ModelFile;
use pinhole_core::random::Random;
use pinhole_shared::link::Unit;
use pinhole_shared::model::Layer;
use serde::Serialize;
use thiserror::Error;

use crate::board::Board;
use crate::budget::predict::{predict, timing_tables};
use crate::emulator::{CountingBoard, EmulatorError};
use crate::firmware::Firmware;

/// Seed of the input. It is noise, because the counts of a layer may depend a little on its input.
const INPUT_SEED: u64 = 1;

/// Benchmark result of an inference on a board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Benchmark {
    /// Board name, as the board reports it.
    pub board: String,
    /// Name of the kernel, as the board reports it.
    pub kernel: String,
    /// Unit of the counts.
    pub unit: Unit,
    /// Instructions of the whole inference, from the input's pixels to the decision.
    pub instructions: u64,
    /// Multiply-accumulates of the whole inference.
    pub macs: u64,
    /// Stack use of the whole inference, bytes, measured by stack painting.
    pub stack_bytes: u32,
    /// The layers, in order.
    pub layers: Vec<LayerBench>,
    /// Modelled clock cycles and time, which an emulator cannot count.
    pub modelled: Option<Modelled>,
}

/// Cycles and time of an inference, [modelled](crate::budget::predict) from the model alone by Arm's timing tables, for
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
    /// The core whose timing tables these are: the board's, or the nearest whose tables are published.
    pub timing_tables: &'static str,
}

impl Modelled {
    /// Returns the model's cycles; `None` if they cannot be predicted.
    fn of(file: &ModelFile, board: Board) -> Option<Self> {
        let (packed, declared) = (file.packed(board.packing()).ok()?, board.declaration());
        let work = predict(&packed.model(), declared.core)?;
        Some(Self {
            cycles: work.whole.cycles,
            layer_cycles: work.layers.iter().map(|layer| layer.cycles).collect(),
            clock_hz: declared.clock_hz,
            time_ms: work.time_ms(declared.clock_hz),
            timing_tables: timing_tables(declared.core),
        })
    }
}

/// Benchmark result of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerBench {
    /// Kind of the layer.
    pub kind: &'static str,
    /// Number of input activations.
    pub inputs: usize,
    /// Number of output activations.
    pub outputs: usize,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Instructions of kernel, requantization and activation function.
    pub instructions: u64,
}

impl Benchmark {
    /// Returns the instructions outside of layers: mostly the decision.
    pub fn rest(&self) -> u64 {
        let layers: u64 = self.layers.iter().map(|layer| layer.instructions).sum();
        self.instructions.saturating_sub(layers)
    }
}

/// Error: a benchmark has no result.
#[derive(Debug, Error, Diagnostic)]
pub enum BenchError {
    /// The board failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Board(#[from] EmulatorError),
    /// The board measured something else than this Pinhole expects.
    #[error("the board reported {got} layers in the unit {unit:?}; expected {expected} layers in instructions")]
    #[diagnostic(help("build and flash the firmware of this version of Pinhole"))]
    Parts {
        /// Layers of the model.
        expected: usize,
        /// Layers measured.
        got: usize,
        /// Unit of the counts.
        unit: Unit,
    },
    /// The board's decision differs from the host's.
    #[error("the board's decision differs from the host's, so the instruction counts are not shown")]
    #[diagnostic(help("run `pinhole prove`, which finds the first integer that differs"))]
    Decision,
}

/// Counts the instructions of an inference on an emulated board. `path` is the model's path, for messages.
///
/// # Errors
/// [`BenchError`].
pub fn bench(file: &ModelFile, path: &Path, board: Board) -> Result<Benchmark, BenchError> {
    bench_on(Firmware::of(board).map_err(EmulatorError::from)?, file, path)
}

/// Runs [`fn@bench`] with this firmware.
///
/// # Errors
/// [`BenchError`].
pub fn bench_on(firmware: Firmware, file: &ModelFile, path: &Path) -> Result<Benchmark, BenchError> {
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
    Ok(Benchmark {
        board: identity.board.as_str().to_owned(),
        kernel: identity.kernel.as_str().to_owned(),
        unit,
        instructions: measurement.whole,
        macs: model.macs().into(),
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
        macs: layer.macs().into(),
        instructions,
    }
}
