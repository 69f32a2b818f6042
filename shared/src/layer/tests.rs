//! Tests of layers over tensors against naive definitions.

use std::vec;
use std::vec::Vec;

use super::Memory;
use super::band::most_positions;
use crate::fixed::requantize;
use crate::kernel::{DenseOperands, Dsp, DualMac, Kernel, PortableDsp, PortableDualMac, Scalar};
use crate::layout::{BandOrder, Layout, Weights, pack};
use crate::model::{Add, Conv, GlobalAverage, Layer, Pool, Tensor, Weighted};
use crate::shape::{Padding, Shape, Window};

/// A linear congruential generator.
fn generator(mut state: u32) -> impl FnMut(u32) -> u32 {
    move |below| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    }
}

fn tensor(shape: Shape, zero_point: u8, offset: u32) -> Tensor {
    Tensor { shape, zero_point, scale: 1.0, offset }
}

/// Returns the element at a row and column, which may lie outside the tensor.
fn at(bytes: &[u8], shape: Shape, y: i32, x: i32, channel: usize) -> Option<u8> {
    let inside = (0..i32::from(shape.height)).contains(&y) && (0..i32::from(shape.width)).contains(&x);
    let place = (y * i32::from(shape.width) + x) as usize;
    inside.then(|| bytes[place * usize::from(shape.channels) + channel])
}

/// A random convolution with its parameters.
struct Drawn {
    window: Window,
    pool: u8,
    depthwise: bool,
    input: Tensor,
    output: Tensor,
    weights: Vec<i8>,
    biases: Vec<i32>,
    multipliers: Vec<i32>,
    pre_shift: u8,
    activation_min: u8,
    activation_max: u8,
    bytes: Vec<u8>,
}

impl Drawn {
    /// Creates one with any small shape; `None` if the window fits nowhere.
    fn new(random: &mut impl FnMut(u32) -> u32, max_weight: i32) -> Option<Self> {
        let depthwise = random(3) == 0;
        let shape = Shape { height: 1 + random(8) as u16, width: 1 + random(8) as u16, channels: 1 + random(9) as u16 };
        let [height, width, stride_y, stride_x] = [4, 4, 3, 3].map(|most| 1 + random(most) as u8);
        let padding = Padding {
            top: random(height.into()) as u8,
            left: random(width.into()) as u8,
            bottom: random(height.into()) as u8,
            right: random(width.into()) as u8,
        };
        let window = Window { height, width, stride_y, stride_x, padding };
        let pool = 1 + random(3) as u8;
        let channels = if depthwise { shape.channels } else { 1 + random(9) as u16 };
        Self::of(random, max_weight, (shape, window, pool), depthwise, channels)
    }

    /// Creates one that [`Layout::DspConvPool8`] supports.
    fn of_areas(random: &mut impl FnMut(u32) -> u32) -> Option<Self> {
        let shape = Shape { height: 1 + random(12) as u16, width: 1 + random(12) as u16, channels: 1 };
        let [top, left, bottom, right] = [3; 4].map(|most| random(most) as u8);
        let padding = Padding { top, left, bottom, right };
        let window = Window { height: 3, width: 3, stride_y: 1, stride_x: 1, padding };
        let (max_weight, channels) = ([1, 127][random(2) as usize], 1 + random(9) as u16);
        Self::of(random, max_weight, (shape, window, 2), false, channels)
    }

    fn of(
        random: &mut impl FnMut(u32) -> u32,
        max_weight: i32,
        (shape, window, pool): (Shape, Window, u8),
        depthwise: bool,
        channels: u16,
    ) -> Option<Self> {
        let (rows, columns) = window.output_size(shape)?;
        let output = Shape { height: rows / u16::from(pool), width: columns / u16::from(pool), channels };
        if output.positions() == 0 {
            return None;
        }
        let filter = window.area() * if depthwise { 1 } else { usize::from(shape.channels) };
        let (zero_in, zero_out) = (random(256) as u8, random(256) as u8);
        let activation_min = random(100) as u8;
        // Disjoint in the arena, in either order.
        let (input_first, gap) = (random(2) == 0, 4 * random(3));
        let behind = gap + if input_first { shape } else { output }.elements() as u32;
        let (input_place, output_place) = if input_first { (gap, behind + gap) } else { (behind + gap, gap) };
        Some(Self {
            window,
            pool,
            depthwise,
            input: tensor(shape, zero_in, input_place),
            output: tensor(output, zero_out, output_place),
            weights: (0..filter * usize::from(channels))
                .map(|_| {
                    (random(3 * max_weight as u32) as i32 - 3 * max_weight / 2).clamp(-max_weight, max_weight) as i8
                })
                .collect(),
            biases: (0..channels).map(|_| random(20_000) as i32 - 10_000).collect(),
            multipliers: (0..channels).map(|_| 1 + random(1 << 24) as i32).collect(),
            pre_shift: random(3) as u8,
            activation_min,
            activation_max: activation_min + random(u32::from(255 - activation_min) + 1) as u8,
            bytes: (0..shape.elements()).map(|_| random(300).min(255) as u8).collect(),
        })
    }

    /// Returns the output by definition.
    fn expected(&self) -> Vec<u8> {
        let Self { window, input, output, .. } = self;
        let (pool, channels) = (i32::from(self.pool), usize::from(input.shape.channels));
        let sum = |y: i32, x: i32, out: usize| {
            let mut sum = i64::from(self.biases[out]);
            let filters = if self.depthwise { out..out + 1 } else { 0..channels };
            for ky in 0..i32::from(window.height) {
                for kx in 0..i32::from(window.width) {
                    for (index, channel) in filters.clone().enumerate() {
                        let (y, x) = (
                            y * i32::from(window.stride_y) + ky - i32::from(window.padding.top),
                            x * i32::from(window.stride_x) + kx - i32::from(window.padding.left),
                        );
                        let value = at(&self.bytes, input.shape, y, x, channel).unwrap_or(input.zero_point);
                        let place = (ky * i32::from(window.width) + kx) as usize;
                        let column = place * filters.len() + index;
                        let weight = self.weights[out * window.area() * filters.len() + column];
                        sum += i64::from(weight) * i64::from(value);
                    }
                }
            }
            i32::try_from(sum).unwrap()
        };
        let mut all = Vec::new();
        for y in 0..i32::from(output.shape.height) {
            for x in 0..i32::from(output.shape.width) {
                for channel in 0..usize::from(output.shape.channels) {
                    let results = (0..pool * pool).map(|pooled| {
                        let sum = sum(y * pool + pooled / pool, x * pool + pooled % pool, channel);
                        let value = requantize(sum, self.multipliers[channel], self.pre_shift);
                        (value + i32::from(output.zero_point))
                            .clamp(self.activation_min.into(), self.activation_max.into()) as u8
                    });
                    all.push(results.max().unwrap());
                }
            }
        }
        all
    }

    /// Returns the convolution with these weights and biases.
    fn conv<'a>(&'a self, weights: Weights<'a>, biases: &'a [i32]) -> Conv<'a> {
        Conv {
            weighted: Weighted {
                operands: DenseOperands { weights, biases },
                multipliers: &self.multipliers,
                pre_shift: self.pre_shift,
                accumulator_bound: 0,
                input_scale: 1.0,
                output_scale: 1.0,
            },
            window: self.window,
            pool: self.pool,
            input: self.input,
            output: self.output,
            activation_min: self.activation_min,
            activation_max: self.activation_max,
        }
    }

    /// Returns the output by a kernel, with weights in a layout. `from_pixels`: the input lies outside the arena.
    fn run<K: Kernel>(&self, layout: Layout, from_pixels: bool) -> Vec<u8> {
        let rows = self.biases.len();
        let of_row = self.weights.len() / rows;
        let [height, width] = [self.window.height, self.window.width].map(usize::from);
        let order = BandOrder { height, width, channels: self.input.shape.channels.into() };
        let columns = if layout.is_band() { order.columns() } else { of_row };
        let chunk = if layout.has_chunks() { 64 } else { 0 };
        let size = Weights::bytes_of(layout, columns, rows).unwrap() as usize;
        // The bytes of an i32 slice start at a multiple of 4.
        let mut memory = vec![0_i32; size.div_ceil(4)];
        let bytes = &mut bytemuck::cast_slice_mut::<i32, u8>(&mut memory)[..size];
        let weight = |row: usize, column: usize| match layout {
            layout if layout.is_band() => {
                order.row_major(column).map_or(0, |column| self.weights[row * of_row + column])
            }
            _ => self.weights[row * of_row + column],
        };
        pack(layout, (columns, rows), chunk, weight, bytes);
        let weights = Weights::new(layout, bytes, columns, rows, chunk).unwrap();
        let biases: Vec<i32> = (0..rows).map(|row| self.biases[row].wrapping_add(weights.fold(row).unwrap())).collect();
        let conv = self.conv(weights, &biases);
        let layer = if self.depthwise { Layer::Depthwise(conv) } else { Layer::Conv(conv) };
        run_layer::<K>(&layer, &self.bytes, from_pixels, (layer.accumulators(), layer.scratch_words()))
    }
}

/// Runs a layer in an arena of exactly the needed size, and checks that it writes nowhere else.
fn run_layer<K: Kernel>(
    layer: &Layer<'_>,
    input: &[u8],
    from_pixels: bool,
    (sums, scratch): (usize, usize),
) -> Vec<u8> {
    let (read, write) = (layer.input_tensor().unwrap().range(), layer.tensor().unwrap().range());
    let patch_at = if from_pixels { write.end } else { read.end.max(write.end) };
    let patch = match layer {
        Layer::Conv(conv) => conv.patch_bytes(false),
        Layer::Depthwise(conv) => conv.patch_bytes(true),
        _ => 0,
    };
    // Contents left from before must not matter.
    let mut arena = vec![0xAA; patch_at + patch];
    if !from_pixels {
        arena[read].copy_from_slice(input);
    }
    let before = arena.clone();
    let (mut accumulators, mut scratch) = (vec![0x5555_5555; sums], vec![0xAAAA_AAAA; scratch]);
    let memory = Memory { accumulators: &mut accumulators, scratch: &mut scratch, arena: &mut arena, patch_at };
    let output = layer.run::<K>(from_pixels.then_some(input), memory).to_vec();
    for (place, (&after, &before)) in arena[..patch_at].iter().zip(&before).enumerate() {
        assert!(write.contains(&place) || after == before, "byte {place} of the arena was written");
    }
    output
}

#[test]
fn convolutions_are_their_definition() {
    let mut random = generator(1);
    let mut tried = [0; 3];
    for case in 0..3_000 {
        let four_bits = random(3) == 0;
        let Some(drawn) = Drawn::new(&mut random, if four_bits { 7 } else { 63 }) else { continue };
        let (expected, pixels) = (drawn.expected(), random(2) == 0);
        assert_eq!(expected.len(), drawn.output.shape.elements());
        tried[usize::from(drawn.depthwise)] += 1;
        let rows = if four_bits { Layout::Rows4 } else { Layout::Rows8 };
        assert_eq!(drawn.run::<Scalar>(rows, pixels), expected, "scalar, case {case}");
        let dsp = if drawn.depthwise {
            if four_bits { Layout::DspChannels4 } else { Layout::DspChannels8 }
        } else if four_bits {
            Layout::DspPixels4
        } else {
            Layout::DspPixels8
        };
        assert_eq!(drawn.run::<Dsp<PortableDsp>>(dsp, pixels), expected, "dsp, case {case}");
        if dsp == Layout::DspPixels8 && drawn.pool <= 2 {
            tried[2] += 1;
            assert_eq!(drawn.run::<Dsp<PortableDsp>>(Layout::DspBand8, pixels), expected, "bands, case {case}");
            let pairs = drawn.run::<DualMac<PortableDualMac>>(Layout::DualMacBand8, pixels);
            assert_eq!(pairs, expected, "bands of pairs, case {case}");
        }
        let pairs = if drawn.depthwise {
            rows
        } else if four_bits {
            Layout::DualMacPixels4
        } else if case % 2 == 0 {
            Layout::DualMacPixels7
        } else {
            Layout::DualMacPixels8
        };
        assert_eq!(drawn.run::<DualMac<PortableDualMac>>(pairs, pixels), expected, "pairs, case {case}");
    }
    assert!(tried[0] > 500 && tried[1] > 200 && tried[2] > 200, "{tried:?}");
}

/// Convolutions from bands have bounds: of memory, of pooling, and of channels that are widened one by one.
#[test]
fn some_convolutions_have_no_tiles() {
    let tiles_in = |layout, channels, side, pool| {
        let shape = Shape { height: 16, width: 16, channels };
        let drawn = Drawn::of(
            &mut generator(7),
            1,
            (shape, Window { stride_y: 1, stride_x: 1, ..Window::tiles(side) }, pool),
            false,
            4,
        );
        let drawn = drawn.unwrap();
        let weights = Weights::new(Layout::Rows8, bytemuck::cast_slice(&drawn.weights), drawn.weights.len() / 4, 4, 0);
        drawn.conv(weights.unwrap(), &drawn.biases).tiles_in(layout).is_some()
    };
    let tiles = |channels, side, pool| tiles_in(Layout::DspBand8, channels, side, pool);
    assert!(tiles(64, 1, 1) && tiles(63, 1, 1) && tiles(21, 3, 1) && tiles(124, 3, 2));
    // More than 64 values one by one; more than 4,096 columns; more than 6 kB for a position; pooling by three.
    assert!(!tiles(65, 1, 1) && !tiles(22, 3, 1) && !tiles(460, 3, 1) && !tiles(128, 3, 2) && !tiles(8, 3, 3));
    // Lanes of pairs are three times as large, and each has a byte besides.
    let tiles = |channels, side, pool| tiles_in(Layout::DualMacBand8, channels, side, pool);
    assert!(tiles(64, 1, 1) && tiles(48, 3, 2) && !tiles(56, 3, 2) && tiles(128, 3, 1) && !tiles(132, 3, 1));
}

/// Strides and widths that no file has, since they are checked later, overflow nothing: two columns of 3,928 channels are too much.
#[test]
fn what_tiles_compute_fits_32_bits() {
    let shape = Shape { height: 1, width: 1, channels: 3928 };
    let window = Window { stride_y: 1, stride_x: 1, ..Window::tiles(1) };
    let drawn = Drawn::of(&mut generator(7), 1, (shape, window, 1), false, 4).unwrap();
    let weights = Weights::new(Layout::Rows8, bytemuck::cast_slice(&drawn.weights), drawn.weights.len() / 4, 4, 0);
    let mut conv = drawn.conv(weights.unwrap(), &drawn.biases);
    (conv.pool, conv.window.stride_x, conv.output.shape.width) = (2, u8::MAX, u16::MAX);
    for layout in [Layout::DspBand8, Layout::DualMacBand8] {
        assert_eq!(conv.tiles_in(layout), None);
        // The largest sum on the way, as a 64-bit target computes it.
        let positions = most_positions(layout);
        let lanes = (2 * positions - 1) * usize::from(u8::MAX) * conv.band_order().lanes();
        assert!(u32::try_from(2 * (lanes / 2 * 3) + lanes / 4).is_ok(), "{layout:?}");
    }
}

/// Rows whose bands take more working memory than there is for them are computed in several tiles.
#[test]
fn wide_rows_are_computed_in_tiles() {
    let mut random = generator(6);
    for case in 0..40 {
        let channels = [3, 4, 8, 12][case % 4];
        let shape = Shape { height: 2 + random(4) as u16, width: 100 + random(100) as u16, channels };
        let padding = Padding { top: 1, left: 1, bottom: 0, right: random(2) as u8 };
        let stride = 1 + random(2) as u8;
        let window = Window { height: 3, width: 3, stride_y: stride, stride_x: stride, padding };
        let pool = 1 + random(2) as u8;
        let Some(drawn) = Drawn::of(&mut random, 63, (shape, window, pool), false, 5) else { continue };
        let (expected, pixels) = (drawn.expected(), case % 2 == 0);
        assert_eq!(drawn.run::<Dsp<PortableDsp>>(Layout::DspBand8, pixels), expected, "case {case}");
        assert_eq!(drawn.run::<DualMac<PortableDualMac>>(Layout::DualMacBand8, pixels), expected, "pairs, case {case}");
    }
}

#[test]
fn areas_are_their_definition() {
    let mut random = generator(5);
    let mut tried = 0;
    while tried < 1_000 {
        let Some(drawn) = Drawn::of_areas(&mut random) else { continue };
        tried += 1;
        let (expected, pixels) = (drawn.expected(), random(2) == 0);
        assert_eq!(drawn.run::<Dsp<PortableDsp>>(Layout::DspConvPool8, pixels), expected, "{:?}", drawn.window);
    }
}

#[test]
fn pools_are_their_definition() {
    let mut random = generator(2);
    let mut tried = 0;
    while tried < 500 {
        let Some(drawn) = Drawn::new(&mut random, 1) else { continue };
        tried += 1;
        let Drawn { window, input, bytes, .. } = &drawn;
        let (height, width) = window.output_size(input.shape).unwrap();
        let output = tensor(Shape { height, width, ..input.shape }, input.zero_point, input.range().end as u32);
        let pool = Pool { window: *window, input: *input, output };
        let (mut largest, mut means) = (Vec::new(), Vec::new());
        for y in 0..i32::from(height) {
            for x in 0..i32::from(width) {
                for channel in 0..usize::from(input.shape.channels) {
                    let mut inside = Vec::new();
                    for ky in 0..i32::from(window.height) {
                        for kx in 0..i32::from(window.width) {
                            let y = y * i32::from(window.stride_y) + ky - i32::from(window.padding.top);
                            let x = x * i32::from(window.stride_x) + kx - i32::from(window.padding.left);
                            inside.extend(at(bytes, input.shape, y, x, channel));
                        }
                    }
                    largest.push(*inside.iter().max().unwrap());
                    let sum: f64 = inside.iter().map(|&value| f64::from(value)).sum();
                    means.push((sum / inside.len() as f64 + 0.5).floor() as u8);
                }
            }
        }
        for from_pixels in [false, true] {
            assert_eq!(run_layer::<Scalar>(&Layer::MaxPool(pool), bytes, from_pixels, (0, 0)), largest);
            assert_eq!(run_layer::<Scalar>(&Layer::AveragePool(pool), bytes, from_pixels, (0, 0)), means);
        }
    }
}

#[test]
fn global_averages_are_their_definition() {
    let mut random = generator(3);
    for _ in 0..200 {
        let shape = Shape { height: 1 + random(9) as u16, width: 1 + random(9) as u16, channels: 1 + random(9) as u16 };
        let input = tensor(shape, random(256) as u8, 0);
        let output = tensor(Shape { height: 1, width: 1, ..shape }, random(256) as u8, shape.elements() as u32);
        let bytes: Vec<u8> = (0..shape.elements()).map(|_| random(256) as u8).collect();
        let (multiplier, pre_shift, bias) =
            (1 + random(1 << 24) as i32 * 100, random(4) as u8, -(random(9_000) as i32));
        let (activation_min, activation_max) = (random(50) as u8, 200 + random(56) as u8);
        let average = GlobalAverage { bias, multiplier, pre_shift, input, output, activation_min, activation_max };
        let expected: Vec<u8> = (0..usize::from(shape.channels))
            .map(|channel| {
                let sum: i32 = bytes.iter().skip(channel).step_by(shape.channels.into()).map(|&b| i32::from(b)).sum();
                let value = requantize(sum + bias, multiplier, pre_shift) + i32::from(output.zero_point);
                value.clamp(activation_min.into(), activation_max.into()) as u8
            })
            .collect();
        let sums = usize::from(shape.channels);
        assert_eq!(run_layer::<Scalar>(&Layer::GlobalAverage(average), &bytes, false, (sums, 0)), expected);
    }
}

/// Additions, including those that overwrite one of their inputs.
#[test]
fn sums_are_their_definition() {
    let mut random = generator(4);
    for case in 0..300 {
        let shape = Shape { height: 1 + random(5) as u16, width: 1 + random(5) as u16, channels: 1 + random(5) as u16 };
        let elements = shape.elements() as u32;
        let (input, other) = (tensor(shape, 0, 0), tensor(shape, 0, elements));
        let output = tensor(shape, random(256) as u8, [0, elements, 2 * elements][case % 3]);
        let (multiplier, other_multiplier) = (1 + random(1 << 20) as i32, 1 + random(1 << 20) as i32);
        let (bias, shift) = (random(1 << 24) as i32 - (1 << 23), 12 + random(10) as u8);
        let (activation_min, activation_max) = (random(50) as u8, 200 + random(56) as u8);
        let add = Add {
            multiplier,
            other_multiplier,
            bias,
            shift,
            input,
            from: 0,
            other,
            output,
            activation_min,
            activation_max,
        };
        let bytes: Vec<u8> = (0..2 * elements).map(|_| random(256) as u8).collect();
        let (a, b) = bytes.split_at(elements as usize);
        let expected: Vec<u8> = a
            .iter()
            .zip(b)
            .map(|(&a, &b)| {
                let sum =
                    i64::from(a) * i64::from(multiplier) + i64::from(b) * i64::from(other_multiplier) + i64::from(bias);
                (sum >> shift).clamp(activation_min.into(), activation_max.into()) as u8
            })
            .collect();
        let mut arena = vec![0xAA; 3 * shape.elements()];
        arena[..bytes.len()].copy_from_slice(&bytes);
        let patch_at = arena.len();
        let memory = Memory { accumulators: &mut [], scratch: &mut [], arena: &mut arena, patch_at };
        assert_eq!(Layer::Add(add).run::<Scalar>(None, memory), expected, "case {case}");
    }
}
