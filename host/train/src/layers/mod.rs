//! One layer of a network in training: its variables and its forward pass.

use std::sync::{Arc, Mutex};

use candle_core::{Device, Result, Tensor, Var};
use pinhole_core::recipe::{ActivationName, LayerShape};
use pinhole_shared::model::{Activation, PoolKind};
use pinhole_shared::shape::Window;

use super::float::{BatchNorm, FloatConv, FloatLayer};
use crate::dense::{DenseOp, Factors};
use crate::optimizer::{Penalty, contiguous};
use crate::spatial::{ActivateOp, Clamp, ConvOp, FlattenOp, GlobalAverageOp, NormOp, PoolOp, Statistics};

/// A layer with its shape, dropout and penalty.
pub(crate) struct Node {
    pub kind: Kind,
    pub shape: LayerShape,
    /// Fraction of outputs that dropout sets to 0 in training.
    pub dropout: f32,
    pub penalty: Penalty,
}

/// Kind of a layer, with its parameters.
pub(crate) enum Kind {
    Dense(DenseNode),
    Conv(ConvNode),
    Pool {
        kind: PoolKind,
        window: Window,
    },
    GlobalAverage,
    /// `from` is the index of an earlier layer, counted from 0.
    Add {
        from: usize,
        activation: ActivationName,
    },
}

pub(crate) struct DenseNode {
    /// Inputs x outputs.
    pub weights: Var,
    /// One per output.
    pub biases: Var,
    pub activation: Activation,
}

pub(crate) struct ConvNode {
    pub window: Window,
    pub is_depthwise: bool,
    /// Outputs x (kernel row, kernel column, input channel); depthwise channels x (kernel row, kernel column).
    pub weights: Var,
    /// One per output; 0 and not trained if there is `norm`.
    pub biases: Var,
    pub norm: Option<NormNode>,
    pub activation: ActivationName,
    pub pool: u8,
}

/// Batch normalization, one number per channel.
pub(crate) struct NormNode {
    pub gamma: Var,
    pub beta: Var,
    pub mean: Var,
    pub variance: Var,
}

/// The statistics of a batch, left by batch normalization.
pub(crate) type Seen = Arc<Mutex<Option<Statistics>>>;

/// Values that a layer leaves for the optimizer in training.
#[derive(Default)]
pub(crate) struct Trace {
    /// Factors of a dense layer's gradient.
    pub factors: Factors,
    /// Batch statistics of batch normalization.
    pub seen: Seen,
}

/// Mode of a layer in a forward pass.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// Inference: batch normalization by running statistics, no gradients.
    Infers,
    /// Training. `input_gradient` is true if an earlier layer is trained too.
    Learns { trace: &'a Trace, input_gradient: bool },
}

impl Node {
    /// Returns the layer's outputs before dropout: batch x elements, tensors as channel planes. `earlier`: outputs of
    /// earlier layers.
    pub(super) fn forward(&self, values: &Tensor, earlier: &[Option<Tensor>], part: Part<'_>) -> Result<Tensor> {
        match &self.kind {
            Kind::Dense(dense) => {
                let values = self.flattened(values)?;
                let (weights, biases) = (dense.weights.as_tensor(), dense.biases.as_tensor());
                let op = |input_gradient, factors| DenseOp { activation: dense.activation, input_gradient, factors };
                match part {
                    Part::Infers => values.apply_op3_no_bwd(weights, biases, &op(false, Factors::default())),
                    Part::Learns { trace, input_gradient } => {
                        values.apply_op3(weights, biases, op(input_gradient, trace.factors.clone()))
                    }
                }
            }
            Kind::Conv(conv) => self.convolved(conv, values, part),
            Kind::Pool { kind, window } => {
                values.apply_op1(PoolOp { kind: *kind, window: *window, input: self.shape.input })
            }
            Kind::GlobalAverage => values.apply_op1(GlobalAverageOp { input: self.shape.input }),
            Kind::Add { from, activation } => {
                let Some(Some(earlier)) = earlier.get(*from) else { candle_core::bail!("no layer {from} to add") };
                let sum = (values + earlier)?;
                match clamp(*activation) {
                    Clamp::Linear => Ok(sum),
                    activation => sum.apply_op1(ActivateOp { shape: self.shape.output, activation, pool: 1 }),
                }
            }
        }
    }

    /// Reorders a tensor from channel planes to channels last, as dense layers and the device read it.
    fn flattened(&self, values: &Tensor) -> Result<Tensor> {
        places_first(values, self.shape.input)
    }

    fn convolved(&self, conv: &ConvNode, values: &Tensor, part: Part<'_>) -> Result<Tensor> {
        let LayerShape { input, output, .. } = self.shape;
        let outputs = usize::from(output.channels);
        let op = |input_gradient| ConvOp {
            window: conv.window,
            input,
            outputs,
            is_depthwise: conv.is_depthwise,
            input_gradient,
        };
        let Some((height, width)) = conv.window.output_size(input) else {
            candle_core::bail!("no convolution of {input}")
        };
        let shape = pinhole_shared::shape::Shape { height, width, ..output };
        let activate = ActivateOp { shape, activation: clamp(conv.activation), pool: conv.pool };
        match part {
            Part::Infers => {
                let (weights, biases) = conv.float(self.shape)?.folded();
                let weights = Tensor::from_vec(weights, conv.weights.dims2()?, &Device::Cpu)?;
                let biases = Tensor::from_vec(biases, outputs, &Device::Cpu)?;
                values.apply_op3_no_bwd(&weights, &biases, &op(false))?.apply_op1_no_bwd(&activate)
            }
            Part::Learns { trace, input_gradient } => {
                let (weights, biases) = (conv.weights.as_tensor(), conv.biases.as_tensor());
                let mut values = values.apply_op3(weights, biases, op(input_gradient))?;
                if let Some(norm) = &conv.norm {
                    let op = NormOp::new(outputs, shape.positions(), trace.seen.clone());
                    values = values.apply_op3(norm.gamma.as_tensor(), norm.beta.as_tensor(), op)?;
                }
                values.apply_op1(activate)
            }
        }
    }

    /// Returns the variables with their names in a weights file, in ascending order of the names.
    pub(crate) fn variables(&self) -> Vec<(&'static str, &Var)> {
        match &self.kind {
            Kind::Dense(DenseNode { weights, biases, .. })
            | Kind::Conv(ConvNode { weights, biases, norm: None, .. }) => {
                vec![("biases", biases), ("weights", weights)]
            }
            Kind::Conv(ConvNode { weights, norm: Some(norm), .. }) => vec![
                ("beta", &norm.beta),
                ("gamma", &norm.gamma),
                ("mean", &norm.mean),
                ("variance", &norm.variance),
                ("weights", weights),
            ],
            Kind::Pool { .. } | Kind::GlobalAverage | Kind::Add { .. } => Vec::new(),
        }
    }

    /// Returns the layer as plain numbers.
    pub(super) fn float(&self) -> Result<FloatLayer> {
        Ok(match &self.kind {
            Kind::Dense(dense) => FloatLayer::Dense {
                weights: numbers(&dense.weights)?,
                biases: numbers(&dense.biases)?,
                activation: dense.activation,
            },
            Kind::Conv(conv) if conv.is_depthwise => FloatLayer::Depthwise(conv.float(self.shape)?),
            Kind::Conv(conv) => FloatLayer::Conv(conv.float(self.shape)?),
            Kind::Pool { kind: PoolKind::Max, window } => FloatLayer::MaxPool(*window),
            Kind::Pool { kind: PoolKind::Average, window } => FloatLayer::AveragePool(*window),
            Kind::GlobalAverage => FloatLayer::GlobalAverage,
            Kind::Add { from, activation } => FloatLayer::Add { from: *from, activation: *activation },
        })
    }
}

impl ConvNode {
    fn float(&self, shape: LayerShape) -> Result<FloatConv> {
        let norm = |norm: &NormNode| -> Result<BatchNorm> {
            Ok(BatchNorm {
                gamma: numbers(&norm.gamma)?,
                beta: numbers(&norm.beta)?,
                mean: numbers(&norm.mean)?,
                variance: numbers(&norm.variance)?,
            })
        };
        Ok(FloatConv {
            window: self.window,
            input: shape.input,
            outputs: usize::from(shape.output.channels),
            weights: numbers(&self.weights)?,
            biases: numbers(&self.biases)?,
            norm: self.norm.as_ref().map(norm).transpose()?,
            activation: self.activation,
            pool: self.pool,
        })
    }
}

/// Reorders a batch of tensors (batch x elements) from channel planes to channels last.
pub(super) fn places_first(values: &Tensor, shape: pinhole_shared::shape::Shape) -> Result<Tensor> {
    // With one channel or one position, both orders are the same.
    if shape.channels == 1 || shape.positions() == 1 {
        Ok(values.clone())
    } else {
        values.apply_op1(FlattenOp { shape })
    }
}

/// Returns the bounds of an activation function. Checked recipes have only these functions here.
const fn clamp(activation: ActivationName) -> Clamp {
    match activation {
        ActivationName::Relu => Clamp::Relu,
        ActivationName::Relu6 => Clamp::Relu6,
        ActivationName::Linear | ActivationName::Sigmoid => Clamp::Linear,
    }
}

fn numbers(variable: &Var) -> Result<Vec<f32>> {
    variable.as_tensor().flatten_all()?.to_vec1()
}

/// Copies a variable's values to a slice of the same length.
pub(super) fn copy(variable: &Var, to: &mut [f32]) -> Result<()> {
    let (storage, layout) = variable.storage_and_layout();
    let candle_core::Storage::Cpu(storage) = &*storage else { candle_core::bail!("weights off the CPU") };
    to.copy_from_slice(contiguous(storage, layout)?);
    Ok(())
}
