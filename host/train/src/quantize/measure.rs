//! Quantization error: the distance of the integer layers' outputs from the float layers'.

use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::Dataset;
use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::model::{Layer, Output};
use serde::Serialize;

use super::QuantizeError;
use crate::Network;

/// Size of one layer of a quantized model, and its error on some photos in the real units of its outputs (1 is the
/// whole range of a sigmoid; logits for the last layer). The error is that of the whole network up to this layer, not
/// of the layer alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerError {
    /// Mean distance between integer and float outputs.
    pub mean_error: f64,
    /// Largest distance between integer and float outputs.
    pub max_error: f64,
    /// Largest magnitude that an accumulator can reach, proven to be below 2^31. 0 for a layer without weights.
    pub accumulator_bound: u32,
    /// Size of weights, biases and multipliers, bytes.
    pub bytes: usize,
}

/// Runs both networks on the photos and compares every output of every layer.
///
/// # Errors
/// [`QuantizeError::Candle`].
pub fn measure(network: &Network, model: &ModelFile, photos: &Dataset) -> Result<Vec<LayerError>, QuantizeError> {
    let inputs: Vec<&[u8]> = photos.examples.iter().map(|example| &example.pixels[..]).collect();
    let (engine, model) = (model.engine(), model.model());
    let layers: Vec<Layer<'_>> = model.layers().collect();
    let mut errors = vec![Errors::default(); layers.len()];
    // In pieces: all values of all photos take much memory.
    for piece in inputs.chunks(network.piece()) {
        let integer = engine.map(piece, |engine, input| engine.run_all(input).stages);
        for (index, (layer, errors)) in layers.iter().zip(&mut errors).enumerate() {
            let scale = layer_scale(layer);
            let zero_point = layer.tensor().map_or(0, |tensor| i32::from(tensor.zero_point));
            let float = network.activations(piece, index + 1)?;
            // Stage 0 of a run is its input.
            for (float, integer) in float.iter().zip(integer.iter().flat_map(|stages| &stages[index + 1])) {
                errors.add((f64::from(integer - zero_point) * scale - f64::from(*float)).abs());
            }
        }
    }
    let of = |(layer, errors): (&Layer<'_>, Errors)| {
        let weighted = layer.weighted();
        LayerError {
            mean_error: errors.sum / errors.count as f64,
            max_error: errors.max,
            accumulator_bound: weighted.map_or(0, |weighted| weighted.accumulator_bound),
            bytes: weighted.map_or(0, |weighted| weighted.bytes()),
        }
    };
    Ok(layers.iter().zip(errors).map(of).collect())
}

/// Errors of a layer's outputs, so far.
#[derive(Clone, Copy, Default)]
struct Errors {
    sum: f64,
    max: f64,
    count: usize,
}

impl Errors {
    fn add(&mut self, error: f64) {
        self.sum += error;
        self.max = self.max.max(error);
        self.count += 1;
    }
}

/// Returns the real value of one unit of a layer's outputs.
fn layer_scale(layer: &Layer<'_>) -> f64 {
    if layer.output() == Output::Logits {
        return 1.0 / f64::from(Q16_ONE);
    }
    let of_tensor = layer.tensor().map(|tensor| tensor.scale);
    of_tensor.or_else(|| layer.weighted().map(|weighted| weighted.output_scale)).map_or(1.0, f64::from)
}
