//! The device's integers as an arithmetic for quantization-aware training.

use candle_core::Result;
use pinhole_core::model_file::ModelFile;
use pinhole_core::model_file::scales::output_scale;
use pinhole_shared::model::{Activation, Layer, Output};
use rayon::prelude::*;

use crate::quantize::{Calibration, QuantizeError, dequantize};
use crate::{Arithmetic, FloatLayer, Network, Stage};

/// Quantizes a network by a fixed calibration, and runs it by the integer engine.
pub(crate) struct Integers {
    calibration: Calibration,
    model: ModelFile,
    layers: Vec<FloatLayer>,
    forms: Vec<Form>,
}

/// Real values of the integers that a layer outputs.
struct Form {
    /// Real value of one unit.
    scale: f64,
    /// Zero point: the integer that stands for 0.
    zero_point: i32,
    /// Least and largest integer, if the layer clips its outputs to them.
    limits: Option<(i32, i32)>,
}

impl Integers {
    /// Quantizes the network as it is now.
    ///
    /// # Errors
    /// [`QuantizeError`].
    pub(crate) fn new(calibration: Calibration, network: &Network) -> std::result::Result<Self, QuantizeError> {
        let model = calibration.quantize(network)?;
        let layers = dequantize(&model.model(), &network.recipe).layers;
        let forms = model.model().layers().map(|layer| Form::of(&layer)).collect();
        Ok(Self { calibration, model, layers, forms })
    }

    /// Returns all integers of every layer, input by input.
    fn run(&self, inputs: &[&[u8]]) -> Vec<Vec<Vec<i32>>> {
        // One piece per thread: creating an engine costs about as much as a few inputs. Results do not depend on the
        // pieces.
        let piece = inputs.len().div_ceil(rayon::current_num_threads()).max(1);
        let run = |inputs: &[&[u8]]| {
            let mut engine = self.model.engine();
            // Stage 0 of a run is its input.
            inputs.iter().map(|input| engine.run_all(input).stages.split_off(1)).collect::<Vec<_>>()
        };
        inputs.par_chunks(piece).flat_map_iter(run).collect()
    }
}

impl Arithmetic for Integers {
    fn take(&mut self, network: &Network) -> Result<bool> {
        let parameters = network.float_layers()?.into_iter().filter_map(FloatLayer::into_parameters);
        if !parameters.flat_map(|(weights, biases)| [weights, biases]).flatten().all(f32::is_finite) {
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

    fn stages(&self, inputs: &[&[u8]]) -> Vec<Stage> {
        let runs = self.run(inputs);
        let stage = |(index, form): (usize, &Form)| Stage {
            values: runs.iter().flat_map(|run| run[index].iter().map(|&integer| form.real(integer))).collect(),
            unit: form.scale as f32,
            limits: form
                .limits
                .map(|(activation_min, activation_max)| (form.real(activation_min), form.real(activation_max))),
        };
        self.forms.par_iter().enumerate().map(stage).collect()
    }

    fn logits(&self, inputs: &[&[u8]]) -> Vec<Vec<f32>> {
        let Some(form) = self.forms.last() else { return Vec::new() };
        let real = |run: Vec<Vec<i32>>| run.last().into_iter().flatten().map(|&logit| form.real(logit)).collect();
        self.run(inputs).into_iter().map(real).collect()
    }
}

impl Form {
    fn of(layer: &Layer<'_>) -> Self {
        let (scale, zero_point) = match layer {
            Layer::Dense(dense) => (output_scale(dense), 0),
            _ => layer.tensor().map_or((1.0, 0), |tensor| (tensor.scale.into(), tensor.zero_point.into())),
        };
        Self { scale, zero_point, limits: cut_to(layer) }
    }

    fn real(&self, integer: i32) -> f32 {
        (f64::from(integer - self.zero_point) * self.scale) as f32
    }
}

/// Returns the least and largest integer of a layer's outputs, if the layer clips to them.
fn cut_to(layer: &Layer<'_>) -> Option<(i32, i32)> {
    match layer {
        // Logits have room for all values, and where a sigmoid saturates its slope is 0 anyway.
        Layer::Dense(dense) if dense.output == Output::Logits || dense.activation == Activation::Sigmoid => None,
        Layer::Dense(dense) if dense.activation == Activation::Relu => Some((0, dense.output.range().1)),
        Layer::Dense(dense) => Some(dense.output.range()),
        Layer::Conv(conv) | Layer::Depthwise(conv) => Some((conv.activation_min.into(), conv.activation_max.into())),
        Layer::GlobalAverage(average) => Some((average.activation_min.into(), average.activation_max.into())),
        Layer::Add(add) => Some((add.activation_min.into(), add.activation_max.into())),
        // Pooled values lie between the input's values.
        Layer::MaxPool(_) | Layer::AveragePool(_) => None,
    }
}
