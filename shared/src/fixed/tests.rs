//! Rounding by exact arithmetic.

use super::*;
use proptest::prelude::*;

proptest! {
    /// Compares with exact rational arithmetic in 128 bits.
    #[test]
    fn requantize_rounds_half_up(shifted: i32, multiplier in 1..=i32::MAX, pre_shift in 0u8..31) {
        let accumulator = shifted.max(-i32::MAX) / (1 << pre_shift);
        let exact_times_2_33 = i128::from(accumulator) * i128::from(multiplier) * (1_i128 << (pre_shift + 1));
        let floor_of_x_plus_half = (exact_times_2_33 + (1 << 32)).div_euclid(1 << 33);
        prop_assert_eq!(i128::from(requantize(accumulator, multiplier, pre_shift)), floor_of_x_plus_half);
    }
}
