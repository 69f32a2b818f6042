//! Display of a training: a bar on a terminal, or a line from time to time in a log.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pinhole_train::Epoch;

use super::super::output::{duration, note, progress};
use super::interrupt::Interrupt;

/// Time between lines in a log.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Display of a training that ends cleanly on Ctrl-C.
pub(super) struct ShownTraining {
    epochs: u32,
    /// Number of epochs that an earlier process ran.
    before: u32,
    patience: Option<u32>,
    /// `None` if Ctrl-C cannot be caught.
    interrupt: Option<Interrupt>,
    bar: ProgressBar,
    begun: Instant,
    /// Time of the last line in a log.
    told: Instant,
}

impl ShownTraining {
    pub(super) fn new(epochs: u32, before: u32, patience: Option<u32>) -> Self {
        let interrupt = Interrupt::catch();
        if let Err(reason) = &interrupt {
            note(&format!(
                "warning: Ctrl-C cannot be caught: {reason}; pressing it ends the training without a result"
            ));
        }
        let bar = progress(u64::from(epochs), "training");
        // The remaining time is computed here, because the library's estimate grows during a long epoch.
        let style = ProgressStyle::with_template("training {wide_bar} {pos}/{len}, {elapsed} elapsed{prefix}\n{msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_prefix("");
        bar.set_position(u64::from(before));
        // Epochs of a large network take long: the running clock shows that it is at work.
        bar.enable_steady_tick(Duration::from_secs(1));
        let now = Instant::now();
        Self { epochs, before, patience, interrupt: interrupt.ok(), bar, begun: now, told: now }
    }

    /// Shows the epoch.
    pub(super) fn show(&mut self, epoch: &Epoch, best: &Epoch) {
        let (line, left) = (line(epoch, best), self.left(epoch.epoch));
        if !std::io::stderr().is_terminal() && self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            note(&format!("epoch {} of {}: {line}{left}", epoch.epoch, self.epochs));
        }
        self.bar.set_position(u64::from(epoch.epoch));
        self.bar.set_prefix(left);
        self.bar.set_message(line);
    }

    pub(super) fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Returns true if Ctrl-C was pressed.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupt.as_ref().is_some_and(Interrupt::is_asked)
    }

    /// Clears the display; Ctrl-C ends the process again.
    pub(super) fn end(self) {
        if let Some(interrupt) = &self.interrupt {
            interrupt.release();
        }
        self.bar.finish_and_clear();
    }

    /// Returns the remaining time, if the epochs take as long as those before; empty if that is not known.
    fn left(&self, epoch: u32) -> String {
        let (run, left) = (epoch - self.before, self.epochs - epoch);
        if run == 0 || left == 0 {
            return String::new();
        }
        let time = self.begun.elapsed().mul_f64(f64::from(left) / f64::from(run));
        let at_most = if self.patience.is_some() { "at most " } else { "" };
        format!(", {at_most}{} left", duration(time))
    }
}

fn line(epoch: &Epoch, best: &Epoch) -> String {
    format!(
        "loss {:.3} accuracy {:.3}, validation {:.3} {:.3}, best {:.3} in epoch {}",
        epoch.training_loss,
        epoch.training_accuracy,
        epoch.validation_loss,
        epoch.validation_accuracy,
        best.validation_loss,
        best.epoch
    )
}
