//! Adam, fused with the gradient it consumes.
//!
//! candle's optimizers take gradients as tensors: for the default recipe that is 1.3 MB of gradient to allocate, fill
//! and add up, and then a dozen passes over weights, moments and temporaries, which together cost many times the
//! arithmetic (6 s against 0.4 s for the article's 400 epochs). Here the gradient of a weight exists in a register:
//! [`FusedAdam`] computes a tile of `inputs^T * delta` and updates the tile's weights and moments at once, in place.

use std::sync::Mutex;

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;

use super::matrix::{Consume, Strided, tile_rows};

/// Adam's settings. Keras' defaults, epsilon included (PyTorch and candle take 1e-8).
///
/// # Source
/// D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 2, in the order of operations
/// given at its end (bias correction folded into the step size; epsilon is added to the uncorrected root).
#[derive(Clone, Copy, Debug)]
pub(super) struct AdamSettings {
    pub learning_rate: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
}

impl AdamSettings {
    pub(super) fn keras(learning_rate: f32) -> Self {
        Self { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }
    }

    /// The step size after `step` updates (1 for the first), with the bias corrections of both moments.
    fn step_size(self, step: u32) -> f32 {
        // Repeated multiplication in f64 rather than `powi`, whose result may differ between machines.
        let power = |base: f32| (0..step).fold(1.0_f64, |product, _| product * f64::from(base));
        let correction = (1.0 - power(self.beta2)).sqrt() / (1.0 - power(self.beta1));
        (f64::from(self.learning_rate) * correction) as f32
    }
}

/// The step shared by all parameters of one update.
#[derive(Clone, Copy, Debug)]
pub(super) struct AdamStep {
    step_size: f32,
    keep1: f32,
    keep2: f32,
    epsilon: f32,
}

impl AdamStep {
    pub(super) fn new(settings: AdamSettings, step: u32) -> Self {
        Self {
            step_size: settings.step_size(step),
            keep1: 1.0 - settings.beta1,
            keep2: 1.0 - settings.beta2,
            epsilon: settings.epsilon,
        }
    }

    #[inline(always)]
    fn update(&self, weight: &mut f32, moments: (&mut f32, &mut f32), gradient: f32) {
        let (first, second) = moments;
        *first += (gradient - *first) * self.keep1;
        *second += (gradient * gradient - *second) * self.keep2;
        *weight -= *first * self.step_size / (second.sqrt() + self.epsilon);
    }
}

/// A weight penalty added to the loss: `l1 * sum |w| + l2 * sum w^2`, as Keras' regularizers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Penalty {
    pub l1: f32,
    pub l2: f32,
}

impl Penalty {
    /// Added to the gradient of `weight`; 0 at 0, where the absolute value has no slope.
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

/// First and second moments of one parameter tensor.
#[derive(Debug)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

/// Adam's state for one dense layer: `weights` (inputs x outputs) and `biases` (outputs).
#[derive(Debug)]
pub(super) struct LayerAdam {
    weights: Mutex<Moments>,
    biases: Mutex<Moments>,
    penalty: Penalty,
}

impl LayerAdam {
    pub(super) fn new(inputs: usize, outputs: usize, penalty: Penalty) -> Self {
        let zeros = |count| Mutex::new(Moments { first: vec![0.0; count], second: vec![0.0; count] });
        Self { weights: zeros(inputs * outputs), biases: zeros(outputs), penalty }
    }

    /// One update of a layer from what came in, `inputs` (batch x inputs), and the loss's gradient by its
    /// pre-activations, `delta` (batch x outputs).
    pub(super) fn step(&self, step: AdamStep, parameters: (&Var, &Var), inputs: &Tensor, delta: &Tensor) -> Result<()> {
        let (weights, biases) = parameters;
        weights.as_tensor().inplace_op3(inputs, delta, &FusedAdam { state: self, step })?;
        biases.as_tensor().inplace_op2(delta, &BiasAdam { state: self, step })
    }
}

struct FusedAdam<'a> {
    state: &'a LayerAdam,
    step: AdamStep,
}

/// Rows of weights a task updates: enough work (some 50 microseconds for the default network) to be worth a thread.
const ROWS_A_TASK: usize = 256;

impl InplaceOp3 for FusedAdam<'_> {
    fn name(&self) -> &'static str {
        "fused-adam"
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
            bail!("fused-adam: weights {rows}x{columns}, inputs {batch}x{width}, delta {:?}", delta_layout.shape());
        }
        let inputs = contiguous(inputs, inputs_layout)?;
        let delta = contiguous(delta, delta_layout)?;
        let weights = contiguous_mut(weights, weights_layout)?;
        let gradient_rows = Strided::transposed(inputs, batch, rows);
        let mut moments = self.state.weights.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Moments { first, second } = &mut *moments;

        let chunk = ROWS_A_TASK * columns;
        let tasks = weights.par_chunks_mut(chunk).zip(first.par_chunks_mut(chunk)).zip(second.par_chunks_mut(chunk));
        tasks.enumerate().for_each(|(task, ((weights, first), second))| {
            let from = task * ROWS_A_TASK;
            let to = from + weights.len() / columns;
            let mut update =
                Update { step: self.step, penalty: self.state.penalty, from, columns, weights, first, second };
            tile_rows(gradient_rows, delta, columns, from..to, &mut update);
        });
        Ok(())
    }
}

/// Consumes the gradients of some rows of weights.
struct Update<'a> {
    step: AdamStep,
    penalty: Penalty,
    /// First row of the slices below.
    from: usize,
    columns: usize,
    weights: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl Consume for Update<'_> {
    #[inline(always)]
    fn consume<const N: usize>(&mut self, row: usize, column: usize, gradients: &[f32; N]) {
        let start = (row - self.from) * self.columns + column;
        let weights = &mut self.weights[start..start + N];
        let first = &mut self.first[start..start + N];
        let second = &mut self.second[start..start + N];
        // Decided once for N weights: the usual network has no penalty, and signs are not free.
        if self.penalty == Penalty::default() {
            for i in 0..N {
                self.step.update(&mut weights[i], (&mut first[i], &mut second[i]), gradients[i]);
            }
        } else {
            for i in 0..N {
                let gradient = gradients[i] + self.penalty.gradient(weights[i]);
                self.step.update(&mut weights[i], (&mut first[i], &mut second[i]), gradient);
            }
        }
    }
}

struct BiasAdam<'a> {
    state: &'a LayerAdam,
    step: AdamStep,
}

impl InplaceOp2 for BiasAdam<'_> {
    fn name(&self) -> &'static str {
        "bias-adam"
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
        let mut moments = self.state.biases.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Moments { first, second } = &mut *moments;
        let moments = first.iter_mut().zip(second.iter_mut());
        for ((bias, moments), gradient) in biases.iter_mut().zip(moments).zip(gradients) {
            self.step.update(bias, moments, gradient);
        }
        Ok(())
    }
}

/// The values of a contiguous `f32` tensor.
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
