//! Fine-tuning with the device's integers (quantization-aware training), for networks that lose accuracy when
//! quantized, to 4 bits say.
//!
//! The network is first quantized as usual. This fixes the scales of activations and the means for bias correction.
//! Then it is trained further, and every update uses the integers that the device would compute: the current weights
//! are quantized, and the engine runs the batch (`integers`). So each epoch's measurements are those of the device, and
//! the returned model is the one measured best. It can be the model before the first epoch, so fine-tuning never makes
//! the validation loss of the integer network worse.
//!
//! Fine-tuning is distillation: the integer network learns to give the float network's probabilities for each photo and
//! its variations. Continuing from the labels would move away from the epoch that was best for the float network, and
//! lose more than rounding did.

mod integers;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use miette::Diagnostic;
use thiserror::Error;

pub(crate) use self::integers::IntegerModel;
use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::{self, Dataset};
use pinhole_core::recipe::{Recipe, Schedule};

use crate::quantize::{ActivationBits, Calibration, QuantizeError};
use crate::{Epoch, Network, QuantizationAware, TrainError, Training, TrainingOutcome};

/// Default share of the recipe's learning rate that fine-tuning starts with.
pub const RATE_SHARE: f32 = 0.1;

/// Settings of fine-tuning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FineTuneSettings {
    /// Number of epochs.
    pub epochs: u32,
    /// Learning rate of the first update, from which it falls to 0 by half a cosine. Default: [`RATE_SHARE`] of the
    /// recipe's.
    pub learning_rate: Option<f32>,
    /// Bits of activations between dense layers.
    pub activations: ActivationBits,
}

impl FineTuneSettings {
    /// Returns the recipe for fine-tuning: the network's own, with these epochs and learning rate. It has no patience,
    /// and neither dropout nor batch normalization, which the device does not have.
    pub fn recipe(&self, network: &Network) -> Recipe {
        let mut recipe = network.recipe.folded();
        let training = &mut recipe.training;
        training.epochs = self.epochs;
        training.learning_rate = self.learning_rate.unwrap_or(RATE_SHARE * training.learning_rate);
        training.schedule = Schedule::Cosine { warmup: 0, per_update: true };
        training.patience = None;
        training.frozen_epochs = 0;
        recipe
    }
}

/// Error of fine-tuning.
#[derive(Debug, Error, Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
#[allow(missing_docs, reason = "each variant is another error as it is")]
pub enum FineTuneError {
    Quantize(#[from] QuantizeError),
    Train(#[from] TrainError),
}

impl From<candle_core::Error> for FineTuneError {
    fn from(error: candle_core::Error) -> Self {
        Self::Train(error.into())
    }
}

/// Result of fine-tuning.
pub struct FineTuned {
    /// The model before fine-tuning.
    pub before: ModelFile,
    /// The model after fine-tuning.
    pub model: ModelFile,
    /// Training history. Losses and accuracies are those of the integer network; epoch 0 is `before`. The network is
    /// the float one that `model` is made from, with batch normalization folded.
    pub outcome: TrainingOutcome,
}

/// Fine-tunes a trained network, whose recipe has the bits of its weights. All randomness comes from `seed`. It is
/// calibrated on the training photos. After each epoch `observe` gets the training and its measurements, and can end
/// it.
///
/// # Errors
/// [`FineTuneError`].
pub fn fine_tune(
    network: &Network,
    (training, validation): (&Dataset, &Dataset),
    settings: FineTuneSettings,
    seed: u64,
    observe: impl FnMut(&Training<'_>, &Epoch) -> ControlFlow<()>,
) -> Result<FineTuned, FineTuneError> {
    let calibration = Calibration::of(network, training, settings.activations)?;
    let before = calibration.quantize(network)?;
    let (teacher, mut start) = (network.folded()?, network.folded()?);
    start.recipe = settings.recipe(network);
    let integers = IntegerModel::new(calibration.clone(), &start)?;
    let photos = photos::copies(training, &start.recipe.training.copies);
    let quantization_aware = QuantizationAware::new(Box::new(integers), teacher, validation);
    let outcome = Training::quantization_aware(quantization_aware, start, &photos, validation, seed)?.run(observe)?;
    let model = calibration.quantize(&outcome.network)?;
    Ok(FineTuned { before, model, outcome })
}
