//! Statistics of a study's finished trials: each system's scores with their intervals, and which systems differ.

use pinhole_core::statistics::{DecidedProbability, Interval, Reliability, Spread, holm, mcnemar, reliability, wilson};
use serde::Serialize;

use super::plan::{Split, StudyPlan, Trial};
use super::systems::{COMPARISONS, Comparison};
use super::trial::{Curves, EpochScores, TrialRecord};

/// Significance level: p-values below it are called a difference.
pub const SIGNIFICANCE: f64 = 0.05;
/// Share of a guess's loss above which a run has not converged.
const NOT_CONVERGED: f64 = 0.9;
/// Part of a run's epochs, at its end, by which its convergence is decided.
const LAST_PART: f64 = 0.1;
/// Bins of the reliability diagram.
const RELIABILITY_BINS: usize = 10;

/// All statistics of a study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StudyResults {
    /// Version of Pinhole.
    pub pinhole: String,
    /// Class names.
    pub classes: Vec<String>,
    /// Number of photos in all.
    pub photos: usize,
    /// Number of held-out photos of the given split; 0 without one.
    #[serde(rename = "given_photos")]
    pub given_split_photos: usize,
    /// Trainings of each system on the given split.
    pub seeds: u32,
    /// Folds of the cross-validation.
    pub folds: u32,
    /// Repeats of the cross-validation.
    pub repeats: u32,
    /// Name of the reference system, with which all others are compared.
    pub reference: String,
    /// Systems, in the plan's order.
    pub systems: Vec<SystemResult>,
    /// Comparisons in which at least two of the systems take part.
    pub comparisons: Vec<ComparisonResult>,
    /// Reliability of the reference system's probabilities.
    pub reliability: Reliability,
}

/// Scores of one system.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SystemResult {
    /// Name.
    pub name: String,
    /// Number of weights; also of multiply-accumulates of one inference, if all layers are dense.
    pub weights: usize,
    /// Scores on the given split.
    #[serde(rename = "given")]
    pub given_split: Option<GivenSplitScores>,
    /// Scores in the cross-validation.
    #[serde(rename = "crossed")]
    pub cross_validation: Option<CrossValidationScores>,
    /// Number of runs, of all kinds.
    pub runs: usize,
    /// Runs whose loss stayed at that of a guess, or above it.
    pub not_converged: usize,
    /// Runs that had learned and then ended with a training loss above that of a guess.
    #[serde(rename = "spoiled")]
    pub collapsed: usize,
    /// Runs whose loss became no number.
    pub diverged: usize,
    /// Test against the reference system; absent for that system itself.
    pub against_reference: Option<Paired>,
}

/// Scores over the seeds on the given split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GivenSplitScores {
    /// Accuracy after the epoch with the least validation loss: optimistic, since these photos chose the epoch.
    pub best_accuracy: Spread,
    /// Validation loss after that epoch, nats.
    pub best_loss: Spread,
    /// The epoch with the least validation loss.
    pub best_epoch: Spread,
    /// Accuracy after the last epoch.
    pub last_accuracy: Spread,
    /// Validation loss after the last epoch, nats, over the runs that did not diverge; absent if all did.
    pub last_loss: Option<Spread>,
    /// 95 % interval of the accuracy after the last epoch, from the number of photos (more seeds are not more photos).
    pub interval: Interval,
}

/// Scores over the repeats of the cross-validation. In each repeat, every photo is decided once, by a network that was not
/// trained on it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CrossValidationScores {
    /// Accuracy over all photos after the last epoch; a value for each repeat.
    pub accuracy: Spread,
    /// 95 % interval of its mean, from the number of photos (more repeats are not more photos).
    pub interval: Interval,
    /// Accuracy after each fold's best epoch, a value for each repeat: optimistic.
    pub best_accuracy: Spread,
    /// Expected calibration error of the decided class's probability after the last epoch, mean over the repeats.
    pub calibration_error: f64,
    /// Brier score of the decided class, likewise.
    pub brier_score: f64,
}

/// McNemar's exact test of two systems on the same photos. A photo counts as right for a system if more than half of its
/// networks that were not trained on the photo are right after their last epoch. If the number of seeds or repeats is even,
/// the last one is left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Paired {
    /// Photos that only this system gets right.
    pub only_this: usize,
    /// Photos that only the other system gets right.
    pub only_other: usize,
    /// Two-sided p-value.
    pub p: f64,
    /// The p-value after Holm's correction for all comparisons made together.
    pub p_corrected: f64,
}

impl Paired {
    /// Returns true if the two systems can be distinguished on these photos.
    pub fn differ(&self) -> bool {
        self.p_corrected < SIGNIFICANCE
    }
}

/// A comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparisonResult {
    /// Heading.
    pub title: String,
    /// Question that it answers.
    pub question: String,
    /// True if every run is drawn on its own.
    pub each_run: bool,
    /// Indices of the systems.
    pub systems: Vec<usize>,
    /// Tests of each system but the first against the first.
    pub against_first: Vec<Paired>,
}

/// Records of all trials, in the plan's order.
#[derive(Clone, Debug)]
pub struct TrialRecords {
    /// Trials and their records.
    pub all: Vec<(Trial, TrialRecord)>,
}

impl TrialRecords {
    /// Returns a system's records on the given split (`true`) or in the cross-validation (`false`).
    pub fn of(&self, system: usize, given_split: bool) -> impl Iterator<Item = (Trial, &TrialRecord)> {
        self.all
            .iter()
            .filter(move |(trial, _)| trial.system == system && (trial.split == Split::Given) == given_split)
            .map(|(trial, record)| (*trial, record))
    }

    /// Returns a system's records whose curves are drawn: those of the given split if there are any, else all.
    pub fn curves_of(&self, system: usize) -> Vec<&TrialRecord> {
        let given_split: Vec<&TrialRecord> = self.of(system, true).map(|(_, record)| record).collect();
        if given_split.is_empty() { self.of(system, false).map(|(_, record)| record).collect() } else { given_split }
    }
}

/// Computes all statistics.
///
/// # Panics
/// If all records of one repeat of a system are missing. Other gaps are not detected: `records` must contain every trial.
pub fn results(plan: &StudyPlan, records: &TrialRecords, weights: &[usize], reference: usize) -> StudyResults {
    let count = plan.systems.len();
    let right: Vec<Vec<bool>> = (0..count).map(|system| usually_right(plan, records, system)).collect();
    let against = |pairs: &[(usize, usize)]| paired(&right, pairs);
    let others: Vec<(usize, usize)> =
        (0..count).filter(|&system| system != reference).map(|system| (system, reference)).collect();
    let mut against_reference = against(&others).into_iter();
    let guess = plan.guess_loss();
    let systems = (0..count).map(|system| {
        let all: Vec<&TrialRecord> =
            records.of(system, true).chain(records.of(system, false)).map(|(_, r)| r).collect();
        SystemResult {
            name: plan.systems[system].name.clone(),
            weights: weights[system],
            given_split: given_split_scores(plan, records, system),
            cross_validation: cross_validation_scores(plan, records, system),
            runs: all.len(),
            not_converged: all.iter().filter(|record| is_not_converged(record, guess)).count(),
            collapsed: all.iter().filter(|record| is_collapsed(record, guess)).count(),
            diverged: all.iter().filter(|record| record.diverged.is_some()).count(),
            against_reference: if system == reference { None } else { against_reference.next() },
        }
    });
    let systems: Vec<SystemResult> = systems.collect();
    let comparisons = comparisons(plan).map(|(comparison, taking_part)| {
        let pairs: Vec<(usize, usize)> = taking_part[1..].iter().map(|&system| (system, taking_part[0])).collect();
        ComparisonResult {
            title: comparison.title.to_owned(),
            question: comparison.question.to_owned(),
            each_run: comparison.each_run,
            against_first: against(&pairs),
            systems: taking_part,
        }
    });
    StudyResults {
        pinhole: plan.pinhole.clone(),
        classes: plan.classes.clone(),
        photos: plan.photos.len(),
        given_split_photos: if plan.given_split { plan.photos.len() - plan.training_count } else { 0 },
        seeds: plan.seeds,
        folds: plan.folds,
        repeats: plan.repeats,
        reference: plan.systems[reference].name.clone(),
        comparisons: comparisons.collect(),
        reliability: reliability(&first_decisions(plan, records, reference), RELIABILITY_BINS),
        systems,
    }
}

/// Returns the comparisons that the study's systems allow, with the indices of those systems. Systems in none of them are
/// compared with each other.
fn comparisons(plan: &StudyPlan) -> impl Iterator<Item = (Comparison, Vec<usize>)> {
    let place = |name: &str| plan.systems.iter().position(|system| system.name == name);
    let mut all: Vec<(Comparison, Vec<usize>)> = COMPARISONS
        .iter()
        .map(|comparison| (*comparison, comparison.systems.iter().filter_map(|name| place(name)).collect()))
        .filter(|(comparison, systems): &(_, Vec<usize>)| systems.len() >= if comparison.each_run { 1 } else { 2 })
        .collect();
    let mut rest: Vec<usize> =
        (0..plan.systems.len()).filter(|system| !all.iter().any(|(_, systems)| systems.contains(system))).collect();
    if !rest.is_empty() {
        // The user's own systems are compared with the default recipe, so that a single one has something to be compared with.
        let named = |index: usize| plan.systems[index].name == pinhole_core::recipe::DEFAULT;
        if let Some(reference) = (0..plan.systems.len()).find(|&index| named(index) && !rest.contains(&index)) {
            rest.insert(0, reference);
        }
        let title = if all.is_empty() { "Systems" } else { "Other systems" };
        let own = Comparison { title, question: "How do they compare?", systems: &[], each_run: false };
        all.push((own, rest));
    }
    all.into_iter()
}

fn accuracy(plan: &StudyPlan, trial: Trial, scores: &EpochScores) -> (usize, usize) {
    let held_out = plan.validation(trial);
    let right =
        held_out.iter().zip(&scores.decisions).filter(|(photo, decision)| plan.photos[**photo].class == **decision);
    (right.count(), held_out.len())
}

/// Returns the accuracy over some trials together. Trials without a finished epoch count as wrong on all of their photos.
fn pooled_accuracy<'r>(
    plan: &StudyPlan,
    trials: impl Iterator<Item = (Trial, &'r TrialRecord)>,
    scores: fn(&TrialRecord) -> Option<&EpochScores>,
) -> f64 {
    let counts = trials.map(|(trial, record)| {
        scores(record).map_or((0, plan.validation(trial).len()), |scores| accuracy(plan, trial, scores))
    });
    let (right, all) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    right as f64 / all as f64
}

fn best(record: &TrialRecord) -> Option<&EpochScores> {
    record.best.as_ref()
}

fn last(record: &TrialRecord) -> Option<&EpochScores> {
    record.last.as_ref()
}

fn given_split_scores(plan: &StudyPlan, records: &TrialRecords, system: usize) -> Option<GivenSplitScores> {
    let of: Vec<(Trial, &TrialRecord)> = records.of(system, true).collect();
    // A run that diverged in its first epoch has no scores; it is only counted.
    let of: Vec<(Trial, &TrialRecord)> = of.into_iter().filter(|(_, record)| record.best.is_some()).collect();
    let spread = |value: &dyn Fn(Trial, &TrialRecord) -> Option<f64>| {
        Spread::of(&of.iter().filter_map(|&(trial, record)| value(trial, record)).collect::<Vec<f64>>())
    };
    if of.is_empty() {
        return None;
    }
    let fraction = |(right, all): (usize, usize)| right as f64 / all as f64;
    // A run that diverged later has no decisions after the last epoch; all count as wrong.
    let last_accuracy =
        spread(&|trial, record| Some(last(record).map_or(0.0, |scores| fraction(accuracy(plan, trial, scores)))));
    let held_out = plan.photos.len() - plan.training_count;
    Some(GivenSplitScores {
        best_accuracy: spread(&|trial, record| best(record).map(|scores| fraction(accuracy(plan, trial, scores)))),
        best_loss: spread(&|_, record| {
            best(record).map(|scores| record.curves.validation_loss[scores.epoch as usize - 1])
        }),
        best_epoch: spread(&|_, record| best(record).map(|scores| f64::from(scores.epoch))),
        last_loss: (!of.iter().all(|(_, record)| record.last.is_none())).then(|| {
            spread(&|_, record| last(record).map(|scores| record.curves.validation_loss[scores.epoch as usize - 1]))
        }),
        interval: wilson(last_accuracy.mean, held_out),
        last_accuracy,
    })
}

fn cross_validation_scores(plan: &StudyPlan, records: &TrialRecords, system: usize) -> Option<CrossValidationScores> {
    if plan.folds == 0 {
        return None;
    }
    let repeats = || 1..=u64::from(plan.repeats);
    let of = |seed: u64| records.of(system, false).filter(move |(trial, _)| trial.seed == seed);
    let by_repeat = |scores: fn(&TrialRecord) -> Option<&EpochScores>| {
        Spread::of(&repeats().map(|seed| pooled_accuracy(plan, of(seed), scores)).collect::<Vec<_>>())
    };
    let accuracy = by_repeat(last);
    let calibrations: Vec<Reliability> =
        repeats().map(|seed| reliability(&decisions(plan, of(seed)), RELIABILITY_BINS)).collect();
    let mean = |value: fn(&Reliability) -> f64| calibrations.iter().map(value).sum::<f64>() / calibrations.len() as f64;
    Some(CrossValidationScores {
        interval: wilson(accuracy.mean, plan.photos.len()),
        accuracy,
        best_accuracy: by_repeat(best),
        calibration_error: mean(|reliability| reliability.expected_calibration_error),
        brier_score: mean(|reliability| reliability.brier_score),
    })
}

/// Returns the probabilities of the decided classes after the last epoch, and whether the decisions were right.
fn decisions<'r>(plan: &StudyPlan, trials: impl Iterator<Item = (Trial, &'r TrialRecord)>) -> Vec<DecidedProbability> {
    trials
        .filter_map(|(trial, record)| Some((plan.validation(trial), last(record)?)))
        .flat_map(|(held_out, scores)| {
            let said = scores.decisions.iter().zip(&scores.probabilities);
            held_out.into_iter().zip(said).map(|(photo, (&decision, &probability))| DecidedProbability {
                probability,
                right: plan.photos[photo].class == decision,
            })
        })
        .collect()
}

/// Returns one decision for every photo: of the first repeat of the cross-validation, or of the first seed on the given split.
fn first_decisions(plan: &StudyPlan, records: &TrialRecords, system: usize) -> Vec<DecidedProbability> {
    decisions(plan, records.of(system, plan.folds == 0).filter(|(trial, _)| trial.seed == 1))
}

/// Returns, for each photo that is held out anywhere, whether more than half of the networks not trained on it were right. If
/// the number of seeds or repeats is even, the last one has no vote: a tie would count against systems whose seeds differ.
fn usually_right(plan: &StudyPlan, records: &TrialRecords, system: usize) -> Vec<bool> {
    let mut votes = vec![(0_usize, 0_usize); plan.photos.len()];
    let seeds = if plan.folds == 0 { plan.seeds } else { plan.repeats };
    let voting = if seeds % 2 == 0 { seeds - 1 } else { seeds };
    for (trial, record) in records.of(system, plan.folds == 0).filter(|(trial, _)| trial.seed <= u64::from(voting)) {
        for (place, photo) in plan.validation(trial).into_iter().enumerate() {
            let right = last(record).is_some_and(|scores| scores.decisions[place] == plan.photos[photo].class);
            votes[photo].0 += usize::from(right);
            votes[photo].1 += 1;
        }
    }
    votes.into_iter().filter(|(_, all)| *all > 0).map(|(right, all)| 2 * right > all).collect()
}

/// Returns McNemar's test of each pair (this, other), corrected for all of them together.
fn paired(right: &[Vec<bool>], pairs: &[(usize, usize)]) -> Vec<Paired> {
    let counted: Vec<(usize, usize)> = pairs
        .iter()
        .map(|&(this, other)| {
            let both = || right[this].iter().zip(&right[other]);
            (both().filter(|(this, other)| **this && !**other).count(), both().filter(|(t, o)| !**t && **o).count())
        })
        .collect();
    let p: Vec<f64> = counted.iter().map(|&(this, other)| mcnemar(this, other)).collect();
    let corrected = holm(&p);
    counted
        .into_iter()
        .zip(p.into_iter().zip(corrected))
        .map(|((only_this, only_other), (p, p_corrected))| Paired { only_this, only_other, p, p_corrected })
        .collect()
}

/// Returns true if a run never learned: the median of its training losses, and the ends of both losses, are at least nearly
/// that of a guess (see [`StudyPlan::guess_loss`]). Runs that diverged are not counted here too.
pub(crate) fn is_not_converged(record: &TrialRecord, guess: f64) -> bool {
    let near_a_guess = NOT_CONVERGED * guess;
    let Curves { training_loss, validation_loss, .. } = &record.curves;
    let end_mean = |losses: &[f64]| {
        let part = ((losses.len() as f64 * LAST_PART) as usize).max(1);
        let end = &losses[losses.len() - part.min(losses.len())..];
        end.iter().sum::<f64>() / end.len() as f64
    };
    !training_loss.is_empty()
        && record.diverged.is_none()
        && median(training_loss) > near_a_guess
        && end_mean(training_loss) > near_a_guess
        && end_mean(validation_loss) > near_a_guess
}

/// Returns true if a run that had learned ends with a loss above that of a guess even on its training photos. Adam does this
/// late in a training: gradients have become so small that one large gradient makes a huge step. Weight penalties make it
/// likelier, here and in Keras.
fn is_collapsed(record: &TrialRecord, guess: f64) -> bool {
    let Curves { training_loss, .. } = &record.curves;
    training_loss.last().is_some_and(|&last| last > guess) && median(training_loss) < NOT_CONVERGED * guess
}

fn median(losses: &[f64]) -> f64 {
    let mut sorted = losses.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

#[cfg(test)]
pub(crate) mod tests;
