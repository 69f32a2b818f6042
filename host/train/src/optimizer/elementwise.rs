//! Updates from gradients that candle's autograd returns as tensors: those of convolutions and batch normalization.
//! These parameters are few beside the arithmetic that gives their gradients.

use std::sync::Mutex;

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, Var, bail};

use super::{Moments, OptimizerStep, Penalty, Rule, contiguous, contiguous_mut};

/// Optimizer state of one tensor of parameters.
#[derive(Debug)]
pub(crate) struct TensorState {
    state: Mutex<Moments>,
    penalty: Penalty,
    decays: bool,
}

impl TensorState {
    /// Creates the state of weights, which have the penalty, and decay where the optimizer has weight decay.
    pub(crate) fn of_weights(weights: &Var, penalty: Penalty) -> Self {
        Self { state: Mutex::new(Moments::zeros(weights.elem_count())), penalty, decays: true }
    }

    /// Creates the state of other parameters (biases, gamma, beta), which have no penalty and no decay.
    pub(crate) fn of_rest(parameters: &Var) -> Self {
        let state = Mutex::new(Moments::zeros(parameters.elem_count()));
        Self { state, penalty: Penalty::default(), decays: false }
    }

    pub(crate) fn moments(&self) -> &Mutex<Moments> {
        &self.state
    }

    /// Updates the parameters once, by the gradient of the loss.
    pub(crate) fn update(&self, step: OptimizerStep, parameters: &Var, gradient: &Tensor) -> Result<()> {
        let gradient = &gradient.contiguous()?;
        let parameters = parameters.as_tensor();
        match step {
            OptimizerStep::Adam(rule) => parameters.inplace_op2(gradient, &TensorUpdate { state: self, rule }),
            OptimizerStep::AdamW(rule) if self.decays => {
                parameters.inplace_op2(gradient, &TensorUpdate { state: self, rule })
            }
            OptimizerStep::AdamW(rule) => {
                parameters.inplace_op2(gradient, &TensorUpdate { state: self, rule: rule.adam })
            }
            OptimizerStep::Sgd(rule) => parameters.inplace_op2(gradient, &TensorUpdate { state: self, rule }),
        }
    }
}

struct TensorUpdate<'a, R> {
    state: &'a TensorState,
    rule: R,
}

impl<R: Rule> InplaceOp2 for TensorUpdate<'_, R> {
    fn name(&self) -> &'static str {
        "update"
    }

    fn cpu_fwd(
        &self,
        parameters: &mut CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<()> {
        let gradient = contiguous(gradient, gradient_layout)?;
        let parameters = contiguous_mut(parameters, layout)?;
        if parameters.len() != gradient.len() {
            bail!("update: {} parameters, {} gradients", parameters.len(), gradient.len());
        }
        let mut state = self.state.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Moments { first, second } = &mut *state;
        let state = first.iter_mut().zip(second.iter_mut());
        for ((parameter, state), gradient) in parameters.iter_mut().zip(state).zip(gradient) {
            let gradient = gradient + self.state.penalty.gradient(*parameter);
            self.rule.update(parameter, state, gradient);
        }
        Ok(())
    }
}
