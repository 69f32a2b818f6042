//! Quantization-aware training with distillation: the quantized model, a teacher, and the network's float parameters
//! while a batch runs.

use candle_core::{Result, Tensor};
use pinhole_core::photos::Dataset;

use super::fake_quantization::{FakeQuantization, FakeQuantized};
use super::layers::FloatLayer;
use super::loss::DistillationLoss;
use super::network::Network;
use super::trainer::TrainError;

/// Quantization-aware training: the forward pass has the quantized model's values (fake quantization), and the network
/// learns from a teacher that computes in floating point (distillation).
pub(crate) struct QuantizationAware<'d> {
    model: Box<dyn FakeQuantization>,
    teacher: Network,
    /// Pixels of the validation inputs.
    validation: Vec<&'d [u8]>,
    /// The network's float parameters while a batch runs.
    float_layers: Vec<FloatLayer>,
}

impl<'d> QuantizationAware<'d> {
    /// `validation` is the training's validation dataset.
    pub(crate) fn new(model: Box<dyn FakeQuantization>, teacher: Network, validation: &'d Dataset) -> Self {
        let validation = validation.examples.iter().map(|example| &example.pixels[..]).collect();
        Self { model, teacher, validation, float_layers: Vec::new() }
    }

    /// Returns the logits of these inputs in epoch `epoch`.
    ///
    /// # Errors
    /// [`TrainError::Diverged`], [`TrainError::Candle`].
    pub(super) fn logits(
        &mut self,
        network: &Network,
        inputs: &[&[u8]],
        epoch: u32,
    ) -> std::result::Result<Vec<Vec<f32>>, TrainError> {
        self.take(network, epoch)?;
        Ok(self.model.logits(inputs))
    }

    /// Returns [`QuantizationAware::logits`] of the validation inputs.
    ///
    /// # Errors
    /// As for [`QuantizationAware::logits`].
    pub(super) fn validation_logits(
        &mut self,
        network: &Network,
        epoch: u32,
    ) -> std::result::Result<Vec<Vec<f32>>, TrainError> {
        self.take(network, epoch)?;
        Ok(self.model.logits(&self.validation))
    }

    /// Replaces the network's parameters by the quantized ones, until [`QuantizationAware::restore_parameters`].
    /// Returns the outputs of all layers for a batch.
    ///
    /// # Errors
    /// [`TrainError::Diverged`], [`TrainError::Candle`]; the network cannot be used then.
    pub(super) fn quantize_parameters(
        &mut self,
        network: &Network,
        batch: &[&[u8]],
        epoch: u32,
    ) -> std::result::Result<Vec<FakeQuantized>, TrainError> {
        network.save_into(&mut self.float_layers)?;
        self.take(network, epoch)?;
        network.restore(self.model.layers())?;
        Ok(self.model.stages(batch))
    }

    /// Returns the distillation loss of a batch's logits.
    pub(super) fn loss(&self, logits: &Tensor, batch: &[&[u8]]) -> Result<Tensor> {
        logits.apply_op1(DistillationLoss { teacher: self.teacher.logits(batch)? })
    }

    /// Restores the network's float parameters, to which the batch's gradients are applied (straight-through
    /// estimator).
    pub(super) fn restore_parameters(&self, network: &Network) -> Result<()> {
        network.restore(self.float_layers.clone())
    }

    fn take(&mut self, network: &Network, epoch: u32) -> std::result::Result<(), TrainError> {
        if self.model.take(network)? { Ok(()) } else { Err(TrainError::Diverged(epoch)) }
    }
}
