//! Convolutions, full and depthwise, with a clamped range instead of an activation function, and max pooling fused in.

use super::band;
use super::check::check_size;
use super::depthwise;
use super::record::TensorRecord;
use super::tensor::{Tensor, byte};
use super::weighted::Weighted;
use super::{ALL_KINDS, TENSOR, WEIGHTED, WINDOWED, count};
use crate::fixed::requantize;
use crate::kernel::{Banded as _, ConvPool as _, Kernel, Patches, Work};
use crate::layout::{BLOCK_ROWS, Layout};
use crate::model::format::{Span, record as at};
use crate::shape::{Shape, Window};

/// Fields of a convolution's record.
pub(super) const FIELDS: &[&[Span]] = &[ALL_KINDS, WEIGHTED, TENSOR, WINDOWED, &[at::POOL.span()]];

/// Rows and columns of the input patch of [`crate::layout::Layout::DspConvPool8`].
const PATCH_SIDE: usize = 4;

/// A convolution, full or depthwise.
#[derive(Clone, Copy, Debug)]
pub struct Conv<'a> {
    /// One row per output channel and one column per element under the window: row-major, channels last; for bands ([`Layout::is_band`])
    /// in the order of [`Conv::band_order`]. A depthwise convolution has one column per position under the window.
    pub weighted: Weighted<'a>,
    /// Window that slides over the input. Outside of the input it reads the input's zero point.
    pub window: Window,
    /// Side of the max pooling that follows, 1 for none. Rows and columns left over are not computed.
    pub pool: u8,
    /// Input tensor.
    pub input: Tensor,
    /// Output tensor: values from `activation_min` to `activation_max`.
    pub output: Tensor,
    /// Smallest output.
    pub activation_min: u8,
    /// Largest output.
    pub activation_max: u8,
}

impl<'a> Conv<'a> {
    #[inline(always)]
    pub(super) fn of(fields: TensorRecord, weighted: Weighted<'a>) -> Self {
        let TensorRecord { input, output, pool, activation_min, activation_max, window, .. } = fields;
        Self { weighted, window, pool, input, output, activation_min, activation_max }
    }

    /// Returns true for a 1x1 convolution, which needs no im2col.
    pub fn is_pointwise(&self) -> bool {
        // Without padding: it would be as large as the window.
        self.window.area() == 1
    }

    /// Returns true if [`crate::layout::Layout::DspConvPool8`] serves it: 3x3, stride 1, one input channel, max pooling by 2. Each
    /// output then depends on 4x4 values of the input.
    pub fn fuses_pool(&self) -> bool {
        let Window { height, width, stride_y, stride_x, padding: _ } = self.window;
        (height, width, stride_y, stride_x, self.pool, self.input.shape.channels) == (3, 3, 1, 1, 2, 1)
    }

    /// Returns the number of positions at which the window's sums are computed.
    pub fn convolved(&self) -> usize {
        self.output.shape.positions() * usize::from(self.pool) * usize::from(self.pool)
    }

    /// Multiply-accumulates of the layer with so many for an output channel at a position; the largest number if there are more.
    pub(super) fn of_positions(&self, columns: u32) -> u32 {
        let rows = count(self.weighted.operands.weights.outputs());
        columns.saturating_mul(rows).saturating_mul(count(self.convolved()))
    }

    /// Returns true if it is computed band by band.
    pub(super) fn is_banded(&self) -> bool {
        self.weighted.operands.weights.layout().is_band()
    }

    /// Bytes of the im2col buffer, all channels of a position together; 0 if these bytes are contiguous in the input,
    /// or if the layer is computed from bands. The
    /// kernel of a depthwise convolution may read the last channels of the last position in groups of four.
    pub(super) fn patch_bytes(&self, is_depthwise: bool) -> usize {
        let under_window = self.window.area() * usize::from(self.input.shape.channels);
        match (is_depthwise, self.is_pointwise() || self.is_banded()) {
            (true, _) => under_window + BLOCK_ROWS - 1,
            (false, true) => 0,
            (false, false) => under_window,
        }
    }

    /// Accumulators: the outputs of a position, padded to whole blocks of rows; twice as many with fused max pooling. Layouts whose
    /// kernel requantizes need none.
    pub(super) fn accumulators(&self) -> usize {
        let rows = self.weighted.operands.weights.padded_outputs();
        match self.weighted.operands.weights.layout() {
            Layout::DspBand8 | Layout::DualMacBand8 | Layout::DspConvPool8 => 0,
            _ if self.pool > 1 => 2 * rows,
            _ => rows,
        }
    }

    /// Checks that input, weights and output fit each other.
    pub(super) fn check(&self, is_depthwise: bool) -> Result<(), Span> {
        let (rows, to) = (self.weighted.operands.weights.outputs(), self.output.shape);
        let size = self.window.output_size(self.input.shape).and_then(|(height, width)| {
            Some((height.checked_div(self.pool.into())?, width.checked_div(self.pool.into())?))
        });
        if rows != usize::from(to.channels) || (is_depthwise && to.channels != self.input.shape.channels) {
            Err(at::CHANNELS.span())
        } else {
            check_size(size, to)
        }
    }
}

/// Convolution. Some layouts are a kernel's own way; all others are computed by im2col: for each output position, the values
/// under the window are the columns of a dense layer. With fused max pooling the largest sums are requantized. Requantization preserves order, so this is the largest result.
pub(super) fn convolve<K: Kernel>(
    conv: &Conv<'_>,
    is_depthwise: bool,
    input: &[u8],
    output: &mut [u8],
    (accumulators, scratch, patch): (&mut [i32], &mut [u32], &mut [u8]),
) {
    if K::ConvPool::LAYOUT.is_some_and(|layout| conv.weighted.operands.weights.layout() == layout) {
        return convolve_and_pool::<K>(conv, input, output);
    }
    if K::Bands::LAYOUT.is_some_and(|layout| conv.weighted.operands.weights.layout() == layout) {
        return band::convolve::<K>(conv, input, output, scratch);
    }
    if is_depthwise && depthwise::convolve::<K>(conv, input, output, patch) {
        return;
    }
    let Conv { weighted, window, pool, activation_min, activation_max, .. } = conv;
    let operands = weighted.operands;
    let rows = operands.weights.padded_outputs();
    let Some((largest, others)) = accumulators.split_at_mut_checked(rows) else { return };
    let under_window = window.area() * usize::from(conv.input.shape.channels);
    let patch = patch.get_mut(..conv.patch_bytes(is_depthwise)).unwrap_or_default();
    let (width, pool) = (usize::from(conv.output.shape.width), usize::from(*pool));
    let channels = usize::from(conv.output.shape.channels).max(1);
    // Counted instead of divided, because division is slow on some cores.
    let (mut y, mut x) = (0, 0);
    for outputs in output.chunks_exact_mut(channels) {
        let mut at = (y, x);
        for pooled in 0..pool * pool {
            let columns = if patch.is_empty() {
                let start = (at.0 * usize::from(window.stride_y) * usize::from(conv.input.shape.width)
                    + at.1 * usize::from(window.stride_x))
                    * usize::from(conv.input.shape.channels);
                input.get(start..start + usize::from(conv.input.shape.channels)).unwrap_or_default()
            } else {
                gather(&conv.input, window, at, input, patch.get_mut(..under_window).unwrap_or_default());
                &*patch
            };
            let sums = if pooled == 0 { &mut *largest } else { others.get_mut(..rows).unwrap_or_default() };
            let work = Work { accumulators: sums, scratch };
            if is_depthwise {
                K::depthwise(operands, columns, work.accumulators);
            } else {
                K::dense_u8(operands, columns, work);
            }
            if pooled > 0 {
                for (largest, &mut other) in largest.iter_mut().zip(&mut *others) {
                    *largest = (*largest).max(other);
                }
            }
            at.1 += 1;
            if at.1 == x + pool {
                at = (at.0 + 1, x);
            }
        }
        requantize_bytes(weighted, largest, conv.output.zero_point, (*activation_min, *activation_max), outputs);
        x += pool;
        if x == width * pool {
            (y, x) = (y + pool, 0);
        }
    }
}

/// Runs as [`convolve`] does, for [`crate::layout::Layout::DspConvPool8`]. The kernel reads the patch of four pooled positions in place,
/// except at the input's edges.
#[cfg_attr(target_os = "none", inline(never))]
fn convolve_and_pool<K: Kernel>(conv: &Conv<'_>, input: &[u8], output: &mut [u8]) {
    let Conv { weighted, window, input: from, output: to, activation_min, activation_max, .. } = conv;
    let [height, width, to_width, channels] =
        [from.shape.height, from.shape.width, to.shape.width, to.shape.channels].map(usize::from);
    let (top, left) = (usize::from(window.padding.top), usize::from(window.padding.left));
    let patches = Patches {
        weights: weighted.operands.weights.words(),
        biases: weighted.operands.biases,
        multipliers: weighted.multipliers,
        pre_shift: weighted.pre_shift,
        zero_point: to.zero_point,
        range: (*activation_min, *activation_max),
        pixels: &[],
        pitch: width,
    };
    let (mut y, mut x) = (0_usize, 0_usize);
    let mut remaining = output;
    while !remaining.is_empty() {
        let row = y.checked_sub(top).filter(|row| row + PATCH_SIDE <= height);
        let column = x.checked_sub(left).filter(|column| column + PATCH_SIDE <= width);
        let inside = row.zip(column);
        // All patches to the right that are inside too.
        let room = |(_, column): (usize, usize)| ((width - column - PATCH_SIDE) / 2 + 1).min(to_width - x / 2);
        let count = inside.map_or(1, room);
        let Some((outputs, rest)) = core::mem::take(&mut remaining).split_at_mut_checked(count * channels) else {
            return;
        };
        remaining = rest;
        if let Some((row, column)) = inside {
            let pixels = input.get(row * width + column..).unwrap_or_default();
            K::ConvPool::conv_pool(&Patches { pixels, ..patches }, outputs);
        } else {
            let mut pixels = [from.zero_point; PATCH_SIDE * PATCH_SIDE];
            for (row, pixels) in pixels.chunks_exact_mut(PATCH_SIDE).enumerate() {
                let Some(row) = (y + row).checked_sub(top).filter(|&row| row < height) else { continue };
                for (column, pixel) in pixels.iter_mut().enumerate() {
                    if let Some(column) = (x + column).checked_sub(left).filter(|&column| column < width) {
                        *pixel = input.get(row * width + column).copied().unwrap_or(0);
                    }
                }
            }
            K::ConvPool::conv_pool(&Patches { pixels: &pixels, pitch: PATCH_SIDE, ..patches }, outputs);
        }
        x += 2 * count;
        if x == 2 * to_width {
            (y, x) = (y + 2, 0);
        }
    }
}

fn requantize_bytes(
    weighted: &Weighted<'_>,
    sums: &[i32],
    zero_point: u8,
    (activation_min, activation_max): (u8, u8),
    outputs: &mut [u8],
) {
    let results = outputs.iter_mut().zip(sums).zip(weighted.multipliers);
    let value = |sum, multiplier| requantize(sum, multiplier, weighted.pre_shift);
    // Typical range of relu; clamping to it is 25 % faster.
    if (activation_min, activation_max) == (0, u8::MAX) {
        results
            .for_each(|((output, &sum), &multiplier)| *output = byte(value(sum, multiplier), zero_point, (0, u8::MAX)));
    } else {
        results.for_each(|((output, &sum), &multiplier)| {
            *output = byte(value(sum, multiplier), zero_point, (activation_min, activation_max))
        });
    }
}

/// im2col for one output position: copies the values under the window row by row, the channels of a position together.
/// Positions outside the input get its zero point.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn gather(tensor: &Tensor, window: &Window, at: (usize, usize), input: &[u8], patch: &mut [u8]) {
    let Shape { height, width, channels } = tensor.shape;
    let [height, width, channels] = [height, width, channels].map(usize::from);
    // Rows and columns count from the padded input's corner; those before `top` and `left` are outside.
    let (top, left) = (usize::from(window.padding.top), usize::from(window.padding.left));
    let (y, x) = (at.0 * usize::from(window.stride_y), at.1 * usize::from(window.stride_x));
    let columns = usize::from(window.width);
    // Columns of the window before, inside and after the input.
    let before = left.saturating_sub(x).min(columns);
    let end = (width + left).saturating_sub(x).min(columns).max(before);
    let start = (x + before).saturating_sub(left);
    let mut remaining = patch;
    for row in 0..usize::from(window.height) {
        // Not `chunks_exact_mut`, which divides.
        let Some((places, after)) = core::mem::take(&mut remaining).split_at_mut_checked(columns * channels) else {
            return;
        };
        remaining = after;
        let inside = (y + row).checked_sub(top).filter(|&row| row < height);
        let source = inside.and_then(|row| {
            let from = (row * width + start) * channels;
            input.get(from..from + (end - before) * channels)
        });
        let Some(source) = source else {
            places.fill(tensor.zero_point);
            continue;
        };
        if source.len() == places.len() {
            places.copy_from_slice(source);
            continue;
        }
        let (first, rest) = places.split_at_mut_checked(before * channels).unwrap_or_default();
        let (middle, last) = rest.split_at_mut_checked(source.len()).unwrap_or_default();
        first.fill(tensor.zero_point);
        middle.copy_from_slice(source);
        last.fill(tensor.zero_point);
    }
}
