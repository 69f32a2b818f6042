//! Fixed-point arithmetic and its rounding rule.
//!
//! **The rounding rule of this crate is round half up**: to the nearest integer, ties towards positive infinity, that
//! is `floor(x + 1/2)`. `(x + half) >> shift` computes this with an arithmetic shift, in one or two instructions on
//! every target; Cortex-M4's SMMULR computes it in one. "Rounded" means this rule everywhere in this crate.
//!
//! Number formats, by the position of the binary point:
//!
//! | name | type | one is | used for |
//! |---|---|---|---|
//! | Q16 | `i32` | 65,536 | pre-activations of a sigmoid, logits, probabilities |
//! | Q15 | `i16` | 32,768 | sigmoid outputs in 16 bits (the largest value, 32,767, stands for 1) |

mod exp;
mod sigmoid;

pub use exp::{EXP_TOLERANCE_Q15, exp_neg_q15};
pub use sigmoid::{
    SIGMOID_RANGE, SIGMOID_STEPS, SIGMOID_TABLE, SIGMOID_TABLE_BITS, SIGMOID_TOLERANCE_Q15, sigmoid_q15,
};

/// One in Q16.
pub const Q16_ONE: i32 = 1 << 16;

/// Requantization: scales an accumulator by a positive real factor below `2^(pre_shift - 1)`, in integers.
///
/// The factor is `multiplier * 2^pre_shift / 2^32`; the result is `accumulator * factor`, rounded.
///
/// The accumulator must satisfy `|accumulator| * 2^pre_shift <= i32::MAX`; beyond it the shift wraps.
/// [`crate::model::Model::parse`] has proven this for every row of a model. The result lies within +-2^30.
///
/// ```
/// use pinhole_shared::fixed::requantize;
/// assert_eq!(requantize(6, 1 << 30, 0), 2); // 6 / 4 = 1.5, rounded up
/// assert_eq!(requantize(-6, 1 << 30, 0), -1); // -1.5, rounded up
/// assert_eq!(requantize(6, 1 << 30, 2), 6); // 6 * 4 / 4
/// ```
///
/// # Source
/// The rule of SMMULR ("signed most significant word multiply, rounded"), Armv7-M Architecture Reference Manual,
/// A7.7.150.
#[inline(always)]
pub fn requantize(accumulator: i32, multiplier: i32, pre_shift: u8) -> i32 {
    let product = i64::from(accumulator.wrapping_shl(u32::from(pre_shift))) * i64::from(multiplier);
    ((product + (1 << 31)) >> 32) as i32
}

#[cfg(test)]
mod tests;
