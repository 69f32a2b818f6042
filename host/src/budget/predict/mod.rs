//! How long an inference takes, from the model alone.
//!
//! The innermost loops are assembly of ours, so their instructions are counted by reading them (`cortex_m4`,
//! `cortex_m0plus`); what the compiler makes of the code around them is measured once (`compiled`). A test compares
//! the sum with what the emulated boards count. Cycles follow from the instructions by Arm's timing tables (`ops`), for
//! memory that never makes the core wait: a model, not silicon.

mod compiled;
mod cortex_m0plus;
mod cortex_m4;
mod ops;

use pinhole_declaration::Core;
use pinhole_shared::layout::{BLOCK_ROWS, GROUP_COLUMNS, Weights};
use pinhole_shared::model::{Layer, Model};
use serde::Serialize;

use compiled::Compiled;
use ops::Ops;

/// How far a prediction may be from the instructions that a board counts, as a part of these. What a board counts depends
/// a little on the input, and on what the compiler makes of the code around the loops.
pub const TOLERANCE: f64 = 0.02;

/// What a piece of work takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Work {
    /// Instructions.
    pub instructions: u64,
    /// Clock cycles by the core's timing table.
    pub cycles: u64,
}

/// What an inference takes, from the input's pixels to the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// All of it.
    pub whole: Work,
    /// Each layer: kernel, requantization and activation function.
    pub layers: Vec<Work>,
}

impl Prediction {
    /// Time at this clock, ms.
    pub fn time_ms(&self, clock_hz: u32) -> f64 {
        self.whole.cycles as f64 * 1000.0 / f64::from(clock_hz)
    }

    /// How far it is from what was counted, as a part of that: above 0 where it is more.
    pub fn error(&self, counted_instructions: u64) -> f64 {
        self.whole.instructions as f64 / counted_instructions.max(1) as f64 - 1.0
    }
}

/// Predicts what an inference takes on a core, of a model packed for it. `None` when the core's kernel does not run the
/// model's layouts.
pub fn predict(model: &Model<'_>, core: Core) -> Option<Prediction> {
    let compiled = Compiled::of(core);
    let mut layers = Vec::with_capacity(model.layers().len());
    for layer in model.layers() {
        let Layer::Dense(dense) = &layer else { return None };
        let loops = match core {
            Core::CortexM4 => cortex_m4::loops(dense),
            Core::CortexM0Plus => cortex_m0plus::loops(dense),
        };
        layers.push(loops? + compiled.around(dense));
    }
    let whole: Ops = layers.iter().copied().fold(compiled.decision(model.classes().into()), |sum, layer| sum + layer);
    let work = |ops: Ops| Work { instructions: ops.instructions(), cycles: ops.cycles(core) };
    Some(Prediction { whole: work(whole), layers: layers.into_iter().map(work).collect() })
}

/// Columns of each chunk, without those that fill up the last.
fn chunks(weights: &Weights<'_>) -> impl Iterator<Item = usize> {
    let (inputs, chunk) = (weights.inputs(), weights.chunk_columns().max(1));
    (0..inputs).step_by(chunk).map(move |start| chunk.min(inputs - start))
}

/// Blocks of rows.
fn blocks(weights: &Weights<'_>) -> u64 {
    (weights.padded_outputs() / BLOCK_ROWS) as u64
}

/// Calls that spread the pixels of a chunk: a group that they do not fill takes one of its own.
fn calls(columns: usize) -> u64 {
    u64::from(columns >= GROUP_COLUMNS) + u64::from(!columns.is_multiple_of(GROUP_COLUMNS))
}

#[cfg(test)]
mod tests;
