//! Recall and precision of each class.

use pinhole_core::photos::Dataset;
use pinhole_core::statistics::{Interval, Proportion};
use serde::Serialize;

/// Scores of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassVerdict {
    /// Name of the class.
    pub class: String,
    /// Number of its training photos, without copies; absent if they are not known.
    pub training_photos: Option<usize>,
    /// Number of its photos that the network was judged by.
    pub photos: usize,
    /// Number of these that were decided rightly.
    pub right: usize,
    /// Number of photos of any class that were decided to be of this one.
    pub decided: usize,
    /// Fraction of its photos that were decided rightly; absent if it has none.
    pub recall: Option<f64>,
    /// 95 % interval of the recall, Wilson's; 0..=1 if there are no photos.
    pub recall_interval: Interval,
    /// Fraction of the decisions for it that are right; absent if there are none.
    pub precision: Option<f64>,
    /// 95 % interval of the precision, Wilson's; 0..=1 if there are no decisions.
    pub precision_interval: Interval,
}

impl ClassVerdict {
    /// Returns the scores of all classes, in their order.
    pub(super) fn all(names: &[String], confusion: &[Vec<usize>], training: Option<&Dataset>) -> Vec<Self> {
        let counts = training.map(Dataset::class_counts);
        let scores = |(class, name): (usize, &String)| {
            let right = confusion[class][class];
            let recall = Proportion { right, count: confusion[class].iter().sum() };
            let precision = Proportion { right, count: confusion.iter().map(|row| row[class]).sum() };
            Self {
                class: name.clone(),
                training_photos: counts.as_ref().and_then(|counts| counts.get(class).copied()),
                photos: recall.count,
                right,
                decided: precision.count,
                recall: recall.fraction(),
                recall_interval: recall.interval(),
                precision: precision.fraction(),
                precision_interval: precision.interval(),
            }
        };
        names.iter().enumerate().map(scores).collect()
    }

    /// Returns the photos of the class, and how many were decided rightly.
    pub(super) fn recalled(&self) -> Proportion {
        Proportion { right: self.right, count: self.photos }
    }

    /// Returns true if at least half of its photos are recognized.
    pub fn is_recognized(&self) -> bool {
        self.recall.is_some_and(|recall| recall >= 0.5)
    }
}
