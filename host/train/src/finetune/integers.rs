//! The device's integers as an arithmetic for quantization-aware training.

use candle_core::Result;
use pinhole_core::model_file::ModelFile;
use rayon::prelude::*;

use crate::layers::Units;
use crate::network::values;
use crate::quantize::{Calibration, QuantizeError, dequantize, dequantize_with_units};
use crate::{FakeQuantization, FakeQuantized, FloatLayer, Network};

/// Quantizes a network by a fixed calibration, and runs it by the integer engine.
pub(crate) struct IntegerModel {
    calibration: Calibration,
    model: ModelFile,
    layers: Vec<FloatLayer>,
    /// Units of every layer's outputs.
    units: Vec<Units>,
}

impl IntegerModel {
    /// Quantizes the network as it is now.
    ///
    /// # Errors
    /// [`QuantizeError`].
    pub(crate) fn new(calibration: Calibration, network: &Network) -> std::result::Result<Self, QuantizeError> {
        let model = calibration.quantize(network)?;
        let (network, units) = dequantize_with_units(&model.model(), &network.recipe);
        Ok(Self { calibration, model, layers: network.layers, units })
    }

    /// Returns all integers of every layer, input by input.
    fn run(&self, inputs: &[&[u8]]) -> Vec<Vec<Vec<i32>>> {
        // Stage 0 of a run is its input.
        self.model.engine().map(inputs, |engine, input| engine.run_all(input).stages.split_off(1))
    }
}

impl FakeQuantization for IntegerModel {
    fn take(&mut self, network: &Network) -> Result<bool> {
        if !values(network.float_layers()?).into_iter().flatten().all(f32::is_finite) {
            return Ok(false);
        }
        match self.calibration.quantize(network) {
            Ok(model) => {
                self.layers = dequantize(&model.model(), &network.recipe).layers;
                self.model = model;
                Ok(true)
            }
            Err(QuantizeError::Candle(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    fn layers(&self) -> Vec<FloatLayer> {
        self.layers.clone()
    }

    fn stages(&self, inputs: &[&[u8]]) -> Vec<FakeQuantized> {
        let runs = self.run(inputs);
        let stage = |(index, units): (usize, &Units)| FakeQuantized {
            values: runs.iter().flat_map(|run| run[index].iter().map(|&integer| units.real(integer))).collect(),
            unit: units.scale as f32,
            limits: units.limits.map(|(least, largest)| (units.real(least), units.real(largest))),
        };
        self.units.par_iter().enumerate().map(stage).collect()
    }

    fn logits(&self, inputs: &[&[u8]]) -> Vec<Vec<f32>> {
        let Some(units) = self.units.last() else { return Vec::new() };
        let real = |run: Vec<Vec<i32>>| run.last().into_iter().flatten().map(|&logit| units.real(logit)).collect();
        self.run(inputs).into_iter().map(real).collect()
    }
}
