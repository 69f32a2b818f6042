//! The device's integers as an arithmetic to train by.

use candle_core::Result;
use pinhole_shared::model::{Activation, Layer, Output};
use rayon::prelude::*;

use crate::model_file::ModelFile;
use crate::quantize::{Calibration, QuantizeError, dequantize, output_scale};
use crate::train::{Arithmetic, FloatLayer, Limits, Network, Stage};

/// Networks as they are once quantized, by a calibration that stays.
pub(super) struct Integers {
    calibration: Calibration,
    model: ModelFile,
    layers: Vec<LayerForm>,
}

/// A layer of the model, in real numbers.
struct LayerForm {
    /// Of a layer that has some.
    parameters: Option<(Vec<f32>, Vec<f32>)>,
    /// Real value of one unit.
    scale: f64,
    /// The unit that stands for 0.
    zero: i32,
    limits: Option<Limits>,
}

impl Integers {
    /// Of the network as it is now.
    ///
    /// # Errors
    /// [`QuantizeError`].
    pub(super) fn new(calibration: Calibration, network: &Network) -> std::result::Result<Self, QuantizeError> {
        let model = calibration.quantize(network)?;
        let layers = forms(&model, network);
        Ok(Self { calibration, model, layers })
    }

    /// All integers of every layer, input by input.
    fn run(&self, inputs: &[&[u8]]) -> Vec<Vec<Vec<i32>>> {
        // A piece for each thread: an engine costs about as much as a few inputs. What it gives does not depend on it.
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
            Ok(model) => self.model = model,
            Err(QuantizeError::Candle(error)) => return Err(error),
            Err(_) => return Ok(false),
        }
        self.layers = forms(&self.model, network);
        Ok(true)
    }

    fn stages(&self, inputs: &[&[u8]]) -> Vec<Stage> {
        let runs = self.run(inputs);
        let stage = |(index, form): (usize, &LayerForm)| Stage {
            parameters: form.parameters.clone(),
            values: runs.iter().flat_map(|run| run[index].iter().map(|&integer| form.real(integer))).collect(),
            limits: form.limits,
        };
        self.layers.par_iter().enumerate().map(stage).collect()
    }

    fn logits(&self, inputs: &[&[u8]]) -> Vec<Vec<f32>> {
        let Some(form) = self.layers.last() else { return Vec::new() };
        let real = |run: Vec<Vec<i32>>| run.last().into_iter().flatten().map(|&logit| form.real(logit)).collect();
        self.run(inputs).into_iter().map(real).collect()
    }
}

impl LayerForm {
    fn real(&self, integer: i32) -> f32 {
        (f64::from(integer - self.zero) * self.scale) as f32
    }

    /// `limits`: the least and the largest integer.
    fn new(parameters: Option<(Vec<f32>, Vec<f32>)>, scale: f64, zero: i32, limits: Option<(i32, i32)>) -> Self {
        let form = Self { parameters, scale, zero, limits: None };
        let limits = limits.map(|(low, high)| Limits {
            low: form.real(low),
            high: form.real(high),
            half_unit: (scale / 2.0) as f32,
        });
        Self { limits, ..form }
    }
}

fn forms(model: &ModelFile, network: &Network) -> Vec<LayerForm> {
    let model = model.model();
    let floats = dequantize(&model, &network.recipe).layers;
    model.layers().zip(floats).map(|(layer, float)| form(&layer, float.into_parameters())).collect()
}

fn form(layer: &Layer<'_>, parameters: Option<(Vec<f32>, Vec<f32>)>) -> LayerForm {
    let limits = match layer {
        Layer::Dense(dense) => match dense.activation {
            // Nothing cuts logits, nor does a sigmoid cut where its slope is not 0 anyway.
            _ if dense.output == Output::Logits => None,
            Activation::Sigmoid => None,
            Activation::Relu => Some((0, dense.output.range().1)),
            Activation::Linear => Some(dense.output.range()),
        },
        Layer::Conv(conv) | Layer::Depthwise(conv) => Some((conv.low.into(), conv.high.into())),
        Layer::GlobalAverage(average) => Some((average.low.into(), average.high.into())),
        Layer::Add(add) => Some((add.low.into(), add.high.into())),
        // What they give lies between what they read.
        Layer::MaxPool(_) | Layer::AveragePool(_) => None,
    };
    match layer {
        Layer::Dense(dense) => LayerForm::new(parameters, output_scale(dense), 0, limits),
        _ => {
            let (scale, zero) = layer.tensor().map_or((1.0, 0), |tensor| (tensor.scale.into(), tensor.zero.into()));
            LayerForm::new(parameters, scale, zero, limits)
        }
    }
}
