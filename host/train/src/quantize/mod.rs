//! Post-training quantization: converts a float network to an integer model file.
//!
//! Weights become int8, or as few bits as the recipe gives a layer, with one scale per row (output). The network's
//! structure stays the same. Activations between dense layers are 16 bits by default: hidden layers are small, so it
//! costs nothing, and the int8 weights are then nearly the only source of error. The scales of relu and linear layers
//! come from the calibration photos. So does the bias correction for the mean error of each row's rounded weights.
//! Tensors, of the layers before the dense ones, are bytes: their range on the calibration photos is divided into 255
//! steps. Batch normalization is folded into its convolution first.

pub(crate) mod calibration;
mod dequantize;
mod measure;
pub(crate) mod rows;
mod tensors;

use miette::Diagnostic;
use pinhole_shared::model::ModelError;
use pinhole_shared::policy::Policy;
#[cfg(test)]
use pinhole_shared::shape::Shape;
use thiserror::Error;

pub(crate) use calibration::Calibration;
use calibration::LayerCalibration;
pub use dequantize::dequantize;
pub(crate) use dequantize::{activation_of, dequantize_with_units, real_rows};
pub use measure::{LayerError, measure};
pub(crate) use rows::RowError;
pub(crate) use tensors::{tensor, units};

use pinhole_core::model_file::scales::InputKind;
use pinhole_core::model_file::{ModelFile, QuantizedLayer, encode};
use pinhole_core::photos::Dataset;
use pinhole_core::recipe::LayerShape;

use crate::Network;

/// Bits of the activations between dense layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActivationBits {
    /// 8 bits, 0..=255. Layers without an activation function, whose values can be negative, still take 16.
    Eight,
    /// 16 bits.
    #[default]
    Sixteen,
}

/// Error: a network could not be quantized.
#[derive(Debug, Error, Diagnostic)]
pub enum QuantizeError {
    /// candle failed.
    #[error("running the float network failed: {0}")]
    Candle(#[from] candle_core::Error),
    /// There are no calibration photos.
    #[error("there is no photo to calibrate on")]
    #[diagnostic(help("give the training photos"))]
    NoPhotos,
    /// At any scale, values are too large for a 32-bit accumulator.
    #[error("the values of layer {layer}, row {row} are too large for 32 bits")]
    #[diagnostic(help(
        "the network has diverged or is badly scaled; train it again with penalties or a lower learning rate"
    ))]
    TooLarge {
        /// Layer, counted from 0.
        layer: usize,
        /// Row (output), counted from 0.
        row: usize,
    },
    /// A weight, or a value of a layer on a photo, is not a finite number.
    #[error("the weights or the values of layer {layer} are not finite numbers")]
    #[diagnostic(help(
        "the network has diverged: train it again with a lower learning rate or smaller penalties (l1, l2)"
    ))]
    NotFinite {
        /// Layer, counted from 0.
        layer: usize,
    },
    /// The written bytes are not a valid model. This is a bug, caught before the file exists.
    #[error("the quantized model does not parse: {0}")]
    #[diagnostic(help("this is a bug in Pinhole; nothing was written"))]
    Unparsable(#[from] ModelError),
}

/// Quantizes a network, calibrated on (training) photos, and parses the result. `bits` are those of activations between
/// dense layers; the recipe has those of each layer's weights.
///
/// # Errors
/// [`QuantizeError`].
pub fn quantize(network: &Network, calibration: &Dataset, bits: ActivationBits) -> Result<ModelFile, QuantizeError> {
    Calibration::of(network, calibration, bits)?.quantize(network)
}

impl Calibration {
    /// Quantizes a network with the layers that were calibrated; its parameters may have changed since.
    ///
    /// # Errors
    /// [`QuantizeError`], except [`QuantizeError::NoPhotos`].
    pub(crate) fn quantize(&self, network: &Network) -> Result<ModelFile, QuantizeError> {
        let float = network.float_layers()?;
        let shapes = network.recipe.shapes(network.classes.len());
        let mut weight_bits = network.recipe.weight_bits();
        let mut layers: Vec<QuantizedLayer> = Vec::with_capacity(float.len());
        let mut input = InputKind::PIXELS;
        for (index, (layer, calibration)) in float.iter().zip(&self.layers).enumerate() {
            let layer = layer.kind();
            let is_weighted = layer.mean_inputs().is_some();
            let context = QuantizationContext {
                input,
                calibration,
                before: &layers,
                shape: shapes[index],
                weight_bits: if is_weighted { weight_bits.next().unwrap_or(8) } else { 8 },
                // The last layer's outputs are logits.
                activation_bits: (index + 1 < float.len()).then_some(self.bits),
            };
            let quantized = layer.quantize(&context);
            let (parts, next) = quantized.map_err(|reason| match reason {
                RowError::TooLarge(row) => QuantizeError::TooLarge { layer: index, row },
                RowError::NotFinite(_) => QuantizeError::NotFinite { layer: index },
            })?;
            layers.push(parts);
            input = next;
        }
        // Row-major weights always fit the format.
        let bytes = encode(network.recipe.input(), &network.classes, Policy::NONE, &layers).unwrap_or_default();
        Ok(ModelFile::from_bytes(&bytes)?)
    }
}

/// A layer's input and shapes, its calibration data, and the number formats that it is quantized to.
#[derive(Clone, Copy)]
pub(crate) struct QuantizationContext<'a> {
    pub input: InputKind,
    /// Calibration of this layer.
    pub calibration: &'a LayerCalibration,
    /// The quantized layers before this one.
    pub before: &'a [QuantizedLayer],
    pub shape: LayerShape,
    /// Bits of the weights, if the layer has any.
    pub weight_bits: u8,
    /// Bits of a dense layer's outputs; `None` for the last layer.
    pub activation_bits: Option<ActivationBits>,
}

#[cfg(test)]
impl<'a> QuantizationContext<'a> {
    /// Returns a first layer's reading, for shapes of its input and output.
    pub(crate) fn of_shapes(input: InputKind, calibration: &'a LayerCalibration, shapes: (Shape, Shape)) -> Self {
        let shape = LayerShape { input: shapes.0, output: shapes.1, weights: 0, macs: 0 };
        Self { input, calibration, before: &[], shape, weight_bits: 8, activation_bits: None }
    }
}
