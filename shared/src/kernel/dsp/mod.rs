//! Kernel for Cortex-M4, M7 and M33. It uses the dual 16-bit multiplications of the DSP extension.
//!
//! # The plain algorithm
//! SMLAD adds two products of 16-bit numbers to a sum. With weights and inputs widened to 16 bits (SXTB16, UXTB16), two
//! multiply-accumulates take one instruction, plus the widening. [`Layout::DspWide8`] does this for the layers after
//! the first, whose inputs have 16 bits. It processes four rows at once, so each input is loaded once for four rows:
//! 1.2 instructions per multiply-accumulate.
//!
//! [`Layout::DspWide4`] holds 4-bit weights as the upper halves of bytes, 16 times too large. Sums of up to 512 columns
//! are therefore 16 times too large too, and are shifted.
//!
//! # Two rows in one multiplication
//! 8-bit inputs leave room for more. [`Layout::DspPixels8`] stores the weights of two rows as one 16-bit number,
//! `256 * a + b`, in as many bytes as before. It multiplies this number without unpacking: SMLAD's sum is
//! `T = 256 * S_a + S_b` (modulo 2^32), where S is a row's sum of products. With S_b known, T gives S_a.
//!
//! S_b comes from the inner-product identity
//! `(b0 + x1) * (b1 + x0) = b0 x0 + b1 x1 + b0 b1 + x0 x1`,
//! because SXTAB16 extracts the lower bytes of two numbers and adds inputs to them in one instruction. With the columns
//! of a word P in lanes 0 and 2, and those of Q in lanes 1 and 3 ([`crate::layout::Lanes`]), four columns of two rows
//! are
//!
//! ```text
//! smlad   T, P, XP      T += P . XP
//! smlad   T, Q, XQ
//! sxtab16 P, XQ, P      b0 + x1, b2 + x3
//! sxtab16 Q, XP, Q      b1 + x0, b3 + x2
//! smlad   B, P, Q       B += S_b's terms + b0 b1 + b2 b3 + x0 x1 + x2 x3
//! ```
//!
//! These are 5 instructions for 8 multiply-accumulates. The sum of the `b b` terms is a constant c of the row, folded
//! into the biases. The sum q of the `x x` terms is the same for all rows and is subtracted at the end:
//! `B - q = S_b + c`, and `(T - (B - q)) >> 8 = (256 * S_a - c) >> 8 = S_a + floor(-c / 256)`. The second part is
//! constant too.
//!
//! # Exactness
//! All of it is exact modulo 2^32 except the shift, which needs `256 * S_a - c` within 32 bits. That depends on the
//! weights of the row and on the number of columns. So columns are processed in chunks; after each chunk, S_a and S_b
//! are added to the accumulators. The host makes the chunks as long as all rows allow; 256 columns are safe for any
//! weights. Parsing a model proves the bound for each row ([`crate::layout::Weights::fold`]). Chunks also bound the
//! memory of the widened inputs.
//!
//! # Convolutions from bands
//! Windows overlap, so a dense layer for each position would widen most inputs several times. [`Layout::DspBand8`] takes the input's
//! rows under a row of windows at once: a band. [`DspLoops::columns`] and [`DspLoops::table`] widen it once, column by column, so
//! that a window is one piece of memory, and the next window starts a few columns further in the same memory. The sum q of a window is
//! the sum of its columns' sums. [`DspLoops::positions`] then multiplies as above, compares the sums of the positions that are
//! pooled, requantizes and stores four outputs at once. Bands take up to [`crate::layer::max_band_words`]; longer rows are computed
//! in several tiles.
//!
//! # Fused 3x3 convolution and pool
//! A first convolution reads one channel, 9 columns per row, so loop overhead exceeds the loop body.
//! [`Layout::DspConvPool8`] therefore holds weights widened to 16 bits, six words per row. They stay in registers while
//! SMLAD applies them at the four positions of a 3 x 3 window that are pooled. These positions cover 4 x 4 pixels, one
//! word per pixel row. Each word is widened once to (0, 2), (1, 3) for the left positions and to (1, 3), (2, 0) for the
//! right ones. Both match the weights' lanes (0, 2), (1, nothing). There is no such layout for 4-bit weights.
//!
//! # Depthwise convolution
//! In a depthwise convolution the channels share no input, so no two products can be added in one instruction. But four
//! channels are adjacent in the input: UXTB16 widens them, and SMLABB and SMLATT multiply the lower and upper halves.
//! [`Layout::DspChannels8`] holds weights widened the same way: 2 instructions per multiply-accumulate, and about one for
//! requantization. If channels come in fours and there is no pooling, the windows are read where they are.
//!
//! # Four rows in one multiplication
//! [`Layout::DspPixels4`] does the same with 4-bit weights: the 16-bit number is `256 * h + l` of bytes
//! `h = 16 * w0 + (w1 + 8)` and `l = 16 * (w2 + 8) + (w3 + 8)`. One pass uses it unchanged. A second pass masks off the
//! upper half bytes, which leaves `256 * (w1 + 8) + (w3 + 8)`. They give S_h, S_l and the sums of the masked bytes, and
//! `S_h - S_(w1 + 8) = 16 S_w0`, `S_l - S_(w3 + 8) = 16 S_(w2 + 8)`. The excess of 8 adds 8 times the sum of the
//! inputs.

mod band;
mod portable;

pub use band::{Columns, Table};
pub use portable::PortableDsp;

use core::marker::PhantomData;

use super::{
    Band, Banded, ConvPool, DenseOperands, DepthwisePositions, Kernel, KernelInput, Neurons, Patches, Positions, Work,
    sigmoids, take,
};
use crate::layout::{BLOCK_ROWS, GROUP_COLUMNS, Layout};

/// Innermost loops of [`Dsp`]. Those of dense layers are each over one chunk and all blocks of four rows.
///
/// # Contract, for callers
/// In dense layers, `scratch.len()` is a positive multiple of 4 (8 columns), `accumulators.len()` a positive multiple of 4.
/// `weights.len()` is `accumulators.len() / 4` times the words of a block: `scratch.len() * 2`, for 4-bit weights
/// `scratch.len()`.
///
/// # Contract, for implementors
/// Results equal those of [`PortableDsp`] for any contents; sums wrap. No access outside the slices, even if a caller
/// breaks the contract; the results are then unspecified.
pub trait DspLoops {
    /// See [`Kernel::NAME`].
    const NAME: &'static str;

    /// Widens pixels to 16 bits: each group of four becomes the words (0, 2) and (1, 3), the first pixel in the lower
    /// half. `pixels.len()` is a multiple of 8, `scratch.len()` half of it. Returns the sum of `x0 x1 + x2 x3` over all
    /// groups of four.
    fn widen(pixels: &[u8], scratch: &mut [u32]) -> i32;

    /// Returns the sum of the pixels in `scratch`.
    fn sum(scratch: &[u32]) -> i32 {
        scratch.iter().map(|&lane| (lane & 0xFFFF) as i32 + (lane >> 16) as i32).fold(0, i32::wrapping_add)
    }

    /// Copies groups of four words from any address. `words.len()` is four times `fours.len()`.
    fn copy(fours: &[[u8; 16]], words: &mut [u32]) {
        for (word, bytes) in words.iter_mut().zip(fours.as_flattened().as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
    }

    /// Adds a chunk in [`Layout::DspPixels8`] to the accumulators. Subtracts `products` from the sums that contain it.
    fn pixels8(weights: &[u32], scratch: &[u32], products: i32, accumulators: &mut [i32]);

    /// Adds a chunk in [`Layout::DspPixels4`] to the accumulators. Subtracts `products` likewise, and `excess`: 8 times
    /// the sum of the inputs.
    fn pixels4(weights: &[u32], scratch: &[u32], products_and_excess: [i32; 2], accumulators: &mut [i32]);

    /// Adds a chunk in [`Layout::DspWide8`] to the accumulators. `scratch` holds the inputs in order.
    fn wide8(weights: &[u32], scratch: &[u32], accumulators: &mut [i32]);

    /// Adds a chunk in [`Layout::DspWide4`] to the accumulators. `scratch` holds the inputs in order.
    fn wide4(weights: &[u32], scratch: &[u32], accumulators: &mut [i32]);

    /// Adds to each accumulator the sum, over columns, of a channel's weights times its values, which are `channels`
    /// apart. `accumulators.len()` is a multiple of 4; `weights.len()` is half of it, times the columns. The last
    /// column has values for all accumulators.
    fn channels(weights: &[u32], values: &[u8], channels: usize, accumulators: &mut [i32]);

    /// See [`ConvPool::conv_pool`]. [`Patches::fit`] the output.
    fn conv_pool(patches: &Patches<'_>, output: &mut [u8]);

    /// Widens columns, and sets each of `sums` to minus [`Columns::start`] and the products `x0 x1 + x2 x3` of all groups of four
    /// values of a column. [`Columns::fit`] the lanes and the sums.
    fn columns(columns: &Columns<'_>, lanes: &mut [u32], sums: &mut [i32]);

    /// Widens columns value by value, and sets each of `sums` to minus the products `x0 x1 + x2 x3` of all groups of four lanes
    /// of a column. [`Table::fit`] the lanes and the sums.
    fn table(table: &Table<'_>, lanes: &mut [u32], sums: &mut [i32]);

    /// See [`Banded::positions`]. [`Positions::fit`] the output.
    fn positions(positions: &Positions<'_>, output: &mut [u8]);

    /// See [`Kernel::depthwise_positions`].
    fn depthwise_positions(positions: &DepthwisePositions<'_>, output: &mut [u8]);

    /// See [`Kernel::sigmoids`].
    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        sigmoids(neurons, activations);
    }
}

/// The DSP kernel, with innermost loops `L`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dsp<L>(PhantomData<L>);

impl<L: DspLoops> Kernel for Dsp<L> {
    type ConvPool = Self;
    type Bands = Self;

    const NAME: &'static str = L::NAME;

    fn runs(layout: Layout, input: KernelInput) -> bool {
        match input {
            KernelInput::Pixels => {
                matches!(layout, Layout::DspPixels8 | Layout::DspPixels4 | Layout::DspConvPool8 | Layout::DspBand8)
            }
            KernelInput::Channels => layout.is_of_channels(),
            KernelInput::Activations => matches!(layout, Layout::DspWide8 | Layout::DspWide4),
        }
    }

    #[inline(always)]
    fn dense_u8(operands: DenseOperands<'_>, input: &[u8], work: Work<'_>) {
        dense::<L>(operands, input, 1, work);
    }

    #[inline(always)]
    fn dense_i16(operands: DenseOperands<'_>, input: &[i16], work: Work<'_>) {
        dense::<L>(operands, bytemuck::cast_slice(input), 2, work);
    }

    fn depthwise(operands: DenseOperands<'_>, values: &[u8], accumulators: &mut [i32]) {
        fill::<L>(bytemuck::cast_slice(operands.biases), bytemuck::cast_slice_mut(accumulators));
        L::channels(operands.weights.words(), values, operands.weights.outputs(), accumulators);
    }

    #[inline(always)]
    fn runs_in_place(layout: Layout, channels: usize) -> bool {
        layout.is_of_channels() && channels.is_multiple_of(BLOCK_ROWS)
    }

    #[inline(always)]
    fn depthwise_positions(positions: &DepthwisePositions<'_>, output: &mut [u8]) {
        L::depthwise_positions(positions, output);
    }

    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        L::sigmoids(neurons, activations);
    }
}

impl<L: DspLoops> ConvPool for Dsp<L> {
    const LAYOUT: Option<Layout> = Some(Layout::DspConvPool8);

    #[inline(always)]
    fn conv_pool(patches: &Patches<'_>, output: &mut [u8]) {
        L::conv_pool(patches, output);
    }
}

impl<L: DspLoops> Banded for Dsp<L> {
    const LAYOUT: Option<Layout> = Some(Layout::DspBand8);
    const PAIR_WORDS: usize = 1;
    const HAS_CORRECTIONS: bool = true;

    #[inline(always)]
    fn widen(band: &Band<'_>, _: usize, lanes: &mut [u32], sums: &mut [i32]) {
        band::widen::<L>(band, lanes, sums);
    }

    #[inline(always)]
    fn positions(positions: &Positions<'_>, output: &mut [u8]) {
        L::positions(positions, output);
    }
}

/// Processes chunk by chunk: widens inputs, of 1 or 2 bytes each, to `scratch`, then runs the layout's loop. One function
/// serves both input types, because the code around the loops is most of the code.
#[cfg_attr(target_os = "none", inline(never))]
fn dense<L: DspLoops>(operands: DenseOperands<'_>, input: &[u8], input_bytes: usize, work: Work<'_>) {
    let DenseOperands { weights, biases } = operands;
    let Work { accumulators, scratch } = work;
    fill::<L>(bytemuck::cast_slice(biases), bytemuck::cast_slice_mut(accumulators));
    let blocks = accumulators.len() / BLOCK_ROWS;
    let mut words = weights.words();
    let layout = weights.layout();
    for inputs in input.chunks((weights.chunk_columns() * input_bytes).max(1)) {
        let scratch_words = (inputs.len() / input_bytes).next_multiple_of(GROUP_COLUMNS) / 2;
        let Some(scratch) = scratch.get_mut(..scratch_words) else { return };
        let products = if input_bytes == 1 {
            widen::<L>(inputs, scratch)
        } else {
            // The inputs already lie two in a word, the first in the lower half.
            fill::<L>(inputs, scratch);
            0
        };
        let block_words = if layout.bits() == 4 { scratch_words } else { scratch_words * 2 };
        let chunk = take(&mut words, blocks * block_words);
        match layout {
            Layout::DspPixels8 => L::pixels8(chunk, scratch, products, accumulators),
            Layout::DspPixels4 => {
                let excess = L::sum(scratch).wrapping_mul(8);
                L::pixels4(chunk, scratch, [products, excess], accumulators);
            }
            Layout::DspWide4 => L::wide4(chunk, scratch, accumulators),
            _ => L::wide8(chunk, scratch, accumulators),
        }
    }
}

/// [`DspLoops::widen`] for any number of pixels; zeros complete the last group.
fn widen<L: DspLoops>(pixels: &[u8], scratch: &mut [u32]) -> i32 {
    let whole = pixels.len() - pixels.len() % GROUP_COLUMNS;
    let (Some((whole, rest)), Some((scratch, last))) =
        (pixels.split_at_checked(whole), scratch.split_at_mut_checked(whole / 2))
    else {
        return 0;
    };
    let products = L::widen(whole, scratch);
    if rest.is_empty() {
        return products;
    }
    let mut group = [0; GROUP_COLUMNS];
    for (place, &pixel) in group.iter_mut().zip(rest) {
        *place = pixel;
    }
    products.wrapping_add(L::widen(&group, last))
}

/// Fills words with an even number of bytes from any address; the remaining words become 0.
#[cfg_attr(target_os = "none", inline(never))]
fn fill<L: DspLoops>(bytes: &[u8], words: &mut [u32]) {
    let (fours, rest) = bytes.as_chunks();
    if let Some((words, last)) = words.split_at_mut_checked(fours.len() * 4) {
        L::copy(fours, words);
        let (whole, half) = rest.as_chunks();
        // One activation may be left over.
        let mut half = if let &[low, high] = half { u32::from(u16::from_le_bytes([low, high])) } else { 0 };
        let mut whole = whole.iter();
        for word in last {
            *word = match whole.next() {
                Some(&bytes) => u32::from_le_bytes(bytes),
                None => core::mem::take(&mut half),
            };
        }
    }
}
