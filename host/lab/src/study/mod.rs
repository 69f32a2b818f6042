//! Studies: many trainings of many systems, and statistics of their results.
//!
//! | file | from -> to |
//! |---|---|
//! | [`photos`](StudyPhotos) | folders -> all photos once, for every input size |
//! | [`systems`] | names -> recipes, and which of them are compared in one figure |
//! | [`plan`](StudyPlan) | photos, systems, counts -> all trials (trainings) |
//! | `trial` | one trial -> its [`TrialRecord`] |
//! | `runner` | trials -> records, over the cores, none twice |
//! | [`store`](StudyFolder) | records <-> files |
//! | [`results`](results::StudyResults) | records -> statistics |
//! | `table` | statistics -> CSV |
//! | `showcase` | one network -> its decisions and their explanations |
//! | `merge` | folders of shards -> one |
//!
//! The report of a study is [`crate::report::study_page`].

mod error;
mod merge;
mod photos;
mod plan;
pub mod results;
mod runner;
mod showcase;
mod store;
pub mod systems;
mod table;
mod trial;

use std::path::PathBuf;

pub use error::StudyError;
pub use merge::merge;
pub use photos::{Compared, PhotoFolders, StudyPhotos};
pub use plan::{PlannedPhoto, PlannedSystem, Split, StudyPlan, StudySize, Trial};
pub use results::{StudyResults, TrialRecords};
pub use runner::{Shard, StudyOptions, StudyProgress};
pub use showcase::{Showcase, ShownNetwork, ShownPhoto};
pub use store::{StudyFolder, files};
pub use systems::{PlannedStart, System};
pub use trial::{Curves, EpochScores, TrialRecord};

use crate::report::study_page;

/// Outcome of running a study.
#[derive(Debug)]
pub enum StudyOutcome {
    /// All trials are finished, and the report is written.
    Whole(Box<FinishedStudy>),
    /// All trials of the shard are finished; `merge` writes the report.
    ShardDone,
    /// Stopped early. Finished trials are kept.
    Stopped,
}

/// Outcome of a whole study.
#[derive(Debug)]
pub struct FinishedStudy {
    /// All statistics.
    pub results: StudyResults,
    /// Path of the report.
    pub report: PathBuf,
}

/// Runs a study in a folder: trains the trials that are not finished there, and writes the report when all of them are.
///
/// # Errors
/// [`StudyError`]. Trials finished before the error are kept.
pub fn run(
    plan: &StudyPlan,
    photos: &StudyPhotos,
    systems: &[System],
    store: &StudyFolder,
    options: StudyOptions<'_>,
    observe: &(dyn Fn(StudyProgress) + Sync),
) -> Result<StudyOutcome, StudyError> {
    let _claim = (options.shard == Shard::WHOLE).then(|| store.claim()).transpose()?;
    if !train(plan, photos, systems, store, options, observe)? {
        return Ok(StudyOutcome::Stopped);
    }
    let key = showcase::key(plan, systems::reference(systems));
    if options.shard.index == 1 && store.showcase(plan, &key).is_none() {
        match showcase::make(plan, photos, systems, options.stop)? {
            Some(showcase) => store.write_showcase(&showcase)?,
            None => return Ok(StudyOutcome::Stopped),
        }
    }
    if options.shard.count > 1 {
        return Ok(StudyOutcome::ShardDone);
    }
    finish(plan, store).map(|finished| StudyOutcome::Whole(Box::new(finished)))
}

/// Trains the trials of a plan that are not finished in a folder. Returns true if all are finished, false if stopped.
///
/// # Errors
/// [`StudyError`]. Trials finished before the error are kept.
pub fn train(
    plan: &StudyPlan,
    photos: &StudyPhotos,
    systems: &[System],
    store: &StudyFolder,
    options: StudyOptions<'_>,
    observe: &(dyn Fn(StudyProgress) + Sync),
) -> Result<bool, StudyError> {
    store.write_plan(plan)?;
    let queue = runner::Queue::new(plan, systems, store, options.shard);
    queue.run((plan, photos, systems), store, options, observe)
}

/// Reads the records of all trials of a plan.
///
/// # Errors
/// [`StudyError::Missing`] if some are missing.
pub fn read_records(plan: &StudyPlan, store: &StudyFolder) -> Result<TrialRecords, StudyError> {
    let trials = plan.trials();
    let total = trials.len();
    let mut missing = Vec::new();
    let mut all = Vec::with_capacity(total);
    for trial in trials {
        match store.record(plan, trial, &plan.key(trial)) {
            Some(record) => all.push((trial, record)),
            None => missing.push(plan.trial_name(trial)),
        }
    }
    match missing.first() {
        Some(first) => Err(StudyError::Missing { missing: missing.len(), total, first: first.clone() }),
        None => Ok(TrialRecords { all }),
    }
}

/// Computes the statistics and writes the report, from the records in a folder.
///
/// # Errors
/// [`StudyError::Missing`] if records are missing, [`StudyError::NoShowcase`] if the showcase is; [`StudyError::Write`].
pub fn finish(plan: &StudyPlan, store: &StudyFolder) -> Result<FinishedStudy, StudyError> {
    let records = read_records(plan, store)?;
    let systems = plan.systems()?;
    let reference = systems::reference(&systems);
    let showcase = store.showcase(plan, &showcase::key(plan, reference)).ok_or(StudyError::NoShowcase)?;
    let weights: Vec<usize> = systems.iter().map(|system| system.recipe.weight_count(plan.classes.len())).collect();
    let results = results::results(plan, &records, &weights, reference);
    let mut json = serde_json::to_string_pretty(&results).expect("statistics have JSON forms");
    json.push('\n');
    let page = study_page(plan, &records, &results, &showcase);
    let report = store.write_outcome(&json, &table::csv(&results), &page)?;
    Ok(FinishedStudy { results, report })
}
