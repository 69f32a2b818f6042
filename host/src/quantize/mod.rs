//! Float network to integer model file.
//!
//! Weights become int8, or as few bits as the recipe gives a layer, with one scale a row (output), after training, without
//! changing the network's structure.
//! Activations between layers are 16 bits by default: the hidden layers are small, so it costs nothing, and the int8
//! weights are then nearly the only source of error. The scales of relu and linear layers come from the calibration
//! photos, as does a correction of each bias for the mean error its row's rounded weights make.

mod dense;
mod dequantize;
mod measure;

use miette::Diagnostic;
use pinhole_shared::model::{Activation, ModelError, Output};
use pinhole_shared::policy::Policy;
use thiserror::Error;

pub use dequantize::dequantize;
pub(crate) use dequantize::{output_scale, row_scales};
pub use measure::{LayerError, measure};

use crate::model_file::{ModelFile, encode};
use crate::photos::Dataset;
use crate::train::{FloatLayer, Network};

/// 16-bit outputs of relu and linear layers have room for so many times the largest value that calibration saw.
pub(crate) const HEADROOM: f64 = 2.0;

/// How activations between layers are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActivationBits {
    /// 8 bits, 0..=255. Layers without an activation function, whose values can be negative, still take 16.
    Eight,
    /// 16 bits.
    #[default]
    Sixteen,
}

/// Why a network could not be quantized.
#[derive(Debug, Error, Diagnostic)]
pub enum QuantizeError {
    /// candle failed.
    #[error("running the float network failed: {0}")]
    Candle(#[from] candle_core::Error),
    /// Layers that the integer engine does not have.
    #[error("networks with layers that are not dense cannot be quantized yet")]
    #[diagnostic(help("train a recipe of dense layers"))]
    NotDense,
    /// Nothing to calibrate on.
    #[error("there is no photo to calibrate on")]
    #[diagnostic(help("give the training photos"))]
    NoPhotos,
    /// Values no 32-bit accumulator can hold at any scale.
    #[error("layer {layer}, row {row}: its values are too large for 32 bits")]
    #[diagnostic(help("the network has diverged or is badly scaled; train it again with penalties or a lower rate"))]
    TooLarge {
        /// Layer, counted from 0.
        layer: usize,
        /// Row (output), counted from 0.
        row: usize,
    },
    /// What was written is not a model. A bug, caught before the file exists.
    #[error("the quantized model does not parse: {0}")]
    #[diagnostic(help("this is a bug in Pinhole; nothing was written"))]
    Unparsable(#[from] ModelError),
}

/// Quantizes a network, calibrated on (training) photos, and parses the result back. `bits` are those of activations;
/// the recipe has those of each layer's weights.
///
/// # Errors
/// [`QuantizeError`].
pub fn quantize(network: &Network, calibration: &Dataset, bits: ActivationBits) -> Result<ModelFile, QuantizeError> {
    if calibration.examples.is_empty() {
        return Err(QuantizeError::NoPhotos);
    }
    let inputs: Vec<&[u8]> = calibration.examples.iter().map(|example| &example.pixels[..]).collect();
    let float = network.float_layers()?;
    let mut layers = Vec::with_capacity(float.len());
    let mut input = dense::InputKind { scale: 1.0 / 255.0, max_magnitude: Output::U8.max_magnitude() };
    for ((index, layer), bits_of_weights) in float.iter().enumerate().zip(network.recipe.weight_bits()) {
        let last = index + 1 == float.len();
        let FloatLayer::Dense { activation, .. } = layer else { return Err(QuantizeError::NotDense) };
        let seen = network.activations(&inputs, index)?;
        // Pixels come out of `activations` as 0..=1, as the layers' scales have them.
        let means = column_means(&seen, seen.len() / inputs.len());
        let (output, output_scale) = if last {
            (Output::Logits, 1.0 / 65_536.0)
        } else {
            output_kind(*activation, bits, &network.activations(&inputs, index + 1)?)
        };
        let quantized = dense::quantize(layer, input, &means, (output, output_scale), bits_of_weights)
            .map_err(|row| QuantizeError::TooLarge { layer: index, row })?;
        input = dense::InputKind { scale: output_scale, max_magnitude: output.max_magnitude() };
        layers.push(quantized);
    }
    // Row-major weights fit always.
    let bytes = encode(network.recipe.input_side, &network.classes, Policy::NONE, &layers).unwrap_or_default();
    Ok(ModelFile::from_bytes(&bytes)?)
}

/// The form of a hidden layer's outputs and the real value of one unit of them.
fn output_kind(activation: Activation, bits: ActivationBits, seen: &[f32]) -> (Output, f64) {
    let largest = seen.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    // A network that gives only zeros still needs a scale.
    let largest = if largest > 0.0 { f64::from(largest) } else { 1.0 };
    match (activation, bits) {
        (Activation::Sigmoid, ActivationBits::Eight) => (Output::U8, 1.0 / 255.0),
        (Activation::Sigmoid, ActivationBits::Sixteen) => (Output::I16, 1.0 / 32_768.0),
        (Activation::Relu, ActivationBits::Eight) => (Output::U8, largest / 255.0),
        (Activation::Relu | Activation::Linear, _) => (Output::I16, HEADROOM * largest / 32_767.0),
    }
}

fn column_means(values: &[f32], columns: usize) -> Vec<f64> {
    let mut means = vec![0.0; columns];
    for row in values.chunks_exact(columns) {
        for (mean, &value) in means.iter_mut().zip(row) {
            *mean += f64::from(value);
        }
    }
    let rows = values.len() / columns;
    means.iter().map(|sum| sum / rows as f64).collect()
}
