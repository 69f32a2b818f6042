//! Depthwise convolutions: in place, or from a copy of the values under one window.

use core::ops::Range;

use super::DenseOperands;

/// Neighboring positions of a depthwise convolution, and the operands of all of them. Of their windows, the same rows and columns are
/// inside of the input; what is outside takes no part.
#[derive(Clone, Debug)]
pub struct DepthwisePositions<'a> {
    /// Words of the weights in a layout of channels, 16 bits each, whole blocks of channels.
    pub weights: &'a [u32],
    /// Bytes of the weights in a row-major layout: a filter for each channel.
    pub filters: &'a [u8],
    /// Start of each channel's sum.
    pub biases: &'a [i32],
    /// Multipliers of the requantization, as many as biases.
    pub multipliers: &'a [i32],
    /// See [`crate::fixed::requantize`]; at most 30.
    pub pre_shift: u8,
    /// Zero point of the output.
    pub zero_point: u8,
    /// Smallest and largest output.
    pub range: (u8, u8),
    /// The input, from the first value under the inside of the first window on.
    pub values: &'a [u8],
    /// Values from a row to the next.
    pub pitch: usize,
    /// Values from a window to the next.
    pub step: usize,
    /// Rows of the window.
    pub height: usize,
    /// Columns of the window.
    pub width: usize,
    /// Its rows inside of the input.
    pub rows: Range<usize>,
    /// Its columns inside of the input.
    pub columns: Range<usize>,
}

impl DepthwisePositions<'_> {
    /// Returns true if all slices are as long as so many bytes of output require; weights apart, whose layout is the kernel's matter.
    pub fn fit(&self, output_bytes: usize) -> bool {
        let Self { biases, multipliers, values, pitch, step, height, width, .. } = *self;
        let Self { rows, columns, .. } = self;
        let channels = biases.len();
        let positions = output_bytes.checked_div(channels).unwrap_or(0);
        let last = positions.saturating_sub(1).saturating_mul(step);
        let row =
            (rows.len().saturating_sub(1).saturating_mul(pitch)).saturating_add(columns.len().saturating_mul(channels));
        positions > 0
            && positions * channels == output_bytes
            && rows.start < rows.end
            && rows.end <= height
            && columns.start < columns.end
            && columns.end <= width
            && multipliers.len() == channels
            && last.saturating_add(row) <= values.len()
    }
}

/// [`super::Kernel::depthwise`] of weights in rows.
pub(super) fn depthwise(operands: DenseOperands<'_>, values: &[u8], accumulators: &mut [i32]) {
    let DenseOperands { weights, biases } = operands;
    let channels = weights.outputs();
    for (row, (sum, &bias)) in accumulators.iter_mut().zip(biases).enumerate() {
        // Not `step_by`, which divides, what takes some cores long.
        let mut at = row;
        let mut add = |sum: i32, weight: i8| {
            let value = values.get(at).copied().unwrap_or(0);
            at += channels;
            sum.wrapping_add(i32::from(weight).wrapping_mul(value.into()))
        };
        *sum = match weights.filter(row) {
            Some(filter) => filter.iter().fold(bias, |sum, &weight| add(sum, weight as i8)),
            None => (0..weights.inputs()).fold(bias, |sum, column| add(sum, weights.get_rows(row, column))),
        };
    }
}
