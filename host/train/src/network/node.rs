//! One layer of a network in training: its variables, and what it computes.

use std::sync::{Arc, Mutex};

use candle_core::{Device, Result, Tensor, Var};
use pinhole_core::recipe::{ActivationName, LayerShape};
use pinhole_shared::model::Activation;
use pinhole_shared::shape::Window;

use super::float::{BatchNorm, FloatConv, FloatLayer};
use crate::dense::{DenseOp, Factors};
use crate::optimizer::{Penalty, contiguous};
use crate::spatial::{ActivateOp, Clamp, ConvOp, FlattenOp, GlobalAverageOp, NormOp, PoolOp, Statistics};

/// A layer and what surrounds it.
pub(crate) struct Node {
    pub kind: Kind,
    pub shape: LayerShape,
    /// Fraction of outputs dropped in training.
    pub dropout: f32,
    pub penalty: Penalty,
}

/// What a layer computes, and by which numbers.
pub(crate) enum Kind {
    Dense(DenseNode),
    Conv(ConvNode),
    Pool {
        takes_largest: bool,
        window: Window,
    },
    GlobalAverage,
    /// `from` counts layers from 0.
    Add {
        from: usize,
        activation: ActivationName,
    },
}

pub(crate) struct DenseNode {
    /// Inputs x outputs.
    pub weights: Var,
    /// Outputs.
    pub biases: Var,
    pub activation: Activation,
}

pub(crate) struct ConvNode {
    pub window: Window,
    pub is_depthwise: bool,
    /// Outputs x (kernel row, kernel column, input channel); depthwise without the latter.
    pub weights: Var,
    /// Outputs; 0 and without a part in training where there is `norm`.
    pub biases: Var,
    pub norm: Option<NormNode>,
    pub activation: ActivationName,
    pub pool: u8,
}

/// Batch normalization, a number for each channel.
pub(crate) struct NormNode {
    pub gamma: Var,
    pub beta: Var,
    pub mean: Var,
    pub variance: Var,
}

/// Where batch normalization leaves a batch's statistics.
pub(crate) type Seen = Arc<Mutex<Option<Statistics>>>;

/// What a layer leaves behind in training, for the optimizer.
#[derive(Default)]
pub(crate) struct Trace {
    /// Of a dense layer.
    pub factors: Factors,
    /// Of batch normalization: the batch's statistics.
    pub seen: Seen,
}

/// How a layer takes part in a forward pass.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// It gives values and nothing else, by running statistics.
    Infers,
    /// It is to learn. `input_gradient`: so is something before it.
    Learns { trace: &'a Trace, input_gradient: bool },
}

impl Node {
    /// The layer's outputs, batch x elements, pictures by planes, before dropout. `earlier`: outputs of the layers before.
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
            Kind::Pool { takes_largest, window } => {
                values.apply_op1(PoolOp { takes_largest: *takes_largest, window: *window, input: self.shape.input })
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

    /// A picture's values in the order a dense layer, and the device, has them: the channels of a place together.
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
        let Some((height, width)) = conv.window.places(input) else { candle_core::bail!("no convolution of {input}") };
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
                    let op = NormOp::new(outputs, shape.places(), trace.seen.clone());
                    values = values.apply_op3(norm.gamma.as_tensor(), norm.beta.as_tensor(), op)?;
                }
                values.apply_op1(activate)
            }
        }
    }

    /// Its variables by the names they have in a file, those names in ascending order.
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

    /// As plain numbers.
    pub(super) fn float(&self) -> Result<FloatLayer> {
        Ok(match &self.kind {
            Kind::Dense(dense) => FloatLayer::Dense {
                weights: numbers(&dense.weights)?,
                biases: numbers(&dense.biases)?,
                activation: dense.activation,
            },
            Kind::Conv(conv) if conv.is_depthwise => FloatLayer::Depthwise(conv.float(self.shape)?),
            Kind::Conv(conv) => FloatLayer::Conv(conv.float(self.shape)?),
            Kind::Pool { takes_largest: true, window } => FloatLayer::MaxPool(*window),
            Kind::Pool { takes_largest: false, window } => FloatLayer::AveragePool(*window),
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

/// Pictures by planes (batch x elements) to the channels of a place together.
pub(super) fn places_first(values: &Tensor, shape: pinhole_shared::shape::Shape) -> Result<Tensor> {
    // Of one channel, or one place, both orders are one.
    if shape.channels == 1 || shape.places() == 1 { Ok(values.clone()) } else { values.apply_op1(FlattenOp { shape }) }
}

/// A checked recipe has no other functions here than these.
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

/// Copies a variable's values over others of the same number.
pub(super) fn copy(variable: &Var, to: &mut [f32]) -> Result<()> {
    let (storage, layout) = variable.storage_and_layout();
    let candle_core::Storage::Cpu(storage) = &*storage else { candle_core::bail!("weights off the CPU") };
    to.copy_from_slice(contiguous(storage, layout)?);
    Ok(())
}
