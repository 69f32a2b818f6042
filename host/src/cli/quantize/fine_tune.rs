//! `pinhole quantize --fine-tune`.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use miette::Result;
use pinhole_train::finetune::{Settings, fine_tune};
use pinhole_train::runs::{self, Quantization, RunSummary};
use pinhole_train::{Epoch, Network, Outcome, Stopped};
use serde::Serialize;

use super::super::output::{duration, note, say, warn, warn_of_duplicates};
use super::super::terminal::Terminal;
use super::super::values::at_least;
use super::scores::{Models, Table, int8};
use super::{Made, Quantize};
use crate::app::load;
use crate::app::observer::Observer;

/// Whether and how to fine-tune.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fine-tuning by the device's integers")]
pub(super) struct FineTuneArguments {
    /// Train on for so many epochs by the integers that the device computes, to win back what few bits of weights cost.
    /// What is written is what was best on validation photos: --validation, else a fifth of PHOTOS, held out by the run's
    /// seed as in training
    #[arg(long, value_name = "EPOCHS", conflicts_with = "limit", value_parser = at_least::<u32>(1))]
    fine_tune: Option<u32>,
    /// Learning rate to start with, from where it falls to 0 [default: a tenth of the recipe's]
    #[arg(long, value_name = "RATE", value_parser = rate, requires = "fine_tune")]
    learning_rate: Option<f32>,
}

fn rate(text: &str) -> Result<f32, String> {
    let rate = text.parse().ok().filter(|rate: &f32| *rate > 0.0 && rate.is_finite());
    rate.ok_or_else(|| "give a positive number, such as 0.0001".to_owned())
}

/// How fine-tuning went.
#[derive(Debug, Serialize)]
pub(super) struct Progress {
    /// Of the integer network; first as it was quantized before.
    epochs: Vec<Epoch>,
    /// 0 for the network as it was quantized before.
    best_epoch: u32,
    #[serde(serialize_with = "name")]
    pub(super) stopped: Stopped,
    learning_rate: f32,
    seed: u64,
    #[serde(skip)]
    took: Duration,
}

fn name<S: serde::Serializer>(stopped: &Stopped, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&runs::stopped_name(*stopped))
}

impl FineTuneArguments {
    pub(super) const fn epochs(&self) -> Option<u32> {
        self.fine_tune
    }
}

impl Quantize {
    /// Fine-tunes with a progress bar; Ctrl-C ends it and keeps the best epoch so far.
    pub(super) fn fine_tuned(&self, network: &Network, summary: Option<&RunSummary>, epochs: u32) -> Result<Made> {
        let seed = summary.map_or(1, |run| run.seed);
        let validation = self.policy.validation();
        let data = load(&self.photos, validation, network.recipe.input(), Some(&network.classes), seed)?;
        warn(&data.warnings);
        warn_of_duplicates(&data.duplicates);
        if validation.is_none() && summary.is_some_and(|run| run.validation.is_some()) {
            note(
                "the photos held out here were trained on before, when the run had others to validate by: give those with \
                 --validation",
            );
        }
        let activations = self.activation_bits(summary);
        let settings = Settings { epochs, learning_rate: self.fine_tune.learning_rate, activations };
        let training = settings.recipe(network).training;
        let begun = Instant::now();
        let mut terminal = Terminal::new();
        let mut observer = Observer::begin(&training, 0, None, &mut terminal);
        let tuned = fine_tune(network, (&data.training, &data.validation), settings, seed, |training, epoch| {
            observer.observe(training, epoch)
        });
        let took = begun.elapsed();
        observer.end();
        let tuned = tuned?;
        let Outcome { network: tuned_network, epochs, best, stopped } = tuned.outcome;
        if stopped == Stopped::Interrupted {
            note("interrupted; keeping the best epoch so far");
        }
        let int8 = int8(network, &data.training, activations)?;
        let models = Models { written: &tuned.model, before: Some(&tuned.before), int8: int8.as_ref() };
        let table = Table::of(network, models, &data.validation)?;
        Ok(Made {
            model: tuned.model,
            network: tuned_network,
            photos: data.training,
            chose_epoch: validation.map(Path::to_owned),
            quantization: Some(Quantization { fine_tuned: true, ..Quantization::new(&network.recipe, activations) }),
            table: Some(table),
            progress: Some(Progress {
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

impl Progress {
    pub(super) fn print(&self) {
        let Self { best_epoch, took, .. } = self;
        let epochs = self.epochs.last().map_or(0, |epoch| epoch.epoch);
        if *best_epoch == 0 {
            say!("fine-tuned for {epochs} epochs in {}: none was better than before", duration(*took));
        } else {
            say!("fine-tuned for {epochs} epochs in {}: best after epoch {best_epoch}", duration(*took));
        }
    }
}
