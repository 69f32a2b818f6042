//! Depthwise convolutions whose windows a kernel reads in place.

use core::ops::Range;

use super::conv::{Conv, gather};
use crate::kernel::{DepthwisePositions, Kernel};

/// Runs a depthwise convolution; false, with nothing written, if the kernel does not run it this way. Windows that are partly outside
/// of an input whose zero point is not 0 are copied to `patch`.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn convolve<K: Kernel>(conv: &Conv<'_>, input: &[u8], output: &mut [u8], patch: &mut [u8]) -> bool {
    let Conv { weighted, window, pool, input: from, output: to, .. } = conv;
    let weights = weighted.operands.weights;
    let [height, width] = [window.height, window.width].map(usize::from);
    let channels = usize::from(from.shape.channels);
    let patch = patch.get_mut(..height * width * channels).unwrap_or_default();
    if *pool != 1 || !K::runs_in_place(weights.layout(), channels) {
        return false;
    }
    let (stride_y, stride_x, padding) = (window.stride_y, window.stride_x, window.padding);
    let [input_rows, input_columns, to_width] = [from.shape.height, from.shape.width, to.shape.width].map(usize::from);
    let mut remaining = output;
    for y in 0..usize::from(to.shape.height) {
        let (row, rows) = inside(y, stride_y, padding.top, height, input_rows);
        let mut x = 0;
        while x < to_width {
            let (column, columns) = inside(x, stride_x, padding.left, width, input_columns);
            // Windows of whole rows: those up to the first one that is not.
            let room = (input_columns - column).saturating_sub(width).checked_div(stride_x.into()).unwrap_or(0);
            let count = if columns.len() == width { (room + 1).min(to_width - x) } else { 1 };
            let Some((outputs, rest)) = core::mem::take(&mut remaining).split_at_mut_checked(count * channels) else {
                return true;
            };
            remaining = rest;
            let mut positions = DepthwisePositions {
                weights: weights.words(),
                filters: weights.bytes(),
                biases: weighted.operands.biases,
                multipliers: weighted.multipliers,
                pre_shift: weighted.pre_shift,
                zero_point: to.zero_point,
                range: (conv.activation_min, conv.activation_max),
                values: input.get((row * input_columns + column) * channels..).unwrap_or_default(),
                pitch: input_columns * channels,
                step: usize::from(stride_x) * channels,
                height,
                width,
                rows: rows.clone(),
                columns,
            };
            // Outside of the input all is zero point. A zero point of 0 adds nothing.
            if from.zero_point == 0 || (positions.rows.len() == height && positions.columns.len() == width) {
                K::depthwise_positions(&positions, outputs);
                x += count;
                continue;
            }
            (positions.rows, positions.columns, positions.pitch) = (0..height, 0..width, width * channels);
            for outputs in outputs.chunks_exact_mut(channels) {
                gather(from, window, (y, x), input, patch);
                K::depthwise_positions(&DepthwisePositions { values: patch, ..positions.clone() }, outputs);
                x += 1;
            }
        }
    }
    true
}

/// Returns the first row, or column, of the input under a window, and which of the window are inside of the input.
fn inside(at: usize, stride: u8, padding: u8, window: usize, size: usize) -> (usize, Range<usize>) {
    let (start, padding) = (at * usize::from(stride), usize::from(padding));
    let outside = padding.saturating_sub(start);
    (start.saturating_sub(padding), outside..(size + padding).saturating_sub(start).min(window))
}
