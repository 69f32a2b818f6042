//! Test photos: read before the training, and used once, after it.

use std::path::{Path, PathBuf};

use pinhole_core::photos::Dataset;
use pinhole_lab::evaluate::{Evaluation, evaluate};
use pinhole_lab::verdict::NetworkVerdict;
use pinhole_train::runs::{JobError, TestSummary};

use super::super::events::{Events, Note, tell_of_enlarged};
use super::super::job::{FinishedTraining, Job, JobData, serialized};
use super::super::photos::{compare, read};

/// Results of a model on photos that neither trained it nor chose its epoch.
pub struct TestResults {
    /// Folder of the photos.
    pub folder: PathBuf,
    /// The photos that were used.
    pub photos: Dataset,
    /// Evaluation of both networks on them.
    pub evaluation: Evaluation,
    /// The verdict.
    pub verdict: NetworkVerdict,
}

/// Test photos, decoded.
pub(super) struct TestPhotos {
    folder: PathBuf,
    photos: Dataset,
    /// Number of photos that were left out as near-duplicates.
    near_duplicates: usize,
}

impl TestPhotos {
    /// Reads the job's test photos, if it has any. Those that are near-duplicates of training or validation photos are left out:
    /// they would test nothing. If they cannot be used, a note says why: the training does not depend on them.
    pub(super) fn read(job: &Job, data: &JobData, events: &mut dyn Events) -> Option<Self> {
        let folder = job.test.as_deref()?;
        match Self::load(folder, job, data, events) {
            Ok(test) => Some(test),
            Err(reason) => {
                events.note(&Note::NoTest { folder: folder.to_owned(), reason });
                None
            }
        }
    }

    fn load(folder: &Path, job: &Job, data: &JobData, events: &mut dyn Events) -> Result<Self, String> {
        let (classes, input) = (&data.training.classes, data.training.input);
        let mut photos =
            read(job.options.of(folder), input, Some(classes), None, events).map_err(|error| error.to_string())?;
        if !photos.warnings.is_empty() {
            events.note(&Note::LeftOut(std::mem::take(&mut photos.warnings)));
        }
        tell_of_enlarged(photos.enlarged, input, events);
        let known = || data.training.examples.iter().chain(&data.validation.examples);
        let pairs = compare(known(), &photos.examples, classes, &job.options, input, events).pairs;
        let known = known().count();
        let before = photos.examples.len();
        let mut is_known = vec![false; before];
        for pair in pairs.iter().filter(|pair| pair.first < known && pair.second >= known) {
            is_known[pair.second - known] = true;
        }
        let mut is_known = is_known.into_iter();
        photos.examples.retain(|_| !is_known.next().unwrap_or_default());
        let near_duplicates = before - photos.examples.len();
        if near_duplicates > 0 {
            events.note(&Note::KnownTestPhotos { count: near_duplicates });
        }
        if photos.examples.is_empty() {
            return Err("all of its photos are near-duplicates of training or validation photos".to_owned());
        }
        Ok(Self { folder: folder.to_owned(), photos, near_duplicates })
    }

    /// Judges the trained model by the photos, and adds the verdict to it and its summary.
    ///
    /// # Errors
    /// [`JobError`] if there is not enough memory.
    pub(super) fn judge(self, finished: &mut FinishedTraining) -> Result<(), JobError> {
        let evaluation = evaluate(Some(&finished.outcome.network), &finished.model, &self.photos)?;
        let verdict = NetworkVerdict::of(&evaluation, &self.photos, None);
        let (photos, near_duplicates) = (self.folder.clone(), self.near_duplicates);
        let warnings = verdict.warnings.iter().map(ToString::to_string).collect();
        finished.summary.test = Some(TestSummary { photos, near_duplicates, warnings, verdict: serialized(&verdict) });
        finished.test = Some(TestResults { folder: self.folder, photos: self.photos, evaluation, verdict });
        Ok(())
    }
}
