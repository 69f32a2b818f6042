//! Layers that read and write tensors in the arena.

use super::arena::split;
use super::needs::patch_bytes;
use crate::fixed::requantize;
use crate::kernel::{Area, Areas as _, Kernel, Work};
use crate::model::{Add, Conv, GlobalAverage, Layer, Pool, Tensor, Weighted};
use crate::shape::{Shape, Window};

/// Rows and columns of the input area of [`crate::layout::Layout::DspAreas8`].
const AREA_SIDE: usize = 4;

/// Working memory of a layer.
pub(super) struct Memory<'s> {
    pub accumulators: &'s mut [i32],
    pub lanes: &'s mut [u32],
    pub arena: &'s mut [u8],
    /// Offset in the arena where the tensors end and the im2col buffer starts.
    pub patch_at: usize,
}

/// Runs a layer that is not dense. Its input is `pixels`, or else its tensor in the arena. Returns its output.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn run<'s, K: Kernel>(layer: &Layer<'_>, pixels: Option<&[u8]>, memory: Memory<'s>) -> &'s [u8] {
    let Memory { accumulators, lanes, arena, patch_at } = memory;
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
                convolve::<K>(conv, is_depthwise, read, write, (accumulators, lanes, patch));
            }
            Layer::MaxPool(of) | Layer::AveragePool(of) => pool(of, matches!(layer, Layer::MaxPool(_)), read, write),
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
    (accumulators, lanes, patch): (&mut [i32], &mut [u32], &mut [u8]),
) {
    if K::Areas::LAYOUT.is_some_and(|layout| conv.weighted.operands.weights.layout() == layout) {
        return convolve_areas::<K>(conv, input, output, accumulators);
    }
    let Conv { weighted, window, pool, low, high, .. } = conv;
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
            let work = Work { accumulators: sums, lanes };
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
        requantize_bytes(weighted, largest, conv.output.zero, (*low, *high), outputs);
        x += pool;
        if x == width * pool {
            (y, x) = (y + pool, 0);
        }
    }
}

/// Runs as [`convolve`] does, for [`crate::layout::Layout::DspAreas8`]. The kernel reads the area of four pooled positions in place,
/// except at the input's edges.
#[cfg_attr(target_os = "none", inline(never))]
fn convolve_areas<K: Kernel>(conv: &Conv<'_>, input: &[u8], output: &mut [u8], sums: &mut [i32]) {
    let Conv { weighted, window, input: from, output: to, low, high, .. } = conv;
    let Some(sums) = sums.get_mut(..to.shape.channels.into()) else { return };
    let [height, width, to_width, channels] =
        [from.shape.height, from.shape.width, to.shape.width, to.shape.channels].map(usize::from);
    let (top, left) = (usize::from(window.padding.top), usize::from(window.padding.left));
    let (weights, biases) = (weighted.operands.weights.words(), weighted.operands.biases);
    let inside =
        |at: usize, before: usize, size: usize| at.checked_sub(before).filter(|first| first + AREA_SIDE <= size);
    let (mut y, mut x) = (0, 0);
    for outputs in output.chunks_exact_mut(channels.max(1)) {
        if let (Some(row), Some(column)) = (inside(y, top, height), inside(x, left, width)) {
            let pixels = input.get(row * width + column..).unwrap_or_default();
            K::Areas::area(weights, biases, Area { pixels, pitch: from.shape.width }, sums);
        } else {
            let mut pixels = [from.zero; AREA_SIDE * AREA_SIDE];
            for (row, pixels) in pixels.chunks_exact_mut(AREA_SIDE).enumerate() {
                let Some(row) = (y + row).checked_sub(top).filter(|&row| row < height) else { continue };
                for (column, pixel) in pixels.iter_mut().enumerate() {
                    if let Some(column) = (x + column).checked_sub(left).filter(|&column| column < width) {
                        *pixel = input.get(row * width + column).copied().unwrap_or(0);
                    }
                }
            }
            K::Areas::area(weights, biases, Area { pixels: &pixels, pitch: AREA_SIDE as u16 }, sums);
        }
        requantize_bytes(weighted, sums, to.zero, (*low, *high), outputs);
        x += 2;
        if x == 2 * to_width {
            (y, x) = (y + 2, 0);
        }
    }
}

fn requantize_bytes(weighted: &Weighted<'_>, sums: &[i32], zero: u8, (low, high): (u8, u8), outputs: &mut [u8]) {
    let results = outputs.iter_mut().zip(sums).zip(weighted.multipliers);
    let value = |sum, multiplier| requantize(sum, multiplier, weighted.pre_shift);
    // Typical range of relu; clamping to it is 25 % faster.
    if (low, high) == (0, u8::MAX) {
        results.for_each(|((output, &sum), &multiplier)| *output = byte(value(sum, multiplier), zero, (0, u8::MAX)));
    } else {
        results.for_each(|((output, &sum), &multiplier)| *output = byte(value(sum, multiplier), zero, (low, high)));
    }
}

/// Converts a requantized value, which is within +-2^30, to a byte.
#[inline(always)]
fn byte(value: i32, zero: u8, (low, high): (u8, u8)) -> u8 {
    // `clamp` would panic for low above high; no parsed model has that.
    (value + i32::from(zero)).max(low.into()).min(high.into()) as u8
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
            places.fill(tensor.zero);
            continue;
        };
        if source.len() == places.len() {
            places.copy_from_slice(source);
            continue;
        }
        let (first, rest) = places.split_at_mut_checked(before * channels).unwrap_or_default();
        let (middle, last) = rest.split_at_mut_checked(source.len()).unwrap_or_default();
        first.fill(tensor.zero);
        middle.copy_from_slice(source);
        last.fill(tensor.zero);
    }
}

/// Max or average pooling, rounded, over the values of the window inside the input; there is at least one.
fn pool(pool: &Pool, takes_largest: bool, input: &[u8], output: &mut [u8]) {
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
            *output = if takes_largest { largest } else { mean() };
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
    let GlobalAverage { bias, multiplier, pre_shift, output: to, low, high, .. } = *average;
    let sums = sums.get_mut(..output.len()).unwrap_or_default();
    sums.fill(bias);
    for place in input.chunks_exact(output.len().max(1)) {
        for (sum, &value) in sums.iter_mut().zip(place) {
            *sum += i32::from(value);
        }
    }
    for (output, &sum) in output.iter_mut().zip(&*sums) {
        *output = byte(requantize(sum, multiplier, pre_shift), to.zero, (low, high));
    }
}

/// Adds element by element; each input is read before it may be overwritten.
fn sum(add: &Add, arena: &mut [u8]) {
    let Add { first, second, start, shift, input, other, output, low, high, .. } = add;
    for element in 0..output.shape.elements() {
        let at = |tensor: &Tensor| tensor.range().start + element;
        let value = |tensor| arena.get(at(tensor)).map_or(0, |&value| i32::from(value));
        let sum = value(input) * first + value(other) * second + start;
        if let Some(place) = arena.get_mut(at(output)) {
            *place = (sum >> shift).clamp((*low).into(), (*high).into()) as u8;
        }
    }
}
