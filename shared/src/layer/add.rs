//! The sum with an earlier layer's output: a residual connection.

use core::cell::Cell;

use super::check::Record;
use super::record::TensorRecord;
use super::tensor::{Tensor, tensor};
use super::{ALL_KINDS, Kind, TENSOR};
use crate::model::ModelError;
use crate::model::file::File;
use crate::model::format::{Field, Span, Words, record as at};

/// Multiplier of the previous layer's output; where layers with weights say where these are.
pub const MULTIPLIER: Field<i32> = Field::in_place_of(at::WEIGHTS);
/// Multiplier of the earlier layer's output; where layers with weights say where their biases are.
pub const OTHER_MULTIPLIER: Field<i32> = Field::in_place_of(at::BIASES);
/// Bias; where layers with weights say where their multipliers are.
pub const BIAS: Field<i32> = Field::in_place_of(at::MULTIPLIERS);

/// Fields of the record.
pub(super) const FIELDS: &[&[Span]] = &[
    ALL_KINDS,
    TENSOR,
    &[at::PRE_SHIFT.span(), MULTIPLIER.span(), OTHER_MULTIPLIER.span(), BIAS.span(), at::FROM.span()],
];

/// The sum of two tensors of the same shape: `(a * multiplier + b * other_multiplier + bias) >> shift`.
#[derive(Clone, Copy, Debug)]
pub struct Add {
    /// Factor of the previous layer's output, above 0.
    pub multiplier: i32,
    /// Factor of the earlier layer's output, above 0.
    pub other_multiplier: i32,
    /// Zeros of both and of the output, and what rounds.
    pub bias: i32,
    /// Bits dropped, 0..=30.
    pub shift: u8,
    /// The previous layer's output.
    pub input: Tensor,
    /// Index of the earlier layer.
    pub from: u16,
    /// Its output.
    pub other: Tensor,
    /// Output tensor. It may share the location of one of the inputs.
    pub output: Tensor,
    /// Smallest output.
    pub activation_min: u8,
    /// Largest output.
    pub activation_max: u8,
}

impl Add {
    #[inline(always)]
    pub(super) fn of(fields: TensorRecord, file: &File<'_>, record: &Words) -> Self {
        let TensorRecord { input, output, activation_min, activation_max, pre_shift: shift, .. } = fields;
        let (multiplier, other_multiplier, bias) =
            (fields.in_place_of_weights, fields.in_place_of_biases, fields.in_place_of_multipliers);
        let from = at::FROM.get(record);
        let other = tensor(file.record(from.into()));
        Self { multiplier, other_multiplier, bias, shift, input, from, other, output, activation_min, activation_max }
    }

    pub(super) fn check(&self, record: &Record<'_>, file: &File<'_>) -> Result<(), ModelError> {
        let layer = record.layer;
        let Self { multiplier, other_multiplier, bias, from, .. } = *self;
        // Dense layers leave nothing in the arena, and a layer cannot read what comes after it.
        let good = usize::from(from) < layer && at::KIND.get(file.record(from.into())) != Kind::Dense as u16;
        if !good || self.other.shape != self.input.shape {
            return record.accept(Err(at::FROM.span()));
        }
        if self.output.shape != self.input.shape {
            return record.accept(Err(at::HEIGHT.span()));
        }
        if multiplier <= 0 || other_multiplier <= 0 {
            return Err(ModelError::Multiplier { layer, row: 0 });
        }
        let bound = (multiplier as u64 + other_multiplier as u64) * 255 + u64::from(bias.unsigned_abs());
        if bound > i32::MAX as u64 { Err(ModelError::Accumulator { layer, row: 0 }) } else { Ok(()) }
    }

    /// Returns true if the layer, at this index, finds both inputs in the arena.
    pub(super) fn finds_inputs(&self, file: &File<'_>, index: usize) -> bool {
        for between in usize::from(self.from) + 1..index {
            if !tensor(file.record(between)).is_apart_from(&self.other) {
                return false;
            }
        }
        // Element by element, so the sum may replace what it is of.
        [self.input, self.other]
            .iter()
            .all(|read| read.offset == self.output.offset || read.is_apart_from(&self.output))
    }
}

/// Adds element by element; each input is read before it may be overwritten.
pub(super) fn sum(add: &Add, arena: &mut [u8]) {
    let Add { multiplier, other_multiplier, bias, shift, input, other, output, activation_min, activation_max, .. } =
        add;
    // Cells, because the output may be where an input is.
    let arena = Cell::from_mut(arena).as_slice_of_cells();
    let of = |tensor: &Tensor| arena.get(tensor.range()).unwrap_or_default();
    for ((value, other), output) in of(input).iter().zip(of(other)).zip(of(output)) {
        let (value, other) = (i32::from(value.get()), i32::from(other.get()));
        let sum = value * multiplier + other * other_multiplier + bias;
        output.set((sum >> shift).max((*activation_min).into()).min((*activation_max).into()) as u8);
    }
}
