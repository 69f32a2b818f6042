//! The folder of a study: the plan, a record for each finished trial, and the results.

use std::path::{Path, PathBuf};

use pinhole_core::artifacts::{
    ClaimedFolder, WriteError, create_folder, finish_files, limits, read_json, read_regular, write_file, write_files,
};
use serde::Serialize;

use super::StudyError;
use super::plan::{StudyPlan, Trial};
use super::showcase::Showcase;
use super::trial::TrialRecord;

/// Names of the files in a study's folder.
pub mod files {
    /// The plan: systems, photos, seeds, folds.
    pub const PLAN: &str = "plan.json";
    /// Folder with a record for each finished training.
    pub const TRIALS: &str = "cells";
    /// Decisions and explanations of the reference network on the held-out photos.
    pub const SHOWCASE: &str = "showcase.json";
    /// All statistics, for scripts.
    pub const RESULTS: &str = "results.json";
    /// The table of the systems, for spreadsheets.
    pub const TABLE: &str = "table.csv";
    /// Report, for people.
    pub const REPORT: &str = "report.html";
}

/// A study's folder.
#[derive(Clone, Debug)]
pub struct StudyFolder {
    folder: PathBuf,
}

impl StudyFolder {
    /// Opens the study in a folder, which is created if it does not exist.
    ///
    /// # Errors
    /// [`StudyError::Write`].
    pub fn create(folder: &Path) -> Result<Self, StudyError> {
        create_folder(folder)?;
        create_folder(&folder.join(files::TRIALS))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Claims the folder, so that no other study or search writes there until the claim is dropped. Shards of one study may share a
    /// folder, so they do not claim it.
    ///
    /// # Errors
    /// [`StudyError::Write`].
    pub fn claim(&self) -> Result<ClaimedFolder, StudyError> {
        Ok(ClaimedFolder::take(&self.folder)?)
    }

    /// Opens the existing study in a folder, and reads its plan.
    ///
    /// # Errors
    /// [`StudyError::NoStudy`], [`StudyError::Malformed`].
    pub fn open(folder: &Path) -> Result<(Self, StudyPlan), StudyError> {
        let store = Self { folder: folder.to_owned() };
        let path = folder.join(files::PLAN);
        // A folder that cannot be written to is read as it is.
        let _ = finish_files(folder);
        let bytes = match read_regular(&path, limits::JSON) {
            Ok(bytes) => bytes,
            Err(reason) if path.exists() => {
                return Err(StudyError::Malformed { path, reason: reason.to_string() });
            }
            Err(_) => return Err(StudyError::NoStudy { path: folder.to_owned() }),
        };
        let malformed = |reason: String| StudyError::Malformed { path: path.clone(), reason };
        let plan: StudyPlan = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        plan.check().map_err(|what| malformed(what.to_owned()))?;
        Ok((store, plan))
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the plan, and replaces an earlier one. Finished trials are identified by their keys: those that belong to the new
    /// plan too are kept. The results of the old plan are removed.
    ///
    /// # Errors
    /// [`StudyError::Write`].
    pub fn write_plan(&self, plan: &StudyPlan) -> Result<(), StudyError> {
        let path = self.folder.join(files::PLAN);
        if read_json::<StudyPlan>(&path).is_some_and(|before| before == *plan) {
            return Ok(());
        }
        for name in [files::RESULTS, files::TABLE, files::REPORT] {
            let path = self.folder.join(name);
            match std::fs::remove_file(&path) {
                Err(reason) if reason.kind() != std::io::ErrorKind::NotFound => {
                    return Err(WriteError::Write { path, reason }.into());
                }
                _ => {}
            }
        }
        self.write_json(&path, plan)
    }

    /// Reads the record of a finished trial. Returns `None` if it is missing, damaged, or has another key.
    pub fn record(&self, plan: &StudyPlan, trial: Trial, key: &str) -> Option<TrialRecord> {
        let held_out = plan.validation(trial).len();
        read_json::<TrialRecord>(&self.trial_path(plan, trial))
            .filter(|record| record.key == key && record.is_sound(held_out))
    }

    /// Writes a finished trial's record, whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::Write`].
    pub fn write_record(&self, plan: &StudyPlan, trial: Trial, record: &TrialRecord) -> Result<(), StudyError> {
        self.write_json(&self.trial_path(plan, trial), record)
    }

    /// Reads the showcase, if it exists and has this key.
    pub fn showcase(&self, plan: &StudyPlan, key: &str) -> Option<Showcase> {
        read_json::<Showcase>(&self.folder.join(files::SHOWCASE))
            .filter(|showcase| showcase.key == key && showcase.is_sound(plan))
    }

    /// Writes the showcase.
    ///
    /// # Errors
    /// [`StudyError::Write`].
    pub fn write_showcase(&self, showcase: &Showcase) -> Result<(), StudyError> {
        self.write_json(&self.folder.join(files::SHOWCASE), showcase)
    }

    /// Writes the files of results, all together, and returns the path of the report.
    ///
    /// # Errors
    /// [`StudyError::Write`].
    pub fn write_outcome(&self, results: &str, table: &[u8], report: &str) -> Result<PathBuf, StudyError> {
        let files: [(&str, &[u8]); 3] =
            [(files::RESULTS, results.as_bytes()), (files::TABLE, table), (files::REPORT, report.as_bytes())];
        write_files(&self.folder, &files)?;
        Ok(self.folder.join(files::REPORT))
    }

    fn trial_path(&self, plan: &StudyPlan, trial: Trial) -> PathBuf {
        self.folder.join(files::TRIALS).join(format!("{}.json", plan.trial_name(trial)))
    }

    fn write_json(&self, path: &Path, value: &impl Serialize) -> Result<(), StudyError> {
        let mut text = serde_json::to_string(value).expect("what a study writes has JSON forms");
        text.push('\n');
        Ok(write_file(path, text.as_bytes())?)
    }
}
