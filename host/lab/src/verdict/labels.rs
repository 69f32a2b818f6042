//! Photos whose label may be wrong.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use pinhole_core::photos::{Dataset, Example};
use serde::{Serialize, Serializer};

use super::TrainingFacts;
use crate::evaluate::Evaluation;

/// Most labels that are listed as doubted.
const DOUBTED_LIMIT: usize = 24;

/// Two photos of nearly the same picture in two classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContradictoryLabels {
    /// One photo.
    #[serde(serialize_with = "lossy")]
    pub first: PathBuf,
    /// Name of its class.
    pub first_class: String,
    /// The other photo.
    #[serde(serialize_with = "lossy")]
    pub second: PathBuf,
    /// Name of its class.
    pub second_class: String,
    /// True if the network's inputs are the same, so that no network can tell them apart.
    pub identical: bool,
}

/// A photo that the network takes for another class, with a probability that is usual for photos of that class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DoubtedLabel {
    /// The photo.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// Index in the photos that were evaluated.
    #[serde(skip)]
    pub index: usize,
    /// Name of its class, which is doubted.
    pub class: String,
    /// Name of the class that the network decided for.
    pub decided: String,
    /// Probability of the decision.
    pub probability: f64,
    /// Probability of the photo's class.
    pub own_probability: f64,
}

/// Writes a path as text for people: JSON cannot represent paths that are not Unicode.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// Returns the pairs of nearly the same picture in two classes. A picture and its mirror image are no such pair: left and right may
/// be what tells two classes apart.
pub(super) fn contradictory(photos: &Dataset, facts: &TrainingFacts<'_>) -> Vec<ContradictoryLabels> {
    let pairs = facts.duplicates.iter().filter(|pair| !pair.mirrored);
    let all = facts.training.examples.iter().chain(&photos.examples);
    let examples: HashMap<&Path, &Example> = all.map(|example| (example.path.as_path(), example)).collect();
    let name = |example: &Example| photos.classes.get(usize::from(example.class)).cloned().unwrap_or_default();
    pairs
        .filter_map(|pair| {
            let (first, second) = (examples.get(pair.first.as_path())?, examples.get(pair.second.as_path())?);
            (first.class != second.class).then(|| ContradictoryLabels {
                first: pair.first.clone(),
                first_class: name(first),
                second: pair.second.clone(),
                second_class: name(second),
                identical: first.pixels == second.pixels,
            })
        })
        .collect()
}

/// Returns the photos whose label the network doubts most, at most [`DOUBTED_LIMIT`]. A label is doubted if the network decides for
/// another class with at least the mean probability that this class has among its own photos, and at least one half. The largest
/// lead of the decided class over the label comes first.
///
/// # Source
/// C. Northcutt, L. Jiang and I. Chuang, "Confident learning: estimating uncertainty in dataset labels", Journal of Artificial
/// Intelligence Research 70 (2021), section 3.1: a class's threshold is its mean self-confidence; ranking by normalized margin.
pub(super) fn doubted(photos: &Dataset, evaluation: &Evaluation) -> Vec<DoubtedLabel> {
    let mut sums = vec![(0.0, 0_usize); photos.classes.len()];
    for (example, result) in photos.examples.iter().zip(&evaluation.results) {
        let (sum, count) = &mut sums[usize::from(example.class)];
        *sum += result.own.to_f64();
        *count += 1;
    }
    let usual = |class: u16| {
        let (sum, count) = sums[usize::from(class)];
        // Of a class without photos nothing is known, so only certainty counts.
        if count == 0 { 1.0 } else { f64::max(sum / count as f64, 0.5) }
    };
    let name = |class: u16| photos.classes[usize::from(class)].clone();
    let mut doubted: Vec<DoubtedLabel> = photos
        .examples
        .iter()
        .zip(&evaluation.results)
        .enumerate()
        .filter(|(_, (example, result))| {
            let decided = result.int8;
            decided.class != example.class && decided.probability.to_f64() >= usual(decided.class)
        })
        .map(|(index, (example, result))| DoubtedLabel {
            path: example.path.clone(),
            index,
            class: name(example.class),
            decided: name(result.int8.class),
            probability: result.int8.probability.to_f64(),
            own_probability: result.own.to_f64(),
        })
        .collect();
    let lead = |label: &DoubtedLabel| label.probability - label.own_probability;
    // Stable: of equal ones, the first photo.
    doubted.sort_by(|a, b| lead(b).total_cmp(&lead(a)));
    doubted.truncate(DOUBTED_LIMIT);
    doubted
}
