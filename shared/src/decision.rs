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
mod tests {
    use super::*;
    use crate::fixed::EXP_TOLERANCE_Q15;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn ties_go_to_the_lowest_index() {
        assert_eq!(decide(&[5, 9, 9]), Decision { class: 1, probability: probability(&[5, 9, 9], 1) });
        assert_eq!(decide(&[i32::MIN; 4]).class, 0);
        assert_eq!(decide(&[i32::MIN; 4]).probability, Probability(16_384));
    }

    #[test]
    fn extremes() {
        assert_eq!(decide(&[i32::MIN, i32::MAX]), Decision { class: 1, probability: Probability(65_536) });
        assert_eq!(probability(&[i32::MIN, i32::MAX], 0), Probability(0));
        assert_eq!(probability(&[1, 2], 2), Probability(0));
        assert_eq!([0, 32, 33, 32_768, 65_536].map(|of| Probability(of).per_mille()), [0, 0, 1, 500, 1000]);
        assert_eq!(decide(&[]), Decision { class: 0, probability: Probability(0) });
        assert_eq!(probability(&[], 0), Probability(0));
        let many = std::vec![7; 65_535];
        assert_eq!(probability(&many, 65_534), Probability(1));
    }

    /// Error of the exponential in the numerator, the same per class in the denominator (at least 32,768), plus the
    /// rounding of the quotient.
    const TOLERANCE: f64 = 2.0 * EXP_TOLERANCE_Q15 / 32_768.0 + 1.0 / 65_536.0;

    proptest! {
        #[test]
        fn close_to_softmax(logits in proptest::collection::vec(-12 * 65_536..12 * 65_536, 1..9)) {
            let real: Vec<f64> = logits.iter().map(|&l| (f64::from(l) / 65_536.0).exp()).collect();
            let sum: f64 = real.iter().sum();
            for (class, &exp) in real.iter().enumerate() {
                let distance = (probability(&logits, class).to_f64() - exp / sum).abs();
                prop_assert!(distance <= TOLERANCE * logits.len() as f64, "class {} off by {}", class, distance);
            }
        }
    }
}
