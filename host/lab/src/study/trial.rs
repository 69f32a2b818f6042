//! One trial (training) of a study, and its record on disk.

use std::ops::ControlFlow;

use pinhole_train::runs::JobError;
use pinhole_train::{Epoch, TrainError, Trainer, arg_max, softmax};
use serde::{Deserialize, Serialize};

use super::plan::{Split, StudyPlan, Trial};
use super::{StudyError, StudyPhotos, System};

/// Record of a trial: its curves, and its decisions on the photos that it was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// The trial's key in the plan: a digest of all that the record depends on.
    pub key: String,
    /// Name of the system.
    pub system: String,
    /// Seed.
    pub seed: u64,
    /// Split: the held-out photos.
    pub split: Split,
    /// Epoch in which the loss was no longer a number; absent if it always was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<u32>,
    /// Measurements after each epoch, from the first.
    pub curves: Curves,
    /// Results after the epoch with the least validation loss (the first of equal ones). These photos chose the epoch, so the
    /// results are optimistic. Absent if the first epoch diverged.
    pub best: Option<EpochScores>,
    /// Results after the last epoch, which nobody chose. Absent if a loss was no longer a number before.
    pub last: Option<EpochScores>,
}

/// Measurements by epoch, from the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// Cross-entropy of the training batches, measured during training, nats.
    pub training_loss: Vec<f64>,
    /// Accuracy on the training batches, likewise.
    pub training_accuracy: Vec<f64>,
    /// Cross-entropy of the held-out photos, nats.
    pub validation_loss: Vec<f64>,
    /// Accuracy on the held-out photos.
    pub validation_accuracy: Vec<f64>,
}

/// A network's results on its held-out photos after one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochScores {
    /// Epoch, counted from 1.
    pub epoch: u32,
    /// Decided class of each held-out photo, in the plan's order.
    pub decisions: Vec<u16>,
    /// Probability of that class.
    pub probabilities: Vec<f64>,
}

impl TrialRecord {
    /// Returns true if lists and epochs are consistent with each other and with the held-out photos, as far as code relies on it.
    pub(super) fn is_sound(&self, held_out: usize) -> bool {
        let Curves { training_loss, training_accuracy, validation_loss, validation_accuracy } = &self.curves;
        let epochs = validation_loss.len();
        let lists = [training_loss, training_accuracy, validation_accuracy];
        lists.iter().all(|list| list.len() == epochs)
            && [&self.best, &self.last].into_iter().flatten().all(|scores| {
                (1..=epochs).contains(&(scores.epoch as usize))
                    && scores.decisions.len() == held_out
                    && scores.probabilities.len() == held_out
                    && scores.probabilities.iter().all(|probability| (0.0..=1.0).contains(probability))
            })
            && (self.last.is_some() || self.diverged.is_some())
            && (self.last.is_none() || self.best.is_some())
    }
}

impl Curves {
    fn push(&mut self, epoch: &Epoch) {
        self.training_loss.push(epoch.training_loss);
        self.training_accuracy.push(epoch.training_accuracy);
        self.validation_loss.push(epoch.validation_loss);
        self.validation_accuracy.push(epoch.validation_accuracy);
    }
}

impl EpochScores {
    fn of(epoch: u32, logits: &[Vec<f32>]) -> Self {
        let decisions: Vec<usize> = logits.iter().map(|row| arg_max(row)).collect();
        let probabilities = logits.iter().zip(&decisions).map(|(row, &class)| softmax(row)[class]).collect();
        Self { epoch, decisions: decisions.iter().map(|&class| class as u16).collect(), probabilities }
    }
}

/// Trains one trial for all of its recipe's epochs, on the calling thread's rayon pool. `go_on` is asked after every epoch;
/// the result is `None` if it said no.
///
/// # Errors
/// [`StudyError::Job`] if memory cannot be allocated. A training that diverges is a result, not an error.
pub(super) fn run(
    plan: &StudyPlan,
    trial: Trial,
    photos: &StudyPhotos,
    system: &System,
    mut go_on: impl FnMut() -> ControlFlow<()>,
) -> Result<Option<TrialRecord>, StudyError> {
    let (training, validation) = plan.data(trial, photos, system);
    let network = system.network(&training.classes, trial.seed)?;
    let settings = system.recipe.training.clone();
    let mut trainer = Trainer::new(network, &training, &validation, trial.seed).map_err(JobError::from)?;
    let mut record = TrialRecord {
        key: plan.key(trial),
        system: system.name.clone(),
        seed: trial.seed,
        split: trial.split,
        diverged: None,
        curves: Curves::default(),
        best: None,
        last: None,
    };
    let mut least = f64::INFINITY;
    for number in 1..=settings.epochs {
        let epoch = match trainer.epoch() {
            Ok(epoch) => epoch,
            Err(TrainError::Diverged(epoch)) => {
                record.diverged = Some(epoch);
                break;
            }
            Err(error) => return Err(JobError::from(error).into()),
        };
        record.curves.push(&epoch);
        if epoch.validation_loss < least {
            least = epoch.validation_loss;
            record.best = Some(EpochScores::of(number, trainer.validation_logits()));
        }
        // All epochs are run: a recipe's patience would choose the last epoch by the very photos that evaluate it.
        if number == settings.epochs {
            record.last = Some(EpochScores::of(number, trainer.validation_logits()));
            break;
        }
        if go_on().is_break() {
            return Ok(None);
        }
    }
    Ok(Some(record))
}
