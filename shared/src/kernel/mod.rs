//! Dense kernels: the innermost loops, and the seam behind which faster ones go.
//!
//! A kernel turns activations and weights into accumulators, and does nothing else: requantization and activation
//! functions ([`crate::fixed`]) give the same integers in all kernels, so two kernels are equal when their accumulators are. The
//! device's board names the kernel it runs; the link reports that name, so a test can assert that the fast one ran and
//! not a silent fallback.
//!
//! | kernel | for | layouts |
//! |---|---|---|
//! | [`Scalar`] | any target; the readable reference | row-major |
//! | [`Dsp`] | Cortex-M4, M7, M33 with the DSP extension | packed for it |
//! | [`DualMac`] | Cortex-M0+ | packed for it; row-major in depthwise convolutions, and in dense layers after the first |
//!
//! [`Dsp`] and [`DualMac`] are algorithms over a few innermost loops, which are a trait: in assembly in the firmware's
//! `kernels` crate, and here in Rust, instruction by instruction, as the twin that every host test runs.

mod banded;
mod depthwise;
mod dsp;
mod dual_mac;
mod scalar;
#[cfg(test)]
mod tests;

pub use banded::{Band, Banded, Positions};
pub use depthwise::DepthwisePositions;
pub use dsp::{Columns, Dsp, DspLoops, PortableDsp, Table};
pub use dual_mac::{DualMac, DualMacLoops, PortableDualMac, Runs, Steps};
pub use scalar::Scalar;

use crate::fixed::{requantize, sigmoid_q15};
use crate::layout::{CONV_POOL_ROW_WORDS, Layout, Layouts, Weights};

/// The operands of one dense layer that a kernel reads.
#[derive(Clone, Copy, Debug)]
pub struct DenseOperands<'a> {
    /// The weights, in one of the kernel's layouts.
    pub weights: Weights<'a>,
    /// One start value for each output's accumulator: the biases, with what the layout folds into them.
    pub biases: &'a [i32],
}

/// A kernel's working memory and results.
#[derive(Debug)]
pub struct Work<'a> {
    /// One for each row, those that fill up the last block included ([`Weights::padded_outputs`]).
    pub accumulators: &'a mut [i32],
    /// At least [`Weights::scratch_words`] words; what is in them does not matter.
    pub scratch: &'a mut [u32],
}

/// A way to compute dense layers. Implementations differ in speed only.
///
/// # Contract, for callers
/// [`Kernel::runs`] the weights' layout with this kind of input, `biases.len() == weights.outputs()`, `input.len() ==
/// weights.inputs()`, the working memory is as long as [`Work`] says, and for every row `|bias| + sum |weight| * max
/// |activation| <= i32::MAX` with the bias that the stored one stands for. [`crate::model::Model::parse`] and
/// [`crate::engine::Engine::new`] have checked all of it for the layers of a model.
///
/// # Contract, for implementors
/// `accumulators[row] = bias of the row + sum over columns of weights[row][column] * input[column]`, exactly. Partial
/// sums may wrap on the way as long as the final values are exact. No panic for operands within the contract, and no
/// access outside the slices for any others.
pub trait Kernel {
    /// Loop for fused convolution and max pooling; [`NoConvPool`] if the kernel has none.
    type ConvPool: ConvPool;
    /// Convolution of bands; [`NoBands`] if the kernel has none.
    type Bands: Banded;

    /// Name reported over the link and in logs.
    const NAME: &'static str;

    /// Returns true if the kernel runs layers of this layout with this type of input.
    fn runs(layout: Layout, input: KernelInput) -> bool;

    /// Layer fed by pixels, 0..=255.
    fn dense_u8(operands: DenseOperands<'_>, input: &[u8], work: Work<'_>);

    /// Layer fed by another layer's activations.
    fn dense_i16(operands: DenseOperands<'_>, input: &[i16], work: Work<'_>);

    /// Computes one position of a depthwise convolution, whose rows of weights are channels: `accumulators[row] = bias of the row + sum
    /// over columns of weights[row][column] * values[column * channels + row]`, with as many channels as there are
    /// [`Weights::outputs`], and at least [`Weights::padded_outputs`] values from the last column's first on.
    fn depthwise(operands: DenseOperands<'_>, values: &[u8], accumulators: &mut [i32]) {
        depthwise::depthwise(operands, values, accumulators);
    }

    /// Returns true if [`Kernel::depthwise_positions`] runs depthwise convolutions of this layout and so many channels.
    fn runs_in_place(_layout: Layout, _channels: usize) -> bool {
        false
    }

    /// Writes the outputs of a depthwise convolution at neighboring positions. [`DepthwisePositions::fit`] the output.
    fn depthwise_positions(_positions: &DepthwisePositions<'_>, _output: &mut [u8]) {}

    /// Requantizes accumulators and applies the sigmoid, to Q15: the same integers as [`sigmoids`], which it is unless a
    /// kernel does it faster.
    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        sigmoids(neurons, activations);
    }
}

impl<K: Kernel> Layouts for K {
    #[inline(always)]
    fn has(layout: Layout) -> bool {
        K::runs(layout, KernelInput::Pixels)
            || K::runs(layout, KernelInput::Channels)
            || K::runs(layout, KernelInput::Activations)
    }
}

/// Convolution of one channel with a 3x3 window and stride 1, fused with 2x2 max pooling and requantization: all four positions at
/// once, from the pixels where they lie.
pub trait ConvPool {
    /// Layers of this layout, which the kernel runs, come here instead of to [`Kernel::dense_u8`]; `None` where none do.
    const LAYOUT: Option<Layout>;

    /// Writes the outputs of neighboring patches.
    fn conv_pool(patches: &Patches<'_>, output: &mut [u8]);
}

/// The [`ConvPool`] of a kernel that has none: no layout comes here.
#[derive(Clone, Copy, Debug)]
pub struct NoConvPool;

impl ConvPool for NoConvPool {
    const LAYOUT: Option<Layout> = None;

    fn conv_pool(_: &Patches<'_>, _: &mut [u8]) {}
}

/// The [`Banded`] of a kernel that has none: no layout comes here.
#[derive(Clone, Copy, Debug)]
pub struct NoBands;

/// Neighboring patches of 4 x 4 values of one channel, each two columns after the one before, and the operands of all of them.
#[derive(Clone, Copy, Debug)]
pub struct Patches<'a> {
    /// Words of the weights.
    pub weights: &'a [u32],
    /// Start of each row's sum.
    pub biases: &'a [i32],
    /// Multipliers of the requantization, as many as biases.
    pub multipliers: &'a [i32],
    /// See [`requantize`]; at most 30.
    pub pre_shift: u8,
    /// Zero point of the output.
    pub zero_point: u8,
    /// Smallest and largest output.
    pub range: (u8, u8),
    /// From the first value of the first patch on.
    pub pixels: &'a [u8],
    /// From one row to the next.
    pub pitch: usize,
}

impl Patches<'_> {
    /// Returns true if all slices are as long as so many bytes of output require.
    pub fn fit(&self, output_bytes: usize) -> bool {
        let rows = self.biases.len();
        let patches = output_bytes.checked_div(rows).unwrap_or(0);
        patches > 0
            && patches * rows == output_bytes
            && self.multipliers.len() == rows
            && self.weights.len() == rows.saturating_mul(CONV_POOL_ROW_WORDS)
            && self.pitch.saturating_mul(3).saturating_add(2 * (patches - 1) + 4) <= self.pixels.len()
    }
}

/// Accumulators of a layer and the numbers that requantize them: one multiplier each.
#[derive(Clone, Copy, Debug)]
pub struct Neurons<'a> {
    /// The accumulators, within what [`requantize`] takes.
    pub accumulators: &'a [i32],
    /// As many multipliers.
    pub multipliers: &'a [i32],
    /// See [`requantize`]; at most 30.
    pub pre_shift: u8,
}

impl Neurons<'_> {
    /// Requantizes each accumulator and writes what `function` makes of it to the activation of the same index.
    #[inline(always)]
    pub fn each(self, activations: &mut [i16], function: impl Fn(i32) -> i16) {
        let Self { accumulators, multipliers, pre_shift } = self;
        for ((&accumulator, &multiplier), activation) in accumulators.iter().zip(multipliers).zip(activations) {
            *activation = function(requantize(accumulator, multiplier, pre_shift));
        }
    }
}

/// [`Kernel::sigmoids`] in Rust.
pub fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
    neurons.each(activations, sigmoid_q15);
}

/// Type of a layer's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum KernelInput {
    /// Bytes: the picture's pixels, or a tensor of the arena.
    Pixels,
    /// Bytes, of which each row reads a channel of its own: a depthwise convolution.
    Channels,
    /// Another layer's activations, 16 bits each.
    Activations,
}

/// Accumulators start from the biases; those of rows that fill up from 0.
fn start(biases: &[i32], accumulators: &mut [i32]) {
    let (rows, filling) = accumulators.split_at_mut(biases.len().min(accumulators.len()));
    for (accumulator, &bias) in rows.iter_mut().zip(biases) {
        *accumulator = bias;
    }
    // Mostly there is none, and not asking for it is quicker.
    if !filling.is_empty() {
        filling.fill(0);
    }
}

/// Takes the first `count` words off a slice; all of them if there are fewer.
fn take<'a>(words: &mut &'a [u32], count: usize) -> &'a [u32] {
    let (first, rest) = words.split_at_checked(count).unwrap_or((words, &[]));
    *words = rest;
    first
}
