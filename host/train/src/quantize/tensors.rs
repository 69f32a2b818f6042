//! Quantizes layers on tensors. Their outputs become bytes, whose range comes from calibration.

use pinhole_core::model_file::scales::{InputKind, mean_of, sum_of};
use pinhole_core::model_file::{QuantizedLayer, QuantizedTensor};
use pinhole_core::recipe::{ActivationName, LayerShape};
use pinhole_shared::model::PoolKind;
use pinhole_shared::shape::Shape;

use super::Reading;
use super::rows::{self, OutputKind, Rows};
use crate::{FloatConv, FloatLayer};

/// Quantizes a layer that is not dense. Returns the layer and the units of its outputs, which the next layer reads.
/// `bits` is the width of its weights, if it has any.
///
/// # Errors
/// The index of a row whose values exceed 32 bits at any scale.
pub(super) fn quantize(
    layer: &FloatLayer,
    shape: &LayerShape,
    reading: &Reading<'_>,
    bits: u8,
) -> Result<(QuantizedLayer, InputKind), usize> {
    let input = reading.input;
    let same = QuantizedTensor {
        shape: shape.output,
        zero_point: input.zero_point,
        scale: input.scale as f32,
        range: (0, u8::MAX),
    };
    let parts = match layer {
        FloatLayer::Dense { .. } => unreachable!("dense layers are quantized elsewhere"),
        FloatLayer::Conv(conv) => convolution(conv, false, shape, reading, bits)?,
        FloatLayer::Depthwise(conv) => convolution(conv, true, shape, reading, bits)?,
        FloatLayer::MaxPool(window) => QuantizedLayer::Pool { kind: PoolKind::Max, window: *window, output: same },
        FloatLayer::AveragePool(window) => {
            QuantizedLayer::Pool { kind: PoolKind::Average, window: *window, output: same }
        }
        FloatLayer::GlobalAverage => global_average(shape, reading),
        FloatLayer::Add { from, activation } => sum(*from, *activation, shape, reading),
    };
    let output = parts.output().expect("a layer that is not dense gives a tensor");
    let next =
        InputKind { scale: f64::from(output.scale), max_magnitude: u8::MAX.into(), zero_point: output.zero_point };
    Ok((parts, next))
}

/// Returns scale, zero point and range of a tensor whose values had this range. The largest value becomes 255. If
/// values are negative and the activation function is linear, the least becomes 0.
fn tensor(shape: Shape, activation: ActivationName, (mut low, mut high): (f64, f64)) -> QuantizedTensor {
    if activation != ActivationName::Linear {
        low = 0.0;
    }
    // A scale of 0 must not be.
    if low == high {
        high = 1.0;
    }
    let scale = (high - low) / 255.0;
    let zero_point = (-low / scale + 0.5).floor().clamp(0.0, 255.0) as u8;
    let least = if activation == ActivationName::Linear { 0 } else { zero_point };
    QuantizedTensor { shape, zero_point, scale: scale as f32, range: (least, u8::MAX) }
}

fn convolution(
    conv: &FloatConv,
    is_depthwise: bool,
    shape: &LayerShape,
    reading: &Reading<'_>,
    bits: u8,
) -> Result<QuantizedLayer, usize> {
    let (weights, biases) = conv.folded();
    let output = tensor(shape.output, conv.activation, reading.seen.given);
    let channels = usize::from(shape.input.channels);
    // Padding is 0 and would make these means slightly smaller; this is neglected.
    let mean = |row: usize, column: usize| reading.seen.means[if is_depthwise { row } else { column % channels }];
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
    Ok(QuantizedLayer::Conv { weighted, is_depthwise, window: conv.window, pool: conv.pool, output })
}

fn global_average(shape: &LayerShape, reading: &Reading<'_>) -> QuantizedLayer {
    mean_of(shape.input.positions(), reading.input, tensor(shape.output, ActivationName::Linear, reading.seen.given))
}

fn sum(from: usize, activation: ActivationName, shape: &LayerShape, reading: &Reading<'_>) -> QuantizedLayer {
    let other = reading.before[from].output().copied().expect("a layer that is added gives a tensor");
    sum_of(reading.input, (from, other), tensor(shape.output, activation, reading.seen.given))
}

#[cfg(test)]
mod tests {
    use super::super::calibration::{Seen, column_means, range};
    use super::*;
    use pinhole_shared::fixed::requantize;
    use pinhole_shared::shape::Window;

    fn shape(input: Shape, output: Shape) -> LayerShape {
        LayerShape { input, output, weights: 0, macs: 0 }
    }

    const PLACE: Shape = Shape { height: 1, width: 1, channels: 1 };

    fn tensor_of(scale: f32, zero_point: u8) -> QuantizedLayer {
        let output = QuantizedTensor { shape: PLACE, zero_point, scale, range: (0, 255) };
        QuantizedLayer::Pool { kind: PoolKind::Max, window: Window::tiles(1), output }
    }

    /// Largest distance of an integer from the real value it stands for: half a unit, and the rounding of multipliers.
    const UNITS: f64 = 0.501;

    #[test]
    fn sums_take_both_zeros_off() {
        let input = InputKind { scale: 0.1, max_magnitude: 255, zero_point: 100 };
        let seen = Seen { means: Vec::new(), given: range(&[-20.0, 40.0]) };
        let before = [tensor_of(0.2, 50)];
        let reading = Reading { input, seen: &seen, before: &before };
        let QuantizedLayer::Add { multiplier, other_multiplier, bias, shift, output, .. } =
            sum(0, ActivationName::Linear, &shape(PLACE, PLACE), &reading)
        else {
            panic!("not a sum")
        };
        assert_eq!((output.zero_point, output.range), (85, (0, 255)));
        for (a, b) in [(0, 0), (100, 50), (255, 0), (37, 201), (255, 160)] {
            let real = 0.1 * f64::from(a - 100) + f64::from(0.2_f32) * f64::from(b - 50);
            let got = (a * multiplier + b * other_multiplier + bias) >> shift;
            let expected = real / f64::from(output.scale) + f64::from(output.zero_point);
            assert!((f64::from(got) - expected).abs() <= UNITS, "{a}, {b}: {got}, not {expected}");
        }
    }

    #[test]
    fn means_take_their_zero_off() {
        let input = InputKind { scale: 0.1, max_magnitude: 255, zero_point: 100 };
        let picture = Shape { height: 2, width: 2, channels: 1 };
        let seen = Seen { means: Vec::new(), given: range(&[-5.0, 5.0]) };
        let reading = Reading { input, seen: &seen, before: &[] };
        let QuantizedLayer::GlobalAverage { bias, multiplier, pre_shift, output, .. } =
            global_average(&shape(picture, PLACE), &reading)
        else {
            panic!("not a mean")
        };
        for total in [4 * 100, 4 * 60, 4 * 140 + 3] {
            let real = 0.1 * (f64::from(total) / 4.0 - 100.0);
            let got = requantize(total + bias, multiplier, pre_shift) + i32::from(output.zero_point);
            let expected = real / f64::from(output.scale) + f64::from(output.zero_point);
            assert!((f64::from(got) - expected).abs() <= UNITS, "{total}: {got}, not {expected}");
        }
    }

    /// -31.75 rounds to -32, a quarter of a unit low. With a mean input of 1, bias correction adds a quarter: the mean
    /// of the column's channel, or of a depthwise row's.
    #[test]
    fn rounding_is_corrected_by_the_means_of_channels() {
        let channels = Shape { channels: 2, ..PLACE };
        let conv = |outputs, window, weights: &[f32]| FloatConv {
            window,
            input: channels,
            outputs,
            weights: weights.to_vec(),
            biases: vec![0.0; outputs],
            norm: None,
            activation: ActivationName::Relu,
            pool: 1,
        };
        let seen = Seen { means: column_means(&[0.3, 1.0, 0.3, 1.0], 2), given: range(&[0.0, 1.0]) };
        let reading = Reading { input: InputKind::PIXELS, seen: &seen, before: &[] };
        let biases = |parts: QuantizedLayer| parts.weighted().unwrap().biases.clone();
        let quarter = (255.0_f64 / 4.0 + 0.5).floor() as i32;
        let full = conv(1, Window::tiles(1), &[0.5, -0.125]);
        let parts = convolution(&full, false, &shape(channels, PLACE), &reading, 8).unwrap();
        assert_eq!(biases(parts), [quarter]);
        let wide = Window { width: 2, ..Window::tiles(1) };
        let two = Shape { width: 2, ..channels };
        let depthwise = FloatConv { input: two, ..conv(2, wide, &[0.5, 0.25, 0.5, -0.125]) };
        let parts = convolution(&depthwise, true, &shape(two, channels), &reading, 8).unwrap();
        // 63.5 rounds to 64, half a unit high, with a mean of 0.3; and as above with a mean of 1.
        assert_eq!(biases(parts), [(-0.5_f64 * 0.3 * 255.0 + 0.5).floor() as i32, quarter]);
    }
}
