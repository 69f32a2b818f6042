//! What goes on beside a training: its progress is told, its checkpoint kept, and its end asked for.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use pinhole_core::artifacts::write_file;
use pinhole_core::recipe;
use pinhole_train::{Checkpoint, Epoch, Identity, Training};

use super::events::{Events, Note, Progress, Work};

/// What a crash costs at most, beside the epoch it falls into.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

/// Looks at a training after every epoch.
pub(super) struct Observer<'a> {
    events: &'a mut dyn Events,
    /// File of the checkpoint, and what it is a checkpoint of; `None` if none is kept.
    kept: Option<(&'a Path, Identity)>,
    /// When it was last written, or tried to.
    saved: Instant,
    /// Whether the file has the last epoch looked at.
    is_saved: bool,
    warned: bool,
}

impl<'a> Observer<'a> {
    /// Says that a training begins, of which so many epochs were run before.
    pub(super) fn begin(
        settings: &recipe::Training,
        after: u32,
        kept: Option<(&'a Path, Identity)>,
        events: &'a mut dyn Events,
    ) -> Self {
        let recipe::Training { epochs, patience, .. } = *settings;
        events.progress(&Progress::Begins(Work::Training { epochs, after, patience }));
        Self { events, kept, saved: Instant::now(), is_saved: false, warned: false }
    }

    /// Tells of the epoch, keeps a checkpoint where it is time for one, and says whether to go on.
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

    /// Says that the training has ended. Returns whether a checkpoint has the last epoch.
    pub(super) fn end(self) -> bool {
        self.events.progress(&Progress::Ends);
        self.is_saved
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
            self.events.note(&Note::NoCheckpoint { reason });
        }
    }
}
