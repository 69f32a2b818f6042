//! `pinhole quantize --fine-tune`.

use clap::Args;

use super::super::output::{duration, say};
use super::super::values::{at_least, positive};
use crate::app::quantize::{FineTune, FineTuning};

/// Arguments for fine-tuning.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fine-tuning by the device's integers (quantization-aware training)")]
pub(super) struct FineTuneArguments {
    /// Train on for this many epochs with the device's integers, to recover the accuracy that weights of few bits cost.
    /// The best epoch on validation photos is written: --validation, else a fifth of PHOTOS, held out by the run's seed
    /// as in training
    #[arg(long, value_name = "EPOCHS", conflicts_with = "limit", value_parser = at_least::<u32>(1))]
    fine_tune: Option<u32>,
    /// Initial learning rate, which falls to 0 [default: a tenth of the recipe's]
    #[arg(long, value_name = "RATE", value_parser = positive, requires = "fine_tune")]
    learning_rate: Option<f32>,
}

impl FineTuneArguments {
    pub(super) fn request(&self) -> Option<FineTune> {
        self.fine_tune.map(|epochs| FineTune { epochs, learning_rate: self.learning_rate })
    }
}

pub(super) fn print_fine_tuning(FineTuning { epochs, best_epoch, took, .. }: &FineTuning) {
    let epochs = epochs.last().map_or(0, |epoch| epoch.epoch);
    if *best_epoch == 0 {
        say!("fine-tuned for {epochs} epochs in {}: none was better than before", duration(*took));
    } else {
        say!("fine-tuned for {epochs} epochs in {}: best after epoch {best_epoch}", duration(*took));
    }
}
