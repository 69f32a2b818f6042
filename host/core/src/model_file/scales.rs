//! Real values of a model's integers, as quantization, import and export use them.

use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::model::{Activation, Dense, MAX_PRE_SHIFT, Output, Weighted};

use super::{QuantizedLayer, QuantizedTensor};

/// Scale and range of a layer's input.
#[derive(Clone, Copy, Debug)]
pub struct InputKind {
    /// Real value of one unit.
    pub scale: f64,
    /// Largest magnitude in units.
    pub max_magnitude: u32,
    /// Zero point.
    pub zero_point: u8,
}

impl InputKind {
    /// Input of the first layer: a picture's pixels.
    pub const PIXELS: Self = Self { scale: 1.0 / 255.0, max_magnitude: 255, zero_point: 0 };
}

/// Headroom of the 16-bit outputs of relu and linear layers: their range is this multiple of the largest calibrated value.
pub const HEADROOM: f64 = 2.0;

/// Returns the real value of one output unit. The file's is an `f32` for reports; where the format fixes the scale, this
/// is exact.
pub fn output_scale(dense: &Dense<'_>) -> f64 {
    match (dense.output, dense.activation) {
        (Output::Logits, _) => 1.0 / f64::from(Q16_ONE),
        (Output::U8, Activation::Sigmoid) => 1.0 / 255.0,
        (Output::I16, Activation::Sigmoid) => 1.0 / 32_768.0,
        _ => f64::from(dense.weighted.output_scale),
    }
}

/// Returns the real value of one accumulator unit, for each row of a dense layer.
pub fn row_scales(dense: &Dense<'_>) -> Vec<f64> {
    // Requantization gives Q16 before a sigmoid, else output units.
    let result_scale =
        if dense.activation == Activation::Sigmoid { 1.0 / f64::from(Q16_ONE) } else { output_scale(dense) };
    accumulator_scales(&dense.weighted, result_scale)
}

/// Returns the real value of one accumulator unit for each row, if requantization gives units of `result_scale`.
pub fn accumulator_scales(weighted: &Weighted<'_>, result_scale: f64) -> Vec<f64> {
    let units = (1_u64 << (32 - weighted.pre_shift)) as f64;
    weighted.multipliers.iter().map(|&multiplier| f64::from(multiplier) / units * result_scale).collect()
}

/// Returns a global average of this many positions in each channel. Its range is about that of its input: a unit of `input`
/// is less than 2^29 units of `output`.
pub fn mean_of(positions: usize, input: InputKind, output: QuantizedTensor) -> QuantizedLayer {
    let factor = input.scale / (positions as f64 * f64::from(output.scale));
    // As in `rows`: the first pre-shift with room for the factor is the most precise.
    let multiplier = |pre_shift: u8| (factor * (1_u64 << (32 - pre_shift)) as f64 + 0.5).floor();
    let pre_shift =
        (0..=MAX_PRE_SHIFT).find(|&pre_shift| multiplier(pre_shift) <= f64::from(i32::MAX)).unwrap_or(MAX_PRE_SHIFT);
    QuantizedLayer::GlobalAverage {
        bias: -(positions as i32 * i32::from(input.zero_point)),
        multiplier: multiplier(pre_shift).clamp(1.0, f64::from(i32::MAX)) as i32,
        pre_shift,
        input_scale: input.scale as f32,
        output,
    }
}

/// Returns the sum with an earlier layer's output. Both summands are in units of `2^-shift` of the output's, with the
/// largest shift that 32 bits allow.
pub fn sum_of(input: InputKind, (from, other): (usize, QuantizedTensor), output: QuantizedTensor) -> QuantizedLayer {
    let parts = |shift: u8| {
        let units = (1_u64 << shift) as f64;
        let factor = |scale: f64| (scale / f64::from(output.scale) * units + 0.5).floor().max(1.0);
        let (multiplier, other_multiplier) = (factor(input.scale), factor(f64::from(other.scale)));
        let half = if shift == 0 { 0.0 } else { units / 2.0 };
        let bias = f64::from(output.zero_point) * units + half
            - f64::from(input.zero_point) * multiplier
            - f64::from(other.zero_point) * other_multiplier;
        let fits = 255.0 * (multiplier + other_multiplier) + bias.abs() <= f64::from(i32::MAX);
        fits.then_some((multiplier as i32, other_multiplier as i32, bias as i32, shift))
    };
    // With a shift of 0 both factors are about 1, which always fits.
    let (multiplier, other_multiplier, bias, shift) = (0..=MAX_PRE_SHIFT).rev().find_map(parts).unwrap_or((1, 1, 0, 0));
    QuantizedLayer::Add { multiplier, other_multiplier, bias, shift, from, input_scale: input.scale as f32, output }
}
