//! The mean of each channel: global average pooling.

use super::check::Record;
use super::record::TensorRecord;
use super::tensor::{Tensor, byte};
use super::{ALL_KINDS, TENSOR};
use crate::fixed::requantize;
use crate::model::ModelError;
use crate::model::format::{Field, Span, record as at};
use crate::shape::Shape;

/// Number added to each sum; where layers with weights say where their biases are.
pub const BIAS: Field<i32> = Field::in_place_of(at::BIASES);
/// Multiplier; where layers with weights say where their multipliers are.
pub const MULTIPLIER: Field<i32> = Field::in_place_of(at::MULTIPLIERS);

/// Fields of the record.
pub(super) const FIELDS: &[&[Span]] = &[ALL_KINDS, TENSOR, &[at::PRE_SHIFT.span(), BIAS.span(), MULTIPLIER.span()]];

/// The mean of each channel, requantized: of every sum plus `bias`.
#[derive(Clone, Copy, Debug)]
pub struct GlobalAverage {
    /// Added to each sum: minus the input's zero point, times the number of positions.
    pub bias: i32,
    /// The requantization's multiplier, 1..=2^31-1.
    pub multiplier: i32,
    /// The requantization's pre-shift, bits.
    pub pre_shift: u8,
    /// Input tensor.
    pub input: Tensor,
    /// Output tensor: 1x1, as many channels.
    pub output: Tensor,
    /// Smallest output.
    pub activation_min: u8,
    /// Largest output.
    pub activation_max: u8,
}

impl GlobalAverage {
    #[inline(always)]
    pub(super) fn of(fields: TensorRecord) -> Self {
        let TensorRecord { input, output, activation_min, activation_max, pre_shift, .. } = fields;
        let (bias, multiplier) = (fields.in_place_of_biases, fields.in_place_of_multipliers);
        Self { bias, multiplier, pre_shift, input, output, activation_min, activation_max }
    }

    pub(super) fn check(&self, record: &Record<'_>) -> Result<(), ModelError> {
        let layer = record.layer;
        let Self { bias, multiplier, pre_shift, input, output, .. } = *self;
        if output.shape != (Shape { height: 1, width: 1, ..input.shape }) {
            return record.accept(Err(at::HEIGHT.span()));
        }
        if multiplier <= 0 {
            return Err(ModelError::Multiplier { layer, row: 0 });
        }
        let bound = u64::from(bias.unsigned_abs()) + input.shape.positions() as u64 * 255;
        if bound > (i32::MAX as u64) >> pre_shift { Err(ModelError::Accumulator { layer, row: 0 }) } else { Ok(()) }
    }
}

pub(super) fn global_average(average: &GlobalAverage, input: &[u8], output: &mut [u8], sums: &mut [i32]) {
    let GlobalAverage { bias, multiplier, pre_shift, output: to, activation_min, activation_max, .. } = *average;
    let sums = sums.get_mut(..output.len()).unwrap_or_default();
    sums.fill(bias);
    for place in input.chunks_exact(output.len().max(1)) {
        for (sum, &value) in sums.iter_mut().zip(place) {
            *sum += i32::from(value);
        }
    }
    for (output, &sum) in output.iter_mut().zip(&*sums) {
        *output = byte(requantize(sum, multiplier, pre_shift), to.zero_point, (activation_min, activation_max));
    }
}
