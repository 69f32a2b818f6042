//! What a reader should know before trusting a network.

use std::fmt;

use pinhole_core::statistics::{Interval, wilson};
use serde::Serialize;

use super::sentence::{list, percent};
use super::{NetworkVerdict, TrainingFacts};

/// Interval of the accuracy above which there are too few photos to say how good a network is: that of 28 photos of which 26 are
/// right is narrower, and that of 14 photos of which 13 are right is wider.
const WIDEST: f64 = 0.25;
/// Width that more photos should bring the interval to.
const NARROW: f64 = 0.2;
/// Fewest epochs of which the first should not be the best.
const MANY_EPOCHS: u32 = 5;

/// A reason not to trust a network. Its text is the warning without a full stop.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum VerdictWarning {
    /// Neither the accuracy nor the balanced accuracy is above that of a constant answer by more than chance explains.
    NotBetterThanGuessing {
        /// The best constant answer.
        class: String,
        /// Its accuracy.
        accuracy: f64,
    },
    /// There are no photos of these classes to judge by.
    ClassesMissing {
        /// Names of the classes.
        classes: Vec<String>,
    },
    /// The network never decides for these classes, though there are photos of them.
    NeverDecided {
        /// Names of the classes.
        classes: Vec<String>,
    },
    /// The best epoch is the first, so nothing that was learned later holds for the validation photos; or it is epoch 0, the
    /// network that training continued from.
    FirstEpochBest {
        /// The best epoch, 0 or 1.
        best_epoch: u32,
        /// Number of epochs.
        epochs: u32,
    },
    /// The interval of the accuracy is too wide.
    TooFewPhotos {
        /// Number of photos.
        photos: usize,
        /// Width of the interval.
        width: f64,
        /// Number of photos that would make it about 0.2 wide.
        enough: usize,
    },
    /// The mean probability of the decisions is above the whole interval of the accuracy.
    TooSure {
        /// Mean probability of the decisions.
        mean_probability: f64,
        /// Accuracy.
        accuracy: f64,
    },
    /// Some pairs of nearly the same picture are in two classes.
    ContradictoryLabels {
        /// Number of pairs.
        pairs: usize,
        /// Number of these that are the same to the last pixel of the network's input.
        identical: usize,
    },
    /// Some validation photos are near-duplicates of training photos, so the scores are too high.
    SeenInTraining {
        /// Number of pairs.
        pairs: usize,
    },
}

/// Returns the warnings of a verdict, which has everything but them, the gravest first.
pub(super) fn all(verdict: &NetworkVerdict, facts: Option<&TrainingFacts<'_>>) -> Vec<VerdictWarning> {
    let names = |which: &dyn Fn(usize, usize) -> bool| -> Vec<String> {
        let classes = verdict.classes.iter().filter(|class| which(class.photos, class.decided));
        classes.map(|class| class.class.clone()).collect()
    };
    let missing = names(&|photos, _| photos == 0);
    let never = names(&|photos, decided| photos > 0 && decided == 0);
    let mut warnings = Vec::new();
    // With photos of one class only, any score can be had by a constant answer, which is said by what is missing.
    if !verdict.better_than_guessing && verdict.present() > 1 {
        let guess = verdict.guess.clone();
        warnings.push(VerdictWarning::NotBetterThanGuessing { class: guess.class, accuracy: guess.accuracy });
    }
    if !missing.is_empty() {
        warnings.push(VerdictWarning::ClassesMissing { classes: missing });
    }
    if !never.is_empty() {
        warnings.push(VerdictWarning::NeverDecided { classes: never });
    }
    if let Some(facts) = facts
        && facts.best_epoch <= 1
        && facts.epochs >= MANY_EPOCHS
    {
        warnings.push(VerdictWarning::FirstEpochBest { best_epoch: facts.best_epoch, epochs: facts.epochs });
    }
    let Interval { low, high } = verdict.interval;
    if high - low > WIDEST {
        let enough = enough_photos(verdict.accuracy);
        warnings.push(VerdictWarning::TooFewPhotos { photos: verdict.photos, width: high - low, enough });
    }
    let mean_probability = verdict.calibration.mean_probability;
    if mean_probability > high {
        warnings.push(VerdictWarning::TooSure { mean_probability, accuracy: verdict.accuracy });
    }
    let across = facts.map_or(0, |facts| facts.duplicates.iter().filter(|pair| pair.across).count());
    if across > 0 {
        warnings.push(VerdictWarning::SeenInTraining { pairs: across });
    }
    if !verdict.contradictory.is_empty() {
        let identical = verdict.contradictory.iter().filter(|pair| pair.identical).count();
        warnings.push(VerdictWarning::ContradictoryLabels { pairs: verdict.contradictory.len(), identical });
    }
    warnings
}

/// Returns the least number of photos with an interval of this accuracy that is not wider than [`NARROW`].
fn enough_photos(accuracy: f64) -> usize {
    let is_enough = |count: &usize| {
        let Interval { low, high } = wilson(accuracy, *count);
        high - low <= NARROW
    };
    // The widest interval, that of one half, is narrower from 100 photos on.
    (1..200).find(is_enough).unwrap_or(200)
}

impl fmt::Display for VerdictWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBetterThanGuessing { class, accuracy } => write!(
                f,
                "these photos do not show that it is better than guessing: always answering {class} would get {}",
                percent(*accuracy)
            ),
            Self::ClassesMissing { classes } => write!(
                f,
                "there is no photo of {} to judge by: nothing is known about {}",
                list(classes),
                if classes.len() == 1 { "this class" } else { "these classes" }
            ),
            Self::NeverDecided { classes } => {
                let own = if classes.len() == 1 { "its" } else { "their" };
                write!(f, "it never answers {}, not even for {own} own photos", list(classes))
            }
            Self::FirstEpochBest { best_epoch: 0, epochs } => write!(
                f,
                "none of the {epochs} epochs was better than the network that training began with, so that one was kept"
            ),
            Self::FirstEpochBest { epochs, .. } => write!(
                f,
                "the best of {epochs} epochs is the first: what it learned after that does not hold for photos it has not \
                 seen"
            ),
            Self::TooFewPhotos { photos, width, enough } => write!(
                f,
                "{photos} {} too few to say how good it is: the interval is {:.0} points wide ({enough} photos would \
                 make it {:.0})",
                if *photos == 1 { "photo is" } else { "photos are" },
                100.0 * width,
                100.0 * NARROW
            ),
            Self::TooSure { mean_probability, accuracy } => write!(
                f,
                "it is too sure of itself: its mean probability is {}, and {} of its decisions are right",
                percent(*mean_probability),
                percent(*accuracy)
            ),
            Self::ContradictoryLabels { pairs, identical } => {
                let (pair, them) = if *pairs == 1 { ("pair", "it") } else { ("pairs", "them") };
                write!(f, "{pairs} {pair} of nearly the same picture in two classes")?;
                if *identical > 0 {
                    write!(f, " ({identical} identical to the network)")?;
                }
                write!(f, ": look at {them}, one of the two labels may be wrong")
            }
            Self::SeenInTraining { pairs } => write!(
                f,
                "{pairs} {} of training photos among the photos it was judged by: its scores are too high",
                if *pairs == 1 { "near-duplicate" } else { "near-duplicates" }
            ),
        }
    }
}
