//! Converts logits to a decision: the same class and probability on both sides.

use serde::{Deserialize, Serialize};

use crate::fixed::{Q16_ONE, exp_neg_q15};

/// Decision of the network on one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decision {
    /// Index of the class with the largest logit; of equal logits, the lowest index.
    pub class: u16,
    /// Probability of that class.
    pub probability: Probability,
}

/// A probability in Q16: 0..=65,536, where 65,536 is certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Probability(pub u32);

impl Probability {
    /// Returns tenths of a percent, rounded: for displays without floating point.
    pub const fn per_mille(self) -> u32 {
        (self.0 * 1000 + (1 << 15)) >> 16
    }

    /// Returns a real number in 0..=1, exact. For host reports; never used before a decision.
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Q16_ONE)
    }
}

/// Returns the decision for logits in Q16; at least one logit, at most 65,535.
///
/// An empty slice (no model has it) gives class 0 at probability 0.
pub fn decide(logits: &[i32]) -> Decision {
    // Of equal logits, `max_by_key` over the reversed iterator takes the first.
    let Some((class, &largest)) = logits.iter().enumerate().rev().max_by_key(|&(_, &logit)| logit) else {
        return Decision { class: 0, probability: Probability(0) };
    };
    Decision { class: class as u16, probability: share(logits, largest, largest) }
}

/// Softmax: returns the probability of one class, from logits in Q16 (at most 65,535 of them). 0 for a class out of
/// range.
///
/// Each exponential is [`exp_neg_q15`] of the distance to the largest logit, so their sum is at least 32,768 and
/// fits 32 bits; the quotient is rounded.
pub fn probability(logits: &[i32], class: usize) -> Probability {
    let (Some(&own), Some(&largest)) = (logits.get(class), logits.iter().max()) else { return Probability(0) };
    share(logits, own, largest)
}

/// Returns one logit's exponential divided by the sum of all exponentials.
fn share(logits: &[i32], own: i32, largest: i32) -> Probability {
    let exp = |logit: i32| exp_neg_q15(largest.abs_diff(logit));
    let sum: u32 = logits.iter().map(|&logit| exp(logit)).sum();
    // exp <= 2^15 and sum < 2^31, so the numerator is below 2^31 + 2^30. sum >= 2^15: the largest logit's share.
    Probability(((exp(own) << 16) + sum / 2).checked_div(sum).unwrap_or(0))
}

#[cfg(test)]
mod tests;
