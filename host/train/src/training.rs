//! Training of a network: epoch by epoch, until the last one, until patience runs out, or until the caller stops it.

use std::ops::ControlFlow;

use pinhole_core::photos::Dataset;
use serde::Serialize;

use super::accelerator::{Accelerator, AcceleratorError};
use super::checkpoint::TrainingState;
use super::layers::FloatLayer;
use super::network::{Network, values};
use super::quantization_aware::QuantizationAware;
use super::trainer::{Epoch, TrainError, Trainer};

/// Reason why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stopped {
    /// All epochs were run.
    Finished,
    /// The validation loss has not improved for as many epochs as the recipe's patience.
    Patience,
    /// The caller stopped it.
    Interrupted,
    /// In the epoch after the last one, a loss or a weight was no longer a finite number.
    Diverged,
}

/// Result of a training.
pub struct TrainingOutcome {
    /// The network after the best epoch.
    pub network: Network,
    /// All epochs. If training continued from a trained network that was measured first, epoch 0 is that network.
    pub epochs: Vec<Epoch>,
    /// The epoch with the lowest validation loss (the first of equal ones).
    pub best: Epoch,
    /// Reason why the training ended.
    pub stopped: Stopped,
}

/// Trains a new or pretrained network by the recipe it carries. All randomness comes from `seed`. After each epoch
/// `observe` gets its measurements and can end the training.
///
/// A network that [`super::transfer`] made with all its layers kept is measured first, as epoch 0. If no epoch is
/// better, the network is returned unchanged. So continuing never gives a higher validation loss than before.
///
/// The recipe's copies must have been added to `training` already.
///
/// A training that diverges keeps its best epoch so far. If it had none, or none better than the network that it continued from,
/// that is an error.
///
/// # Errors
/// [`TrainError`].
pub fn train(
    network: Network,
    training: &Dataset,
    validation: &Dataset,
    seed: u64,
    mut observe: impl FnMut(&Epoch) -> ControlFlow<()>,
) -> Result<TrainingOutcome, TrainError> {
    Training::new(network, training, validation, seed)?.run(|_, epoch| observe(epoch))
}

/// A training that can be observed, saved and resumed between two epochs; [`train`] runs one without a pause.
pub struct Training<'d> {
    trainer: Trainer<'d>,
    epochs: Vec<Epoch>,
    best: Option<Epoch>,
    /// The network after the best epoch. This memory is reused: new copies of a large network's weights for every
    /// better epoch would cost more than the training itself.
    kept: Vec<FloatLayer>,
}

impl<'d> Training<'d> {
    /// Creates a training before its first epoch; arguments as for [`train`].
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    pub fn new(network: Network, training: &'d Dataset, validation: &Dataset, seed: u64) -> candle_core::Result<Self> {
        let trainer = Trainer::new(network, training, validation, seed)?;
        Ok(Self { trainer, epochs: Vec::new(), best: None, kept: Vec::new() })
    }

    /// Returns the same training, computing gradients on `accelerator`.
    ///
    /// # Errors
    /// [`AcceleratorError`] if that is a graphics card and none can be used.
    pub fn on(mut self, accelerator: Accelerator) -> Result<Self, AcceleratorError> {
        if let Some(card) = accelerator.card()? {
            self.trainer.use_card(card);
        }
        Ok(self)
    }

    /// Creates a training by quantization-aware training. Its epochs measure the quantized network.
    /// The network must have neither dropout nor batch normalization.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    pub(crate) fn quantization_aware(
        quantization_aware: QuantizationAware<'d>,
        network: Network,
        training: &'d Dataset,
        validation: &Dataset,
        seed: u64,
    ) -> candle_core::Result<Self> {
        let new = Self::new(network, training, validation, seed)?;
        Ok(Self { trainer: new.trainer.with_quantization_aware(quantization_aware), ..new })
    }

    /// All epochs so far.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// The best epoch so far.
    pub fn best(&self) -> Option<&Epoch> {
        self.best.as_ref()
    }

    /// Returns the state that the rest of this training depends on, beside its inputs.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    pub fn state(&self) -> candle_core::Result<TrainingState> {
        Ok(TrainingState {
            epochs: self.epochs.clone(),
            best: values(self.kept.clone()),
            trainer: self.trainer.state()?,
        })
    }

    /// Restores the state of another training that was created with the same arguments. All further epochs are the
    /// same, to the last bit.
    ///
    /// # Errors
    /// [`TrainError::State`] if the state is that of another network, other data or other epochs. The training cannot
    /// be used then.
    pub fn restore(&mut self, state: TrainingState) -> Result<(), TrainError> {
        let first = self.first();
        let numbers_fit = state.epochs.iter().zip(first..).all(|(epoch, number)| epoch.epoch == number);
        let trained = state.epochs.last().map_or(0, |epoch| epoch.epoch);
        if !numbers_fit || trained > self.trainer.recipe().training.epochs {
            return Err(TrainError::State("its epochs are another's".into()));
        }
        self.best = None;
        for epoch in &state.epochs {
            if self.is_better(epoch) {
                self.best = Some(*epoch);
            }
        }
        if self.best.is_some() {
            let set = self.trainer.network().set_values(&state.best);
            set.map_err(|error| TrainError::State(error.to_string()))?;
            self.trainer.network().save_into(&mut self.kept)?;
        }
        self.epochs = state.epochs;
        self.trainer.restore(state.trainer, trained)
    }

    /// Runs the remaining epochs. After each, `observe` gets the training and the epoch's measurements, and can end the
    /// training.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn run(
        mut self,
        mut observe: impl FnMut(&Self, &Epoch) -> ControlFlow<()>,
    ) -> Result<TrainingOutcome, TrainError> {
        let stopped = loop {
            if let Some(stopped) = self.over() {
                break stopped;
            }
            let epoch = match self.next() {
                Ok(epoch) => epoch,
                // The epochs before count, unless there are none: epoch 0 is the network as it was given.
                Err(TrainError::Diverged(_)) if self.best.is_some_and(|best| best.epoch > 0) => {
                    break Stopped::Diverged;
                }
                Err(error) => return Err(error),
            };
            if observe(&self, &epoch).is_break() {
                break Stopped::Interrupted;
            }
        };
        let best = self.best.ok_or(TrainError::Nothing)?;
        let network = self.trainer.into_network();
        network.restore(self.kept)?;
        Ok(TrainingOutcome { network, epochs: self.epochs, best, stopped })
    }

    /// Returns the reason why the training is over, or `None` if epochs remain.
    fn over(&self) -> Option<Stopped> {
        let settings = &self.trainer.recipe().training;
        let last = self.epochs.last()?.epoch;
        let since_best = last - self.best.map_or(0, |best| best.epoch);
        if settings.patience.is_some_and(|patience| since_best >= patience) {
            return Some(Stopped::Patience);
        }
        (last >= settings.epochs).then_some(Stopped::Finished)
    }

    fn next(&mut self) -> Result<Epoch, TrainError> {
        let measures_start = self.epochs.is_empty() && self.first() == 0;
        let epoch = if measures_start { self.trainer.start()? } else { self.trainer.epoch()? };
        if self.is_better(&epoch) {
            self.best = Some(epoch);
            self.trainer.network().save_into(&mut self.kept)?;
        }
        self.epochs.push(epoch);
        Ok(epoch)
    }

    fn is_better(&self, epoch: &Epoch) -> bool {
        self.best.is_none_or(|best| epoch.validation_loss < best.validation_loss)
    }

    /// Returns the number of the first epoch: 0 if the network is measured first, else 1.
    fn first(&self) -> u32 {
        u32::from(!self.trainer.network().pretrained)
    }
}
