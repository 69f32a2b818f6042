//! Calibration: means and ranges of a float network's activations on photos, from which quantization takes its scales.

use pinhole_core::photos::Dataset;

use super::{ActivationBits, QuantizeError};
use crate::Network;

/// Largest number of photos for calibrating a network with convolutions; they are taken at even steps from those given.
const TENSOR_PHOTOS: usize = 512;

/// Calibration of a whole network.
#[derive(Clone, Debug)]
pub(crate) struct Calibration {
    /// Bits of activations between dense layers.
    pub(super) bits: ActivationBits,
    pub(super) layers: Vec<LayerCalibration>,
}

/// Calibration of one layer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerCalibration {
    /// Real means of the layer's inputs: one per input of a dense layer, one per channel of a convolution. Empty for
    /// layers without weights.
    pub means: Vec<f64>,
    /// Real minimum and maximum of the layer's outputs; 0 is always within.
    pub output_range: (f64, f64),
}

impl Calibration {
    /// Runs the float network on (training) photos.
    ///
    /// # Errors
    /// [`QuantizeError::NoPhotos`], [`QuantizeError::NotFinite`] if a layer gives such a value, [`QuantizeError::Candle`].
    pub(crate) fn of(network: &Network, photos: &Dataset, bits: ActivationBits) -> Result<Self, QuantizeError> {
        if photos.examples.is_empty() {
            return Err(QuantizeError::NoPhotos);
        }
        let float = network.float_layers()?;
        let has_tensors = float.iter().any(|layer| !layer.is_dense());
        // Dense networks are quick, and small ones are trained on few photos, each of which counts: they take all
        // photos.
        let every = if has_tensors { photos.examples.len().div_ceil(TENSOR_PHOTOS) } else { 1 };
        let inputs: Vec<&[u8]> = photos.examples.iter().step_by(every).map(|example| &example.pixels[..]).collect();
        let mut layers = Vec::with_capacity(float.len());
        // `activations` gives pixels as 0..=1, as the layers' scales have them.
        let mut read = network.activations(&inputs, 0)?;
        for (index, layer) in float.iter().enumerate() {
            let outputs = network.activations(&inputs, index + 1)?;
            if !outputs.iter().all(|value| value.is_finite()) {
                return Err(QuantizeError::NotFinite { layer: index });
            }
            let means = layer.kind().mean_inputs().map_or_else(Vec::new, |columns| column_means(&read, columns));
            layers.push(LayerCalibration { means, output_range: range(&outputs) });
            read = outputs;
        }
        Ok(Self { bits, layers })
    }
}

/// Returns the minimum and the maximum of the values and 0.
pub(crate) fn range(values: &[f32]) -> (f64, f64) {
    let wider = |(low, high): (f32, f32), &value: &f32| (low.min(value), high.max(value));
    let (low, high) = values.iter().fold((0.0, 0.0), wider);
    (low.into(), high.into())
}

/// Returns the mean of each column of a row-major matrix.
pub(crate) fn column_means(values: &[f32], columns: usize) -> Vec<f64> {
    let mut means = vec![0.0; columns];
    for row in values.chunks_exact(columns) {
        for (mean, &value) in means.iter_mut().zip(row) {
            *mean += f64::from(value);
        }
    }
    let rows = values.len() / columns;
    means.iter().map(|sum| sum / rows as f64).collect()
}
