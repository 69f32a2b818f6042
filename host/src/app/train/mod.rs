//! Trains from photo folders to a run folder, and resumes a training.

mod auto;
mod changes;
mod output;
mod request;
mod system;
mod test_photos;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use miette::Diagnostic;
use pinhole_core::artifacts::check_outside;
use pinhole_train::runs::pretrained::PretrainedSource;
use pinhole_train::runs::{JobError, files};
use pinhole_train::{Checkpoint, CheckpointError, Stopped, TrainError, TrainingIdentity};
use thiserror::Error;

pub use self::changes::RecipeChanges;
pub use self::output::EarlierRun;
pub use self::request::{CandleError, NoBaseModel, RequestError, SameFolder, TooLargeForBoard, TrainRequest};
pub use self::system::auto_system;

use self::output::RunOutput;
use self::test_photos::TestPhotos;
pub use self::test_photos::TestResults;
use super::events::{Events, Note, tell_of_enlarged, tell_of_photos};
use super::job::{FinishedTraining, Job, JobData};
use super::observer::Observer;

/// Use of the checkpoint in a run folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoints {
    /// Keeps no checkpoint, for a short training.
    None,
    /// Starts without a checkpoint, and keeps one.
    Keep,
    /// Resumes from the existing checkpoint, and keeps one.
    Resume,
}

/// Error of a training.
#[derive(Debug, Error, Diagnostic)]
pub enum TrainingError {
    /// The run folder contains an unfinished training that can be resumed.
    #[error("{} has an unfinished training: its checkpoint is there", out.display())]
    #[diagnostic(help("add --resume to continue it; to train from the start, add --replace or give another --out"))]
    Unfinished {
        /// The run folder.
        out: PathBuf,
    },
    /// The checkpoint cannot be resumed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Training failed, or its results could not be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Job(#[from] JobError),
}

/// A finished training, and its duration.
pub struct TrainedRun {
    /// Contents of the run folder.
    pub finished: FinishedTraining,
    /// Time of the training alone, in this process.
    pub took: Duration,
    /// The last epoch before the training was resumed; `None` if it was not resumed.
    pub before: Option<u32>,
}

/// Trains, and writes the run folder `out`. When [`Events::should_stop`] ends the training early, the run is that of
/// the epochs so far. The checkpoint, if one is kept, stays in the folder so that the training can be resumed. Until the end, an
/// earlier run stays in the folder; then all files are replaced together. Other files in the folder stay.
///
/// # Errors
/// [`TrainingError`]. An earlier run in the folder is unchanged then. A folder that did not exist before is not left behind.
pub fn train(
    job: &Job,
    out: &Path,
    checkpoints: Checkpoints,
    earlier: EarlierRun,
    events: &mut dyn Events,
) -> Result<TrainedRun, TrainingError> {
    let photos = [Some(job.photos.as_path()), job.validation.as_deref(), job.test.as_deref()];
    check_outside(out, photos.into_iter().flatten()).map_err(JobError::from)?;
    let mut output = RunOutput::open(out)?;
    let path = out.join(files::CHECKPOINT);
    let checkpoint = match (checkpoints, earlier) {
        (Checkpoints::Resume, _) => Some(Checkpoint::read(&path)?),
        (Checkpoints::Keep, EarlierRun::KeepAside) if path.exists() => {
            return Err(TrainingError::Unfinished { out: out.to_owned() });
        }
        (Checkpoints::Keep | Checkpoints::None, _) => None,
    };
    let data = job.load_telling(events)?;
    tell_of_photos(&data.warnings, &data.duplicates, &data.series, events);
    tell_of_enlarged(data.enlarged, data.training.input, events);
    if let Some(from) = &job.from {
        events.note(&beginning(&from.source, &data.training.classes));
    }
    let test = TestPhotos::read(job, &data, events);
    let identity = job.identity(&data)?;
    if let Some(checkpoint) = &checkpoint {
        checkpoint.check(&identity, &path)?;
    }
    // The folder is created before training, so that a read-only disk does not cost an hour of training. Only the
    // checkpoint is written before the end.
    output.create()?;
    let kept = (checkpoints != Checkpoints::None).then_some((path.as_path(), identity));
    let mut trained = observed(job, &data, checkpoint, kept, events)?;
    if let Some(test) = test {
        test.judge(&mut trained.finished)?;
    }
    output.write(&trained, &data, earlier, events)?;
    Ok(trained)
}

/// Returns the note about the network that training continues from, and about its last layer.
fn beginning(source: &PretrainedSource, classes: &[String]) -> Note {
    Note::FromPretrained {
        path: source.path.clone(),
        dequantized: source.dequantized,
        last_layer: source.pretrained.last_layer(classes),
        classes: classes.to_owned(),
        trained_on: source.pretrained.classes.clone(),
    }
}

/// Trains, from a checkpoint if one is given. Checkpoints with this identity are written to the file in `kept`.
fn observed(
    job: &Job,
    data: &JobData,
    checkpoint: Option<Checkpoint>,
    kept: Option<(&Path, TrainingIdentity)>,
    events: &mut dyn Events,
) -> Result<TrainedRun, JobError> {
    let path = kept.as_ref().map(|(path, _)| *path);
    let state = checkpoint.map(|checkpoint| checkpoint.state);
    let before = state.as_ref().and_then(|state| state.epochs().last()).map(|epoch| epoch.epoch);
    let settings = &job.recipe.training;
    if let Some(after) = before {
        events.note(&Note::Resuming { after, epochs: settings.epochs });
    }
    let begun = Instant::now();
    let mut observer = Observer::begin(settings, before.unwrap_or(0), kept, events);
    let outcome = job.train(data, state, |training, epoch| observer.observe(training, epoch));
    // From here on, Ctrl-C ends the process at once: nothing that follows asks whether it should stop.
    let can_resume = observer.end();
    if let (Err(JobError::Train(TrainError::Diverged(_))), Some(path)) = (&outcome, path) {
        // Resuming would diverge again, and other settings cannot use this checkpoint.
        let _ = std::fs::remove_file(path);
    }
    let finished = job.finish(data, outcome?)?;
    let took = begun.elapsed();
    if finished.outcome.best.epoch == 0 {
        events.note(&Note::NoneBetter);
    }
    match finished.outcome.stopped {
        Stopped::Finished => {}
        Stopped::Interrupted => events.note(&Note::Interrupted { can_resume }),
        Stopped::Patience => events.note(&Note::OutOfPatience { epoch: finished.summary.epochs }),
        Stopped::Diverged => events.note(&Note::Diverged { best: finished.outcome.best.epoch }),
    }
    Ok(TrainedRun { finished, took, before })
}
