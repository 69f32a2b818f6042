//! Fine-tuning by the device's integers: for networks whose quantization, to 4 bits say, costs accuracy.
//!
//! The network is quantized once, as ever, which fixes the scales of activations and what biases are corrected by. Then it
//! is trained on, and every update goes by the integers that the device would compute with the weights as they are: these
//! are quantized anew, and the engine runs the batch (`integers`). What is measured after an epoch is what the device
//! will do, and the model that comes out is the very one measured best. It may be the one before the first epoch, so
//! fine-tuning never makes the validation loss of the integer network worse.
//!
//! What is learned is to say what the float network says of each photo, and its variations. To go on from the labels would
//! move away from the epoch that was best for the float network, and lose more than rounding did.

mod integers;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use miette::Diagnostic;
use thiserror::Error;

pub(crate) use self::integers::Integers;
use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::{self, Dataset};
use pinhole_core::recipe::{Recipe, Schedule};

use crate::quantize::{ActivationBits, Calibration, QuantizeError};
use crate::{Epoch, Exact, Network, Outcome, TrainError, Training};

/// Share of the recipe's learning rate that fine-tuning starts with, where none is given.
pub const RATE_SHARE: f32 = 0.1;

/// How to fine-tune.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Passes over the training photos.
    pub epochs: u32,
    /// Learning rate of the first update, from where it falls to 0 by half a cosine; [`RATE_SHARE`] of the recipe's if
    /// absent.
    pub learning_rate: Option<f32>,
    /// Of activations between dense layers.
    pub activations: ActivationBits,
}

impl Settings {
    /// The recipe that a network is fine-tuned by: its own but for epochs and learning rate, without patience, and without
    /// dropout and batch normalization, which the device has not.
    pub fn recipe(&self, network: &Network) -> Recipe {
        let mut recipe = network.recipe.folded();
        let training = &mut recipe.training;
        training.epochs = self.epochs;
        training.learning_rate = self.learning_rate.unwrap_or(RATE_SHARE * training.learning_rate);
        training.schedule = Schedule::Cosine { warmup: 0, per_update: true };
        training.patience = None;
        recipe
    }
}

/// Why fine-tuning failed.
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

/// What fine-tuning leaves.
pub struct FineTuned {
    /// The network as it was quantized before.
    pub before: ModelFile,
    /// As it is quantized now.
    pub model: ModelFile,
    /// How it went: losses and accuracies are those of the integer network, epoch 0 is `before`, the network is the float
    /// one that `model` is made of, with batch normalization folded.
    pub outcome: Outcome,
}

/// Fine-tunes a trained network, whose recipe has the bits of its weights; all randomness from `seed`. It is calibrated on
/// the training photos. After each epoch `observe` sees the training and its measurements, and may end it.
///
/// # Errors
/// [`FineTuneError`].
pub fn fine_tune(
    network: &Network,
    (training, validation): (&Dataset, &Dataset),
    settings: Settings,
    seed: u64,
    observe: impl FnMut(&Training<'_>, &Epoch) -> ControlFlow<()>,
) -> Result<FineTuned, FineTuneError> {
    let calibration = Calibration::of(network, training, settings.activations)?;
    let before = calibration.quantize(network)?;
    let (teacher, mut start) = (network.folded()?, network.folded()?);
    start.recipe = settings.recipe(network);
    let integers = Integers::new(calibration.clone(), &start)?;
    let photos = photos::copies(training, &start.recipe.training.copies);
    let exact = Exact::new(Box::new(integers), teacher, validation);
    let outcome = Training::by(exact, start, &photos, validation, seed)?.run(observe)?;
    let model = calibration.quantize(&outcome.network)?;
    Ok(FineTuned { before, model, outcome })
}
