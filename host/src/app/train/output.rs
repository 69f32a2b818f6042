//! The run folder of a training: one training at a time, and an earlier run is replaced as a whole or kept beside it.

use std::path::{Path, PathBuf};

use pinhole_core::artifacts::{ClaimedFolder, StagedFiles, WriteError, create_folder, keep_aside};
use pinhole_train::Stopped;
use pinhole_train::runs::{self, JobError, RunSummary, files};

use super::super::events::{Events, Note};
use super::super::job::JobData;
use super::TrainedRun;

/// Treatment of an earlier run in the folder, when the new one is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlierRun {
    /// It is kept in a folder beside it: `run-1`, `run-2` and so on.
    #[default]
    KeepAside,
    /// It is replaced, and so is an unfinished training.
    Replace,
}

/// A run folder that this process writes.
pub(super) struct RunOutput {
    folder: PathBuf,
    claim: Option<ClaimedFolder>,
    /// The folders that were created for it, the innermost first.
    created: Vec<PathBuf>,
}

impl RunOutput {
    /// Claims the folder, if it exists, and completes a run whose writing was interrupted.
    ///
    /// # Errors
    /// [`JobError::Write`]: another process has it, or it cannot be written to.
    pub(super) fn open(folder: &Path) -> Result<Self, JobError> {
        let mut output = Self { folder: folder.to_owned(), claim: None, created: Vec::new() };
        if folder.is_dir() {
            output.create()?;
            runs::finish(folder);
        }
        Ok(output)
    }

    /// Creates the folder if it does not exist, claims it, and checks that a run can be written there.
    ///
    /// # Errors
    /// As [`RunOutput::open`].
    pub(super) fn create(&mut self) -> Result<(), JobError> {
        if self.claim.is_none() {
            let missing = self.folder.ancestors().filter(|above| !above.as_os_str().is_empty() && !above.exists());
            self.created = missing.map(Path::to_owned).collect();
            create_folder(&self.folder)?;
            self.claim = Some(ClaimedFolder::take(&self.folder)?);
        }
        match files::RUN.map(|name| self.folder.join(name)).into_iter().find(|path| path.is_dir()) {
            Some(path) => Err(WriteError::FolderInTheWay { path }.into()),
            None => Ok(()),
        }
    }

    /// Writes the run: all files are replaced together. The earlier ones are kept aside or replaced.
    ///
    /// # Errors
    /// [`JobError::Write`]; an earlier run is unchanged then.
    pub(super) fn write(
        self,
        trained: &TrainedRun,
        data: &JobData,
        earlier: EarlierRun,
        events: &mut dyn Events,
    ) -> Result<(), JobError> {
        let staged = StagedFiles::write(&self.folder, &trained.finished.files(&self.folder, data)?)?;
        // The part of this training that was done before is no earlier run.
        let before = runs::summary(&self.folder).filter(|before| !is_part_of(before, trained));
        if runs::summary(&self.folder).is_none() || before.is_some() {
            match earlier {
                EarlierRun::KeepAside => {
                    if let Some(folder) = keep_aside(&self.folder, &files::RUN)? {
                        events.note(&Note::KeptAside { folder });
                    }
                }
                EarlierRun::Replace if before.is_some() => {
                    events.note(&Note::ReplacingRun { folder: self.folder.clone() });
                }
                EarlierRun::Replace => {}
            }
        }
        staged.commit()?;
        if trained.finished.outcome.stopped != Stopped::Interrupted {
            runs::remove_checkpoint(&self.folder)?;
        }
        Ok(())
    }
}

impl Drop for RunOutput {
    fn drop(&mut self) {
        self.claim = None;
        for folder in &self.created {
            // Removes only an empty folder, which is what a failure before writing leaves.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Returns true if a run is that of the first epochs of a training that was resumed: it was interrupted, and its best epoch has the
/// loss of that epoch.
fn is_part_of(run: &RunSummary, trained: &TrainedRun) -> bool {
    let mut epochs = trained.finished.outcome.epochs.iter();
    let best = epochs.find(|epoch| epoch.epoch == run.best_epoch).map(|epoch| epoch.validation_loss);
    trained.before.is_some_and(|before| run.epochs <= before)
        && run.stopped == runs::stopped_name(Stopped::Interrupted)
        && best == Some(run.validation_loss)
}
