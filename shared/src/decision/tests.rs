//! Ties, extreme logits, and softmax in floating-point numbers.

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
