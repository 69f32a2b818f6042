//! Forward and backward pass of a batch, in candle's own operations.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var, bail};
use pinhole_core::recipe::ActivationName;
use pinhole_shared::model::{Activation, PoolKind};
use pinhole_shared::shape::{Padding, Shape, Window};

use super::window::under;
use crate::network::{ConvNode, DenseNode, Kind, Network, Node, NormNode, Trace};
use crate::spatial::{EPSILON, Statistics};

/// A forward pass on a device, before its backward pass.
pub(crate) struct Pass {
    /// Logits, batch x classes, on the device.
    logits: Tensor,
    /// Values of each layer for the backward pass, on the device.
    left: Vec<Left>,
}

/// Values of a layer for its backward pass.
#[derive(Default)]
struct Left {
    /// Copies, on the device, of the layer's trained variables, in the order of [`Node::variables`].
    copies: Vec<(&'static str, Var)>,
    /// For a dense layer, its inputs, and zeros added to its pre-activations; their gradient is that of the
    /// pre-activations.
    dense: Option<(Tensor, Var)>,
    /// For batch normalization, means and variances.
    statistics: Option<(Tensor, Tensor)>,
}

impl Pass {
    /// Runs a batch (batch x inputs, on the processor) through the network. Its first `frozen` layers are not trained.
    /// `masks` are the layers' dropout masks, batch x elements, on the processor.
    pub(crate) fn forward(
        network: &Network,
        device: &Device,
        inputs: &Tensor,
        masks: &[Option<Tensor>],
    ) -> Result<Self> {
        let mut values = inputs.to_device(device)?;
        let mut earlier: Vec<Tensor> = Vec::with_capacity(network.layers.len());
        let mut left = Vec::with_capacity(network.layers.len());
        for (index, (layer, mask)) in network.layers.iter().zip(masks).enumerate() {
            let mut of_layer = Left::default();
            values = layer_forward(layer, &values, &earlier, index >= network.frozen, &mut of_layer)?;
            if let Some(mask) = mask {
                values = (values * mask.to_device(device)?)?;
            }
            earlier.push(values.clone());
            left.push(of_layer);
        }
        Ok(Self { logits: values, left })
    }

    /// Returns the logits, batch x classes, on the processor.
    pub(crate) fn logits(&self) -> Result<Tensor> {
        self.logits.to_device(&Device::Cpu)
    }

    /// Runs the backward pass from the loss's gradient by the logits. Returns the gradients of each layer, on the
    /// processor.
    pub(crate) fn backward(self, by_logits: &Tensor) -> Result<Vec<Gradients>> {
        let by_logits = by_logits.to_device(self.logits.device())?;
        let store = (&self.logits * by_logits)?.sum_all()?.backward()?;
        self.left.into_iter().map(|left| left.gradients(&store)).collect()
    }
}

/// Gradients of a layer, for the optimizer.
#[derive(Default)]
pub(crate) struct Gradients {
    /// Gradients by the names of [`Node::variables`].
    by_variable: Vec<(&'static str, Tensor)>,
    /// Factors and statistics, as the processor's operations leave them.
    pub trace: Trace,
}

impl Gradients {
    /// Returns the gradient by one of the layer's variables.
    pub(crate) fn of(&self, name: &str) -> Option<&Tensor> {
        self.by_variable.iter().find(|(other, _)| *other == name).map(|(_, gradient)| gradient)
    }
}

impl Left {
    fn gradients(self, store: &GradStore) -> Result<Gradients> {
        let mut gradients = Gradients::default();
        let of = |variable: &Var| {
            let Some(gradient) = store.get(variable.as_tensor()) else { bail!("a layer got no gradient") };
            gradient.to_device(&Device::Cpu)?.contiguous()
        };
        for (name, copy) in &self.copies {
            gradients.by_variable.push((name, of(copy)?));
        }
        if let Some((inputs, shift)) = self.dense {
            let factors = (inputs.to_device(&Device::Cpu)?.contiguous()?, of(&shift)?);
            *gradients.trace.factors.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(factors);
        }
        if let Some((means, variances)) = self.statistics {
            let doubles = |tensor: Tensor| tensor.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec1();
            let seen = Statistics { means: doubles(means)?, variances: doubles(variances)? };
            *gradients.trace.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(seen);
        }
        Ok(gradients)
    }
}

/// Returns the layer's outputs before dropout: batch x elements, tensors as channel planes.
fn layer_forward(layer: &Node, values: &Tensor, earlier: &[Tensor], learns: bool, left: &mut Left) -> Result<Tensor> {
    let input = layer.shape.input;
    match &layer.kind {
        Kind::Dense(dense) => fully_connected(dense, &places_first(values, input)?, learns, left),
        Kind::Conv(conv) => convolution(layer, conv, values, learns, left),
        Kind::Pool { kind: PoolKind::Max, window } => {
            largest(&under(*window, input, values, f32::NEG_INFINITY)?)?.flatten_from(1)
        }
        Kind::Pool { kind: PoolKind::Average, window } => {
            let ones = Tensor::ones((1, input.positions()), DType::F32, values.device())?;
            let counts = sum(&under(*window, Shape { channels: 1, ..input }, &ones, 0.0)?)?;
            sum(&under(*window, input, values, 0.0)?)?.broadcast_div(&counts)?.flatten_from(1)
        }
        Kind::GlobalAverage => values.reshape(((), usize::from(input.channels), input.positions()))?.mean(2),
        Kind::Add { from, activation } => {
            let Some(earlier) = earlier.get(*from) else { bail!("no layer {from} to add") };
            activated(&(values + earlier)?, *activation)
        }
    }
}

/// Reorders a batch of tensors from channel planes to channels last.
fn places_first(values: &Tensor, input: Shape) -> Result<Tensor> {
    if input.channels == 1 || input.positions() == 1 {
        return Ok(values.clone());
    }
    let planes = values.reshape(((), usize::from(input.channels), input.positions()))?;
    planes.transpose(1, 2)?.contiguous()?.flatten_from(1)
}

/// Copies a variable to the device; a trained one becomes a variable there.
fn on_device(name: &'static str, variable: &Var, learns: bool, left: &mut Left, device: &Device) -> Result<Tensor> {
    let there = variable.as_tensor().detach().to_device(device)?;
    if !learns {
        return Ok(there);
    }
    // If both are on the processor, `to_device` copies nothing.
    let copy = Var::from_tensor(&there.copy()?)?;
    let tensor = copy.as_tensor().clone();
    left.copies.push((name, copy));
    Ok(tensor)
}

fn fully_connected(dense: &DenseNode, values: &Tensor, learns: bool, left: &mut Left) -> Result<Tensor> {
    let device = values.device();
    let weights = dense.weights.as_tensor().detach().to_device(device)?;
    let biases = dense.biases.as_tensor().detach().to_device(device)?;
    let mut sums = values.matmul(&weights)?.broadcast_add(&biases)?;
    if learns {
        let shift = Var::zeros(sums.shape(), DType::F32, device)?;
        sums = (sums + shift.as_tensor())?;
        left.dense = Some((values.detach(), shift));
    }
    match dense.activation {
        Activation::Linear => Ok(sums),
        Activation::Relu => above_zero(&sums),
        // 1 / (1 + e^-x)
        Activation::Sigmoid => (sums.neg()?.exp()? + 1.0)?.recip(),
    }
}

fn convolution(layer: &Node, conv: &ConvNode, values: &Tensor, learns: bool, left: &mut Left) -> Result<Tensor> {
    let (device, input) = (values.device(), layer.shape.input);
    let (outputs, area) = (usize::from(layer.shape.output.channels), conv.window.area());
    let Some((height, width)) = conv.window.output_size(input) else { bail!("no convolution of {input}") };
    let mut variable = |name, variable: &Var| on_device(name, variable, learns, left, device);
    let weights = variable("weights", &conv.weights)?;
    let covered = under(conv.window, input, values, 0.0)?;
    let mut sums = if conv.is_depthwise {
        let weights = weights.reshape((outputs, area))?;
        let products: Vec<Tensor> = covered
            .iter()
            .enumerate()
            .map(|(place, covered)| covered.broadcast_mul(&weights.narrow(1, place, 1)?))
            .collect::<Result<_>>()?;
        sum(&products)?
    } else {
        // Batch x (window position, channel) x output position.
        let covered = Tensor::cat(&covered, 1)?;
        let batch = covered.dim(0)?;
        weights.broadcast_left(batch)?.contiguous()?.matmul(&covered.contiguous()?)?
    };
    if let Some(norm) = &conv.norm {
        sums = if learns { normalized(norm, &sums, left)? } else { by_running_statistics(norm, &sums)? };
    } else {
        let biases = on_device("biases", &conv.biases, learns, left, device)?;
        sums = sums.broadcast_add(&biases.reshape((outputs, 1))?)?;
    }
    let shape = Shape { height, width, channels: layer.shape.output.channels };
    let values = activated(&sums.flatten_from(1)?, conv.activation)?;
    if conv.pool == 1 {
        return Ok(values);
    }
    // Rows and columns left over are dropped.
    let window = Window { padding: Padding::default(), ..Window::tiles(conv.pool) };
    largest(&under(window, shape, &values, f32::NEG_INFINITY)?)?.flatten_from(1)
}

/// Batch normalization of batch x channels x positions, by the batch's statistics.
fn normalized(norm: &NormNode, sums: &Tensor, left: &mut Left) -> Result<Tensor> {
    let device = sums.device();
    let gamma = on_device("gamma", &norm.gamma, true, left, device)?;
    let beta = on_device("beta", &norm.beta, true, left, device)?;
    let means = sums.mean_keepdim((0, 2))?;
    let centered = sums.broadcast_sub(&means)?;
    let variances = centered.sqr()?.mean_keepdim((0, 2))?;
    left.statistics = Some((means.detach().flatten_all()?, variances.detach().flatten_all()?));
    scaled(&centered.broadcast_div(&(variances + EPSILON)?.sqrt()?)?, &gamma, &beta)
}

fn by_running_statistics(norm: &NormNode, sums: &Tensor) -> Result<Tensor> {
    let there = |variable: &Var| variable.as_tensor().detach().to_device(sums.device());
    let column = |variable: &Var| there(variable)?.reshape(((), 1));
    let deviations = (column(&norm.variance)? + EPSILON)?.sqrt()?;
    let centered = sums.broadcast_sub(&column(&norm.mean)?)?.broadcast_div(&deviations)?;
    scaled(&centered, &there(&norm.gamma)?, &there(&norm.beta)?)
}

fn scaled(values: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<Tensor> {
    values.broadcast_mul(&gamma.reshape(((), 1))?)?.broadcast_add(&beta.reshape(((), 1))?)
}

fn activated(values: &Tensor, activation: ActivationName) -> Result<Tensor> {
    match activation {
        ActivationName::Relu => above_zero(values),
        ActivationName::Relu6 => {
            let is_inside = values.lt(6.0)?.to_dtype(DType::F32)?;
            let is_beyond = values.ge(6.0)?.to_dtype(DType::F32)?;
            above_zero(values)?.mul(&is_inside)? + (is_beyond * 6.0)?
        }
        // Checked recipes have no other activation functions here.
        ActivationName::Linear | ActivationName::Sigmoid => Ok(values.clone()),
    }
}

/// Returns values above 0, else 0, without a gradient at 0 itself. candle's relu has one there, and empty sums are
/// exactly 0.
fn above_zero(values: &Tensor) -> Result<Tensor> {
    values * values.gt(0.0)?.to_dtype(DType::F32)?
}

fn sum(tensors: &[Tensor]) -> Result<Tensor> {
    folded(tensors, |sum, next| sum + next)
}

fn largest(tensors: &[Tensor]) -> Result<Tensor> {
    folded(tensors, |largest, next| largest.maximum(next))
}

fn folded(tensors: &[Tensor], with: impl Fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let Some((first, rest)) = tensors.split_first() else { bail!("a window without elements") };
    rest.iter().try_fold(first.clone(), |so_far, next| with(&so_far, next))
}
