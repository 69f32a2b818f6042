//! Instructions of the loops in `firmware/kernels`, counted by reading them: change them together.

use crate::budget::predict::counted_core::CountedCore;
pub(super) mod cortex_m0plus;
pub(super) mod cortex_m4;
mod ops;

use pinhole_shared::layout::{BLOCK_ROWS, GROUP_COLUMNS, Weights};
use pinhole_shared::model::{Activation, Dense, Output};

pub(in crate::budget::predict) use ops::Ops;

/// Returns the instructions of the loops that multiply inputs by weights, for one run over all rows. `None` for a
/// layout that the core's kernel does not run, or not by these loops.
pub(super) fn sums(core: CountedCore, weights: &Weights<'_>) -> Option<Ops> {
    match core {
        CountedCore::CortexM4 => cortex_m4::sums(weights),
        CountedCore::CortexM0Plus => cortex_m0plus::sums(weights),
    }
}

/// Returns the instructions of the loops of a dense layer. `None` for a layout that the core's kernel does not run.
pub(super) fn dense(core: CountedCore, dense: &Dense<'_>) -> Option<Ops> {
    let weights = &dense.weighted.operands.weights;
    let sums = sums(core, weights)?;
    if dense.activation != Activation::Sigmoid {
        return Some(sums);
    }
    let neurons = weights.outputs() as u64;
    Some(match (core, dense.output) {
        (_, Output::Logits) | (CountedCore::CortexM0Plus, Output::U8) => sums,
        (CountedCore::CortexM4, _) => sums + cortex_m4::sigmoids(neurons),
        (CountedCore::CortexM0Plus, Output::I16) => sums + cortex_m0plus::sigmoids(neurons),
    })
}

/// Returns the columns of each chunk, without padding of the last.
pub(super) fn chunks(weights: &Weights<'_>) -> impl Iterator<Item = usize> {
    let (inputs, chunk) = (weights.inputs(), weights.chunk_columns().max(1));
    (0..inputs).step_by(chunk).map(move |start| chunk.min(inputs - start))
}

/// Returns the number of blocks of rows.
fn blocks(weights: &Weights<'_>) -> u64 {
    (weights.padded_outputs() / BLOCK_ROWS) as u64
}

/// Returns the calls that widen the pixels of a chunk: one for whole groups, and one for a padded group.
pub(super) fn calls(columns: usize) -> u64 {
    u64::from(columns >= GROUP_COLUMNS) + u64::from(!columns.is_multiple_of(GROUP_COLUMNS))
}
