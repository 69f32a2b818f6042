//! Dense kernels: the innermost loops, and the seam behind which faster ones go.
//!
//! A kernel turns activations and int8 weights into accumulators, and does nothing else: requantization and
//! activation functions ([`crate::fixed`]) are the same for all kernels, so two kernels are equal when their
//! accumulators are. The device's board names the kernel it runs; the link reports that name, so a test can assert
//! that the fast one ran and not a silent fallback.

mod scalar;

pub use scalar::Scalar;

/// The operands of one dense layer that a kernel reads.
#[derive(Clone, Copy, Debug)]
pub struct DenseOperands<'a> {
    /// Row-major int8 weights, one row of `inputs` for each output, each within +-127.
    pub weights: &'a [i8],
    /// One start value for each output's accumulator.
    pub biases: &'a [i32],
    /// Columns of the weights: activations read. At least 1.
    pub inputs: usize,
}

/// A way to compute dense layers. Implementations differ in speed only.
///
/// # Contract, for callers
/// `weights.len() == biases.len() * inputs`, `input.len() == inputs`, `accumulators.len() == biases.len()`, and for
/// every row `|bias| + sum |weight| * max |activation| <= i32::MAX`. [`crate::model::Model::parse`] has checked all
/// of it for the layers of a model.
///
/// # Contract, for implementors
/// `accumulators[row] = biases[row] + sum over columns of weights[row][column] * input[column]`, exactly. Partial
/// sums may wrap on the way as long as the final values are exact. No panic for operands within the contract.
pub trait Kernel {
    /// Name reported over the link and in logs.
    const NAME: &'static str;

    /// Layer fed by pixels, 0..=255.
    fn dense_u8(operands: DenseOperands<'_>, input: &[u8], accumulators: &mut [i32]);

    /// Layer fed by another layer's activations.
    fn dense_i16(operands: DenseOperands<'_>, input: &[i16], accumulators: &mut [i32]);
}
