//! Forward and backward pass of a batch, in candle's own operations.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var, bail};

use crate::layers::Trace;
use crate::network::Network;
use crate::spatial::BatchStatistics;

/// A forward pass on a device, before its backward pass.
pub(crate) struct Pass {
    /// Logits, batch x classes, on the device.
    logits: Tensor,
    /// Values of each layer for the backward pass, on the device.
    left: Vec<Left>,
}

/// Values of a layer for its backward pass.
#[derive(Default)]
pub(crate) struct Left {
    /// Copies, on the device, of the layer's trained variables, by their names.
    copies: Vec<(&'static str, Var)>,
    /// For a dense layer, its inputs, and zeros added to its pre-activations; their gradient is that of the
    /// pre-activations.
    pub dense: Option<(Tensor, Var)>,
    /// For batch normalization, means and variances.
    pub statistics: Option<(Tensor, Tensor)>,
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
        let mut earlier: Vec<Option<Tensor>> = Vec::with_capacity(network.layers.len());
        let mut left = Vec::with_capacity(network.layers.len());
        for (index, (layer, mask)) in network.layers.iter().zip(masks).enumerate() {
            let mut of_layer = Left::default();
            let learning = (index >= network.frozen).then_some(&mut of_layer);
            values = layer.kind.run_on_device(&values, &earlier, learning)?;
            if let Some(mask) = mask {
                values = (values * mask.to_device(device)?)?;
            }
            earlier.push(Some(values.clone()));
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
    /// Gradients by the names of the variables.
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
            let seen = BatchStatistics { means: doubles(means)?, variances: doubles(variances)? };
            *gradients.trace.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(seen);
        }
        Ok(gradients)
    }
}

/// Copies a variable to the device. In training, with `left`, the copy is a variable there, whose gradient is taken.
pub(crate) fn on_device(
    name: &'static str,
    variable: &Var,
    device: &Device,
    left: Option<&mut Left>,
) -> Result<Tensor> {
    let there = variable.as_tensor().detach().to_device(device)?;
    let Some(left) = left else { return Ok(there) };
    // If both are on the processor, `to_device` copies nothing.
    let copy = Var::from_tensor(&there.copy()?)?;
    let tensor = copy.as_tensor().clone();
    left.copies.push((name, copy));
    Ok(tensor)
}
