//! The table, and the exact function.

use super::*;

#[test]
fn table_is_the_function() {
    for (i, &entry) in TABLE.iter().enumerate() {
        let exact = 32_768.0 * (-(i as f64) / 64.0).exp2();
        assert_eq!(f64::from(entry), (exact + 0.5).floor(), "entry {i}");
    }
}

#[test]
fn close_to_the_exact_function_and_falling() {
    let mut last = u32::MAX;
    let mut worst = 0.0_f64;
    for x in 0..(13_u32 << 16) {
        let value = exp_neg_q15(x);
        assert!(value <= last, "rises at {x}");
        last = value;
        worst = worst.max((f64::from(value) - 32_768.0 * (-f64::from(x) / 65_536.0).exp()).abs());
    }
    assert!(worst <= EXP_TOLERANCE_Q15, "worst distance {worst}");
    assert_eq!(exp_neg_q15(u32::MAX), 0);
    // Sixteen octaves exactly: one half, which is rounded up.
    assert_eq!(exp_neg_q15(726_821), 1);
}
