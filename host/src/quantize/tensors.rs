//! Layers over tensors: their outputs become bytes of a range that calibration has seen.

use pinhole_shared::shape::Shape;

use super::rows::{self, InputKind, OutputKind, Rows};
use crate::model_file::{LayerParts, TensorParts};
use crate::recipe::{ActivationName, LayerShape};
use crate::train::{FloatConv, FloatLayer};

/// What a layer reads, and what the float network makes of it.
pub(super) struct Reading<'a> {
    pub input: InputKind,
    /// Real inputs on the calibration photos, photo by photo, the channels of a place together.
    pub seen: &'a [f32],
    /// Real outputs, likewise.
    pub given: &'a [f32],
    /// The layers before this one.
    pub before: &'a [LayerParts],
}

/// Quantizes a layer that is not dense. `bits` is the width of its weights, if it has any.
///
/// # Errors
/// The index of a row that no scale makes fit 32 bits.
pub(super) fn quantize(
    layer: &FloatLayer,
    shape: &LayerShape,
    reading: &Reading<'_>,
    bits: u8,
) -> Result<LayerParts, usize> {
    let input = reading.input;
    let same = TensorParts { shape: shape.output, zero: input.zero, scale: input.scale as f32, range: (0, u8::MAX) };
    Ok(match layer {
        FloatLayer::Dense { .. } => unreachable!("dense layers are quantized elsewhere"),
        FloatLayer::Conv(conv) => convolution(conv, false, shape, reading, bits)?,
        FloatLayer::Depthwise(conv) => convolution(conv, true, shape, reading, bits)?,
        FloatLayer::MaxPool(window) => LayerParts::Pool { takes_largest: true, window: *window, output: same },
        FloatLayer::AveragePool(window) => LayerParts::Pool { takes_largest: false, window: *window, output: same },
        FloatLayer::GlobalAverage => global_average(shape, reading),
        FloatLayer::Add { from, activation } => sum(*from, *activation, shape, reading),
    })
}

/// The form of a tensor whose values were these: the byte of the largest is 255; where some are negative, and the activation
/// function leaves them so, the byte of the least is 0.
fn tensor(shape: Shape, activation: ActivationName, given: &[f32]) -> TensorParts {
    let (mut low, mut high) = given
        .iter()
        .fold((0.0_f64, 0.0_f64), |(low, high), &value| (low.min(f64::from(value)), high.max(f64::from(value))));
    if activation != ActivationName::Linear {
        low = 0.0;
    }
    // Values that are all 0 still need a scale.
    if low == high {
        high = 1.0;
    }
    let scale = (high - low) / 255.0;
    let zero = (-low / scale + 0.5).floor().clamp(0.0, 255.0) as u8;
    let least = if activation == ActivationName::Linear { 0 } else { zero };
    TensorParts { shape, zero, scale: scale as f32, range: (least, u8::MAX) }
}

fn convolution(
    conv: &FloatConv,
    is_depthwise: bool,
    shape: &LayerShape,
    reading: &Reading<'_>,
    bits: u8,
) -> Result<LayerParts, usize> {
    let (weights, biases) = conv.folded();
    let output = tensor(shape.output, conv.activation, reading.given);
    let channels = usize::from(shape.input.channels);
    let means = super::column_means(reading.seen, channels);
    // What lies outside of the picture is 0 and would make these means a little smaller.
    let mean = |row: usize, column: usize| means[if is_depthwise { row } else { column % channels }];
    let rows = Rows {
        weights: weights
            .chunks_exact(weights.len() / conv.outputs)
            .map(|row| row.iter().map(|&weight| f64::from(weight)).collect())
            .collect(),
        biases: biases.iter().map(|&bias| f64::from(bias)).collect(),
        means: &mean,
    };
    let scale = f64::from(output.scale);
    let weighted = rows::quantize(&rows, reading.input, OutputKind { requantized_scale: scale, scale }, bits)?;
    Ok(LayerParts::Conv { weighted, is_depthwise, window: conv.window, pool: conv.pool, output })
}

fn global_average(shape: &LayerShape, reading: &Reading<'_>) -> LayerParts {
    let input = reading.input;
    let output = tensor(shape.output, ActivationName::Linear, reading.given);
    let places = shape.input.places();
    let factor = input.scale / (places as f64 * f64::from(output.scale));
    // As in `rows`: the first pre-shift that has room for the factor is the most precise. A mean reaches no further than
    // what it is of, so it is at most about as large as the largest factor of 8 bits.
    let multiplier = |pre_shift: u8| (factor * (1_u64 << (32 - pre_shift)) as f64 + 0.5).floor();
    let pre_shift = (0..=30).find(|&pre_shift| multiplier(pre_shift) <= f64::from(i32::MAX)).unwrap_or(30);
    LayerParts::GlobalAverage {
        bias: -(places as i32 * i32::from(input.zero)),
        multiplier: multiplier(pre_shift).clamp(1.0, f64::from(i32::MAX)) as i32,
        pre_shift,
        input_scale: input.scale as f32,
        output,
    }
}

/// Both summands in units of `2^-shift` of the output's, the shift as large as 32 bits allow.
fn sum(from: usize, activation: ActivationName, shape: &LayerShape, reading: &Reading<'_>) -> LayerParts {
    let input = reading.input;
    let other = reading.before[from].output().copied().expect("a layer that is added gives a tensor");
    let output = tensor(shape.output, activation, reading.given);
    let parts = |shift: u8| {
        let units = (1_u64 << shift) as f64;
        let factor = |scale: f64| (scale / f64::from(output.scale) * units + 0.5).floor().max(1.0);
        let (first, second) = (factor(input.scale), factor(f64::from(other.scale)));
        let half = if shift == 0 { 0.0 } else { units / 2.0 };
        let start =
            f64::from(output.zero) * units + half - f64::from(input.zero) * first - f64::from(other.zero) * second;
        let fits = 255.0 * (first + second) + start.abs() <= f64::from(i32::MAX);
        fits.then_some((first as i32, second as i32, start as i32, shift))
    };
    // With no bits behind the point the factors are 1 or so, which fits whatever they stand for.
    let (first, second, start, shift) = (0..=30).rev().find_map(parts).unwrap_or((1, 1, 0, 0));
    LayerParts::Add { first, second, start, shift, from, input_scale: input.scale as f32, output }
}
