//! Optimizers, fused with the gradients they consume.
//!
//! candle's optimizers take gradients as tensors. For the default recipe that is 1.3 MB of gradient to allocate, fill
//! and add up, and then a dozen passes over weights, moments and temporaries. Together these cost many times the
//! arithmetic (6 s against 0.4 s for the article's 400 epochs). Here the gradient of a weight never leaves the
//! processor's cache: [`FusedUpdate`] computes a few rows of `inputs^T * delta` and at once updates the weights of these
//! rows and their state, in place. Each update rule is a [`Rule`], in a file of its own.

mod adam;
mod elementwise;
mod sgd;

use std::sync::Mutex;

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::adam::{Adam, AdamSettings, AdamStep, AdamWStep};
pub(super) use self::elementwise::TensorState;
use pinhole_core::recipe;

use self::sgd::SgdStep;
use super::matrix::{Matrix, Panels};
use super::simd::multiversion;

/// Update rule: how one update changes a parameter.
pub(super) trait Rule: Copy + Send + Sync {
    /// Updates `weight` by its `gradient`. `state` holds two numbers of the rule, both 0 before the first update.
    fn update(&self, weight: &mut f32, state: (&mut f32, &mut f32), gradient: f32);
}

/// Optimizer of a training; makes one [`OptimizerStep`] per update.
#[derive(Clone, Copy, Debug)]
pub(super) enum Optimizer {
    Adam(Adam),
    /// Adam and its weight decay.
    AdamW(Adam, f32),
    Sgd {
        momentum: f32,
        nesterov: bool,
    },
}

impl Optimizer {
    pub(super) fn new(settings: recipe::OptimizerSettings) -> Self {
        match settings {
            recipe::OptimizerSettings::Adam {} => Self::Adam(Adam::new(AdamSettings::KERAS)),
            recipe::OptimizerSettings::AdamW { weight_decay } => {
                Self::AdamW(Adam::new(AdamSettings::KERAS), weight_decay)
            }
            recipe::OptimizerSettings::Sgd { momentum, nesterov } => Self::Sgd { momentum, nesterov },
        }
    }

    /// Returns the step of the next update at this learning rate.
    pub(super) fn next(&mut self, learning_rate: f64) -> OptimizerStep {
        match self {
            Self::Adam(adam) => OptimizerStep::Adam(adam.next(learning_rate)),
            Self::AdamW(adam, decay) => {
                let decay = (learning_rate * f64::from(*decay)) as f32;
                OptimizerStep::AdamW(AdamWStep { adam: adam.next(learning_rate), decay })
            }
            Self::Sgd { momentum, nesterov } => {
                OptimizerStep::Sgd(SgdStep { rate: learning_rate as f32, momentum: *momentum, nesterov: *nesterov })
            }
        }
    }
}

/// Step of one update, the same for all parameters.
#[derive(Clone, Copy, Debug)]
pub(super) enum OptimizerStep {
    Adam(AdamStep),
    AdamW(AdamWStep),
    Sgd(SgdStep),
}

/// A weight penalty added to the loss: `l1 * sum |w| + l2 * sum w^2`, as Keras' regularizers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Penalty {
    pub l1: f32,
    pub l2: f32,
}

impl Penalty {
    /// Returns the penalty's gradient for `weight`: 0 at 0, where the absolute value has no slope.
    #[inline(always)]
    fn gradient(self, weight: f32) -> f32 {
        let sign = if weight > 0.0 {
            1.0
        } else if weight < 0.0 {
            -1.0
        } else {
            0.0
        };
        self.l1 * sign + 2.0 * self.l2 * weight
    }
}

/// The two numbers that a [`Rule`] keeps for each parameter of a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Moments {
    fn zeros(count: usize) -> Self {
        Self { first: vec![0.0; count], second: vec![0.0; count] }
    }

    /// Returns true if both hold the state of the same number of parameters.
    pub(super) fn has_size_of(&self, other: &Self) -> bool {
        (self.first.len(), self.second.len()) == (other.first.len(), other.second.len())
    }
}

/// Optimizer state of one dense layer, whose parameters are `weights` (inputs x outputs) and `biases` (outputs).
#[derive(Debug)]
pub(super) struct DenseState {
    weights: Mutex<Moments>,
    biases: Mutex<Moments>,
    penalty: Penalty,
}

impl DenseState {
    pub(super) fn new(inputs: usize, outputs: usize, penalty: Penalty) -> Self {
        let zeros = |count| Mutex::new(Moments::zeros(count));
        Self { weights: zeros(inputs * outputs), biases: zeros(outputs), penalty }
    }

    /// Returns the state of the weights, then of the biases.
    pub(super) fn moments(&self) -> [&Mutex<Moments>; 2] {
        [&self.weights, &self.biases]
    }

    /// Updates a layer once, from its `inputs` (batch x inputs) and `delta`, the loss's gradient by its pre-activations
    /// (batch x outputs).
    pub(super) fn update(
        &self,
        step: OptimizerStep,
        parameters: (&Var, &Var),
        inputs: &Tensor,
        delta: &Tensor,
    ) -> Result<()> {
        match step {
            OptimizerStep::Adam(rule) => self.update_by(rule, rule, parameters, inputs, delta),
            // Biases do not decay.
            OptimizerStep::AdamW(rule) => self.update_by(rule, rule.adam, parameters, inputs, delta),
            OptimizerStep::Sgd(rule) => self.update_by(rule, rule, parameters, inputs, delta),
        }
    }

    fn update_by<W: Rule, B: Rule>(
        &self,
        of_weights: W,
        of_biases: B,
        (weights, biases): (&Var, &Var),
        inputs: &Tensor,
        delta: &Tensor,
    ) -> Result<()> {
        weights.as_tensor().inplace_op3(inputs, delta, &FusedUpdate { state: self, rule: of_weights })?;
        biases.as_tensor().inplace_op2(delta, &BiasUpdate { state: self, rule: of_biases })
    }
}

struct FusedUpdate<'a, R> {
    state: &'a DenseState,
    rule: R,
}

/// Rows of weights per task: enough work to be worth a thread (some 50 microseconds for the default network).
const ROWS_A_TASK: usize = 256;

impl<R: Rule> InplaceOp3 for FusedUpdate<'_, R> {
    fn name(&self) -> &'static str {
        "fused-update"
    }

    fn cpu_fwd(
        &self,
        weights: &mut CpuStorage,
        weights_layout: &Layout,
        inputs: &CpuStorage,
        inputs_layout: &Layout,
        delta: &CpuStorage,
        delta_layout: &Layout,
    ) -> Result<()> {
        let (rows, columns) = weights_layout.shape().dims2()?;
        let (batch, width) = inputs_layout.shape().dims2()?;
        if width != rows || delta_layout.shape().dims2()? != (batch, columns) {
            bail!("fused-update: weights {rows}x{columns}, inputs {batch}x{width}, delta {:?}", delta_layout.shape());
        }
        let inputs = contiguous(inputs, inputs_layout)?;
        let delta = contiguous(delta, delta_layout)?;
        let weights = contiguous_mut(weights, weights_layout)?;
        let gradient_rows = Matrix::transposed(inputs, batch, rows);
        let mut state = self.state.weights.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Moments { first, second } = &mut *state;

        let chunk = ROWS_A_TASK * columns;
        let tasks = weights.par_chunks_mut(chunk).zip(first.par_chunks_mut(chunk)).zip(second.par_chunks_mut(chunk));
        tasks.enumerate().for_each(|(task, ((weights, first), second))| {
            let mut products = Panels::new(gradient_rows, delta, columns);
            let mut gradients = vec![0.0; Panels::HEIGHT * columns];
            let panel = gradients.len();
            let parts = weights.chunks_mut(panel).zip(first.chunks_mut(panel)).zip(second.chunks_mut(panel));
            for (i, ((weights, first), second)) in parts.enumerate() {
                let gradients = &mut gradients[..weights.len()];
                products.multiply(task * ROWS_A_TASK + i * Panels::HEIGHT, gradients);
                update(self.rule, self.state.penalty, weights, first, second, gradients);
            }
        });
        Ok(())
    }
}

multiversion! {
    /// Applies the gradients of some weights. All slices have the same length.
    fn update(
        rule: impl Rule,
        penalty: Penalty,
        weights: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
        gradients: &[f32],
    ) = update_portable;
}

#[inline(always)]
fn update_portable(
    rule: impl Rule,
    penalty: Penalty,
    weights: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
    gradients: &[f32],
) {
    let parameters = weights.iter_mut().zip(first.iter_mut().zip(second)).zip(gradients);
    // Checked once for all of them: the usual network has no penalty, and signs are not free.
    if penalty == Penalty::default() {
        for ((weight, state), &gradient) in parameters {
            rule.update(weight, state, gradient);
        }
    } else {
        for ((weight, state), &gradient) in parameters {
            let gradient = gradient + penalty.gradient(*weight);
            rule.update(weight, state, gradient);
        }
    }
}

struct BiasUpdate<'a, R> {
    state: &'a DenseState,
    rule: R,
}

impl<R: Rule> InplaceOp2 for BiasUpdate<'_, R> {
    fn name(&self) -> &'static str {
        "bias-update"
    }

    fn cpu_fwd(
        &self,
        biases: &mut CpuStorage,
        biases_layout: &Layout,
        delta: &CpuStorage,
        delta_layout: &Layout,
    ) -> Result<()> {
        let columns = biases_layout.shape().dims1()?;
        let delta = contiguous(delta, delta_layout)?;
        let biases = contiguous_mut(biases, biases_layout)?;
        let mut gradients = vec![0.0_f32; columns];
        for row in delta.chunks_exact(columns) {
            for (gradient, value) in gradients.iter_mut().zip(row) {
                *gradient += value;
            }
        }
        let mut state = self.state.biases.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Moments { first, second } = &mut *state;
        let state = first.iter_mut().zip(second.iter_mut());
        for ((bias, state), gradient) in biases.iter_mut().zip(state).zip(gradients) {
            self.rule.update(bias, state, gradient);
        }
        Ok(())
    }
}

/// Returns the values of a contiguous `f32` tensor.
pub(super) fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&storage.as_slice::<f32>()?[from..to]),
        None => bail!("the training operations take contiguous tensors, got strides {:?}", layout.stride()),
    }
}

fn contiguous_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (layout.contiguous_offsets(), storage) {
        (Some((from, to)), CpuStorage::F32(values)) => Ok(&mut values[from..to]),
        _ => bail!("the training operations update contiguous f32 tensors"),
    }
}
