//! Merges the shards of a study.

use std::path::{Path, PathBuf};

use super::store::StudyFolder;
use super::{FinishedStudy, StudyError, finish, showcase, systems};

/// Copies the finished trials of all `shards` into the folder `out`, which may be one of them, and makes the report. The bytes
/// are the same as if one machine had done it all.
///
/// # Errors
/// [`StudyError::NoStudy`] for a folder without one, [`StudyError::DifferentStudies`], [`StudyError::Missing`] if a shard is
/// absent or not finished, [`StudyError::Write`].
///
/// # Panics
/// If `shards` is empty.
pub fn merge(shards: &[PathBuf], out: &Path) -> Result<FinishedStudy, StudyError> {
    let opened = shards.iter().map(|shard| StudyFolder::open(shard)).collect::<Result<Vec<_>, _>>()?;
    let (first, plan) = opened.first().expect("there is a shard to merge");
    for (store, other) in &opened[1..] {
        if let Some(what) = plan.difference(other) {
            let (first, second) = (first.folder().to_owned(), store.folder().to_owned());
            return Err(StudyError::DifferentStudies { first, second, what });
        }
    }
    // Everything is read before anything is written.
    let trials = plan.trials();
    let mut missing = Vec::new();
    let mut found = Vec::with_capacity(trials.len());
    for &trial in &trials {
        let key = plan.key(trial);
        match opened.iter().find_map(|(store, _)| store.record(plan, trial, &key)) {
            Some(record) => found.push((trial, record)),
            None => missing.push(plan.trial_name(trial)),
        }
    }
    let key = showcase::key(plan, systems::reference(&plan.systems()?));
    let shown = opened.iter().find_map(|(store, _)| store.showcase(plan, &key));
    if let Some(first) = missing.first().cloned() {
        return Err(StudyError::Missing { missing: missing.len(), total: trials.len(), first });
    }
    let shown = shown.as_ref().ok_or(StudyError::NoShowcase)?;
    let target = StudyFolder::create(out)?;
    let _claim = target.claim()?;
    target.write_plan(plan)?;
    for (trial, record) in &found {
        target.write_record(plan, *trial, record)?;
    }
    target.write_showcase(shown)?;
    finish(plan, &target)
}
