//! Quantization-aware training with distillation: an arithmetic, a teacher, and the network's own numbers while a batch
//! runs.

use candle_core::{Result, Tensor};
use pinhole_core::photos::Dataset;

use super::arithmetic::{Arithmetic, Stage};
use super::layers::FloatLayer;
use super::loss::Imitation;
use super::network::Network;
use super::trainer::TrainError;

/// Quantization-aware training: the network computes by other arithmetic than floating point, and learns from a teacher
/// that computes in floating point (distillation).
pub(crate) struct Exact<'d> {
    arithmetic: Box<dyn Arithmetic>,
    teacher: Network,
    /// Pixels of the validation inputs.
    validation: Vec<&'d [u8]>,
    /// The network's own parameters while a batch runs.
    own: Vec<FloatLayer>,
}

impl<'d> Exact<'d> {
    /// `validation` is the training's validation dataset.
    pub(crate) fn new(arithmetic: Box<dyn Arithmetic>, teacher: Network, validation: &'d Dataset) -> Self {
        let validation = validation.examples.iter().map(|example| &example.pixels[..]).collect();
        Self { arithmetic, teacher, validation, own: Vec::new() }
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
        Ok(self.arithmetic.logits(inputs))
    }

    /// Returns [`Exact::logits`] of the validation inputs.
    ///
    /// # Errors
    /// As for [`Exact::logits`].
    pub(super) fn validation_logits(
        &mut self,
        network: &Network,
        epoch: u32,
    ) -> std::result::Result<Vec<Vec<f32>>, TrainError> {
        self.take(network, epoch)?;
        Ok(self.arithmetic.logits(&self.validation))
    }

    /// Replaces the network's parameters by those of the other arithmetic, until [`Exact::give_back`]. Returns the
    /// outputs of all layers for a batch.
    ///
    /// # Errors
    /// [`TrainError::Diverged`], [`TrainError::Candle`]; the network cannot be used then.
    pub(super) fn lend(
        &mut self,
        network: &Network,
        batch: &[&[u8]],
        epoch: u32,
    ) -> std::result::Result<Vec<Stage>, TrainError> {
        network.save_into(&mut self.own)?;
        self.take(network, epoch)?;
        network.restore(self.arithmetic.layers())?;
        Ok(self.arithmetic.stages(batch))
    }

    /// Returns the distillation loss of a batch's logits.
    pub(super) fn loss(&self, logits: &Tensor, batch: &[&[u8]]) -> Result<Tensor> {
        logits.apply_op1(Imitation { teacher: self.teacher.logits(batch)? })
    }

    /// Restores the network's own parameters, to which the batch's gradients are applied (straight-through estimator).
    pub(super) fn give_back(&self, network: &Network) -> Result<()> {
        network.restore(self.own.clone())
    }

    fn take(&mut self, network: &Network, epoch: u32) -> std::result::Result<(), TrainError> {
        if self.arithmetic.take(network)? { Ok(()) } else { Err(TrainError::Diverged(epoch)) }
    }
}
