//! What a use case tells whoever started it, while it runs: facts, which a front end puts into words.

use std::path::PathBuf;

use pinhole_boards::board::Board;
use pinhole_boards::device::LogLine;
use pinhole_boards::firmware::{Firmware, Origin};
use pinhole_core::photos::{DuplicatePhotos, Warning};
use pinhole_shared::policy::Policy;
use pinhole_train::{Epoch, LastLayer};

/// Where the lines of a device's log go. They come from a thread of their own.
pub type LogSink = Box<dyn FnMut(&LogLine) + Send>;

/// The other side of a running use case. Every method has a default that does nothing; `()` is all of them. It goes along
/// to whatever thread the use case runs on.
pub trait Events: Send {
    /// A fact that is worth knowing, and stays true.
    fn note(&mut self, note: &Note) {
        let _ = note;
    }

    /// How far the work is.
    fn progress(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// Whether the work is to end here: asked after every epoch of a training and every picture captured. What has been
    /// done so far is the result.
    fn should_stop(&mut self) -> bool {
        false
    }

    /// Where the log of a device goes that the use case is about to connect to.
    fn log(&mut self) -> LogSink {
        Box::new(|_| ())
    }
}

impl Events for () {}

/// Tells of photos that cannot be used, and of those that are too alike, where there are any.
pub(super) fn tell_of_photos(warnings: &[Warning], duplicates: &[DuplicatePhotos], events: &mut dyn Events) {
    if !warnings.is_empty() {
        events.note(&Note::LeftOut(warnings.to_owned()));
    }
    if !duplicates.is_empty() {
        events.note(&Note::NearDuplicates(duplicates.to_owned()));
    }
}

/// A fact of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// Files in a folder of photos were left out.
    LeftOut(Vec<Warning>),
    /// Photos are nearly the same picture.
    NearDuplicates(Vec<DuplicatePhotos>),
    /// Training continues from a trained network.
    ContinuingFrom {
        /// File of its parameters.
        path: PathBuf,
        /// Whether they are int8 weights turned back to float.
        dequantized: bool,
        /// What becomes of its last layer.
        last_layer: LastLayer,
        /// Names of the classes.
        classes: Vec<String>,
        /// Names of the classes that it was trained on.
        trained_on: Vec<String>,
    },
    /// Training goes on from a checkpoint.
    Resuming {
        /// Epochs that were run before.
        after: u32,
        /// Epochs in all.
        epochs: u32,
    },
    /// No checkpoint could be written; training goes on without. Said once.
    NoCheckpoint {
        /// Why.
        reason: String,
    },
    /// No epoch was better than the network that was continued from, which is what was kept.
    NoneBetter,
    /// Training was asked to stop; the best epoch so far is kept.
    Interrupted {
        /// Whether a checkpoint has the last epoch.
        can_resume: bool,
    },
    /// Training stopped because there was no better epoch for as long as the recipe's patience.
    OutOfPatience {
        /// The last epoch.
        epoch: u32,
    },
    /// A run folder has an earlier run, which is replaced now.
    ReplacingRun {
        /// The folder.
        folder: PathBuf,
    },
    /// The model that is quantized again was fine-tuned, and the new one is not.
    FineTuningLost,
    /// Activations have 8 bits because those of the run's model have.
    EightBitActivations,
    /// Weights have these bits because those of the run's model have.
    WeightBits {
        /// Of each layer that has weights.
        bits: Vec<u8>,
    },
    /// Of the photos, those held out to choose an epoch by were trained on: the run had others to validate by.
    HeldOutWereTrainedOn,
    /// The model keeps its weights; only its policy is new.
    WeightsKept,
    /// The model that was replaced had a policy, and the new one has none.
    PolicyLost {
        /// The one it had.
        policy: Policy,
    },
    /// A run's report describes the earlier model, and says so now: the photos of the training are not at hand.
    ReportOfEarlierModel {
        /// The report.
        report: PathBuf,
        /// Where the photos were.
        photos: PathBuf,
    },
    /// Firmware that is about to run.
    Firmware {
        /// Its board.
        board: Board,
        /// The first digits of its digest.
        digest: String,
        /// Where it comes from.
        origin: Origin,
    },
    /// A board is measured without its stack: there is no emulator.
    StackNotMeasured {
        /// Why there is none.
        reason: String,
    },
    /// A board has other firmware than this Pinhole: its log cannot be read.
    NoLog,
    /// The camera or the link to it failed, and is tried again.
    TryingAgain {
        /// How it failed.
        reason: String,
    },
    /// A picture was captured.
    Captured {
        /// Its file.
        path: PathBuf,
    },
    /// Firmware, model or both were written into a board's flash and verified, and the board was reset.
    Flashed {
        /// Bytes written.
        bytes: usize,
    },
}

impl Note {
    /// Where a board's firmware comes from.
    pub fn of_firmware(firmware: &Firmware) -> Self {
        let digest = firmware.short_digest().to_owned();
        Self::Firmware { board: firmware.board(), digest, origin: firmware.origin().clone() }
    }
}

/// How far the work is. There is one piece of [`Work`] at a time, from [`Progress::Begins`] to [`Progress::Ends`].
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Work begins.
    Begins(Work),
    /// An epoch of a training is over.
    Epoch {
        /// Its measurements.
        epoch: Epoch,
        /// Those of the best one so far.
        best: Epoch,
    },
    /// So many bytes more are to be done than was known before.
    Total(u64),
    /// So many bytes more are done.
    Done(u64),
    /// The work has ended, well or not.
    Ends,
}

/// Something that takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A training, with what is made of the network right after it.
    Training {
        /// Epochs in all.
        epochs: u32,
        /// Epochs that were run before, by another process.
        after: u32,
        /// Epochs without a better one after which it ends.
        patience: Option<u32>,
    },
    /// Making a run's report anew.
    RewritingReport,
    /// Starting an emulated board.
    StartingBoard,
    /// Reaching a board at hand.
    ReachingBoard,
    /// Erasing, writing and verifying a board's flash.
    Flashing,
    /// Waiting for a board, after its reset, to say who it is.
    WaitingForBoard,
}
