//! Verdicts on decisions made up by hand.

use std::path::PathBuf;

use pinhole_core::path_text::path_text;
use pinhole_core::photos::Example;
use pinhole_shared::decision::{Decision, Probability};
use pinhole_shared::pixels::InputShape;

use super::*;
use crate::evaluate::{PhotoResult, Scores};

/// One photo: class, decided class, probability of the decision in percent.
type Decided = (u16, u16, u32);

fn in_q16(percent: u32) -> Probability {
    Probability(percent * 65_536 / 100)
}

fn photos(classes: &[&str], decisions: &[Decided]) -> Dataset {
    let path = |number: usize, class: u16| PathBuf::from(format!("{}/{number}.jpg", classes[usize::from(class)]));
    let example = |(number, &(class, ..)): (usize, &Decided)| Example {
        path: path(number, class),
        class,
        pixels: vec![number as u8],
    };
    Dataset {
        input: InputShape::gray(1),
        classes: classes.iter().map(|&class| class.to_owned()).collect(),
        examples: decisions.iter().enumerate().map(example).collect(),
        warnings: Vec::new(),
        enlarged: 0,
    }
}

fn evaluation(photos: &Dataset, decisions: &[Decided]) -> Evaluation {
    let classes = photos.classes.len();
    let mut confusion = vec![vec![0; classes]; classes];
    let mut right = 0;
    for &(class, decided, _) in decisions {
        confusion[usize::from(class)][usize::from(decided)] += 1;
        right += usize::from(class == decided);
    }
    let result = |&(class, decided, percent): &Decided| PhotoResult {
        float: None,
        int8: Decision { class: decided, probability: in_q16(percent) },
        own: in_q16(if class == decided { percent } else { 100 - percent }),
    };
    Evaluation {
        photos: decisions.len(),
        classes: photos.classes.clone(),
        float: None,
        weight_bits: vec![8],
        int8: Scores { accuracy: right as f64 / decisions.len() as f64, loss: 0.5, confusion },
        answered: None,
        agreement: None,
        disagreements: Vec::new(),
        results: decisions.iter().map(result).collect(),
    }
}

fn verdict(classes: &[&str], decisions: &[Decided]) -> NetworkVerdict {
    let photos = photos(classes, decisions);
    NetworkVerdict::of(&evaluation(&photos, decisions), &photos, None)
}

/// Decisions by true class and decided class, all with this probability.
fn counted(counts: &[(u16, u16, usize)], percent: u32) -> Vec<Decided> {
    counts.iter().flat_map(|&(class, decided, count)| std::iter::repeat_n((class, decided, percent), count)).collect()
}

fn kinds(verdict: &NetworkVerdict) -> Vec<String> {
    let kind = |warning| serde_json::to_value(warning).unwrap()["kind"].as_str().unwrap().to_owned();
    verdict.warnings.iter().map(kind).collect()
}

#[test]
fn a_good_network() {
    let decisions = counted(&[(0, 0, 13), (0, 1, 1), (1, 1, 13), (1, 0, 1)], 90);
    let photos = photos(&["bagel", "muffin"], &decisions);
    let facts = TrainingFacts { training: &photos, duplicates: &[], best_epoch: 40, epochs: 60, doubted: &[] };
    let verdict = NetworkVerdict::of(&evaluation(&photos, &decisions), &photos, Some(facts));
    // statsmodels, proportion_confint(26, 28, method="wilson"): 0.7736, 0.9802.
    assert_eq!(
        verdict.sentence,
        "It recognizes both classes: 93 % of 28 validation photos (95 % interval 77 to 98 %); always answering bagel \
         would get 50 %."
    );
    assert!(verdict.better_than_guessing);
    assert_eq!(kinds(&verdict), [""; 0]);
    let bagel = &verdict.classes[0];
    assert_eq!((bagel.training_photos, bagel.photos, bagel.right, bagel.decided), (Some(14), 14, 13, 14));
    assert_eq!((bagel.recall, bagel.precision), (Some(13.0 / 14.0), Some(13.0 / 14.0)));
    assert!((verdict.balanced_accuracy - 13.0 / 14.0).abs() < 1e-15);
    assert!((verdict.calibration.mean_probability - 0.9).abs() < 1e-4, "{:?}", verdict.calibration);
}

/// 4 photos of dogs and bagels, one right.
#[test]
fn a_guess_by_few_photos() {
    let verdict = verdict(&["bagel", "dog"], &counted(&[(0, 0, 1), (0, 1, 1), (1, 0, 2)], 60));
    assert_eq!(
        verdict.sentence,
        "It is no better than guessing: 25 % of 4 photos are right (95 % interval 5 to 70 %); always answering bagel would \
         get 50 %."
    );
    assert_eq!(kinds(&verdict), ["not-better-than-guessing", "too-few-photos"]);
    assert_eq!(verdict.doubted, [], "the doubts of a network that guesses");
}

#[test]
fn right_but_on_too_few_photos_to_tell() {
    let verdict = verdict(&["a", "b"], &counted(&[(0, 0, 2), (1, 1, 1)], 60));
    assert_eq!(verdict.interval, pinhole_core::statistics::wilson(1.0, 3));
    assert!(verdict.sentence.starts_with("It cannot be told from guessing on so few photos: 100 % of 3 photos"));
    let VerdictWarning::TooFewPhotos { photos: 3, enough: 16, .. } = verdict.warnings[1] else {
        panic!("{:?}", verdict.warnings)
    };
}

/// 30 against 300: always answering the larger class gets 0.909.
#[test]
fn the_larger_class_alone_is_a_guess() {
    let guess = verdict(&["few", "many"], &counted(&[(0, 1, 30), (1, 1, 300)], 90));
    assert_eq!(kinds(&guess), ["not-better-than-guessing", "never-decided"]);
    assert_eq!((guess.balanced_accuracy, guess.guess.class.as_str()), (0.5, "many"));
    assert!(guess.sentence.starts_with("It is no better than guessing: 91 % of 330"), "{}", guess.sentence);
    assert!(guess.sentence.contains("; balanced accuracy 50 % ("), "{}", guess.sentence);
    // The same accuracy, by a network that recognizes both.
    let counts = counted(&[(0, 0, 27), (0, 1, 3), (1, 1, 273), (1, 0, 27)], 90);
    let better = verdict(&["few", "many"], &counts);
    assert!(better.accuracy <= guess.accuracy && better.better_than_guessing);
    assert!(better.sentence.starts_with("It recognizes both classes: 91 % of 330"), "{}", better.sentence);
    assert_eq!(kinds(&better), [""; 0]);
}

#[test]
fn classes_that_are_weak_missing_or_never_decided() {
    let classes = ["a", "b", "c", "d"];
    let mut counts = vec![(0, 0, 40), (1, 1, 40), (2, 0, 5), (2, 1, 5)];
    let weak = verdict(&classes, &counted(&counts, 80));
    assert!(weak.sentence.starts_with("It recognizes 2 of 4 classes, and not c: 89 % of 90 photos are right"));
    assert_eq!(kinds(&weak), ["classes-missing", "never-decided"]);
    assert_eq!((weak.classes[3].recall, weak.classes[3].precision), (None, None));
    assert_eq!(weak.guess.balanced_accuracy, 1.0 / 3.0);
    counts.truncate(2);
    let missing = verdict(&classes, &counted(&counts, 100));
    let expected = "It recognizes 2 of 4 classes (there is no photo of c and d to judge by): 100 % of 80 photos";
    assert!(missing.sentence.starts_with(expected), "{}", missing.sentence);
    let one = verdict(&classes[..2], &counted(&[(0, 0, 40)], 100));
    assert!(one.sentence.starts_with("There are only photos of a to judge by"), "{}", one.sentence);
    assert_eq!(kinds(&one), ["classes-missing"]);
}

#[test]
fn the_first_epoch_and_too_much_confidence() {
    let decisions = counted(&[(0, 0, 70), (0, 1, 30), (1, 1, 70), (1, 0, 30)], 99);
    let photos = photos(&["a", "b"], &decisions);
    let of = |best_epoch, epochs| {
        let facts = TrainingFacts { training: &photos, duplicates: &[], best_epoch, epochs, doubted: &[] };
        kinds(&NetworkVerdict::of(&evaluation(&photos, &decisions), &photos, Some(facts)))
    };
    assert_eq!(of(1, 400), ["first-epoch-best", "too-sure"]);
    assert_eq!(of(0, 400), ["first-epoch-best", "too-sure"]);
    assert_eq!(of(2, 400), ["too-sure"]);
    assert_eq!(of(1, 2), ["too-sure"], "two epochs are no training");
}

#[test]
fn the_most_doubted_labels_come_first() {
    let mut decisions = counted(&[(0, 0, 30), (1, 1, 30)], 80);
    decisions.extend([(0, 1, 78), (0, 1, 95), (1, 0, 99), (0, 1, 51)]);
    let verdict = verdict(&["a", "b"], &decisions);
    // Thresholds: (30 * 80 + 22 + 5 + 49) / 33 = 75.0 for a, (30 * 80 + 1) / 31 = 77.5 for b. 51 is below.
    let doubted: Vec<_> =
        verdict.doubted.iter().map(|label| (path_text(&label.path), label.decided.as_str())).collect();
    let of = |path: &str, decided| (path.to_owned(), decided);
    assert_eq!(doubted, [of("b/62.jpg", "a"), of("a/61.jpg", "b"), of("a/60.jpg", "b")]);
}

/// Training photos that a cross-validation doubts are ranked with the others.
#[test]
fn doubts_of_a_cross_validation_are_ranked_with_the_networks() {
    let mut decisions = counted(&[(0, 0, 30), (1, 1, 30)], 80);
    decisions.push((0, 1, 95));
    let photos = photos(&["a", "b"], &decisions);
    let rows = |others: [f64; 2]| -> Vec<Option<Vec<f64>>> {
        let own = |class: u16| if class == 0 { vec![0.9, 0.1] } else { vec![0.1, 0.9] };
        let of =
            |(index, &(class, _, _)): (usize, &Decided)| Some(if index < 2 { others.to_vec() } else { own(class) });
        decisions.iter().enumerate().map(of).collect()
    };
    // b is usual with 0.9: 0.89 is below.
    assert_eq!(DoubtedLabel::of_cross_validation(&photos, &rows([0.11, 0.89])), []);
    let found = DoubtedLabel::of_cross_validation(&photos, &rows([0.02, 0.98]));
    assert_eq!((found.len(), found[0].path.clone(), found[0].probability), (2, PathBuf::from("a/0.jpg"), 0.98));
    assert_eq!((found[1].decided.as_str(), found[1].own_probability), ("b", 0.02));
    let facts = TrainingFacts { training: &photos, duplicates: &[], best_epoch: 9, epochs: 9, doubted: &found };
    let verdict = NetworkVerdict::of(&evaluation(&photos, &decisions), &photos, Some(facts));
    let paths: Vec<_> = verdict.doubted.iter().map(|label| path_text(&label.path)).collect();
    assert_eq!(paths, ["a/0.jpg", "a/1.jpg", "a/60.jpg"]);
    // A classifier that is right about three of four photos of two classes is good enough, and a weaker one is not.
    let mut weak = rows([0.02, 0.98]);
    // 15 of 31 and 30 of 30: 0.74. With one more, 0.758.
    weak[2..16].fill(Some(vec![0.3, 0.7]));
    assert_eq!(DoubtedLabel::of_cross_validation(&photos, &weak), []);
    weak[2] = Some(vec![0.9, 0.1]);
    assert_eq!(DoubtedLabel::of_cross_validation(&photos, &weak).len(), 2);
    // Photos that nothing was found out about are not doubted.
    weak[0] = None;
    assert_eq!(DoubtedLabel::of_cross_validation(&photos, &weak).len(), 1);
}

#[test]
fn contradictory_labels_are_pairs_in_two_classes() {
    let decisions = counted(&[(0, 0, 20), (1, 1, 20)], 90);
    let mut photos = photos(&["a", "b"], &decisions);
    photos.examples[20].pixels = photos.examples[0].pixels.clone();
    let pair = |first: usize, second: usize, mirrored, across| DuplicatePhotos {
        first: photos.examples[first].path.clone(),
        second: photos.examples[second].path.clone(),
        mirrored,
        across,
        contradiction: (first < 20 && second >= 20 && !mirrored).then(|| ["a".to_owned(), "b".to_owned()]),
    };
    let duplicates =
        [pair(0, 1, false, false), pair(0, 20, false, false), pair(2, 22, true, false), pair(3, 23, false, true)];
    let facts = TrainingFacts { training: &photos, duplicates: &duplicates, best_epoch: 9, epochs: 9, doubted: &[] };
    let verdict = NetworkVerdict::of(&evaluation(&photos, &decisions), &photos, Some(facts));
    let pairs: Vec<_> = verdict.contradictory.iter().map(|pair| (pair.second.clone(), pair.identical)).collect();
    assert_eq!(pairs, [("b/20.jpg".into(), true), ("b/23.jpg".into(), false)]);
    assert_eq!(kinds(&verdict), ["seen-in-training", "contradictory-labels"]);
    let told = verdict.warnings[1].to_string();
    assert!(told.starts_with("2 pairs of nearly the same picture in two classes (1 identical"), "{told}");
}

#[test]
fn percents_claim_neither_all_nor_nothing() {
    for (fraction, text) in [
        (1.0, "100 %"),
        (0.9964, "99.6 %"),
        (0.9998, "99.9 %"),
        (0.0, "0 %"),
        (0.004, "0.4 %"),
        (0.0004, "0.1 %"),
        (0.286, "29 %"),
    ] {
        assert_eq!(percent(fraction), text);
    }
}
