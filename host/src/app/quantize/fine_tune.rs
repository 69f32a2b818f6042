//! Fine-tuning with the device's integer arithmetic, before a model is written.

use std::path::Path;
use std::time::{Duration, Instant};

use pinhole_train::finetune::{FineTuneSettings, fine_tune};
use pinhole_train::runs::{self, Quantization, RunSummary};
use pinhole_train::{Epoch, Network, Stopped, TrainingOutcome};
use serde::Serialize;

use super::super::events::{Events, Note, tell_of_enlarged, tell_of_photos};
use super::super::job::load;
use super::super::observer::Observer;
use super::scores::{ScoreTable, ScoredModels, int8};
use super::{Made, QuantizationError, QuantizeRequest};

/// Settings of fine-tuning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FineTune {
    /// Number of epochs.
    pub epochs: u32,
    /// Learning rate at the start; if absent, a tenth of the recipe's.
    pub learning_rate: Option<f32>,
}

/// Results of fine-tuning.
#[derive(Clone, Debug, Serialize)]
pub struct FineTuning {
    /// Epochs of the integer network; the first is the network as quantized, before fine-tuning.
    pub epochs: Vec<Epoch>,
    /// Number of the best epoch; 0 is the network as quantized, before fine-tuning.
    pub best_epoch: u32,
    /// Reason why it ended.
    #[serde(serialize_with = "name")]
    pub stopped: Stopped,
    /// Learning rate at the start.
    pub learning_rate: f32,
    /// Seed of all randomness.
    pub seed: u64,
    /// Duration.
    #[serde(skip)]
    pub took: Duration,
}

fn name<S: serde::Serializer>(stopped: &Stopped, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&runs::stopped_name(*stopped))
}

impl QuantizeRequest {
    /// Fine-tunes, and keeps the best epoch.
    pub(super) fn fine_tuned(
        &self,
        network: &Network,
        summary: Option<&RunSummary>,
        FineTune { epochs, learning_rate }: FineTune,
        events: &mut dyn Events,
    ) -> Result<Made, QuantizationError> {
        let seed = summary.map_or(1, |run| run.seed);
        let validation = self.policy.validation.as_deref();
        let data = load(
            (&self.photos, validation),
            &self.options,
            network.recipe.input(),
            Some(&network.classes),
            seed,
            events,
        )?;
        tell_of_photos(&data.warnings, &data.duplicates, &data.series, events);
        tell_of_enlarged(data.enlarged, data.training.input, events);
        if validation.is_none() && summary.is_some_and(|run| run.validation.is_some()) {
            events.note(&Note::HeldOutWereTrainedOn);
        }
        let activations = self.activation_bits(summary);
        let settings = FineTuneSettings { epochs, learning_rate, activations };
        let training = settings.recipe(network).training;
        let begun = Instant::now();
        let mut observer = Observer::begin(&training, 0, None, events);
        let tuned = fine_tune(network, (&data.training, &data.validation), settings, seed, |training, epoch| {
            observer.observe(training, epoch)
        });
        let took = begun.elapsed();
        observer.end();
        let tuned = tuned?;
        let TrainingOutcome { network: tuned_network, epochs, best, stopped } = tuned.outcome;
        match stopped {
            Stopped::Interrupted => events.note(&Note::Interrupted { can_resume: false }),
            Stopped::Diverged => events.note(&Note::Diverged { best: best.epoch }),
            Stopped::Finished | Stopped::Patience => {}
        }
        let int8 = int8(network, &data.training, activations)?;
        let models = ScoredModels { written: &tuned.model, before: Some(&tuned.before), int8: int8.as_ref() };
        let table = ScoreTable::of(network, models, &data.validation)?;
        Ok(Made {
            model: tuned.model,
            network: tuned_network,
            photos: data.training,
            chose_epoch: validation.map(Path::to_owned),
            quantization: Some(Quantization { fine_tuned: true, ..Quantization::new(&network.recipe, activations) }),
            table: Some(table),
            fine_tuning: Some(FineTuning {
                epochs,
                best_epoch: best.epoch,
                stopped,
                learning_rate: training.learning_rate,
                seed,
                took,
            }),
        })
    }
}
