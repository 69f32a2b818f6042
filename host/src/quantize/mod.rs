//! Float network to integer model file.
//!
//! Weights become int8, or as few bits as the recipe gives a layer, with one scale a row (output), after training, without
//! changing the network's structure.
//! Activations between layers are 16 bits by default: the hidden layers are small, so it costs nothing, and the int8
//! weights are then nearly the only source of error. The scales of relu and linear layers come from the calibration
//! photos, as does a correction of each bias for the mean error its row's rounded weights make.
//! Tensors, of the layers before the dense ones, are bytes: what they reach on the calibration photos is 255 steps.
//! Batch normalization is folded into its convolution first.

mod dequantize;
mod measure;
mod rows;
mod tensors;

use miette::Diagnostic;
use pinhole_shared::model::{Activation, ModelError, Output};
use pinhole_shared::policy::Policy;
use thiserror::Error;

pub use dequantize::dequantize;
pub(crate) use dequantize::{output_scale, row_scales};
pub use measure::{LayerError, measure};

use crate::model_file::{LayerParts, ModelFile, encode};
use crate::photos::Dataset;
use crate::train::{FloatLayer, Network};
use rows::{InputKind, OutputKind, Rows};
use tensors::Reading;

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

/// Quantizes a network, calibrated on (training) photos, and parses the result back. `bits` are those of activations
/// between dense layers; the recipe has those of each layer's weights.
///
/// # Errors
/// [`QuantizeError`].
pub fn quantize(network: &Network, calibration: &Dataset, bits: ActivationBits) -> Result<ModelFile, QuantizeError> {
    if calibration.examples.is_empty() {
        return Err(QuantizeError::NoPhotos);
    }
    let float = network.float_layers()?;
    let has_tensors = float.iter().any(|layer| !matches!(layer, FloatLayer::Dense { .. }));
    // Dense networks are quick, and small ones are trained on few photos, each of which counts.
    let every = if has_tensors { calibration.examples.len().div_ceil(TENSOR_PHOTOS) } else { 1 };
    let inputs: Vec<&[u8]> = calibration.examples.iter().step_by(every).map(|example| &example.pixels[..]).collect();
    let shapes = network.recipe.shapes(network.classes.len());
    let mut weight_bits = network.recipe.weight_bits();
    let mut layers: Vec<LayerParts> = Vec::with_capacity(float.len());
    let mut input = InputKind::PIXELS;
    // Pixels come out of `activations` as 0..=1, as the layers' scales have them.
    let mut seen = network.activations(&inputs, 0)?;
    for (index, layer) in float.iter().enumerate() {
        let (last, shape) = (index + 1 == float.len(), shapes[index]);
        let given = network.activations(&inputs, index + 1)?;
        let too_large = |row| QuantizeError::TooLarge { layer: index, row };
        let parts = if let FloatLayer::Dense { weights, biases, activation } = layer {
            let means = column_means(&seen, shape.input.elements());
            let (output, scale) =
                if last { (Output::Logits, 1.0 / 65_536.0) } else { output_kind(*activation, bits, &given) };
            // What requantization gives: Q16 before a sigmoid, output units otherwise.
            let requantized_scale = if *activation == Activation::Sigmoid { 1.0 / 65_536.0 } else { scale };
            let mean = |_: usize, column: usize| means[column];
            let rows = dense_rows(weights, biases, &mean);
            let output_kind = OutputKind { requantized_scale, scale };
            let weighted =
                rows::quantize(&rows, input, output_kind, weight_bits.next().unwrap_or(8)).map_err(too_large)?;
            input = InputKind { scale, max_magnitude: output.max_magnitude(), zero: 0 };
            LayerParts::Dense { weighted, activation: *activation, output }
        } else {
            let bits =
                if matches!(layer, FloatLayer::Conv(_) | FloatLayer::Depthwise(_)) { weight_bits.next() } else { None };
            let reading = Reading { input, seen: &seen, given: &given, before: &layers };
            let parts = tensors::quantize(layer, &shape, &reading, bits.unwrap_or(8)).map_err(too_large)?;
            if let Some(output) = parts.output() {
                input = InputKind {
                    scale: f64::from(output.scale),
                    max_magnitude: Output::U8.max_magnitude(),
                    zero: output.zero,
                };
            }
            parts
        };
        layers.push(parts);
        seen = given;
    }
    // Row-major weights fit always.
    let bytes = encode(network.recipe.input_side, &network.classes, Policy::NONE, &layers).unwrap_or_default();
    Ok(ModelFile::from_bytes(&bytes)?)
}

/// Most photos a network of convolutions is calibrated on, spread evenly over those that are given.
const TENSOR_PHOTOS: usize = 512;

/// A dense layer's weights, a row an output.
fn dense_rows<'a>(weights: &[f32], biases: &[f32], means: &'a dyn Fn(usize, usize) -> f64) -> Rows<'a> {
    let outputs = biases.len();
    let row = |row| weights.iter().skip(row).step_by(outputs).map(|&weight| f64::from(weight)).collect();
    let biases = biases.iter().map(|&bias| f64::from(bias)).collect();
    Rows { weights: (0..outputs).map(row).collect(), biases, means }
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
