//! The kernel for Cortex-M4, M7 and M33: the DSP extension's multiplications of two 16-bit halves at once.
//!
//! # The plain algorithm
//! SMLAD adds two products of 16-bit numbers to a sum. Spread weights and inputs to 16 bits (SXTB16, UXTB16) and two
//! multiply-accumulates take one instruction, besides the spreading: [`Layout::DspWide8`], for the layers after the
//! first, whose inputs have 16 bits, does this, four rows at once, so that an input is loaded for four. 1.2
//! instructions a multiply-accumulate.
//!
//! [`Layout::DspWide4`] has weights of 4 bits as the upper halves of bytes, 16 times too large; sums of up to 512 columns
//! are so too, and shifted.
//!
//! # Two rows in one multiplication
//! Inputs of 8 bits leave room for more. [`Layout::DspPixels8`] stores the weights of two rows as one 16-bit number,
//! `256 * a + b`, in as many bytes as before, and multiplies it as it lies: SMLAD's sum is `T = 256 * S_a + S_b`
//! (modulo 2^32), where S is a row's sum of products. Knowing S_b gives S_a.
//!
//! S_b comes from the inner-product identity
//! `(b0 + x1) * (b1 + x0) = b0 x0 + b1 x1 + b0 b1 + x0 x1`,
//! because SXTAB16 takes the lower bytes out of two numbers and adds inputs to them in one instruction. With the columns
//! of a word P in lanes 0 and 2, those of Q in lanes 1 and 3 ([`crate::layout::Lanes`]), four columns of two rows are
//!
//! ```text
//! smlad   T, P, XP      T += P . XP
//! smlad   T, Q, XQ
//! sxtab16 P, XQ, P      b0 + x1, b2 + x3
//! sxtab16 Q, XP, Q      b1 + x0, b3 + x2
//! smlad   B, P, Q       B += S_b's terms + b0 b1 + b2 b3 + x0 x1 + x2 x3
//! ```
//!
//! 5 instructions for 8 multiply-accumulates. The sum of the `b b` is a constant c of the row, folded into the biases;
//! that of the `x x` is the same for all rows, q, and taken off at the end: `B - q = S_b + c`, and
//! `(T - (B - q)) >> 8 = (256 * S_a - c) >> 8 = S_a + floor(-c / 256)`, whose second part is constant too.
//!
//! # What holds it
//! All of it is exact modulo 2^32 except the shift, which needs `256 * S_a - c` within 32 bits. That depends on the
//! weights of the row and on the number of columns. So columns go in chunks, after each of which S_a and S_b are added
//! to the accumulators; the host makes the chunks as long as all rows allow, 256 columns are safe for any weights, and
//! parsing a model proves it for each row ([`crate::layout::Weights::fold`]). Chunks also bound the memory the spread
//! inputs take.
//!
//! # Areas
//! A first convolution reads one channel, 9 columns a row: what is around a loop takes longer than the loop. So
//! [`Layout::DspAreas8`] has its weights spread to 16 bits, six words a row, which stay in registers while SMLAD takes them to the
//! four places of a window of 3 x 3 that are pooled. All that these places see is 4 x 4 pixels, a word a row; spread once,
//! as (0, 2), (1, 3) for the places on the left and as (1, 3), (2, 0) for those on the right, they are in the lanes of the
//! weights (0, 2), (1, nothing) both times. Weights of 4 bits have no such layout.
//!
//! # Depthwise
//! Channels that are convolved each for itself share no input, so there are no two products to add in one instruction. But four
//! of them lie side by side in the input: UXTB16 spreads them, and SMLABB and SMLATT multiply lower and upper halves as
//! they are. [`Layout::DspChannels8`] has weights spread likewise: 2.3 instructions a multiply-accumulate.
//!
//! # Four rows in one multiplication
//! [`Layout::DspPixels4`] does the same with weights of 4 bits: the 16-bit number is `256 * h + l` of bytes
//! `h = 16 * w0 + (w1 + 8)` and `l = 16 * (w2 + 8) + (w3 + 8)`. Run once as it lies and once with its upper half bytes
//! masked off, which leaves `256 * (w1 + 8) + (w3 + 8)`, it gives S_h, S_l and the sums of the masked bytes, and
//! `S_h - S_(w1 + 8) = 16 S_w0`, `S_l - S_(w3 + 8) = 16 S_(w2 + 8)`. What the excess of 8 adds is 8 times the sum of
//! the inputs.

mod portable;

pub use portable::PortableDsp;

use core::marker::PhantomData;

use super::{Area, Areas, DenseOperands, Feed, Kernel, Neurons, Work, sigmoids, take};
use crate::layout::{BLOCK_ROWS, GROUP_COLUMNS, Layout};

/// The innermost loops of [`Dsp`], each over one chunk and all blocks of four rows.
///
/// # Contract, for callers
/// `lanes.len()` is a positive multiple of 4 (8 columns), `accumulators.len()` a positive multiple of 4, and
/// `weights.len()` is `accumulators.len() / 4` times the words of a block: `lanes.len() * 2`, in 4 bits `lanes.len()`.
///
/// # Contract, for implementors
/// The same integers as [`PortableDsp`], for any contents; sums wrap. No access outside the slices, also where a caller breaks
/// the contract; what is computed then does not matter.
pub trait DspLoops {
    /// See [`Kernel::NAME`].
    const NAME: &'static str;

    /// Spreads pixels to lanes of 16 bits: of each four the words (0, 2) and (1, 3), the first in the lower half.
    /// `pixels.len()` is a multiple of 8, `lanes.len()` half of it. Returns the sum of `x0 x1 + x2 x3` over the fours.
    fn spread(pixels: &[u8], lanes: &mut [u32]) -> i32;

    /// The sum of the pixels in these lanes.
    fn sum(lanes: &[u32]) -> i32 {
        lanes.iter().map(|&lane| (lane & 0xFFFF) as i32 + (lane >> 16) as i32).fold(0, i32::wrapping_add)
    }

    /// Copies words in fours, from any address. `words.len()` is four times `fours.len()`.
    fn copy(fours: &[[u8; 16]], words: &mut [u32]) {
        for (word, bytes) in words.iter_mut().zip(fours.as_flattened().as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
    }

    /// Adds a chunk in [`Layout::DspPixels8`] to the accumulators, less `products` where it is in the sums.
    fn pixels8(weights: &[u32], lanes: &[u32], products: i32, accumulators: &mut [i32]);

    /// Adds a chunk in [`Layout::DspPixels4`] to the accumulators, likewise, and less `excess`: 8 times the sum of the
    /// inputs.
    fn pixels4(weights: &[u32], lanes: &[u32], products_and_excess: [i32; 2], accumulators: &mut [i32]);

    /// Adds a chunk in [`Layout::DspWide8`] to the accumulators. Lanes are inputs in their order.
    fn wide8(weights: &[u32], lanes: &[u32], accumulators: &mut [i32]);

    /// Adds a chunk in [`Layout::DspWide4`] to the accumulators, likewise.
    fn wide4(weights: &[u32], lanes: &[u32], accumulators: &mut [i32]);

    /// Adds to each accumulator the sum, over columns, of a channel's weights times its values, which are `channels` apart.
    /// `accumulators.len()` is a multiple of 4, that of `weights` its half times the columns. The last column has values for all accumulators.
    fn channels(weights: &[u32], values: &[u8], channels: usize, accumulators: &mut [i32]);

    /// See [`Areas::area`]; in [`Layout::DspAreas8`], so `weights` are six words a row.
    fn area(weights: &[u32], biases: &[i32], area: Area<'_>, accumulators: &mut [i32]);

    /// See [`Kernel::sigmoids`].
    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        sigmoids(neurons, activations);
    }
}

/// The Cortex-M4 kernel, with innermost loops `L`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dsp<L>(PhantomData<L>);

impl<L: DspLoops> Kernel for Dsp<L> {
    type Areas = Self;

    const NAME: &'static str = L::NAME;

    fn runs(layout: Layout, fed_by: Feed) -> bool {
        match fed_by {
            Feed::Pixels => matches!(layout, Layout::DspPixels8 | Layout::DspPixels4 | Layout::DspAreas8),
            Feed::Channels => layout.is_of_channels(),
            Feed::Activations => matches!(layout, Layout::DspWide8 | Layout::DspWide4),
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

    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        L::sigmoids(neurons, activations);
    }
}

impl<L: DspLoops> Areas for Dsp<L> {
    const LAYOUT: Option<Layout> = Some(Layout::DspAreas8);

    #[inline(always)]
    fn area(weights: &[u32], biases: &[i32], area: Area<'_>, accumulators: &mut [i32]) {
        L::area(weights, biases, area, accumulators);
    }
}

/// Chunk by chunk: inputs, of 1 or 2 bytes each, to lanes, then the layout's loop. One function for both kinds of inputs:
/// what is around the loops is most of the code.
#[cfg_attr(target_os = "none", inline(never))]
fn dense<L: DspLoops>(operands: DenseOperands<'_>, input: &[u8], input_bytes: usize, work: Work<'_>) {
    let DenseOperands { weights, biases } = operands;
    let Work { accumulators, lanes } = work;
    fill::<L>(bytemuck::cast_slice(biases), bytemuck::cast_slice_mut(accumulators));
    let blocks = accumulators.len() / BLOCK_ROWS;
    let mut words = weights.words();
    let layout = weights.layout();
    for inputs in input.chunks((weights.chunk_columns() * input_bytes).max(1)) {
        let lane_words = (inputs.len() / input_bytes).next_multiple_of(GROUP_COLUMNS) / 2;
        let Some(lanes) = lanes.get_mut(..lane_words) else { return };
        let products = if input_bytes == 1 {
            spread::<L>(inputs, lanes)
        } else {
            // Two in a word, the first in the lower half, is how they lie already.
            fill::<L>(inputs, lanes);
            0
        };
        let block_words = if layout.bits() == 4 { lane_words } else { lane_words * 2 };
        let chunk = take(&mut words, blocks * block_words);
        match layout {
            Layout::DspPixels8 => L::pixels8(chunk, lanes, products, accumulators),
            Layout::DspPixels4 => {
                let excess = L::sum(lanes).wrapping_mul(8);
                L::pixels4(chunk, lanes, [products, excess], accumulators);
            }
            Layout::DspWide4 => L::wide4(chunk, lanes, accumulators),
            _ => L::wide8(chunk, lanes, accumulators),
        }
    }
}

/// [`DspLoops::spread`] of any number of pixels; 0 fills up the last group.
fn spread<L: DspLoops>(pixels: &[u8], lanes: &mut [u32]) -> i32 {
    let whole = pixels.len() - pixels.len() % GROUP_COLUMNS;
    let (Some((whole, rest)), Some((lanes, last))) =
        (pixels.split_at_checked(whole), lanes.split_at_mut_checked(whole / 2))
    else {
        return 0;
    };
    let products = L::spread(whole, lanes);
    if rest.is_empty() {
        return products;
    }
    let mut group = [0; GROUP_COLUMNS];
    for (place, &pixel) in group.iter_mut().zip(rest) {
        *place = pixel;
    }
    products.wrapping_add(L::spread(&group, last))
}

/// Fills words with an even number of bytes from any address, and what is left of them with 0.
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
