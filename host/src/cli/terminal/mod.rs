//! A running use case on the terminal: facts in words, a bar for the work, and Ctrl-C.

mod interrupt;
mod training;
mod words;

use self::training::ShownTraining;
use crate::app::{Events, Note, Progress, Work};

/// What a command hands to the use case that it starts.
pub(super) struct Terminal {
    /// The work that is being done.
    work: Option<Shown>,
}

/// Work that is shown.
enum Shown {
    Training(ShownTraining),
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self { work: None }
    }
}

impl Events for Terminal {
    fn note(&mut self, note: &Note) {
        match &self.work {
            Some(Shown::Training(training)) => training.bar().suspend(|| words::tell(note)),
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
            Progress::Ends => self.work.take().into_iter().for_each(Shown::end),
        }
    }

    fn should_stop(&mut self) -> bool {
        match &self.work {
            Some(Shown::Training(training)) => training.is_interrupted(),
            None => false,
        }
    }
}

impl Shown {
    fn new(work: Work) -> Self {
        match work {
            Work::Training { epochs, after, patience } => Self::Training(ShownTraining::new(epochs, after, patience)),
        }
    }

    fn end(self) {
        match self {
            Self::Training(training) => training.end(),
        }
    }
}
