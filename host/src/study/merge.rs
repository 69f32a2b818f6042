//! Puts the shards of a study together.

use std::path::{Path, PathBuf};

use super::store::Store;
use super::{Finished, StudyError, finish, showcase, systems};

/// Takes the finished cells of all `shards` into `store`'s folder, which may be one of them, and makes the report.
/// The same bytes come out as if one machine had done it all.
///
/// # Errors
/// [`StudyError::NoStudy`] for a folder without one, [`StudyError::DifferentStudies`], [`StudyError::Missing`] when some
/// shard is not there or not done, [`StudyError::Write`].
///
/// # Panics
/// If there is no shard.
pub fn merge(shards: &[PathBuf], out: &Path) -> Result<Finished, StudyError> {
    let opened = shards.iter().map(|shard| Store::open(shard)).collect::<Result<Vec<_>, _>>()?;
    let (first, plan) = opened.first().expect("there is a shard to merge");
    for (store, other) in &opened[1..] {
        if let Some(what) = plan.difference(other) {
            let (first, second) = (first.folder().to_owned(), store.folder().to_owned());
            return Err(StudyError::DifferentStudies { first, second, what });
        }
    }
    let target = Store::create(out)?;
    target.write_plan(plan)?;
    for cell in plan.cells() {
        let key = plan.key(cell);
        if target.record(plan, cell, &key).is_none()
            && let Some(record) = opened.iter().find_map(|(store, _)| store.record(plan, cell, &key))
        {
            target.write_record(plan, cell, &record)?;
        }
    }
    let key = showcase::key(plan, systems::reference(&plan.systems()?));
    if let Some(shown) = opened.iter().find_map(|(store, _)| store.showcase(&key)) {
        target.write_showcase(&shown)?;
    }
    finish(plan, &target)
}
