//! Chooses the threshold (the least probability of an answer) for a wanted error rate.
//!
//! It is chosen on labeled photos from the integer network's own decisions, so the device refuses exactly the photos that
//! were counted as refused. They must not be training photos, on which the network is surer than on any others. A threshold
//! looks better on the photos that chose it than it will on others.

use miette::Diagnostic;
use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::Dataset;
use pinhole_core::statistics::{Interval, wilson};
use pinhole_shared::decision::{Decision, Probability};
use pinhole_shared::fixed::Q16_ONE;
use serde::{Serialize, Serializer};
use thiserror::Error;

/// Probability and outcome of a decision on a labeled photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Probability of the decided class.
    pub probability: Probability,
    /// True if the decided class is the photo's.
    pub right: bool,
}

impl Judged {
    /// Evaluates a decision on a photo of this class.
    pub fn of(class: u16, decision: Decision) -> Self {
        Self { probability: decision.probability, right: decision.class == class }
    }

    /// Evaluates a model's decisions on photos of its own classes.
    ///
    /// # Panics
    /// If the photos' size is not that of the model's input.
    pub fn all(model: &ModelFile, photos: &Dataset) -> Vec<Self> {
        model.engine().map(&photos.examples, |engine, example| Self::of(example.class, engine.run(&example.pixels)))
    }
}

/// Results of a threshold on some photos, each photo on its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// Least probability of an answer, as a fraction in JSON.
    #[serde(serialize_with = "fraction")]
    pub min_probability: Probability,
    /// Number of all photos.
    pub photos: usize,
    /// Number of photos answered.
    pub answered: usize,
    /// Fraction of the photos answered, 0..=1; 0 without photos.
    pub coverage: f64,
    /// Number of wrong answers.
    pub wrong: usize,
    /// Fraction of wrong answers; `None` if there are no answers.
    pub error_rate: Option<f64>,
    /// Fraction of right answers; `None` if there are no answers.
    pub accuracy: Option<f64>,
    /// 95 % interval of the error rate (see [`wilson`]), as if the threshold had not been chosen on these photos.
    pub error_interval: Interval,
}

fn fraction<S: Serializer>(probability: &Probability, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(probability.to_f64())
}

impl Coverage {
    /// Returns the results of this least probability.
    pub fn at(min_probability: Probability, photos: &[Judged]) -> Self {
        let answers = || photos.iter().filter(|photo| photo.probability >= min_probability);
        let wrong = answers().filter(|photo| !photo.right).count();
        Self::counted(min_probability, photos.len(), answers().count(), wrong)
    }

    fn counted(min_probability: Probability, photos: usize, answered: usize, wrong: usize) -> Self {
        let of_answers = |count: usize| (answered > 0).then(|| count as f64 / answered as f64);
        Self {
            min_probability,
            photos,
            answered,
            coverage: answered as f64 / photos.max(1) as f64,
            wrong,
            error_rate: of_answers(wrong),
            accuracy: of_answers(answered - wrong),
            error_interval: wilson(of_answers(wrong).unwrap_or(0.0), answered),
        }
    }
}

/// Error of choosing a threshold.
#[derive(Debug, Error, Diagnostic)]
pub enum ThresholdError {
    /// No threshold reaches the wanted error rate.
    #[error(
        "no threshold lowers the error rate of the answers to {wanted}: at best {} of {} answers are wrong ({:.3}), with \
         the least probability {:.3} and {} of {} photos answered",
        best.wrong, best.answered, best.error_rate.unwrap_or(1.0), best.min_probability.to_f64(), best.answered, best.photos
    )]
    #[diagnostic(help("allow a higher error rate, or train a better network"))]
    OutOfReach {
        /// Error rate that was wanted.
        wanted: f64,
        /// Threshold with the least error rate; of equal ones, that with the most answers.
        best: Coverage,
    },
    /// There are no photos to choose on.
    #[error("there are no photos to choose the least probability on")]
    #[diagnostic(help("give a folder of labeled photos that the network was not trained on"))]
    NoPhotos,
}

/// Returns the risk-coverage curve: the results of each least probability that makes a difference, from 0 (all answered) up.
///
/// Each threshold after the first is the probability of a photo: that photo is answered, and less probable ones are not.
///
/// # Source
/// El-Yaniv and Wiener, "On the foundations of noise-free selective classification", Journal of Machine Learning Research
/// 11 (2010), section 2: risk and coverage of a classifier that may abstain.
pub fn curve(photos: &[Judged]) -> Vec<Coverage> {
    let mut descending = photos.to_vec();
    descending.sort_by_key(|photo| std::cmp::Reverse(photo.probability));
    let mut points: Vec<Coverage> = Vec::new();
    let (mut answered, mut wrong) = (0, 0);
    for alike in descending.chunk_by(|a, b| a.probability == b.probability) {
        answered += alike.len();
        wrong += alike.iter().filter(|photo| !photo.right).count();
        points.push(Coverage::counted(alike[0].probability, photos.len(), answered, wrong));
    }
    if let Some(all) = points.last_mut() {
        all.min_probability = Probability(0);
    }
    points.reverse();
    points
}

/// Returns the lowest threshold of the curve, so that with the most answers, whose error rate among the answers is at most
/// `error_rate` (0..=1). It is 0 if no threshold is needed.
///
/// # Errors
/// [`ThresholdError`].
pub fn choose(photos: &[Judged], error_rate: f64) -> Result<Coverage, ThresholdError> {
    let points = curve(photos);
    let rate = |point: &Coverage| point.error_rate.unwrap_or(1.0);
    if let Some(reached) = points.iter().find(|point| rate(point) <= error_rate) {
        return Ok(*reached);
    }
    // Of equal ones, the first.
    let best = points.iter().min_by(|a, b| rate(a).total_cmp(&rate(b)));
    Err(best.map_or(ThresholdError::NoPhotos, |&best| ThresholdError::OutOfReach { wanted: error_rate, best }))
}

/// Returns the lowest threshold of the curve where the 95 % interval of the error rate among the answers ends at or below
/// `error_rate`. It refuses more than [`choose`]; its interval is still one of many that were tried. `None` if there are too
/// few photos or too many errors.
pub fn supported(photos: &[Judged], error_rate: f64) -> Option<Coverage> {
    curve(photos).into_iter().find(|point| point.error_interval.high <= error_rate)
}

/// Thresholds for tables, in 1/1000. They are fixed, so that none is chosen for a good result.
const USUAL: [u32; 7] = [0, 600, 700, 800, 900, 950, 990];

/// Returns the results of the usual thresholds, without rows that repeat the one before.
pub fn table(photos: &[Judged]) -> Vec<Coverage> {
    let rows = USUAL.iter().map(|per_mille| Coverage::at(at_least(f64::from(*per_mille) / 1000.0), photos));
    let mut rows: Vec<Coverage> = rows.collect();
    rows.dedup_by_key(|row| row.answered);
    rows
}

/// Returns the least probability in Q16 that is not below this fraction, 0..=1. A probability is at least the one if and only
/// if it is at least the other.
pub fn at_least(fraction: f64) -> Probability {
    Probability((fraction * f64::from(Q16_ONE)).ceil() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seven photos: probabilities in Q16, right or wrong, in no order.
    fn photos() -> Vec<Judged> {
        let all = [(900, true), (500, false), (700, true), (600, true), (700, false), (800, true), (650, true)];
        all.map(|(probability, right)| Judged { probability: Probability(probability), right }).to_vec()
    }

    #[test]
    fn a_curve_by_hand() {
        let points = curve(&photos());
        let counts: Vec<_> = points.iter().map(|at| (at.min_probability.0, at.answered, at.wrong)).collect();
        // The two photos of 700 are answered together or not at all.
        assert_eq!(counts, [(0, 7, 2), (600, 6, 1), (650, 5, 1), (700, 4, 1), (800, 2, 0), (900, 1, 0)]);
        assert_eq!((points[3].coverage, points[3].error_rate, points[3].accuracy), (4.0 / 7.0, Some(0.25), Some(0.75)));
        assert_eq!(points[3].error_interval, wilson(0.25, 4));
        for point in &points {
            assert_eq!(*point, Coverage::at(point.min_probability, &photos()));
        }
        assert_eq!(curve(&[]), []);
    }

    #[test]
    fn the_lowest_threshold_that_suffices() {
        for (wanted, threshold) in
            [(1.0, 0), (2.0 / 7.0, 0), (0.2, 600), (1.0 / 6.0, 600), (0.166, 800), (0.02, 800), (0.0, 800)]
        {
            assert_eq!(choose(&photos(), wanted).unwrap().min_probability.0, threshold, "{wanted}");
        }
    }

    /// 40 right answers above 10 of which half are wrong: 5 wrong of 50 are 0.1, and the interval of 0 of 40 ends at 0.088.
    #[test]
    fn what_the_photos_support() {
        let judged = |probability, right| Judged { probability: Probability(probability), right };
        let mut photos = vec![judged(900, true); 40];
        photos.extend((0..10).map(|number| judged(500, number % 2 == 0)));
        assert_eq!(choose(&photos, 0.1).unwrap().answered, 50);
        let coverage = supported(&photos, 0.1).unwrap();
        assert_eq!((coverage.min_probability.0, coverage.answered), (900, 40));
        assert!((0.087..0.088).contains(&coverage.error_interval.high));
        assert_eq!(supported(&photos, 0.08), None);
    }

    #[test]
    fn the_best_there_is_when_none_suffices() {
        let mut photos = photos();
        photos.push(Judged { probability: Probability(950), right: false });
        let ThresholdError::OutOfReach { best, .. } = choose(&photos, 0.1).unwrap_err() else { panic!("reached") };
        assert_eq!((best.min_probability.0, best.answered, best.wrong), (600, 7, 2));
        let error = choose(&photos, 0.1).unwrap_err().to_string();
        assert!(error.contains("2 of 7 answers are wrong") && error.contains("7 of 8 photos"), "{error}");
        assert!(matches!(choose(&[], 0.5), Err(ThresholdError::NoPhotos)));
    }

    #[test]
    fn nothing_answered() {
        let none = Coverage::at(Probability(901), &photos());
        assert_eq!((none.answered, none.coverage, none.error_rate, none.accuracy), (0, 0.0, None, None));
        assert_eq!(none.error_interval, Interval { low: 0.0, high: 1.0 });
    }

    #[test]
    fn fractions_are_rounded_to_what_means_the_same() {
        assert_eq!([0.0, 0.5, 0.8, 1.0].map(|fraction| at_least(fraction).0), [0, 32_768, 52_429, 65_536]);
        for part in 0..=65_536 {
            let probability = Probability(part);
            assert_eq!(probability >= at_least(0.8), probability.to_f64() >= 0.8);
        }
    }

    #[test]
    fn tables_leave_out_what_changes_nothing() {
        let judged = |probability: f64| Judged { probability: at_least(probability), right: true };
        let rows = table(&[judged(0.55), judged(0.97), judged(0.995)]);
        let counts: Vec<_> = rows.iter().map(|row| (row.min_probability, row.answered)).collect();
        assert_eq!(counts, [(Probability(0), 3), (at_least(0.6), 2), (at_least(0.99), 1)]);
    }
}
