//! The decaying exponential, for class probabilities.

/// Maximum error, in units of Q15. The rounding of the table, of the interpolation and of the last shift add half a
/// unit each; the curvature between entries 1/64 octave apart adds half a unit. A test tries every input with a result
/// above zero.
pub const EXP_TOLERANCE_Q15: f64 = 2.0;

/// log2 e in Q16, rounded.
const LOG2_E_Q16: u64 = 94_548;

/// log2 of the table's steps per octave.
const STEPS_BITS: u32 = 6;

/// Returns e^-x in Q15, for `x >= 0` in Q16. The result is in 0..=32,768 and falls monotonically to 0.
///
/// ```
/// use pinhole_shared::fixed::exp_neg_q15;
/// assert_eq!(exp_neg_q15(0), 32_768);
/// assert_eq!(exp_neg_q15(65_536), 12_055); // 32,768 / e
/// assert_eq!(exp_neg_q15(u32::MAX), 0);
/// ```
pub fn exp_neg_q15(x: u32) -> u32 {
    // e^-x = 2^-(x log2 e): the integer part becomes a shift, the fraction is looked up.
    let octaves_q16 = (u64::from(x) * LOG2_E_Q16 + (1 << 15)) >> 16;
    let whole = octaves_q16 >> 16;
    if whole > 16 {
        return 0;
    }
    let rest = octaves_q16 as u32 & 0xFFFF;
    let step_units_bits = 16 - STEPS_BITS;
    let step = (rest >> step_units_bits) as usize;
    let fraction = rest & ((1 << step_units_bits) - 1);
    // step <= 63 by construction; `get` avoids a panic branch that cannot be reached.
    let (Some(&high), Some(&low)) = (TABLE.get(step), TABLE.get(step + 1)) else { return 0 };
    let fall = u32::from(high - low) * fraction;
    let mantissa = u32::from(high) - ((fall + (1 << (step_units_bits - 1))) >> step_units_bits);
    (mantissa + ((1_u32 << whole) >> 1)) >> whole
}

/// `32768 * 2^(-i / 64)`, rounded, for i in 0..=64.
#[rustfmt::skip]
static TABLE: [u16; (1 << STEPS_BITS) + 1] = [
    32768, 32415, 32066, 31720, 31379, 31041, 30706, 30376, 30048, 29725, 29405, 29088, 28774,
    28464, 28158, 27855, 27554, 27258, 26964, 26674, 26386, 26102, 25821, 25543, 25268, 24995,
    24726, 24460, 24196, 23936, 23678, 23423, 23170, 22921, 22674, 22430, 22188, 21949, 21713,
    21479, 21247, 21019, 20792, 20568, 20347, 20127, 19911, 19696, 19484, 19274, 19066, 18861,
    18658, 18457, 18258, 18061, 17867, 17674, 17484, 17296, 17109, 16925, 16743, 16562, 16384,
];

#[cfg(test)]
mod tests;
