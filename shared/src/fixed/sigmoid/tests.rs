//! The table, and the exact function.

use super::*;

fn exact(x: i32) -> f64 {
    32_768.0 / (1.0 + (-f64::from(x) / 65_536.0).exp())
}

#[test]
fn table_is_the_function() {
    assert_eq!(SIGMOID_TABLE[..SIGMOID_STEPS.len()], SIGMOID_STEPS);
    for (i, &entry) in SIGMOID_TABLE.iter().enumerate() {
        assert_eq!(f64::from(entry), (exact(i as i32 * 2048) + 0.5).floor(), "entry {i}");
    }
}

#[test]
fn close_to_the_exact_function_everywhere() {
    let range = (SIGMOID_RANGE + 1) << 16;
    let mut worst = 0.0_f64;
    for x in (-range..=range).step_by(7) {
        worst = worst.max((f64::from(sigmoid_q15(x)) - exact(x)).abs());
    }
    assert!(worst <= SIGMOID_TOLERANCE_Q15, "worst distance {worst}");
    for x in [i32::MIN, i32::MIN + 1, -range, range, i32::MAX] {
        assert!((f64::from(sigmoid_q15(x)) - exact(x)).abs() <= SIGMOID_TOLERANCE_Q15, "at {x}");
    }
}

#[test]
fn monotone_and_symmetric() {
    let mut last = 0;
    for x in -(13 << 16)..(13 << 16) {
        let value = sigmoid_q15(x);
        assert!(value >= last, "falls at {x}");
        last = value;
        let sum = i32::from(value) + i32::from(sigmoid_q15(-x));
        let cut = value == i16::MAX || value <= 1;
        assert!(sum == 32_768 || (cut && sum == 32_767), "at {x}: {sum}");
    }
}
