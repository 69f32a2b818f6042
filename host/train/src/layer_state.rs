//! Optimizer state of each layer, kept from one update to the next.

use std::sync::Mutex;

use candle_core::{Result, Tensor, Var, bail};

use super::network::{ConvNode, DenseNode, Kind, Node, Trace};
use super::optimizer::{DenseState, Moments, Step, TensorState};
use super::spatial::Statistics;

/// Momentum of the running statistics: the share that an update keeps; the rest is the batch's. Keras' default of 0.99
/// is for longer epochs. Here an epoch has some dozens of updates, within which the statistics must follow.
const MOMENTUM: f64 = 0.95;

/// Optimizer state of one layer.
pub(super) enum LayerState {
    Dense(DenseState),
    /// State of the weights, and of the biases or else of gamma and beta.
    Conv(TensorState, Vec<TensorState>),
    /// The layer has no parameters.
    None,
}

impl LayerState {
    /// Creates the state before the first update.
    pub(super) fn new(layer: &Node) -> Result<Self> {
        Ok(match &layer.kind {
            Kind::Dense(dense) => {
                let (inputs, outputs) = dense.weights.dims2()?;
                Self::Dense(DenseState::new(inputs, outputs, layer.penalty))
            }
            Kind::Conv(conv) => {
                let rest = match &conv.norm {
                    Some(norm) => vec![TensorState::of_rest(&norm.gamma), TensorState::of_rest(&norm.beta)],
                    None => vec![TensorState::of_rest(&conv.biases)],
                };
                Self::Conv(TensorState::of_weights(&conv.weights, layer.penalty), rest)
            }
            Kind::Pool { .. } | Kind::GlobalAverage | Kind::Add { .. } => Self::None,
        })
    }

    /// Returns the optimizer's numbers for each of the layer's tensors.
    pub(super) fn moments(&self) -> Vec<&Mutex<Moments>> {
        match self {
            Self::Dense(state) => state.moments().to_vec(),
            Self::Conv(weights, rest) => std::iter::once(weights).chain(rest).map(TensorState::moments).collect(),
            Self::None => Vec::new(),
        }
    }

    /// Updates the layer once, from what the forward and backward passes left in `trace`. `gradient` returns the loss's
    /// gradient by one of the layer's variables, given its name.
    pub(super) fn update(
        &self,
        step: Step,
        layer: &Node,
        trace: &Trace,
        gradient: &dyn Fn(&'static str, &Var) -> Option<Tensor>,
    ) -> Result<()> {
        match (self, &layer.kind) {
            (Self::Dense(state), Kind::Dense(DenseNode { weights, biases, .. })) => {
                let factors = trace.factors.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
                let Some((inputs, delta)) = factors else { bail!("a layer got no gradient") };
                state.update(step, (weights, biases), &inputs, &delta)
            }
            (Self::Conv(weights, rest), Kind::Conv(conv)) => {
                let update = |state: &TensorState, name, variable: &Var| {
                    let Some(gradient) = gradient(name, variable) else { bail!("a layer got no gradient") };
                    state.update(step, variable, &gradient)
                };
                update(weights, "weights", &conv.weights)?;
                match (&conv.norm, &rest[..]) {
                    (Some(norm), [gamma, beta]) => {
                        update(gamma, "gamma", &norm.gamma)?;
                        update(beta, "beta", &norm.beta)?;
                    }
                    (None, [biases]) => update(biases, "biases", &conv.biases)?,
                    _ => bail!("the optimizer's state is another layer's"),
                }
                follow(conv, trace)
            }
            _ => Ok(()),
        }
    }
}

/// Moves the running statistics toward those of the batch.
fn follow(conv: &ConvNode, trace: &Trace) -> Result<()> {
    let Some(norm) = &conv.norm else { return Ok(()) };
    let seen = trace.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
    let Some(Statistics { means, variances }) = seen else { bail!("batch normalization saw no batch") };
    for (running, seen) in [(&norm.mean, means), (&norm.variance, variances)] {
        let mut values = running.as_tensor().to_vec1::<f32>()?;
        for (value, seen) in values.iter_mut().zip(seen) {
            *value = (MOMENTUM * f64::from(*value) + (1.0 - MOMENTUM) * seen) as f32;
        }
        running.set(&Tensor::from_vec(values, running.shape(), running.device())?)?;
    }
    Ok(())
}
