//! What goes on beside a training: what it shows, its checkpoints, and Ctrl-C.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use miette::{IntoDiagnostic, Result, WrapErr};
use pinhole_core::artifacts::write_file;
use pinhole_core::recipe;
use pinhole_train::{Checkpoint, Epoch, Identity, Training};

use super::super::INTERRUPTED;
use super::super::output::{duration, note, progress};

/// What a crash costs at most, beside the epoch it falls into.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

/// How often a log is to show that the training goes on.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Whether Ctrl-C was pressed. While training, the first one asks it to stop; a second one, or one at any other time,
/// ends the process.
pub(in crate::cli) struct Interrupt(&'static AtomicBool);

impl Interrupt {
    /// From here on the first Ctrl-C only asks. To be called once in a process.
    pub(in crate::cli) fn catch() -> Result<Self> {
        static TRAINING: AtomicBool = AtomicBool::new(false);
        let handler = || {
            if !TRAINING.swap(false, Ordering::SeqCst) {
                std::process::exit(i32::from(INTERRUPTED));
            }
        };
        TRAINING.store(true, Ordering::SeqCst);
        ctrlc::set_handler(handler).into_diagnostic().wrap_err("Ctrl-C cannot be caught")?;
        Ok(Self(&TRAINING))
    }

    fn is_asked(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }

    /// From here on Ctrl-C ends the process.
    pub(in crate::cli) fn release(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// Looks at a training after every epoch.
pub(in crate::cli) struct Observer<'a> {
    settings: &'a recipe::Training,
    interrupt: &'a Interrupt,
    bar: ProgressBar,
    /// Epochs that an earlier process has run.
    before: u32,
    begun: Instant,
    /// When a log last had a line.
    told: Instant,
    /// File of the checkpoint, and what it is a checkpoint of; `None` if none is kept.
    kept: Option<(&'a Path, Identity)>,
    /// When it was last written, or tried to.
    saved: Instant,
    /// Whether the file has the last epoch looked at.
    is_saved: bool,
    warned: bool,
}

impl<'a> Observer<'a> {
    pub(in crate::cli) fn new(
        settings: &'a recipe::Training,
        before: u32,
        kept: Option<(&'a Path, Identity)>,
        interrupt: &'a Interrupt,
    ) -> Self {
        let bar = progress(u64::from(settings.epochs), "training");
        // The time left is ours: that of the library swells while a long epoch runs.
        let style = ProgressStyle::with_template("training {wide_bar} {pos}/{len}, {elapsed} gone{prefix}\n{msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_prefix("");
        bar.set_position(u64::from(before));
        // A large network's epochs take long: the clock shows that it is at work.
        bar.enable_steady_tick(Duration::from_secs(1));
        let now = Instant::now();
        Self {
            settings,
            interrupt,
            bar,
            before,
            begun: now,
            told: now,
            kept,
            saved: now,
            is_saved: false,
            warned: false,
        }
    }

    /// Shows the epoch, keeps a checkpoint where it is time for one, and says whether to go on.
    pub(in crate::cli) fn observe(&mut self, training: &Training<'_>, epoch: &Epoch) -> ControlFlow<()> {
        let (line, left) = (line(epoch, training.best().unwrap_or(epoch)), self.left(epoch.epoch));
        if !std::io::stderr().is_terminal() && self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            note(&format!("epoch {} of {}: {line}{left}", epoch.epoch, self.settings.epochs));
        }
        self.bar.set_position(u64::from(epoch.epoch));
        self.bar.set_prefix(left);
        self.bar.set_message(line);
        let ends = self.interrupt.is_asked();
        self.is_saved = false;
        if ends || self.saved.elapsed() >= CHECKPOINT_EVERY {
            self.save(training);
        }
        if ends { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Clears what is on the terminal. Returns whether a checkpoint has the last epoch.
    pub(in crate::cli) fn end(self) -> bool {
        self.bar.finish_and_clear();
        self.is_saved
    }

    /// How long the epochs that are left take, if as long as those before; nothing if that is not known.
    fn left(&self, epoch: u32) -> String {
        let (run, left) = (epoch - self.before, self.settings.epochs - epoch);
        if run == 0 || left == 0 {
            return String::new();
        }
        let time = self.begun.elapsed().mul_f64(f64::from(left) / f64::from(run));
        let at_most = if self.settings.patience.is_some() { "at most " } else { "" };
        format!(", {at_most}{} left", duration(time))
    }

    /// A checkpoint that cannot be kept is no reason to lose the training too.
    fn save(&mut self, training: &Training<'_>) {
        let Some((path, identity)) = &self.kept else { return };
        let written = training.state().map_err(|error| error.to_string()).and_then(|state| {
            let checkpoint = Checkpoint { identity: identity.clone(), state };
            write_file(path, &checkpoint.to_bytes()).map_err(|error| error.to_string())
        });
        // After writing, so that a slow disk does not come to take all the time.
        self.saved = Instant::now();
        self.is_saved = written.is_ok();
        if let Err(reason) = written
            && !std::mem::replace(&mut self.warned, true)
        {
            self.bar.suspend(|| note(&format!("warning: no checkpoint: {reason}; the training goes on")));
        }
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
