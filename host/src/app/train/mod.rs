//! Training, from photo folders to a run folder, and resuming it.

mod request;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use miette::Diagnostic;
use pinhole_core::artifacts::create_folder;
use pinhole_train::runs::source::Source;
use pinhole_train::runs::{self, JobError, files};
use pinhole_train::{Checkpoint, CheckpointError, Identity, Stopped, TrainError};
use thiserror::Error;

pub use self::request::{Request, RequestError};
use super::events::{Events, Note, tell_of_photos};
use super::job::{Finished, Job, JobData};
use super::observer::Observer;

/// What a training does with the checkpoint in its run folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoints {
    /// It keeps none, being short.
    None,
    /// It starts from nothing and keeps one.
    Keep,
    /// It goes on from the one that is there, and keeps it.
    Resume,
}

/// Why there is no new run folder.
#[derive(Debug, Error, Diagnostic)]
pub enum TrainingError {
    /// It would replace a training that can be resumed.
    #[error("a training in {} has not ended: its checkpoint is there", out.display())]
    #[diagnostic(help(
        "add --resume to go on with it; to train from the start instead, give another --out or remove {}",
        out.join(files::CHECKPOINT).display()
    ))]
    Unfinished {
        /// The run folder.
        out: PathBuf,
    },
    /// The checkpoint cannot be gone on from.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Training failed, or writing what came of it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Job(#[from] JobError),
}

/// What has been trained, and how long it took.
pub struct TrainedRun {
    /// What is in the run folder now.
    pub finished: Finished,
    /// Time of the training alone, in this process.
    pub took: Duration,
    /// The last epoch before it was resumed; `None` if it was not.
    pub before: Option<u32>,
}

/// Trains, and writes the run folder `out`. When [`Events::should_stop`] ends the training early, the run is that of the
/// epochs so far, and the checkpoint, if one is kept, stays beside it to be resumed.
///
/// # Errors
/// [`TrainingError`]. Then a run that was in the folder is still there, unless writing the new one failed half-way; a
/// folder that was not there is not there either.
pub fn train(
    job: &Job,
    out: &Path,
    checkpoints: Checkpoints,
    events: &mut dyn Events,
) -> Result<TrainedRun, TrainingError> {
    let path = out.join(files::CHECKPOINT);
    let checkpoint = match checkpoints {
        Checkpoints::Resume => Some(Checkpoint::read(&path)?),
        Checkpoints::Keep if path.exists() => return Err(TrainingError::Unfinished { out: out.to_owned() }),
        Checkpoints::Keep | Checkpoints::None => None,
    };
    let data = job.load()?;
    tell_of_photos(&data.warnings, &data.duplicates, events);
    if let Some(from) = &job.from {
        events.note(&beginning(&from.source, &data.training.classes));
    }
    let identity = job.identity(&data)?;
    if let Some(checkpoint) = &checkpoint {
        checkpoint.check(&identity, &path)?;
    }
    // Before training, so that an hour of it is not lost to a read-only disk; but for the checkpoint, nothing else is
    // written until the end.
    let existed = out.exists();
    create_folder(out).map_err(JobError::from)?;
    let kept = (checkpoints != Checkpoints::None).then_some((path.as_path(), identity));
    let result = observed(job, &data, checkpoint, kept, events).and_then(|trained| {
        write(&trained.finished, out, &data, events)?;
        Ok(trained)
    });
    if result.is_err() && !existed {
        // Removes only an empty folder, which is what a failure before writing leaves.
        let _ = std::fs::remove_dir(out);
    }
    Ok(result?)
}

/// What a training continues from, and with which last layer.
fn beginning(source: &Source, classes: &[String]) -> Note {
    Note::ContinuingFrom {
        path: source.path.clone(),
        dequantized: source.dequantized,
        last_layer: source.pretrained.last_layer(classes),
        classes: classes.to_owned(),
        trained_on: source.pretrained.classes.clone(),
    }
}

/// Trains, from a checkpoint on where one is given. One with the identity is kept in the file `kept`.
fn observed(
    job: &Job,
    data: &JobData,
    checkpoint: Option<Checkpoint>,
    kept: Option<(&Path, Identity)>,
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
    let finished = job.resume(data, state, |training, epoch| observer.observe(training, epoch));
    let took = begun.elapsed();
    let can_resume = observer.end();
    if let (Err(JobError::Train(TrainError::Diverged(_))), Some(path)) = (&finished, path) {
        // To go on from it would end likewise, and with other settings it is of no use.
        let _ = std::fs::remove_file(path);
    }
    let finished = finished?;
    if finished.outcome.best.epoch == 0 {
        events.note(&Note::NoneBetter);
    }
    match finished.outcome.stopped {
        Stopped::Finished => {}
        Stopped::Interrupted => events.note(&Note::Interrupted { can_resume }),
        Stopped::Patience => events.note(&Note::OutOfPatience { epoch: finished.summary.epochs }),
    }
    Ok(TrainedRun { finished, took, before })
}

fn write(finished: &Finished, out: &Path, data: &JobData, events: &mut dyn Events) -> Result<(), JobError> {
    if runs::summary(out).is_some() {
        events.note(&Note::ReplacingRun { folder: out.to_owned() });
    }
    finished.write(out, data)?;
    if finished.outcome.stopped != Stopped::Interrupted {
        runs::remove_checkpoint(out)?;
    }
    Ok(())
}
