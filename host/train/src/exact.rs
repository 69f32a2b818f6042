//! A training's other arithmetic, its teacher, and the network's numbers while a batch runs by it.

use candle_core::{Result, Tensor};
use pinhole_core::photos::Dataset;

use super::arithmetic::{Arithmetic, Stage};
use super::loss::Imitation;
use super::network::{FloatLayer, Network};
use super::trainer::TrainError;

/// What a network is trained by that goes by another arithmetic than floating point, imitating a network that does not.
pub(crate) struct Exact<'d> {
    arithmetic: Box<dyn Arithmetic>,
    teacher: Network,
    /// Pixels of the validation inputs.
    validation: Vec<&'d [u8]>,
    /// The network's own numbers while a batch runs.
    own: Vec<FloatLayer>,
}

impl<'d> Exact<'d> {
    /// `validation` is the training's.
    pub(crate) fn new(arithmetic: Box<dyn Arithmetic>, teacher: Network, validation: &'d Dataset) -> Self {
        let validation = validation.examples.iter().map(|example| &example.pixels[..]).collect();
        Self { arithmetic, teacher, validation, own: Vec::new() }
    }

    /// Logits of these inputs, in epoch `epoch`.
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

    /// [`Exact::logits`] of the validation inputs.
    ///
    /// # Errors
    /// As there.
    pub(super) fn validation_logits(
        &mut self,
        network: &Network,
        epoch: u32,
    ) -> std::result::Result<Vec<Vec<f32>>, TrainError> {
        self.take(network, epoch)?;
        Ok(self.arithmetic.logits(&self.validation))
    }

    /// Gives the network the other arithmetic's numbers in place of its own, until [`Exact::give_back`], and what its layers
    /// give for a batch.
    ///
    /// # Errors
    /// [`TrainError::Diverged`], [`TrainError::Candle`]; the network is of no use then.
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

    /// The loss of a batch's logits.
    pub(super) fn loss(&self, logits: &Tensor, batch: &[&[u8]]) -> Result<Tensor> {
        logits.apply_op1(Imitation { teacher: self.teacher.logits(batch)? })
    }

    /// Gives the network its own numbers back, for which the batch's gradients are.
    pub(super) fn give_back(&self, network: &Network) -> Result<()> {
        network.restore(self.own.clone())
    }

    fn take(&mut self, network: &Network, epoch: u32) -> std::result::Result<(), TrainError> {
        if self.arithmetic.take(network)? { Ok(()) } else { Err(TrainError::Diverged(epoch)) }
    }
}
