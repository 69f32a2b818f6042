//! Weights of a layer, and the requantization of their sums.

use super::count;
use crate::kernel::DenseOperands;
use crate::layout::{Layout, Weights};
use crate::model::file::File;
use crate::model::format::{Words, record as at};

/// Rows of weights, and the numbers that requantize a row's sum to an output. Borrowed from the model file.
#[derive(Clone, Copy, Debug)]
pub struct Weighted<'a> {
    /// Weights and biases, as [`crate::kernel::Kernel`] takes them.
    pub operands: DenseOperands<'a>,
    /// For each row, the multiplier of its requantization: 1..=2^31-1.
    pub multipliers: &'a [i32],
    /// The requantization's pre-shift, bits.
    pub pre_shift: u8,
    /// Largest magnitude any row's accumulator can reach.
    pub accumulator_bound: u32,
    /// Real value of one input unit. For reports.
    pub input_scale: f32,
    /// Real value of one output unit. For reports.
    pub output_scale: f32,
}

impl Weighted<'_> {
    /// The bias of a row in accumulator units, without what the layout folds into the stored one. 0 for a row out of
    /// range.
    pub fn bias(&self, row: usize) -> i32 {
        let stored = self.operands.biases.get(row).copied().unwrap_or(0);
        unfold(stored, self.operands.weights.fold(row).unwrap_or(0))
    }

    /// Number of weights, without those that fill up a layout; the largest number if there are more.
    pub(super) fn weights(&self) -> u32 {
        let weights = &self.operands.weights;
        count(weights.inputs()).saturating_mul(count(weights.outputs()))
    }

    /// Bytes of the layer in the model file, without the padding of its sections.
    pub fn bytes(&self) -> usize {
        self.operands.weights.bytes().len() + 4 * (self.operands.biases.len() + self.multipliers.len())
    }
}

/// A bias without what its layout folded in. Modulo 2^32, as the sums it is the start of.
pub(crate) fn unfold(stored: i32, fold: i32) -> i32 {
    stored.wrapping_sub(fold)
}

#[inline(always)]
pub(super) fn weighted<'a>(file: &File<'a>, record: &Words) -> Weighted<'a> {
    let weights = shape(record).unwrap_or_default();
    let integers = |offset| bytemuck::cast_slice(file.words(offset, weights.outputs()));
    let size = weights.size();
    let bytes: &[u8] = bytemuck::cast_slice(file.words(at::WEIGHTS.get(record), size.div_ceil(4)));
    Weighted {
        operands: DenseOperands {
            weights: weights.with(bytes.get(..size).unwrap_or_default()),
            biases: integers(at::BIASES.get(record)),
        },
        multipliers: integers(at::MULTIPLIERS.get(record)),
        pre_shift: at::PRE_SHIFT.get(record),
        accumulator_bound: at::ACCUMULATOR_BOUND.get(record),
        input_scale: at::INPUT_SCALE.get(record),
        output_scale: at::OUTPUT_SCALE.get(record),
    }
}

/// The weights' shape; `None` when their layout is not known, or has no such chunks.
pub(super) fn shape(record: &Words) -> Option<Weights<'static>> {
    let (inputs, outputs) = (at::INPUTS.get(record) as usize, at::OUTPUTS.get(record) as usize);
    Weights::shape(Layout::from_number(at::LAYOUT.get(record))?, inputs, outputs, at::CHUNK_COLUMNS.get(record).into())
}
