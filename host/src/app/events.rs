//! Events of a running use case: facts and progress, which a front end puts into words.

use std::path::PathBuf;

use pinhole_boards::board::Board;
use pinhole_boards::device::LogLine;
use pinhole_boards::firmware::{Firmware, FirmwareOrigin};
use pinhole_core::photos::{DuplicatePhotos, Series, SplitFolders, Warning};
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::Policy;
use pinhole_train::{Epoch, LastLayer};

/// Receives the lines of a device's log, on a separate thread.
pub type LogSink = Box<dyn FnMut(&LogLine) + Send>;

/// Receiver of a running use case's events. Every method has a default that does nothing; `()` uses all defaults. It
/// moves to the thread that the use case runs on.
pub trait Events: Send {
    /// Receives a fact that stays true.
    fn note(&mut self, note: &Note) {
        let _ = note;
    }

    /// Receives the progress of the work.
    fn progress(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// Returns true if the work should stop here. It is asked after every epoch of a training and every captured
    /// picture. The result is what has been done so far.
    fn should_stop(&mut self) -> bool {
        false
    }

    /// Returns the receiver of the log of a device that the use case is about to connect to.
    fn log(&mut self) -> LogSink {
        Box::new(|_| ())
    }
}

impl Events for () {}

/// Reports photos that cannot be used, series and near-duplicates, if there are any. Near-duplicates within a series are not named.
pub(super) fn tell_of_photos(
    warnings: &[Warning],
    duplicates: &[DuplicatePhotos],
    series: &[Series],
    events: &mut dyn Events,
) {
    if !warnings.is_empty() {
        events.note(&Note::LeftOut(warnings.to_owned()));
    }
    if !series.is_empty() {
        events.note(&Note::Series(series.to_owned()));
    }
    let duplicates = Series::without(series, duplicates);
    if !duplicates.is_empty() {
        events.note(&Note::NearDuplicates(duplicates));
    }
}

/// Reports photos that were enlarged for this input, if there are any.
pub(super) fn tell_of_enlarged(count: usize, input: InputShape, events: &mut dyn Events) {
    if count > 0 {
        events.note(&Note::Enlarged { count, input });
    }
}

/// A fact about a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// Files in a folder of photos were left out.
    LeftOut(Vec<Warning>),
    /// Some photos are smaller than the network's input and were enlarged.
    Enlarged {
        /// Number of these photos.
        count: usize,
        /// The input.
        input: InputShape,
    },
    /// The folder of photos is split into folders, which are used as their names say.
    SplitFolders {
        /// The folders.
        folders: SplitFolders,
        /// The folder of validation photos that is used.
        validation: Option<PathBuf>,
    },
    /// The given validation photos are not of all classes.
    NotValidated {
        /// Names of the classes without a validation photo.
        classes: Vec<String>,
    },
    /// Recipe and network were chosen automatically.
    Chosen {
        /// The choice and its reasons, without a full stop.
        sentence: String,
        /// The command that asks for the same.
        command: String,
    },
    /// The test photos cannot be used.
    NoTest {
        /// Their folder.
        folder: PathBuf,
        /// The reason.
        reason: String,
    },
    /// Test photos were left out: they are near-duplicates of training or validation photos.
    KnownTestPhotos {
        /// Their number.
        count: usize,
    },
    /// Some photos are nearly the same picture.
    NearDuplicates(Vec<DuplicatePhotos>),
    /// Some photos resemble so many others that not all of these were compared with them.
    NearDuplicatesUnfinished {
        /// Number of such photos.
        photos: usize,
    },
    /// Photos of a class are nearly one picture.
    Series(Vec<Series>),
    /// Training continues from a trained network.
    FromPretrained {
        /// File of its parameters.
        path: PathBuf,
        /// True if they are int8 weights converted back to float.
        dequantized: bool,
        /// Treatment of its last layer.
        last_layer: LastLayer,
        /// Names of the classes.
        classes: Vec<String>,
        /// Names of the classes that it was trained on.
        trained_on: Vec<String>,
    },
    /// Training resumes from a checkpoint.
    Resuming {
        /// Number of epochs run before.
        after: u32,
        /// Number of epochs in all.
        epochs: u32,
    },
    /// No checkpoint could be written; training continues without one. Reported once.
    NoCheckpoint {
        /// Reason.
        reason: String,
    },
    /// No epoch was better than the network that training continued from, so that network was kept.
    NoneBetter,
    /// Training was asked to stop; the best epoch so far is kept.
    Interrupted {
        /// True if the checkpoint includes the last epoch.
        can_resume: bool,
    },
    /// Training stopped because its loss or a weight was no longer a finite number.
    Diverged {
        /// The epoch that is kept.
        best: u32,
    },
    /// Training stopped because there was no better epoch for as long as the recipe's patience.
    OutOfPatience {
        /// The last epoch.
        epoch: u32,
    },
    /// A run folder contains an earlier run, which is replaced now.
    ReplacingRun {
        /// The folder.
        folder: PathBuf,
    },
    /// A run folder contained an earlier run, which is kept in another folder.
    KeptAside {
        /// That other folder.
        folder: PathBuf,
    },
    /// The model that is quantized again was fine-tuned, and the new one is not.
    FineTuningLost,
    /// Activations have 8 bits because those of the run's model have.
    EightBitActivations,
    /// Weights have these bits because those of the run's model have.
    WeightBits {
        /// Bits of each layer that has weights.
        bits: Vec<u8>,
    },
    /// The photos held out to choose an epoch were trained on before, because the run had other validation photos.
    HeldOutWereTrainedOn,
    /// The model keeps its weights; only its policy is new.
    WeightsKept,
    /// The model that was replaced had a policy, and the new one has none.
    PolicyLost {
        /// The policy of the replaced model.
        policy: Policy,
    },
    /// A run's report describes the earlier model, and now says so: the training photos are not available.
    ReportOfEarlierModel {
        /// The report.
        report: PathBuf,
        /// Path that the photos had.
        photos: PathBuf,
    },
    /// Firmware that is about to run.
    Firmware {
        /// Its board.
        board: Board,
        /// Start of its digest.
        digest: String,
        /// Its origin.
        origin: FirmwareOrigin,
    },
    /// A board is measured without its stack, because no emulator is available.
    StackNotMeasured {
        /// Reason.
        reason: String,
    },
    /// The firmware on a board differs from that of this Pinhole, so its log cannot be read.
    NoLog,
    /// The camera or the link to it failed; the capture is tried again.
    TryingAgain {
        /// Description of the failure.
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
    /// Returns the note about a board's firmware and its origin.
    pub fn of_firmware(firmware: &Firmware) -> Self {
        let digest = firmware.short_digest().to_owned();
        Self::Firmware { board: firmware.board(), digest, origin: firmware.origin().clone() }
    }
}

/// Progress of the work. There is one piece of [`Task`] at a time, from [`Progress::Begins`] to [`Progress::Ends`].
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Work begins.
    Begins(Task),
    /// An epoch of a training has ended.
    Epoch {
        /// Its measurements.
        epoch: Epoch,
        /// Measurements of the best epoch so far.
        best: Epoch,
    },
    /// Number of bytes, or of the task's other units, to add to the total.
    Total(u64),
    /// Number of further ones that are done.
    Done(u64),
    /// The work has ended, successfully or not.
    Ends,
}

/// A piece of work that takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Reading photos. The units are files.
    ReadingPhotos {
        /// Number of files.
        files: u64,
    },
    /// Comparing photos with each other, to find near-duplicates. The units are pairs of photos.
    ComparingPhotos {
        /// Number of pairs in all.
        pairs: u64,
    },
    /// A training, with the steps right after it.
    Training {
        /// Number of epochs in all.
        epochs: u32,
        /// Number of epochs that another process ran before.
        after: u32,
        /// Number of epochs without an improvement after which it ends.
        patience: Option<u32>,
    },
    /// Rewriting a run's report.
    RewritingReport,
    /// Starting an emulated board.
    StartingBoard,
    /// Connecting to a real board.
    ReachingBoard,
    /// Erasing, writing and verifying a board's flash.
    Flashing,
    /// Waiting for a board, after its reset, to identify itself.
    WaitingForBoard,
}
