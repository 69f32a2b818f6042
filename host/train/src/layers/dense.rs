//! Quantizes dense layers. Outputs have 8 or 16 bits, or are logits.

use pinhole_core::model_file::QuantizedLayer;
use pinhole_core::model_file::scales::{HEADROOM, InputKind};
use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::model::{Activation, Output};

use super::rows::{self, OutputKind, Rows};
use super::{ActivationBits, Reading};

/// Quantizes a dense layer with weights (inputs x outputs), biases and an activation function. Returns the layer and
/// the units of its outputs, which the next layer reads. `output` is the width of the outputs, `None` for the last
/// layer.
///
/// # Errors
/// The index of a row whose values exceed 32 bits at any scale.
pub(super) fn quantize(
    (weights, biases, activation): (&[f32], &[f32], Activation),
    reading: &Reading<'_>,
    output: Option<ActivationBits>,
    bits: u8,
) -> Result<(QuantizedLayer, InputKind), usize> {
    let (output, scale) = output
        .map_or((Output::Logits, 1.0 / f64::from(Q16_ONE)), |bits| output_kind(activation, bits, reading.seen.given));
    // Real value of one unit after requantization: Q16 before a sigmoid, the output's unit otherwise.
    let requantized_scale = if activation == Activation::Sigmoid { 1.0 / f64::from(Q16_ONE) } else { scale };
    let mean = |_: usize, column: usize| reading.seen.means[column];
    let row = |row| weights.iter().skip(row).step_by(biases.len()).map(|&weight| f64::from(weight)).collect();
    let rows = Rows {
        weights: (0..biases.len()).map(row).collect(),
        biases: biases.iter().map(|&bias| f64::from(bias)).collect(),
        means: &mean,
    };
    let weighted = rows::quantize(&rows, reading.input, OutputKind { requantized_scale, scale }, bits)?;
    let next = InputKind { scale, max_magnitude: output.max_magnitude(), zero_point: 0 };
    Ok((QuantizedLayer::Dense { weighted, activation, output }, next))
}

/// Returns the number format of a hidden layer's outputs, and the real value of one unit.
fn output_kind(activation: Activation, bits: ActivationBits, (low, high): (f64, f64)) -> (Output, f64) {
    let largest = high.max(-low);
    // A network that gives only zeros still needs a scale.
    let largest = if largest > 0.0 { largest } else { 1.0 };
    match (activation, bits) {
        (Activation::Sigmoid, ActivationBits::Eight) => (Output::U8, 1.0 / 255.0),
        (Activation::Sigmoid, ActivationBits::Sixteen) => (Output::I16, 1.0 / 32_768.0),
        (Activation::Relu, ActivationBits::Eight) => (Output::U8, largest / 255.0),
        (Activation::Relu | Activation::Linear, _) => (Output::I16, HEADROOM * largest / 32_767.0),
    }
}
