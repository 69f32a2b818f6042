//! Dual-MAC kernel for Cortex-M0+: two multiply-accumulates in one 32-bit multiplication, both exact.
//!
//! # Two rows in one multiplication
//! `(a + 2^16 b) * x = a x + 2^16 b x`: one multiplication serves two rows, as long as the lower product stays out of
//! the upper half. With signed weights and inputs (inputs less 128) a product is within 127 * 128. So the sum of two
//! columns, `Z = (a0 + 2^16 b0) x0 + (a1 + 2^16 b1) x1 = z_a + 2^16 z_b`, still has both halves within 16 bits. Adding
//! 2^15 and shifting gives z_b exactly; the sums are
//!
//! ```text
//! B   = sum of (Z + 2^15) >> 16        = S_b
//! All = sum of Z + 2^15                = S_a + 2^16 S_b + 2^15 * pairs of columns
//! ```
//!
//! so S_a is `All - 2^16 B` less a constant, modulo 2^32. This costs one addition instead of a shift and another sum.
//!
//! # No unpacking, no mask
//! [`Layout::DualMacPixels8`] stores a0, a1, b0, b1 as the bytes of a word V, each 128 too large. REV16, one instruction,
//! gives V' with a1, a0, b1, b0. In `V alpha + V' beta` then
//!
//! ```text
//! a0 and b0 are multiplied by alpha + 2^8 beta,
//! a1 and b1 by 2^8 alpha + beta,
//! ```
//!
//! in the lower half and in the upper half. These factors are x0 and x1 for
//!
//! ```text
//! alpha = (x0 - 2^8 x1) / (1 - 2^16),    beta = (x1 - 2^8 x0) / (1 - 2^16),
//! ```
//!
//! and modulo 2^32 this quotient exists: `(1 - 2^16) (1 + 2^16) = 1`, so the division is a multiplication by
//! `1 + 2^16`. Weights are never unpacked. The excess of 128 adds `128 (1 + 2^16) (x0 + x1)`, which is the same for all
//! rows. With the 2^15 above it is one number for two columns, gamma. These are 8 instructions for 4
//! multiply-accumulates, plus loads; alpha, beta and gamma are computed once per inference.
//!
//! # Fewer bits
//! Weights within 63 ([`Layout::DualMacPixels7`]) leave room for the excess: stored 64 too large they are within 127. Two
//! columns of `127 * 255` fit 16 bits with unchanged inputs, so gamma is not needed: 7 instructions.
//! [`Layout::DualMacPixels4`] holds four columns of two rows in a word, each weight 8 too large and so 0..=15. A byte
//! holds two columns, `even + 16 odd`. V and V' with alpha and beta of the even columns' inputs x0 and x2 add `16 odd`
//! times these inputs. The odd columns, masked, use alpha and beta of `x1 - 16 x0` and `x3 - 16 x2`. The products are
//! small enough for 16 columns before a shift. An excess adds the same multiple of the sum of the inputs, which is
//! subtracted at the end.
//!
//! # Bands
//! Windows of a convolution overlap, so a dense layer for each position would widen most inputs several times.
//! [`Layout::DualMacBand8`] takes the rows under a row of windows instead, widened once, column by column. A window is then
//! contiguous, and one loop sums, pools, requantizes and stores. See [`Banded`].
//!
//! Dense layers after the first are small in networks for this core. They run row-major with [`Scalar`].

mod band;
mod portable;

pub use portable::PortableDualMac;

use core::marker::PhantomData;

use super::{
    Band, Banded, DenseOperands, DepthwisePositions, Kernel, KernelInput, Neurons, NoConvPool, Positions, Scalar, Work,
    sigmoids, start, take,
};
use crate::layout::{BLOCK_ROWS, GROUP_COLUMNS, Layout};

/// Innermost loops of [`DualMac`], each over one chunk and all blocks of four rows.
///
/// # Contract, for callers
/// `accumulators.len()` is a positive multiple of 4. For n columns, a positive multiple of 8, `scratch.len()` is
/// `n / 2 * 3` in the 8-bit functions and n in the others. `weights.len()` is `accumulators.len() / 4 * n`, for 4-bit
/// weights half of that. Where `columns` is an argument, it is n: the core has no division.
///
/// # Contract, for implementors
/// Results equal those of [`PortableDualMac`] for any contents; sums wrap. No access outside the slices, even if a caller
/// breaks the contract; the results are then unspecified.
pub trait DualMacLoops {
    /// See [`Kernel::NAME`].
    const NAME: &'static str;

    /// Converts pixels x0, x1 (less 128) to the words alpha, beta and gamma: `(x0 - 256 x1) (1 + 2^16)`,
    /// `(x1 - 256 x0) (1 + 2^16)` and `2^15 - 128 (1 + 2^16) (x0 + x1)`.
    fn widen8(pixels: &[u8], scratch: &mut [u32]);

    /// Copies bytes that do not follow each other. Nothing if there are not as many.
    fn copy(values: &[u8], places: &mut [u8], steps: Steps);

    /// [`DualMacLoops::widen8`] of runs of pixels.
    fn widen8_runs(pixels: &[u8], scratch: &mut [u32], runs: Runs);

    /// Adds a chunk in [`Layout::DualMacPixels8`] to the accumulators.
    fn pixels8(weights: &[u32], scratch: &[u32], columns: usize, accumulators: &mut [i32]);

    /// Converts pixels x0, x1 to their alpha and beta. Returns the sum of the pixels.
    fn widen7(pixels: &[u8], scratch: &mut [u32]) -> i32;

    /// Adds a chunk in [`Layout::DualMacPixels7`] to the accumulators. Subtracts `excess`: 64 times the sum of the
    /// pixels.
    fn pixels7(weights: &[u32], scratch: &[u32], excess: i32, accumulators: &mut [i32]);

    /// Converts pixels x0 to x3 to alpha and beta of x0 and x2, then to those of `x1 - 16 x0` and `x3 - 16 x2`. Returns
    /// the sum of the pixels.
    fn widen4(pixels: &[u8], scratch: &mut [u32]) -> i32;

    /// Adds a chunk in [`Layout::DualMacPixels4`] to the accumulators. Subtracts `excess`: 8 times the sum of the pixels.
    fn pixels4(weights: &[u32], scratch: &[u32], excess: i32, accumulators: &mut [i32]);

    /// Writes the outputs at neighboring positions of a convolution in [`Layout::DualMacBand8`], if [`Positions::fit`]. Lanes are
    /// widened as by [`DualMacLoops::widen8`], sums as by [`DualMacLoops::pixels8`].
    fn positions(positions: &Positions<'_>, output: &mut [u8]);

    /// See [`Kernel::depthwise_positions`]; weights are in [`Layout::Rows8`].
    fn depthwise_positions(positions: &DepthwisePositions<'_>, output: &mut [u8]);

    /// See [`Kernel::sigmoids`].
    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        sigmoids(neurons, activations);
    }
}

/// Bytes at equal distances.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// How many.
    pub count: usize,
    /// From one value to the next.
    pub values: usize,
    /// From one place to the next.
    pub places: usize,
}

impl Steps {
    /// Returns true if there are any, and the last ones are within so many values and places.
    pub fn fit(&self, values: usize, places: usize) -> bool {
        let within = |step: usize, of: usize| (self.count - 1).saturating_mul(step) < of;
        self.count > 0 && within(self.values, values) && within(self.places, places)
    }
}

/// Runs of pixels whose words do not follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// How many.
    pub count: usize,
    /// Pixels of each: a positive multiple of 8.
    pub pixels: usize,
    /// Words of scratch between one's words and the next one's, which stay as they are.
    pub skip: usize,
}

/// The Cortex-M0+ kernel, with innermost loops `L`.
#[derive(Clone, Copy, Debug, Default)]
pub struct DualMac<L>(PhantomData<L>);

/// Zero point of the pixels in [`Layout::DualMacPixels8`].
const MIDDLE: u8 = 128;
/// Words that a group of columns is widened into there.
const GROUP_WORDS8: usize = GROUP_COLUMNS / 2 * 3;

impl<L: DualMacLoops> Kernel for DualMac<L> {
    type ConvPool = NoConvPool;
    type Bands = Self;

    const NAME: &'static str = L::NAME;

    fn runs(layout: Layout, input: KernelInput) -> bool {
        match input {
            KernelInput::Pixels => {
                matches!(
                    layout,
                    Layout::DualMacPixels8 | Layout::DualMacPixels7 | Layout::DualMacPixels4 | Layout::DualMacBand8
                )
            }
            KernelInput::Channels | KernelInput::Activations => layout.is_rows(),
        }
    }

    #[inline(always)]
    fn dense_u8(operands: DenseOperands<'_>, input: &[u8], work: Work<'_>) {
        let DenseOperands { weights, biases } = operands;
        let Work { accumulators, scratch } = work;
        start(biases, accumulators);
        let blocks = accumulators.len() / BLOCK_ROWS;
        let mut words = weights.words();
        for pixels in input.chunks(weights.chunk_columns().max(1)) {
            let columns = pixels.len().next_multiple_of(GROUP_COLUMNS);
            let group_words = if weights.layout() == Layout::DualMacPixels8 { GROUP_WORDS8 } else { GROUP_COLUMNS };
            let Some(scratch) = scratch.get_mut(..columns / GROUP_COLUMNS * group_words) else { return };
            match weights.layout() {
                Layout::DualMacPixels4 => {
                    let sum = widen(pixels, scratch, (0, group_words), L::widen4);
                    L::pixels4(take(&mut words, blocks * columns / 2), scratch, sum.wrapping_mul(8), accumulators);
                }
                Layout::DualMacPixels7 => {
                    let sum = widen(pixels, scratch, (0, group_words), L::widen7);
                    L::pixels7(take(&mut words, blocks * columns), scratch, sum.wrapping_mul(64), accumulators);
                }
                _ => {
                    widen(pixels, scratch, (MIDDLE, group_words), |pixels, scratch| {
                        L::widen8(pixels, scratch);
                        0
                    });
                    L::pixels8(take(&mut words, blocks * columns), scratch, columns, accumulators);
                }
            }
        }
    }

    fn dense_i16(operands: DenseOperands<'_>, input: &[i16], work: Work<'_>) {
        Scalar::dense_i16(operands, input, work);
    }

    #[inline(always)]
    fn runs_in_place(layout: Layout, _: usize) -> bool {
        layout == Layout::Rows8
    }

    #[inline(always)]
    fn depthwise_positions(positions: &DepthwisePositions<'_>, output: &mut [u8]) {
        L::depthwise_positions(positions, output);
    }

    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        L::sigmoids(neurons, activations);
    }
}

impl<L: DualMacLoops> Banded for DualMac<L> {
    const LAYOUT: Option<Layout> = Some(Layout::DualMacBand8);
    const PAIR_WORDS: usize = 3;
    const HAS_CORRECTIONS: bool = false;

    #[inline(always)]
    fn widen(band: &Band<'_>, columns: usize, lanes: &mut [u32], room: &mut [i32]) {
        band::widen::<L>(band, columns, lanes, bytemuck::cast_slice_mut(room));
    }

    #[inline(always)]
    fn positions(positions: &Positions<'_>, output: &mut [u8]) {
        L::positions(positions, output);
    }
}

/// Converts any number of pixels to fill all of `scratch`, `group_words` a group; pixels of value `filling` complete the last one.
fn widen(
    pixels: &[u8],
    scratch: &mut [u32],
    (filling, group_words): (u8, usize),
    widen: impl Fn(&[u8], &mut [u32]) -> i32,
) -> i32 {
    let groups = pixels.len() / GROUP_COLUMNS;
    let (Some((whole, rest)), Some((scratch, last))) =
        (pixels.split_at_checked(groups * GROUP_COLUMNS), scratch.split_at_mut_checked(groups * group_words))
    else {
        return 0;
    };
    let sum = if whole.is_empty() { 0 } else { widen(whole, scratch) };
    if rest.is_empty() {
        return sum;
    }
    let mut group = [filling; GROUP_COLUMNS];
    for (place, &pixel) in group.iter_mut().zip(rest) {
        *place = pixel;
    }
    sum.wrapping_add(widen(&group, last))
}
