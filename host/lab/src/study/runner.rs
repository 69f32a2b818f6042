//! Runs the trials of a study over the cores, except those that are finished.
//!
//! Each trial is trained by one thread from its own seed, and its record is written whole at the end. So the results do not
//! depend on the number of threads or machines, on the order in which trials finish, or on interruptions.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::plan::{StudyPlan, Trial};
use super::store::StudyFolder;
use super::{StudyError, StudyPhotos, System, trial};

/// A part of a study's trials: every `count`th, starting with number `index` (from 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Number of the shard, from 1.
    pub index: u32,
    /// Number of shards.
    pub count: u32,
}

impl Shard {
    /// The whole study.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    fn has(self, number: usize) -> bool {
        number % self.count as usize == self.index as usize - 1
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((index, count)) if index >= 1 && index <= count => Ok(Self { index, count }),
            _ => Err("give it as I/N with 1 <= I <= N, such as 2/3 for the second of three".to_owned()),
        }
    }
}

/// Progress of a study.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StudyProgress {
    /// Finished trials, including those of earlier runs.
    pub trials: usize,
    /// All trials.
    pub all_trials: usize,
    /// Finished work, in units that are roughly proportional to time.
    pub work: u64,
    /// All work.
    pub all_work: u64,
}

/// Options of a run.
#[derive(Clone, Copy, Debug)]
pub struct StudyOptions<'a> {
    /// Number of trials trained at once.
    pub threads: usize,
    /// Shard to run.
    pub shard: Shard,
    /// Stops the run when set; trials in training are abandoned.
    pub stop: &'a AtomicBool,
}

/// Trials that are not finished, and the progress so far.
pub(super) struct Queue {
    open: Vec<Trial>,
    progress: StudyProgress,
}

impl Queue {
    /// Finds the trials of a shard that are not finished.
    pub(super) fn new(plan: &StudyPlan, systems: &[System], store: &StudyFolder, shard: Shard) -> Self {
        let mut progress = StudyProgress::default();
        let mut open = Vec::new();
        for (_, trial) in plan.trials().into_iter().enumerate().filter(|(number, _)| shard.has(*number)) {
            let work = work(plan, &systems[trial.system], trial);
            progress.all_trials += 1;
            progress.all_work += work;
            if store.record(plan, trial, &plan.key(trial)).is_some() {
                progress.trials += 1;
                progress.work += work;
            } else {
                open.push(trial);
            }
        }
        // The longest first, so that no core is left alone with a long one at the end.
        open.sort_by_key(|&trial| std::cmp::Reverse(work(plan, &systems[trial.system], trial)));
        Self { open, progress }
    }

    /// Trains the open trials. `observe` sees the progress after each. Returns true if all are finished, false if stopped.
    ///
    /// # Errors
    /// The first error of any trial; the others are abandoned.
    pub(super) fn run(
        self,
        (plan, photos, systems): (&StudyPlan, &StudyPhotos, &[System]),
        store: &StudyFolder,
        options: StudyOptions<'_>,
        observe: &(dyn Fn(StudyProgress) + Sync),
    ) -> Result<bool, StudyError> {
        observe(self.progress);
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let state: Mutex<(StudyProgress, Option<StudyError>)> = Mutex::new((self.progress, None));
        let stopping = || options.stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);
        let train = |trial: Trial| -> Result<bool, StudyError> {
            let system = &systems[trial.system];
            let go_on = || if stopping() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            let Some(record) = trial::run(plan, trial, photos, system, go_on)? else { return Ok(false) };
            store.write_record(plan, trial, &record)?;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.0.trials += 1;
            state.0.work += work(plan, system, trial);
            observe(state.0);
            Ok(true)
        };
        let worker = || {
            while let Some(&trial) = self.open.get(next.fetch_add(1, Ordering::Relaxed)) {
                if stopping() {
                    return;
                }
                if let Err(error) = train(trial) {
                    failed.store(true, Ordering::Relaxed);
                    state.lock().unwrap_or_else(PoisonError::into_inner).1.get_or_insert(error);
                    return;
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..options.threads.clamp(1, self.open.len().max(1)) {
                // A pool of one thread: there are enough trials, so none is shared between threads.
                scope.spawn(|| match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
                    Ok(pool) => pool.install(worker),
                    // Without a pool of its own, a trial still gives the same bytes.
                    Err(_) => worker(),
                });
            }
        });
        match state.into_inner().unwrap_or_else(PoisonError::into_inner) {
            (_, Some(error)) => Err(error),
            (progress, None) => Ok(progress.trials == progress.all_trials),
        }
    }
}

/// Returns the cost of a trial, in no particular unit: multiply-adds of its epochs, and passes over its weights.
fn work(plan: &StudyPlan, system: &System, trial: Trial) -> u64 {
    let training = &system.recipe.training;
    let held_out = plan.validation(trial).len();
    let trained_on = (plan.photos.len() - held_out) * (1 + training.copies.len());
    let updates = trained_on.div_ceil(training.batch);
    // An update's pass over weights and optimizer state costs about 25 multiply-adds for each weight.
    let (photos, passes) = (2 * trained_on + held_out, 25 * updates);
    let recipe = &system.recipe;
    let (macs, weights) = (recipe.mac_count(plan.classes.len()), recipe.weight_count(plan.classes.len()));
    let an_epoch = photos as u128 * macs as u128 + passes as u128 * weights as u128;
    let work = an_epoch * u128::from(training.epochs) / 1_000_000;
    // Limited, so that the sum over all trials does not overflow.
    u64::try_from(work).unwrap_or(u64::MAX).min(u64::MAX >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_written_as_people_write_them() {
        assert_eq!("2/3".parse(), Ok(Shard { index: 2, count: 3 }));
        for wrong in ["0/3", "4/3", "2", "2/", "a/b", "-1/2", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn shards_share_all_trials_out() {
        for count in 1..=5 {
            let shards: Vec<Shard> = (1..=count).map(|index| Shard { index, count }).collect();
            for number in 0..20 {
                assert_eq!(shards.iter().filter(|shard| shard.has(number)).count(), 1);
            }
        }
    }
}
