//! Reliability (calibration) of a network's probabilities.

use serde::Serialize;

use super::{Interval, wilson};

/// Probability and outcome of one photo's decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecidedProbability {
    /// Probability of the decided class, 0..=1.
    pub probability: f64,
    /// True if the decided class is the photo's.
    pub right: bool,
}

/// Comparison of probabilities with the fractions of right decisions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Bins of equal width over 0..=1, ascending, including empty ones.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error, 0..=1: the mean over the bins, weighted by their photos, of |mean probability - fraction
    /// right|. 0 without photos.
    pub expected_calibration_error: f64,
    /// Brier score of the decided class, 0..=1: the mean of (probability - 1)^2 for right decisions, probability^2 for
    /// wrong ones. 0 without photos.
    pub brier_score: f64,
}

/// The decisions with a probability in one bin: from `low`, included, to `high`, excluded but for the last bin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Lower edge.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
    /// Number of decisions in the bin.
    pub count: usize,
    /// Mean of their probabilities; 0 if there are none.
    pub mean_probability: f64,
    /// Fraction of right decisions; 0 if there are none.
    pub fraction_right: f64,
    /// 95 % interval of that fraction (see [`wilson`]): 0..=1 if there are none.
    pub interval: Interval,
}

/// Compares probabilities with outcomes in this many bins of equal width.
///
/// # Panics
/// If `bins` is 0, or a probability is not in 0..=1.
///
/// # Source
/// Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017, section 2 (reliability
/// diagram, expected calibration error); G. W. Brier, "Verification of forecasts expressed in terms of probability",
/// Monthly Weather Review 78 (1950), here of the event that the decision is right.
pub fn reliability(results: &[DecidedProbability], bins: usize) -> Reliability {
    assert!(bins > 0, "at least one bin");
    let mut sums = vec![BinSum::default(); bins];
    let mut squares = 0.0;
    for result in results {
        let probability = result.probability;
        assert!((0.0..=1.0).contains(&probability), "{probability} is no probability");
        let outcome = f64::from(u8::from(result.right));
        squares += (probability - outcome) * (probability - outcome);
        // A probability of 1 belongs to the last bin.
        let sum = &mut sums[((probability * bins as f64) as usize).min(bins - 1)];
        sum.count += 1;
        sum.right += usize::from(result.right);
        sum.probability += probability;
    }
    let total = results.len().max(1) as f64;
    let edge = |index: usize| index as f64 / bins as f64;
    let bins: Vec<ReliabilityBin> =
        sums.iter().enumerate().map(|(index, sum)| sum.bin(edge(index), edge(index + 1))).collect();
    let distances = bins.iter().map(|bin| bin.count as f64 * (bin.mean_probability - bin.fraction_right).abs());
    let expected_calibration_error = distances.sum::<f64>() / total;
    Reliability { bins, expected_calibration_error, brier_score: squares / total }
}

#[derive(Clone, Copy, Debug, Default)]
struct BinSum {
    count: usize,
    right: usize,
    probability: f64,
}

impl BinSum {
    fn bin(&self, low: f64, high: f64) -> ReliabilityBin {
        let count = self.count.max(1) as f64;
        // The mean of numbers up to 1 may be rounded to more than 1.
        let (mean_probability, fraction_right) = ((self.probability / count).min(1.0), self.right as f64 / count);
        let interval = wilson(fraction_right, self.count);
        ReliabilityBin { low, high, count: self.count, mean_probability, fraction_right, interval }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(all: &[(f64, bool)]) -> Vec<DecidedProbability> {
        all.iter().map(|&(probability, right)| DecidedProbability { probability, right }).collect()
    }

    #[test]
    fn by_hand() {
        // Bins of a quarter: [0.5, 0.75) has 0.5 (right), 0.7 (wrong); [0.75, 1] has 0.75 and 1 (right), 0.95 (wrong).
        let all = results(&[(0.5, true), (0.7, false), (0.75, true), (1.0, true), (0.95, false)]);
        let reliability = reliability(&all, 4);
        let counts: Vec<_> = reliability.bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [0, 0, 2, 3]);
        let [_, empty, middle, last] = reliability.bins[..] else { panic!("four bins") };
        assert_eq!((empty.low, empty.high, empty.interval), (0.25, 0.5, Interval { low: 0.0, high: 1.0 }));
        assert_eq!((middle.mean_probability, middle.fraction_right), (0.6, 0.5));
        assert!((last.mean_probability - 0.9).abs() < 1e-15);
        assert_eq!((last.low, last.high, last.fraction_right), (0.75, 1.0, 2.0 / 3.0));
        assert_eq!(last.interval, wilson(2.0 / 3.0, 3));
        // (2 * |0.6 - 0.5| + 3 * |0.9 - 2/3|) / 5, and (0.25 + 0.49 + 0.0625 + 0 + 0.9025) / 5.
        assert!((reliability.expected_calibration_error - 0.18).abs() < 1e-15, "{reliability:?}");
        assert!((reliability.brier_score - 0.341).abs() < 1e-15, "{reliability:?}");
    }

    #[test]
    fn honest_probabilities_have_no_calibration_error_and_certain_mistakes_have_the_largest() {
        let honest = results(&[(0.75, true), (0.75, true), (0.75, true), (0.75, false)]);
        assert_eq!(reliability(&honest, 10).expected_calibration_error, 0.0);
        let mistakes = reliability(&results(&[(1.0, false), (1.0, false)]), 10);
        assert_eq!((mistakes.expected_calibration_error, mistakes.brier_score), (1.0, 1.0));
        assert_eq!((mistakes.bins[9].count, mistakes.bins.len()), (2, 10));
    }

    #[test]
    fn no_results() {
        let none = reliability(&[], 3);
        assert_eq!((none.expected_calibration_error, none.brier_score, none.bins.len()), (0.0, 0.0, 3));
    }
}
