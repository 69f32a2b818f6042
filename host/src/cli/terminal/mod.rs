//! Display of a running use case on the terminal: notes, a progress bar, and Ctrl-C.

mod interrupt;
mod training;
mod words;

use indicatif::ProgressBar;

use self::training::ShownTraining;
use super::output::{comparison_bar, note, progress, spinner};
use crate::app::{Events, LogSink, Note, Progress, Task};

/// Events of a use case, shown on the terminal.
pub(super) struct Terminal {
    /// The current work.
    work: Option<Shown>,
    /// True if logs of devices are shown.
    log: bool,
    /// True if stdout is only for JSON.
    json: bool,
}

/// Display of a piece of work.
enum Shown {
    Training(ShownTraining),
    Other(ProgressBar),
}

impl Terminal {
    /// Creates a terminal that shows no logs, and prints results as text.
    pub(super) fn new() -> Self {
        Self { work: None, log: false, json: false }
    }

    /// Sets whether logs of devices are shown.
    pub(super) fn with_log(self, log: bool) -> Self {
        Self { log, ..self }
    }

    /// Sets whether stdout is only for JSON.
    pub(super) fn with_json(self, json: bool) -> Self {
        Self { json, ..self }
    }

    /// Returns true if a note is not shown.
    fn leaves_out(&self, note: &Note) -> bool {
        match note {
            Note::Flashed { .. } | Note::Captured { .. } => self.json,
            Note::NoLog => !self.log,
            _ => false,
        }
    }

    fn with_bar(&self, change: impl FnOnce(&ProgressBar)) {
        if let Some(work) = &self.work {
            change(work.bar());
        }
    }
}

impl Events for Terminal {
    fn note(&mut self, note: &Note) {
        if self.leaves_out(note) {
            return;
        }
        match &self.work {
            Some(work) => work.bar().suspend(|| words::tell(note)),
            None => words::tell(note),
        }
    }

    fn progress(&mut self, progress: &Progress) {
        match progress {
            Progress::Begins(work) => self.work = Some(Shown::new(*work)),
            Progress::Epoch { epoch, best } => {
                if let Some(Shown::Training(training)) = &mut self.work {
                    training.show(epoch, best);
                }
            }
            Progress::Total(more) => self.with_bar(|bar| bar.inc_length(*more)),
            Progress::Done(more) => self.with_bar(|bar| bar.inc(*more)),
            Progress::Ends => self.work.take().into_iter().for_each(Shown::end),
        }
    }

    fn should_stop(&mut self) -> bool {
        match &self.work {
            Some(Shown::Training(training)) => training.is_interrupted(),
            Some(Shown::Other(_)) | None => false,
        }
    }

    fn log(&mut self) -> LogSink {
        let log = self.log;
        Box::new(move |line| {
            if log {
                note(&line.to_string());
            }
        })
    }
}

impl Shown {
    fn new(work: Task) -> Self {
        match work {
            Task::Training { epochs, after, patience } => Self::Training(ShownTraining::new(epochs, after, patience)),
            Task::ReadingPhotos { files } => Self::Other(progress(files, "reading photos")),
            Task::ComparingPhotos { pairs } => Self::Other(comparison_bar(pairs)),
            Task::RewritingReport => Self::Other(spinner("rewriting the report")),
            Task::StartingBoard => Self::Other(spinner("starting the emulated board")),
            Task::ReachingBoard => Self::Other(spinner("connecting to the board")),
            Task::Flashing => Self::Other(progress(0, "flashing")),
            Task::WaitingForBoard => Self::Other(spinner("waiting for the board to identify itself")),
        }
    }

    fn bar(&self) -> &ProgressBar {
        match self {
            Self::Training(training) => training.bar(),
            Self::Other(bar) => bar,
        }
    }

    fn end(self) {
        match self {
            Self::Training(training) => training.end(),
            Self::Other(bar) => bar.finish_and_clear(),
        }
    }
}
