//! Statistics of a study that is small enough to compute by hand.

use super::*;
use crate::study::{PlannedPhoto, PlannedSystem};

/// Six training and two held-out photos of two alternating classes; two systems, two seeds, two folds, one repeat.
pub(crate) fn plan() -> StudyPlan {
    let photo = |index: usize| PlannedPhoto {
        path: format!("{index}.jpg"),
        class: (index % 2) as u16,
        pixels: [("50".to_owned(), index.to_string())].into(),
    };
    let system = |name: &str| {
        let (name, recipe) = (name.to_owned(), String::new());
        PlannedSystem { name, input: "50".to_owned(), recipe, from: None }
    };
    StudyPlan {
        pinhole: "test".to_owned(),
        classes: vec!["cat".to_owned(), "dog".to_owned()],
        photos: (0..8).map(photo).collect(),
        training_count: 6,
        given_split: true,
        left_out: Vec::new(),
        duplicates: Vec::new(),
        systems: vec![system("smaller"), system("baseline")],
        seeds: 2,
        folds: 2,
        repeats: 1,
        assignments: vec![vec![0, 0, 1, 1, 0, 0, 1, 1]],
    }
}

/// Returns a run of three epochs, the best of them the second. Its decisions after both epochs are right except for the
/// held-out photos at the positions `wrong`.
fn record(plan: &StudyPlan, trial: Trial, wrong: &[usize], losses: [f64; 3]) -> TrialRecord {
    let held_out = plan.validation(trial);
    let decisions = held_out.iter().enumerate().map(|(place, &photo)| {
        let class = plan.photos[photo].class;
        if wrong.contains(&place) { 1 - class } else { class }
    });
    let last = EpochScores { epoch: 3, decisions: decisions.collect(), probabilities: vec![0.75; held_out.len()] };
    let curves = Curves { training_loss: losses.to_vec(), validation_loss: losses.to_vec(), ..Curves::default() };
    let best = Some(EpochScores { epoch: 2, ..last.clone() });
    let (system, seed) = (plan.systems[trial.system].name.clone(), trial.seed);
    TrialRecord {
        key: plan.key(trial),
        system,
        seed,
        split: trial.split,
        diverged: None,
        curves,
        best,
        last: Some(last),
    }
}

/// The second system is wrong on one of the two held-out photos with seed 2, and on three of four photos of the first fold.
pub(crate) fn records(plan: &StudyPlan) -> TrialRecords {
    let all = plan.trials().into_iter().map(|trial| {
        let wrong: &[usize] = match (trial.system, trial.seed, trial.split) {
            (1, 2, Split::Given) => &[1],
            (1, _, Split::Fold(0)) => &[0, 1, 3],
            _ => &[],
        };
        (trial, record(plan, trial, wrong, [0.6, 0.25 * trial.seed as f64, 0.5]))
    });
    TrialRecords { all: all.collect() }
}

#[test]
fn trials_come_in_order_and_hold_out_what_they_should() {
    let plan = plan();
    let names: Vec<String> = plan.trials().iter().take(4).map(|&trial| plan.trial_name(trial)).collect();
    let expected = ["smaller.seed-1", "smaller.seed-2", "smaller.fold-1-of-2.seed-1", "smaller.fold-2-of-2.seed-1"];
    assert_eq!(names, expected);
    let held_out: Vec<Vec<usize>> = plan.trials()[..4].iter().map(|&trial| plan.validation(trial)).collect();
    assert_eq!(held_out, [vec![6, 7], vec![6, 7], vec![0, 1, 4, 5], vec![2, 3, 6, 7]]);
}

#[test]
fn keys_differ_by_everything_a_result_depends_on() {
    let plan = plan();
    let trials = plan.trials();
    let mut keys: Vec<String> = trials.iter().map(|&trial| plan.key(trial)).collect();
    // The two systems of this plan have the same recipe, so their trials are the same trainings; others are not.
    assert_eq!(keys[..4], keys[4..]);
    keys.truncate(4);
    let change = |change: &dyn Fn(&mut StudyPlan)| {
        let mut changed = self::plan();
        change(&mut changed);
        changed.key(trials[0])
    };
    keys.push(change(&|plan| plan.pinhole.push('2')));
    keys.push(change(&|plan| plan.systems[0].recipe.push('#')));
    keys.push(change(&|plan| plan.photos[3].pixels.get_mut("50").unwrap().push('0')));
    keys.push(change(&|plan| plan.photos[3].class = 0));
    keys.push(change(&|plan| plan.classes[0].push('s')));
    keys.push(change(&|plan| plan.training_count = 5));
    let mut distinct = keys.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), keys.len());
    // A photo's path does not matter.
    assert_eq!(change(&|plan| plan.photos[3].path.push('x')), keys[0]);
    assert_eq!(change(&|plan| plan.seeds = 7), keys[0]);
    // Systems that see photos in another size do not matter.
    assert_eq!(change(&|plan| drop(plan.photos[3].pixels.insert("96".to_owned(), "x".to_owned()))), keys[0]);
}

#[test]
fn scores_by_hand() {
    let plan = plan();
    let results = results(&plan, &records(&plan), &[10, 20], 0);
    let [first, second] = &results.systems[..] else { panic!("two systems") };
    let (given_split, cross_validation) =
        (second.given_split.as_ref().unwrap(), second.cross_validation.as_ref().unwrap());
    // Accuracies 1 and 1/2; losses at the best epoch 1/4 and 1/2.
    let half_root = 0.5 * std::f64::consts::FRAC_1_SQRT_2;
    assert_eq!(given_split.last_accuracy.mean, 0.75);
    assert!((given_split.last_accuracy.deviation - half_root).abs() < 1e-15);
    assert_eq!((given_split.best_loss.mean, given_split.last_loss.unwrap().mean), (0.375, 0.5));
    assert_eq!((given_split.best_epoch.mean, given_split.best_epoch.deviation), (2.0, 0.0));
    assert_eq!(given_split.interval, wilson(0.75, 2));
    // Five of eight photos.
    assert_eq!((cross_validation.accuracy.mean, cross_validation.accuracy.deviation), (0.625, 0.0));
    assert_eq!(cross_validation.interval, wilson(0.625, 8));
    // All probabilities are 0.75, and 0.625 of the decisions are right.
    assert!((cross_validation.calibration_error - 0.125).abs() < 1e-15, "{cross_validation:?}");
    assert!((cross_validation.brier_score - (5.0 * 0.0625 + 3.0 * 0.5625) / 8.0).abs() < 1e-15);
    assert_eq!(first.cross_validation.as_ref().unwrap().accuracy.mean, 1.0);
    assert_eq!((first.weights, second.weights, second.runs), (10, 20, 4));

    let paired = second.against_reference.unwrap();
    assert_eq!((paired.only_this, paired.only_other), (0, 3));
    // Three fair coin tosses with the same result, on either side: p = 2 * 1/8.
    assert_eq!((paired.p, paired.p_corrected), (0.25, 0.25));
    assert!(!paired.differ() && first.against_reference.is_none());
    // Both systems are in the comparison of sizes, with the baseline first.
    let sizes = results.comparisons.iter().find(|comparison| comparison.title == "Size, 1").unwrap();
    assert_eq!(sizes.systems, [1, 0]);
    assert_eq!((sizes.against_first[0].only_this, sizes.against_first[0].only_other), (3, 0));
}

#[test]
fn without_a_cross_validation_the_held_out_photos_are_voted_on() {
    let plan = StudyPlan { folds: 0, repeats: 0, assignments: Vec::new(), ..plan() };
    let results = results(&plan, &records(&plan), &[1, 1], 0);
    // The number of seeds is even, so the last, which is wrong on the second photo, has no vote.
    let paired = results.systems[1].against_reference.unwrap();
    assert_eq!((paired.only_this, paired.only_other, paired.p), (0, 0, 1.0));
    assert!(results.systems[1].cross_validation.is_none());
    assert_eq!(results.reliability.bins.iter().map(|bin| bin.count).sum::<usize>(), 2);
}

#[test]
fn runs_are_told_apart_by_their_losses() {
    let plan = plan();
    let trial = plan.trials()[0];
    let kind = |losses: &[f64]| {
        let mut record = record(&plan, trial, &[], [0.0; 3]);
        record.curves.training_loss = losses.to_vec();
        record.curves.validation_loss = losses.to_vec();
        (is_not_converged(&record, plan.guess_loss()), is_collapsed(&record, plan.guess_loss()))
    };
    assert_eq!(kind(&[0.70, 0.69, 0.69, 0.69, 0.70]), (true, false));
    assert_eq!(kind(&[0.70, 0.60, 0.40, 0.20, 0.10]), (false, false));
    assert_eq!(kind(&[0.70, 0.40, 0.10, 0.10, 2.50]), (false, true));
    // It learns late, but it learns.
    assert_eq!(kind(&[0.70, 0.69, 0.69, 0.69, 0.30]), (false, false));
    assert_eq!(kind(&[]), (false, false));
    assert!((plan.guess_loss() - std::f64::consts::LN_2).abs() < 1e-15 && plan.largest_share() == 0.5);
    let mut unequal = self::plan();
    unequal.photos.truncate(1);
    assert_eq!((unequal.guess_loss(), unequal.largest_share()), (0.0, 1.0));
}

#[test]
fn records_from_files_are_checked() {
    let plan = plan();
    let trial = plan.trials()[0];
    let sound = |change: fn(&mut TrialRecord)| {
        let mut record = record(&plan, trial, &[], [0.6, 0.2, 0.5]);
        record.curves.training_accuracy = vec![0.5; 3];
        record.curves.validation_accuracy = vec![0.5; 3];
        change(&mut record);
        record.is_sound(2)
    };
    assert!(sound(|_| ()));
    let changes: [fn(&mut TrialRecord); 7] = [
        |record| record.curves.training_loss.truncate(2),
        |record| record.curves.validation_accuracy.push(0.5),
        |record| record.last.as_mut().unwrap().epoch = 4,
        |record| record.best.as_mut().unwrap().epoch = 0,
        |record| record.last.as_mut().unwrap().decisions.truncate(1),
        |record| record.last.as_mut().unwrap().probabilities[0] = 1.5,
        |record| record.last = None,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert!(!sound(change), "change {number}");
    }
}
