//! Observation of a training: reports progress, writes checkpoints, and asks if it should stop.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use pinhole_core::artifacts::write_file;
use pinhole_core::recipe;
use pinhole_train::{Checkpoint, Epoch, Training, TrainingIdentity};

use super::events::{Events, Note, Progress, Task};

/// Largest loss of training time by a crash, in addition to the current epoch.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

/// Called after every epoch of a training.
pub(super) struct Observer<'a> {
    events: &'a mut dyn Events,
    /// File of the checkpoint, and the training's identity; `None` for no checkpoints.
    kept: Option<(&'a Path, TrainingIdentity)>,
    /// Time of the last attempt to write it.
    saved: Instant,
    /// True if the file includes the last epoch.
    is_saved: bool,
    warned: bool,
}

impl<'a> Observer<'a> {
    /// Reports that a training begins, after this number of epochs that were run before.
    pub(super) fn begin(
        settings: &recipe::TrainingSettings,
        after: u32,
        kept: Option<(&'a Path, TrainingIdentity)>,
        events: &'a mut dyn Events,
    ) -> Self {
        let recipe::TrainingSettings { epochs, patience, .. } = *settings;
        events.progress(&Progress::Begins(Task::Training { epochs, after, patience }));
        Self { events, kept, saved: Instant::now(), is_saved: false, warned: false }
    }

    /// Reports the epoch, writes a checkpoint when it is due, and returns whether to continue.
    pub(super) fn observe(&mut self, training: &Training<'_>, epoch: &Epoch) -> ControlFlow<()> {
        let best = *training.best().unwrap_or(epoch);
        self.events.progress(&Progress::Epoch { epoch: *epoch, best });
        let ends = self.events.should_stop();
        self.is_saved = false;
        if ends || self.saved.elapsed() >= CHECKPOINT_EVERY {
            self.save(training);
        }
        if ends { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Reports that the training has ended. Returns true if a checkpoint includes the last epoch.
    pub(super) fn end(self) -> bool {
        self.events.progress(&Progress::Ends);
        self.is_saved
    }

    /// Writes a checkpoint. If this fails, the training continues.
    fn save(&mut self, training: &Training<'_>) {
        let Some((path, identity)) = &self.kept else { return };
        let written = training.state().map_err(|error| error.to_string()).and_then(|state| {
            let checkpoint = Checkpoint { identity: identity.clone(), state };
            write_file(path, &checkpoint.to_bytes()).map_err(|error| error.to_string())
        });
        // Measured after writing, so that a slow disk does not take up all the time.
        self.saved = Instant::now();
        self.is_saved = written.is_ok();
        if let Err(reason) = written
            && !std::mem::replace(&mut self.warned, true)
        {
            self.events.note(&Note::NoCheckpoint { reason });
        }
    }
}
