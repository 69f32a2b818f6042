//! How good a network is: a sentence, numbers with their intervals, and warnings.
//!
//! Everything is computed from the decisions of the integer network, as on the device, on labeled photos. With [`TrainingFacts`]
//! these are the validation photos of a training.
//!
//! | file | from -> to |
//! |---|---|
//! | `classes` | decisions -> recall and precision of each class, balanced accuracy |
//! | `warning` | numbers and facts -> [`VerdictWarning`]s |
//! | `labels` | decisions, near-duplicates -> photos whose label may be wrong |
//! | `sentence` | all of these -> one sentence |
//! | `next_steps` | what a reader may do next |

mod classes;
mod labels;
mod next_steps;
mod sentence;
mod warning;

use pinhole_core::photos::{Dataset, DuplicatePhotos};
use pinhole_core::statistics::{DecidedProbability, Interval, Proportion, mean_of_proportions, reliability};
use serde::Serialize;

pub use self::classes::ClassVerdict;
pub use self::labels::{ContradictoryLabels, DoubtedLabel};
pub use self::next_steps::NextStep;
pub use self::sentence::percent;
pub use self::warning::VerdictWarning;

use crate::evaluate::Evaluation;

/// Bins of the probabilities, for the calibration error.
pub(crate) const RELIABILITY_BINS: usize = 10;

/// Facts of a training that a verdict on its network takes into account.
#[derive(Clone, Copy, Debug)]
pub struct TrainingFacts<'a> {
    /// The training photos, without copies.
    pub training: &'a Dataset,
    /// Pairs of nearly the same picture, among training and validation photos.
    pub duplicates: &'a [DuplicatePhotos],
    /// The epoch that was kept.
    pub best_epoch: u32,
    /// Number of epochs.
    pub epochs: u32,
    /// Training photos whose label is doubted ([`DoubtedLabel::of_cross_validation`]).
    pub doubted: &'a [DoubtedLabel],
}

/// A verdict on a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkVerdict {
    /// The verdict in one sentence.
    pub sentence: String,
    /// True if the network is better than guessing, as far as these photos can tell.
    pub better_than_guessing: bool,
    /// Number of photos it was judged by.
    pub photos: usize,
    /// Number of right decisions.
    pub right: usize,
    /// Fraction of right decisions.
    pub accuracy: f64,
    /// Its 95 % interval: Wilson's, as if the photos were independent of each other and had not chosen the epoch.
    pub interval: Interval,
    /// Scores of the best constant answer.
    pub guess: Guess,
    /// Mean of the recalls of all classes that have photos.
    pub balanced_accuracy: f64,
    /// Its 95 % interval (see [`mean_of_proportions`]).
    pub balanced_interval: Interval,
    /// Comparison of probabilities with right decisions.
    pub calibration: Calibration,
    /// Scores of each class.
    pub classes: Vec<ClassVerdict>,
    /// Warnings before the network is trusted, the gravest first.
    pub warnings: Vec<VerdictWarning>,
    /// Pairs of nearly the same picture in two classes; empty without [`TrainingFacts`].
    pub contradictory: Vec<ContradictoryLabels>,
    /// Photos whose label is doubted most, the most doubted first: photos that were evaluated, by the network, and training
    /// photos, by a cross-validation. Empty if these are too weak to tell.
    pub doubted: Vec<DoubtedLabel>,
    /// True if the photos are the validation photos of the network's training.
    pub of_training: bool,
}

/// The best constant answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Guess {
    /// The class with the most photos; of equal ones, the first.
    pub class: String,
    /// Fraction of the photos that are of this class.
    pub accuracy: f64,
    /// Balanced accuracy of any constant answer: one by the number of classes that have photos.
    pub balanced_accuracy: f64,
}

/// Comparison of probabilities with right decisions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Mean probability of the decided classes. If it is above the accuracy, the network is too sure of itself.
    pub mean_probability: f64,
    /// Expected calibration error, in ten bins.
    pub expected_calibration_error: f64,
    /// Brier score of the decided class.
    pub brier_score: f64,
}

impl NetworkVerdict {
    /// Judges a network by the evaluation of these photos.
    ///
    /// # Panics
    /// If the evaluation is of other photos.
    pub fn of(evaluation: &Evaluation, photos: &Dataset, facts: Option<TrainingFacts<'_>>) -> Self {
        assert_eq!(evaluation.results.len(), photos.examples.len(), "an evaluation of other photos");
        let confusion = &evaluation.int8.confusion;
        let classes = ClassVerdict::all(&evaluation.classes, confusion, facts.map(|facts| facts.training));
        let right = (0..classes.len()).map(|class| confusion[class][class]).sum();
        let whole = Proportion { right, count: evaluation.photos };
        let recalls: Vec<Proportion> = classes.iter().map(ClassVerdict::recalled).collect();
        let (balanced_accuracy, balanced_interval) =
            mean_of_proportions(&recalls).unwrap_or((0.0, Interval { low: 0.0, high: 1.0 }));
        let guess = Guess::best(&classes, evaluation.photos);
        let decided: Vec<DecidedProbability> = decided(photos, evaluation);
        let reliability = reliability(&decided, RELIABILITY_BINS);
        let mean_probability = decided.iter().map(|one| one.probability).sum::<f64>() / decided.len().max(1) as f64;
        let interval = whole.interval();
        // A constant answer is the best guess in both scores, and a network that recognizes a rare class is better by one.
        let better_than_guessing = interval.low > guess.accuracy || balanced_interval.low > guess.balanced_accuracy;
        let present = classes.iter().filter(|class| class.photos > 0).count();
        let may_doubt = better_than_guessing && labels::may_doubt(balanced_accuracy, present);
        let doubted = if may_doubt { labels::doubted(photos, evaluation) } else { Vec::new() };
        let doubted_in_training = facts.map_or(&[][..], |facts| facts.doubted);
        let mut verdict = Self {
            sentence: String::new(),
            better_than_guessing,
            photos: evaluation.photos,
            right,
            accuracy: whole.fraction().unwrap_or(0.0),
            interval,
            guess,
            balanced_accuracy,
            balanced_interval,
            calibration: Calibration {
                mean_probability,
                expected_calibration_error: reliability.expected_calibration_error,
                brier_score: reliability.brier_score,
            },
            classes,
            warnings: Vec::new(),
            contradictory: facts.map(|facts| labels::contradictory(photos, &facts)).unwrap_or_default(),
            doubted: labels::most_doubted(doubted, doubted_in_training),
            of_training: facts.is_some(),
        };
        verdict.warnings = warning::all(&verdict, facts.as_ref());
        verdict.sentence = sentence::of(&verdict);
        verdict
    }

    /// Returns the number of classes that have photos.
    fn present(&self) -> usize {
        self.classes.iter().filter(|class| class.photos > 0).count()
    }
}

impl Guess {
    fn best(classes: &[ClassVerdict], photos: usize) -> Self {
        let mut largest = &classes[0];
        for class in classes {
            if class.photos > largest.photos {
                largest = class;
            }
        }
        let present = classes.iter().filter(|class| class.photos > 0).count();
        Self {
            class: largest.class.clone(),
            accuracy: largest.photos as f64 / photos.max(1) as f64,
            balanced_accuracy: 1.0 / present.max(1) as f64,
        }
    }
}

/// Returns probability and outcome of the integer network's decision on each photo.
pub(crate) fn decided(photos: &Dataset, evaluation: &Evaluation) -> Vec<DecidedProbability> {
    let each = photos.examples.iter().zip(&evaluation.results);
    each.map(|(example, result)| DecidedProbability {
        probability: result.int8.probability.to_f64(),
        right: result.int8.class == example.class,
    })
    .collect()
}

#[cfg(test)]
mod tests;
