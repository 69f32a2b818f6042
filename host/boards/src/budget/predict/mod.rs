//! Predicts the instructions and the time of an inference from the model alone.
//!
//! The innermost loops are our own assembly, so their instructions are counted by reading them (`loops`). Instructions
//! of the compiled code around them are measured once (`compiled`). How often that code runs in layers on tensors
//! follows from their shapes (`tensors`). A test compares the sum with the counts of the emulated boards. Cycles are
//! computed from instructions by Arm's timing tables (`loops::ops`), for memory that never makes the core wait: a
//! model, not silicon.

mod compiled;
mod counted_core;
mod loops;
mod tensors;

use std::ops::{Add, Mul};

use pinhole_declaration::{Core, Declaration};
use pinhole_shared::model::{Layer, Model};
use serde::Serialize;

use compiled::CompiledEvent;
use compiled::dense::Compiled;
use counted_core::CountedCore;
use loops::Ops;

/// Returns the name of the core whose timing tables the modeled cycles of this one are from: it, or the nearest whose tables are
/// published.
pub fn timing_tables(core: Core) -> &'static str {
    CountedCore::of(core).map_or(core, CountedCore::timed).name()
}

/// Largest relative error of a prediction against the instructions that a board counts. This count depends a little on
/// the input, and on the compiled code around the loops.
pub const TOLERANCE: f64 = 0.02;

/// Instructions and cycles of a piece of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PredictedWork {
    /// Instructions.
    pub instructions: u64,
    /// Clock cycles by the core's timing table.
    pub cycles: u64,
}

impl PredictedWork {
    /// No work.
    const NONE: Self = Self { instructions: 0, cycles: 0 };

    fn of(ops: Ops, core: CountedCore) -> Self {
        Self { instructions: ops.instructions(), cycles: ops.cycles(core) }
    }
}

impl Add for PredictedWork {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { instructions: self.instructions + other.instructions, cycles: self.cycles + other.cycles }
    }
}

impl Mul<PredictedWork> for u64 {
    type Output = PredictedWork;

    fn mul(self, work: PredictedWork) -> PredictedWork {
        PredictedWork { instructions: self * work.instructions, cycles: self * work.cycles }
    }
}

/// Predicted work of an inference, from the input's pixels to the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// Work of the whole inference.
    pub whole: PredictedWork,
    /// Work of each layer: kernel, requantization and activation function.
    pub layers: Vec<PredictedWork>,
}

impl Prediction {
    /// Returns the time at this clock, ms.
    pub fn time_ms(&self, clock_hz: u32) -> f64 {
        self.whole.cycles as f64 * 1000.0 / f64::from(clock_hz)
    }

    /// Returns the relative error against the counted instructions; positive if the prediction is too high.
    pub fn error(&self, counted_instructions: u64) -> f64 {
        self.whole.instructions as f64 / counted_instructions.max(1) as f64 - 1.0
    }
}

/// Predicts the work of an inference on a core, for a model packed for it. `None` if the core's kernel does not run the
/// model's layouts.
pub fn predict(model: &Model<'_>, core: Core) -> Option<Prediction> {
    let core = CountedCore::of(core)?;
    let compiled = Compiled::of(core);
    let mut layers = Vec::with_capacity(model.layers().len());
    let mut after_tensors = false;
    for layer in model.layers() {
        layers.push(match &layer {
            Layer::Dense(dense) => {
                let end = if after_tensors { CompiledEvent::TensorsEnd.work(core) } else { PredictedWork::NONE };
                PredictedWork::of(loops::dense(core, dense)? + compiled.around(dense), core) + end
            }
            _ => tensors::work(&layer, model.arena_bytes(), core)?,
        });
        after_tensors = layer.tensor().is_some();
    }
    let decision = PredictedWork::of(compiled.decision(model.classes().into()), core);
    let whole = layers.iter().fold(decision, |sum, &layer| sum + layer);
    Some(Prediction { whole, layers })
}

/// Cycles of an elementary operation where nothing is predicted: more than any network's layers take. (A convolution of a single
/// weight, with the work around each position, takes the most.)
const MOST_CYCLES_PER_OPERATION: u64 = 1_024;

/// Returns the modeled time of an inference on a board, ms, for a model packed for it. For a model whose work is not predicted, it is
/// an upper bound.
pub fn modeled_time_ms(model: &Model<'_>, board: &Declaration) -> f64 {
    let cycles = match predict(model, board.core) {
        Some(prediction) => prediction.whole.cycles,
        None => u64::from(model.operations()) * MOST_CYCLES_PER_OPERATION,
    };
    cycles as f64 * 1000.0 / f64::from(board.clock_hz)
}

#[cfg(test)]
mod tests;
