//! Layers that read and write tensors in the arena.

use super::arena::split;
use super::needs::patch_bytes;
use crate::fixed::requantize;
use crate::kernel::{ConvPool as _, Kernel, Patch, Work};
use crate::model::{Add, Conv, GlobalAverage, Layer, Pool, PoolKind, Tensor, Weighted};
use crate::shape::{Shape, Window};

/// Rows and columns of the input area of [`crate::layout::Layout::DspConvPool8`].
const PATCH_SIDE: usize = 4;

/// Working memory of a layer.
pub(super) struct Memory<'s> {
    pub accumulators: &'s mut [i32],
    pub scratch: &'s mut [u32],
    pub arena: &'s mut [u8],
    /// Offset in the arena where the tensors end and the im2col buffer starts.
    pub patch_at: usize,
}

/// Runs a layer that is not dense. Its input is `pixels`, or else its tensor in the arena. Returns its output.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn run<'s, K: Kernel>(layer: &Layer<'_>, pixels: Option<&[u8]>, memory: Memory<'s>) -> &'s [u8] {
    let Memory { accumulators, scratch, arena, patch_at } = memory;
    let (Some(input), Some(output)) = (layer.input_tensor(), layer.tensor()) else { return &[] };
    let (tensors, patch) = arena.split_at_mut_checked(patch_at).unwrap_or_default();
    if let Layer::Add(add) = layer {
        sum(add, tensors);
    } else {
        let (read, write) = match pixels {
            Some(pixels) => (pixels, tensors.get_mut(output.range()).unwrap_or_default()),
            None => split(tensors, input.range(), output.range()),
        };
        match layer {
            Layer::Conv(conv) | Layer::Depthwise(conv) => {
                let is_depthwise = matches!(layer, Layer::Depthwise(_));
                convolve::<K>(conv, is_depthwise, read, write, (accumulators, scratch, patch));
            }
            Layer::MaxPool(of) | Layer::AveragePool(of) => {
                let is_max = matches!(layer, Layer::MaxPool(_));
                pool(of, if is_max { PoolKind::Max } else { PoolKind::Average }, read, write);
            }
            Layer::GlobalAverage(average) => global_average(average, read, write, accumulators),
            Layer::Dense(_) | Layer::Add(_) => {}
        }
    }
    tensors.get(output.range()).unwrap_or_default()
}

/// Convolution by im2col: for each output position, the values under the window are the columns of a dense layer. With
/// fused max pooling the largest sums are requantized. Requantization preserves order, so this is the largest result.
fn convolve<K: Kernel>(
    conv: &Conv<'_>,
    is_depthwise: bool,
    input: &[u8],
    output: &mut [u8],
    (accumulators, scratch, patch): (&mut [i32], &mut [u32], &mut [u8]),
) {
    if K::ConvPool::LAYOUT.is_some_and(|layout| conv.weighted.operands.weights.layout() == layout) {
        return convolve_and_pool::<K>(conv, input, output, accumulators);
    }
    let Conv { weighted, window, pool, activation_min, activation_max, .. } = conv;
    let operands = weighted.operands;
    let rows = operands.weights.padded_outputs();
    let Some((largest, others)) = accumulators.split_at_mut_checked(rows) else { return };
    let under_window = window.area() * usize::from(conv.input.shape.channels);
    let patch = patch.get_mut(..patch_bytes(conv, is_depthwise)).unwrap_or_default();
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

/// Runs as [`convolve`] does, for [`crate::layout::Layout::DspConvPool8`]. The kernel reads the area of four pooled positions in place,
/// except at the input's edges.
#[cfg_attr(target_os = "none", inline(never))]
fn convolve_and_pool<K: Kernel>(conv: &Conv<'_>, input: &[u8], output: &mut [u8], sums: &mut [i32]) {
    let Conv { weighted, window, input: from, output: to, activation_min, activation_max, .. } = conv;
    let Some(sums) = sums.get_mut(..to.shape.channels.into()) else { return };
    let [height, width, to_width, channels] =
        [from.shape.height, from.shape.width, to.shape.width, to.shape.channels].map(usize::from);
    let (top, left) = (usize::from(window.padding.top), usize::from(window.padding.left));
    let (weights, biases) = (weighted.operands.weights.words(), weighted.operands.biases);
    let inside =
        |at: usize, before: usize, size: usize| at.checked_sub(before).filter(|first| first + PATCH_SIDE <= size);
    let (mut y, mut x) = (0, 0);
    for outputs in output.chunks_exact_mut(channels.max(1)) {
        if let (Some(row), Some(column)) = (inside(y, top, height), inside(x, left, width)) {
            let pixels = input.get(row * width + column..).unwrap_or_default();
            K::ConvPool::conv_pool(weights, biases, Patch { pixels, pitch: from.shape.width }, sums);
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
            K::ConvPool::conv_pool(weights, biases, Patch { pixels: &pixels, pitch: PATCH_SIDE as u16 }, sums);
        }
        requantize_bytes(weighted, sums, to.zero_point, (*activation_min, *activation_max), outputs);
        x += 2;
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

/// Converts a requantized value, which is within +-2^30, to a byte.
#[inline(always)]
fn byte(value: i32, zero_point: u8, (activation_min, activation_max): (u8, u8)) -> u8 {
    // `clamp` would panic for activation_min above activation_max; no parsed model has that.
    (value + i32::from(zero_point)).max(activation_min.into()).min(activation_max.into()) as u8
}

/// im2col for one output position: copies the values under the window row by row, the channels of a position together.
/// Positions outside the input get its zero point.
#[cfg_attr(target_os = "none", inline(never))]
fn gather(tensor: &Tensor, window: &Window, at: (usize, usize), input: &[u8], patch: &mut [u8]) {
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
    for (row, places) in patch.chunks_exact_mut((columns * channels).max(1)).enumerate() {
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

/// Max or average pooling, rounded, over the values of the window inside the input; there is at least one.
fn pool(pool: &Pool, kind: PoolKind, input: &[u8], output: &mut [u8]) {
    let Pool { window, input: tensor, output: to } = pool;
    let Shape { height, width, channels } = tensor.shape;
    let [height, width, channels, to_width] = [height, width, channels, to.shape.width].map(usize::from);
    for (place, outputs) in output.chunks_exact_mut(channels.max(1)).enumerate() {
        let rows = inside(place / to_width, window.stride_y, window.padding.top, window.height, height);
        let columns = inside(place % to_width, window.stride_x, window.padding.left, window.width, width);
        for (channel, output) in outputs.iter_mut().enumerate() {
            let (mut largest, mut sum, mut count) = (0, 0, 0);
            for row in rows.clone() {
                for column in columns.clone() {
                    let value = input.get((row * width + column) * channels + channel).copied().unwrap_or(0);
                    largest = value.max(largest);
                    sum += u32::from(value);
                    count += 1;
                }
            }
            // Division takes some cores as long as the rest of the window.
            let mean = || (sum + count / 2).checked_div(count).unwrap_or(0) as u8;
            *output = if kind == PoolKind::Max { largest } else { mean() };
        }
    }
}

/// Returns the rows, or columns, of the input under a window.
fn inside(at: usize, stride: u8, padding: u8, window: u8, size: usize) -> core::ops::Range<usize> {
    let start = at * usize::from(stride);
    let end = (start + usize::from(window)).saturating_sub(padding.into()).min(size);
    start.saturating_sub(padding.into())..end
}

fn global_average(average: &GlobalAverage, input: &[u8], output: &mut [u8], sums: &mut [i32]) {
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

/// Adds element by element; each input is read before it may be overwritten.
fn sum(add: &Add, arena: &mut [u8]) {
    let Add { multiplier, other_multiplier, bias, shift, input, other, output, activation_min, activation_max, .. } =
        add;
    for element in 0..output.shape.elements() {
        let at = |tensor: &Tensor| tensor.range().start + element;
        let value = |tensor| arena.get(at(tensor)).map_or(0, |&value| i32::from(value));
        let sum = value(input) * multiplier + value(other) * other_multiplier + bias;
        if let Some(place) = arena.get_mut(at(output)) {
            *place = (sum >> shift).clamp((*activation_min).into(), (*activation_max).into()) as u8;
        }
    }
}
