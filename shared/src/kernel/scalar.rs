//! Reference kernel: one multiply-accumulate at a time, for any target. Its simplicity makes it the reference for every
//! faster kernel.

use super::{DenseOperands, Kernel, KernelInput, NoBands, NoConvPool, Work};
use crate::layout::{Layout, Weights};

/// The scalar reference kernel. The compiler vectorizes it where the target has vectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scalar;

impl Kernel for Scalar {
    type ConvPool = NoConvPool;
    type Bands = NoBands;

    const NAME: &'static str = "scalar";

    fn runs(layout: Layout, _: KernelInput) -> bool {
        layout.is_rows()
    }

    fn dense_u8(operands: DenseOperands<'_>, input: &[u8], work: Work<'_>) {
        dense(operands, input, work.accumulators);
    }

    fn dense_i16(operands: DenseOperands<'_>, input: &[i16], work: Work<'_>) {
        dense(operands, input, work.accumulators);
    }
}

#[inline(always)]
fn dense<A: Copy + Into<i32>>(operands: DenseOperands<'_>, input: &[A], accumulators: &mut [i32]) {
    let DenseOperands { weights, biases } = operands;
    if weights.layout() == Layout::Rows4 {
        return dense_rows4(weights, biases, input, accumulators);
    }
    let rows = weights.bytes().chunks_exact(weights.inputs().max(1));
    for ((accumulator, &bias), row) in accumulators.iter_mut().zip(biases).zip(rows) {
        let dot = row
            .iter()
            .zip(input)
            .fold(0_i32, |sum, (&weight, &activation)| sum.wrapping_add(i32::from(weight as i8) * activation.into()));
        *accumulator = bias.wrapping_add(dot);
    }
}

fn dense_rows4<A: Copy + Into<i32>>(weights: Weights<'_>, biases: &[i32], input: &[A], accumulators: &mut [i32]) {
    let rows = weights.bytes().chunks_exact(weights.inputs().div_ceil(2).max(1));
    let pairs = input.chunks_exact(2);
    let odd = pairs.remainder().first();
    for ((accumulator, &bias), row) in accumulators.iter_mut().zip(biases).zip(rows) {
        let mut sum = bias;
        for (&both, pair) in row.iter().zip(pairs.clone()) {
            let &[even, odd] = pair else { continue };
            let [low, high] = halves(both);
            sum = sum.wrapping_add(low * even.into()).wrapping_add(high * odd.into());
        }
        if let (Some(&last), Some(&both)) = (odd, row.last()) {
            sum = sum.wrapping_add(halves(both)[0] * last.into());
        }
        *accumulator = sum;
    }
}

/// Unpacks the two weights of a byte. The arithmetic shift extends the sign.
#[inline(always)]
fn halves(both: u8) -> [i32; 2] {
    [i32::from((both << 4) as i8 >> 4), i32::from(both as i8 >> 4)]
}

#[cfg(test)]
mod tests;
