//! Photos whose label may be wrong.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use pinhole_core::path_text;
use pinhole_core::photos::{Dataset, Example};
use pinhole_core::statistics::{Proportion, mean_of_proportions};
use pinhole_train::most_probable;
use serde::Serialize;

use super::TrainingFacts;
use crate::evaluate::Evaluation;

/// Most labels that are listed as doubted.
const DOUBTED_LIMIT: usize = 24;

/// Two photos of nearly the same picture in two classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContradictoryLabels {
    /// One photo.
    #[serde(serialize_with = "path_text::serialize")]
    pub first: PathBuf,
    /// Name of its class.
    pub first_class: String,
    /// The other photo.
    #[serde(serialize_with = "path_text::serialize")]
    pub second: PathBuf,
    /// Name of its class.
    pub second_class: String,
    /// True if the network's inputs are the same, so that no network can tell them apart.
    pub identical: bool,
}

/// A photo that is taken for another class, with a probability that is usual for photos of that class: by the network that was
/// evaluated or, if it is a training photo, by the classifier of a cross-validation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DoubtedLabel {
    /// The photo.
    #[serde(serialize_with = "path_text::serialize")]
    pub path: PathBuf,
    /// Name of its class, which is doubted.
    pub class: String,
    /// Name of the class that was decided.
    pub decided: String,
    /// Probability of the decision.
    pub probability: f64,
    /// Probability of the photo's class.
    pub own_probability: f64,
}

/// Returns the pairs of nearly the same picture in two classes.
pub(super) fn contradictory(photos: &Dataset, facts: &TrainingFacts<'_>) -> Vec<ContradictoryLabels> {
    let all = facts.training.examples.iter().chain(&photos.examples);
    let inputs: HashMap<&Path, &[u8]> = all.map(|example| (example.path.as_path(), &example.pixels[..])).collect();
    let input = |path: &Path| inputs.get(path);
    facts
        .duplicates
        .iter()
        .filter_map(|pair| {
            let [first_class, second_class] = pair.contradiction.clone()?;
            Some(ContradictoryLabels {
                first: pair.first.clone(),
                first_class,
                second: pair.second.clone(),
                second_class,
                identical: input(&pair.first).is_some_and(|first| input(&pair.second) == Some(first)),
            })
        })
        .collect()
}

/// A decision about a photo.
struct Prediction {
    class: u16,
    probability: f64,
    /// Probability of the photo's class.
    own: f64,
}

/// Returns the photos whose label the evaluated network doubts most ([`doubted_by`]).
pub(super) fn doubted(photos: &Dataset, evaluation: &Evaluation) -> Vec<DoubtedLabel> {
    let predictions = photos.examples.iter().zip(&evaluation.results).map(|(example, result)| {
        let decided = result.int8;
        let (probability, own) = (decided.probability.to_f64(), result.own.to_f64());
        (example, Prediction { class: decided.class, probability, own })
    });
    doubted_by(&photos.classes, &predictions.collect::<Vec<_>>())
}

impl DoubtedLabel {
    /// Returns the photos whose label a cross-validation doubts most, at most 24. `probabilities` are those of each class for each
    /// photo, by a classifier that was not trained on it; photos without them are not judged. Of a weak classifier, nothing is
    /// returned: it is wrong too often.
    ///
    /// # Panics
    /// If there are not as many `probabilities` as photos.
    pub fn of_cross_validation(photos: &Dataset, probabilities: &[Option<Vec<f64>>]) -> Vec<Self> {
        assert_eq!(probabilities.len(), photos.examples.len(), "probabilities of other photos");
        let mut recalls = vec![Proportion { right: 0, count: 0 }; photos.classes.len()];
        let mut predictions = Vec::new();
        for (example, row) in photos.examples.iter().zip(probabilities) {
            let Some(row) = row else { continue };
            let (class, own) = (most_probable(row), usize::from(example.class));
            recalls[own].count += 1;
            recalls[own].right += usize::from(class == own);
            let prediction = Prediction { class: class as u16, probability: row[class], own: row[own] };
            predictions.push((example, prediction));
        }
        let present = recalls.iter().filter(|recall| recall.count > 0).count();
        let balanced_accuracy = mean_of_proportions(&recalls).map_or(0.0, |(mean, _)| mean);
        if may_doubt(balanced_accuracy, present) { doubted_by(&photos.classes, &predictions) } else { Vec::new() }
    }
}

/// Returns true if a classifier is half-way between a guess and perfection: the doubts of a weaker one are wrong too often.
/// `classes` is the number of classes that have photos.
pub(super) fn may_doubt(balanced_accuracy: f64, classes: usize) -> bool {
    2.0 * balanced_accuracy >= 1.0 + 1.0 / classes.max(1) as f64
}

/// Returns the labels of two lists, the most doubted first, at most [`DOUBTED_LIMIT`].
pub(super) fn most_doubted(first: Vec<DoubtedLabel>, second: &[DoubtedLabel]) -> Vec<DoubtedLabel> {
    let mut all = first;
    all.extend(second.iter().cloned());
    let lead = |label: &DoubtedLabel| label.probability - label.own_probability;
    // Stable: of equal ones, the first photo.
    all.sort_by(|a, b| lead(b).total_cmp(&lead(a)));
    all.truncate(DOUBTED_LIMIT);
    all
}

/// Returns the photos whose label is doubted most. A label is doubted if the decision is for another class with at least the
/// mean probability that this class has among its own photos, and at least one half. The largest lead of the decided class over
/// the label comes first.
///
/// # Source
/// C. Northcutt, L. Jiang and I. Chuang, "Confident learning: estimating uncertainty in dataset labels", Journal of Artificial
/// Intelligence Research 70 (2021), section 3.1: a class's threshold is its mean self-confidence; ranking by normalized margin.
fn doubted_by(classes: &[String], predictions: &[(&Example, Prediction)]) -> Vec<DoubtedLabel> {
    let mut sums = vec![(0.0, 0_usize); classes.len()];
    for (example, prediction) in predictions {
        let (sum, count) = &mut sums[usize::from(example.class)];
        *sum += prediction.own;
        *count += 1;
    }
    let usual = |class: u16| {
        let (sum, count) = sums[usize::from(class)];
        // Of a class without photos nothing is known, so only certainty counts.
        if count == 0 { 1.0 } else { f64::max(sum / count as f64, 0.5) }
    };
    let name = |class: u16| classes[usize::from(class)].clone();
    let is_doubted = |(example, decided): &&(&Example, Prediction)| {
        decided.class != example.class && decided.probability >= usual(decided.class)
    };
    let doubted = predictions.iter().filter(is_doubted).map(|(example, decided)| DoubtedLabel {
        path: example.path.clone(),
        class: name(example.class),
        decided: name(decided.class),
        probability: decided.probability,
        own_probability: decided.own,
    });
    most_doubted(doubted.collect(), &[])
}
