//! Dense layers. Outputs on the device have 8 or 16 bits, or are logits.

use std::sync::Mutex;

use candle_core::{DType, Device, Module, Result, Tensor, Var, bail};
use pinhole_core::model_file::QuantizedLayer;
use pinhole_core::model_file::scales::{HEADROOM, InputKind, output_scale, row_scales};
use pinhole_core::recipe::{DenseLayer, LayerShape, RecipeLayer};
use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::model::{Activation, Dense, Output};
use pinhole_shared::shape::Shape;

use super::{
    Dequantized, Earlier, FloatKind, FloatLayer, Gradient, LayerNode, LayerSettings, LayerState, ParameterRequest,
    ParameterSource, Parameters, Trace, TrainingPass, Units, numbers,
};
use crate::accelerator::{Left, above_zero};
use crate::dense::{DenseOp, Factors};
use crate::optimizer::{DenseState, Moments, OptimizerStep, Penalty};
use crate::quantize::rows::{self, OutputKind, RealRows};
use crate::quantize::{ActivationBits, QuantizationContext, RowError, real_rows};
use crate::spatial::FlattenOp;

/// The kind's name in a recipe.
const KIND: &str = "dense";

/// A dense layer as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatDense {
    /// Weights, inputs x outputs, row-major.
    pub weights: Vec<f32>,
    /// One bias per output.
    pub biases: Vec<f32>,
    /// Activation function.
    pub activation: Activation,
}

struct DenseNode {
    input: Shape,
    /// Inputs x outputs.
    weights: Var,
    /// One per output.
    biases: Var,
    activation: Activation,
    penalty: Penalty,
}

impl LayerSettings for &DenseLayer {
    fn node(&self, shape: &LayerShape, numbers: ParameterSource<'_>) -> Result<Box<dyn LayerNode>> {
        let Some(activation) = self.activation.of_dense() else {
            bail!("a dense layer has no {}", self.activation.name())
        };
        let outputs = usize::from(shape.output.channels);
        let fan_in = shape.weights / outputs;
        // Glorot's limit.
        let limit = (6.0 / (fan_in + outputs) as f32).sqrt();
        let asked = ParameterRequest { kind: KIND, outputs, fan_in, has_input_rows: true, limit, has_norm: false };
        let Parameters { weights, biases, .. } = numbers(&asked)?;
        Ok(Box::new(DenseNode {
            input: shape.input,
            weights: Var::from_vec(weights, (fan_in, outputs), &Device::Cpu)?,
            biases: Var::from_vec(biases, outputs, &Device::Cpu)?,
            activation,
            penalty: Penalty { l1: self.l1, l2: self.l2 },
        }))
    }

    fn structure(&self) -> Vec<(&'static str, String)> {
        vec![("outputs", self.outputs.to_string()), ("activation", self.activation.name().to_owned())]
    }
}

/// Inference: batch x elements of the input, as channel planes -> batch x outputs.
impl Module for DenseNode {
    fn forward(&self, values: &Tensor) -> Result<Tensor> {
        let op = DenseOp { activation: self.activation, input_gradient: false, factors: Factors::default() };
        let values = places_first(values, self.input)?;
        values.apply_op3_no_bwd(self.weights.as_tensor(), self.biases.as_tensor(), &op)
    }
}

impl LayerNode for DenseNode {
    fn infer(&self, values: &Tensor, _earlier: Earlier<'_>) -> Result<Tensor> {
        self.forward(values)
    }

    fn learn(&self, values: &Tensor, _earlier: Earlier<'_>, part: TrainingPass<'_>) -> Result<Tensor> {
        let TrainingPass { trace, input_gradient } = part;
        let op = DenseOp { activation: self.activation, input_gradient, factors: trace.factors.clone() };
        let values = places_first(values, self.input)?;
        values.apply_op3(self.weights.as_tensor(), self.biases.as_tensor(), op)
    }

    fn run_on_device(&self, values: &Tensor, _earlier: Earlier<'_>, left: Option<&mut Left>) -> Result<Tensor> {
        let values = places_first_on_device(values, self.input)?;
        let device = values.device();
        let weights = self.weights.as_tensor().detach().to_device(device)?;
        let biases = self.biases.as_tensor().detach().to_device(device)?;
        let mut sums = values.matmul(&weights)?.broadcast_add(&biases)?;
        if let Some(left) = left {
            let shift = Var::zeros(sums.shape(), DType::F32, device)?;
            sums = (sums + shift.as_tensor())?;
            left.dense = Some((values.detach(), shift));
        }
        match self.activation {
            Activation::Linear => Ok(sums),
            Activation::Relu => above_zero(&sums),
            // 1 / (1 + e^-x)
            Activation::Sigmoid => (sums.neg()?.exp()? + 1.0)?.recip(),
        }
    }

    fn variables(&self) -> Vec<(&'static str, &Var)> {
        vec![("biases", &self.biases), ("weights", &self.weights)]
    }

    fn float(&self) -> Result<FloatLayer> {
        let (weights, biases) = (numbers(&self.weights)?, numbers(&self.biases)?);
        Ok(FloatLayer::Dense(FloatDense { weights, biases, activation: self.activation }))
    }

    fn state(&self) -> Option<Box<dyn LayerState>> {
        let (inputs, outputs) = (self.input.elements(), self.biases.elem_count());
        let state = DenseState::new(inputs, outputs, self.penalty);
        Some(Box::new(DenseNodeState { weights: self.weights.clone(), biases: self.biases.clone(), state }))
    }
}

struct DenseNodeState {
    weights: Var,
    biases: Var,
    state: DenseState,
}

impl LayerState for DenseNodeState {
    fn moments(&self) -> Vec<&Mutex<Moments>> {
        self.state.moments().to_vec()
    }

    fn update(&self, step: OptimizerStep, trace: &Trace, _gradient: Gradient<'_>) -> Result<()> {
        let factors = trace.factors.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        let Some((inputs, delta)) = factors else { bail!("a layer got no gradient") };
        self.state.update(step, (&self.weights, &self.biases), &inputs, &delta)
    }
}

impl FloatKind for FloatDense {
    fn values_mut(&mut self) -> Vec<(&'static str, &mut Vec<f32>)> {
        vec![("biases", &mut self.biases), ("weights", &mut self.weights)]
    }

    fn numbers(&self, kind: &str) -> Option<Parameters> {
        let Self { weights, biases, .. } = self;
        (kind == KIND).then(|| Parameters { weights: weights.clone(), biases: biases.clone(), norm: None })
    }

    fn mean_inputs(&self) -> Option<usize> {
        Some(self.weights.len() / self.biases.len())
    }

    fn quantize(
        &self,
        context: &QuantizationContext<'_>,
    ) -> std::result::Result<(QuantizedLayer, InputKind), RowError> {
        let Self { weights, biases, activation } = self;
        let activation = *activation;
        let (output, scale) = match context.activation_bits {
            None => (Output::Logits, 1.0 / f64::from(Q16_ONE)),
            Some(bits) => output_kind(activation, bits, context.calibration.output_range),
        };
        // Real value of one unit after requantization: Q16 before a sigmoid, the output's unit otherwise.
        let requantized_scale = if activation == Activation::Sigmoid { 1.0 / f64::from(Q16_ONE) } else { scale };
        let mean = |_: usize, column: usize| context.calibration.means[column];
        let row = |row| weights.iter().skip(row).step_by(biases.len()).map(|&weight| f64::from(weight)).collect();
        let rows = RealRows {
            weights: (0..biases.len()).map(row).collect(),
            biases: biases.iter().map(|&bias| f64::from(bias)).collect(),
            means: &mean,
        };
        let kind = OutputKind { requantized_scale, scale };
        let weighted = rows::quantize(&rows, context.input, kind, context.weight_bits)?;
        let next = InputKind { scale, max_magnitude: output.max_magnitude(), zero_point: 0 };
        Ok((QuantizedLayer::Dense { weighted, activation, output }, next))
    }
}

/// Returns the number format of a hidden layer's outputs, and the real value of one unit.
fn output_kind(activation: Activation, bits: ActivationBits, (low, high): (f64, f64)) -> (Output, f64) {
    let largest = high.max(-low);
    // A network that gives only zeros, or nearly, still needs a scale: a normal f32.
    let largest = if largest / 255.0 / 255.0 > f64::from(f32::MIN_POSITIVE) { largest } else { 1.0 };
    match (activation, bits) {
        (Activation::Sigmoid, ActivationBits::Eight) => (Output::U8, 1.0 / 255.0),
        (Activation::Sigmoid, ActivationBits::Sixteen) => (Output::I16, 1.0 / 32_768.0),
        (Activation::Relu, ActivationBits::Eight) => (Output::U8, largest / 255.0),
        (Activation::Relu | Activation::Linear, _) => (Output::I16, HEADROOM * largest / 32_767.0),
    }
}

/// Converts a layer of a model file back to floating point.
pub(super) fn dequantize(dense: &Dense<'_>, input: &Units) -> Dequantized {
    let Dense { weighted, activation, output } = *dense;
    let (rows, biases) = real_rows(&weighted, &row_scales(dense), input);
    let inputs = weighted.operands.weights.inputs();
    let weights = (0..inputs).flat_map(|column| rows.iter().map(move |row| row[column])).collect();
    let recipe = DenseLayer {
        outputs: biases.len(),
        activation: activation.into(),
        dropout: 0.0,
        l1: 0.0,
        l2: 0.0,
        weight_bits: 8,
    };
    let limits = match activation {
        // Logits have room for all values, and where a sigmoid saturates its slope is 0 anyway.
        _ if output == Output::Logits => None,
        Activation::Sigmoid => None,
        Activation::Relu => Some((0, output.range().1)),
        Activation::Linear => Some(output.range()),
    };
    Dequantized {
        float: FloatLayer::Dense(FloatDense { weights, biases, activation }),
        recipe: RecipeLayer::Dense(recipe),
        output: Units { scale: output_scale(dense), zero_point: 0, limits },
    }
}

/// Reorders a batch of tensors (batch x elements) from channel planes to channels last, as dense layers and the device
/// read them.
pub(crate) fn places_first(values: &Tensor, shape: Shape) -> Result<Tensor> {
    if has_one_order(shape) { Ok(values.clone()) } else { values.apply_op1(FlattenOp { shape }) }
}

/// [`places_first`] in candle's own operations.
fn places_first_on_device(values: &Tensor, shape: Shape) -> Result<Tensor> {
    if has_one_order(shape) {
        return Ok(values.clone());
    }
    let planes = values.reshape(((), usize::from(shape.channels), shape.positions()))?;
    planes.transpose(1, 2)?.contiguous()?.flatten_from(1)
}

/// Returns true if both orders are the same: with one channel or one position.
fn has_one_order(shape: Shape) -> bool {
    shape.channels == 1 || shape.positions() == 1
}
