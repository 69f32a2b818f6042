//! The readable reference: one multiply-accumulate at a time, any target. Too simple to be wrong, and the yardstick
//! for every faster kernel.

use super::{DenseOperands, Kernel};

/// The scalar reference kernel. The compiler vectorizes it where the target has vectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scalar;

impl Kernel for Scalar {
    const NAME: &'static str = "scalar";

    fn dense_u8(operands: DenseOperands<'_>, input: &[u8], accumulators: &mut [i32]) {
        dense(operands, input, accumulators);
    }

    fn dense_i16(operands: DenseOperands<'_>, input: &[i16], accumulators: &mut [i32]) {
        dense(operands, input, accumulators);
    }
}

#[inline(always)]
fn dense<A: Copy + Into<i32>>(operands: DenseOperands<'_>, input: &[A], accumulators: &mut [i32]) {
    let rows = operands.weights.chunks_exact(operands.inputs.max(1));
    for ((accumulator, &bias), row) in accumulators.iter_mut().zip(operands.biases).zip(rows) {
        let dot = row
            .iter()
            .zip(input)
            .fold(0_i32, |sum, (&weight, &activation)| sum.wrapping_add(i32::from(weight) * activation.into()));
        *accumulator = bias.wrapping_add(dot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Lopsided on purpose: two rows, three columns, no symmetry for a transposition to hide behind.
        let operands = DenseOperands { weights: &[1, -2, 3, 127, 0, -127], biases: &[10, -20], inputs: 3 };
        let mut accumulators = [0; 2];
        Scalar::dense_u8(operands, &[255, 1, 2], &mut accumulators);
        assert_eq!(accumulators, [10 + 255 - 2 + 6, -20 + 127 * 255 - 127 * 2]);
        Scalar::dense_i16(operands, &[-32_768, 5, 32_767], &mut accumulators);
        assert_eq!(accumulators, [10 - 32_768 - 10 + 98_301, -20 - 127 * 32_768 - 127 * 32_767]);
    }
}
