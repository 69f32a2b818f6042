//! Loops of [`pinhole_shared::kernel::Dsp`] for cores with the DSP extension: Cortex-M4, M7, M33.
//!
//! Instructions per 8 columns of 4 rows (32 multiply-accumulates), without the overhead of blocks and chunks: 23 with
//! 8-bit weights, 27 with 4-bit weights; for 16-bit inputs 38 and 51; 75 in depthwise convolutions. All instructions
//! except the loops' ends have 4 bytes, so an unrolled loop can be entered in its middle: the first turn processes the
//! remainder.

mod channels;
mod conv_pool;
mod pixels4;
mod pixels8;
mod sigmoids;
mod wide;
mod widen;

use pinhole_shared::fixed::SIGMOID_STEPS;
use pinhole_shared::kernel::{DspLoops, Neurons, Patch};
use pinhole_shared::layout::{BLOCK_ROWS, Layout};

use sigmoids::{SigmoidFrame, TABLE_BIAS};

/// Loops for the DSP extension.
#[derive(Clone, Copy, Debug, Default)]
pub struct CortexM4;

// The loops below are written for these numbers; the host makes chunks of whole turns.
const _: () = assert!(Layout::DspPixels8.turn_groups() == 13 && Layout::DspPixels4.turn_groups() == 4);

/// A loop over one chunk and all blocks of four rows: weights, scratch, scratch end, rows, rows end, products, excess.
type Loop = unsafe extern "C" fn(*const u32, *const u32, *const u32, *mut i32, *mut i32, i32, i32);

/// Runs a loop if scratch forms whole groups, rows form whole blocks, and the number of weights matches `block` words per
/// block. Not inlined: the checks are more code than some of the loops.
///
/// # Safety
/// `looped` is a loop of this module, for weights with `block` words per block.
#[inline(never)]
unsafe fn run(looped: Loop, block: usize, [weights, scratch]: [&[u32]; 2], sums: [i32; 2], rows: &mut [i32]) {
    let whole = !scratch.is_empty() && scratch.len().is_multiple_of(4) && rows.len().is_multiple_of(BLOCK_ROWS);
    if whole && !rows.is_empty() && weights.len() == rows.len() / BLOCK_ROWS * block {
        let (scratch, rows, [products, excess]) = (scratch.as_ptr_range(), rows.as_mut_ptr_range(), sums);
        // SAFETY: scratch words are a positive multiple of 4 words, rows a positive multiple of 4, and there are as many
        // weights as they require: checked above.
        unsafe { looped(weights.as_ptr(), scratch.start, scratch.end, rows.start, rows.end, products, excess) };
    }
}

impl DspLoops for CortexM4 {
    const NAME: &'static str = "cortex-m4-dsp";

    fn widen(pixels: &[u8], scratch: &mut [u32]) -> i32 {
        if pixels.is_empty() || !pixels.len().is_multiple_of(8) || scratch.len() * 2 < pixels.len() {
            return 0;
        }
        let pixels = pixels.as_ptr_range();
        // SAFETY: there are pixels, a multiple of 8, and half as many words of scratch: checked above.
        unsafe { widen::widen(pixels.start, pixels.end, scratch.as_mut_ptr()) }
    }

    fn sum(scratch: &[u32]) -> i32 {
        if scratch.is_empty() || !scratch.len().is_multiple_of(4) {
            return 0;
        }
        let scratch = scratch.as_ptr_range();
        // SAFETY: there are scratch words, a multiple of 4: checked above.
        unsafe { widen::sum(scratch.start, scratch.end) }
    }

    fn copy(fours: &[[u8; 16]], words: &mut [u32]) {
        if !fours.is_empty() && words.len() == fours.len() * 4 {
            let words = words.as_mut_ptr_range();
            // SAFETY: there are words, a multiple of 4, and as many bytes to copy as they have.
            unsafe { widen::copy(fours.as_ptr().cast(), words.start, words.end) };
        }
    }

    fn pixels8(weights: &[u32], scratch: &[u32], products: i32, accumulators: &mut [i32]) {
        // SAFETY: a block has two words per lane.
        unsafe { run(pixels8::pixels8, scratch.len() * 2, [weights, scratch], [products, 0], accumulators) };
    }

    fn pixels4(weights: &[u32], scratch: &[u32], products_and_excess: [i32; 2], accumulators: &mut [i32]) {
        // SAFETY: a block has one word per lane.
        unsafe { run(pixels4::pixels4, scratch.len(), [weights, scratch], products_and_excess, accumulators) };
    }

    fn channels(weights: &[u32], values: &[u8], channels: usize, accumulators: &mut [i32]) {
        let blocks = accumulators.len() / BLOCK_ROWS;
        let columns = (weights.len() / 2).checked_div(blocks).unwrap_or(0);
        let whole = accumulators.len().is_multiple_of(BLOCK_ROWS) && weights.len() == columns * blocks * 2;
        let last =
            columns.saturating_sub(1).checked_mul(channels).and_then(|last| last.checked_add(accumulators.len()));
        if columns > 0 && whole && last.is_some_and(|last| last <= values.len()) {
            let sums = accumulators.as_mut_ptr_range();
            // SAFETY: there are columns, whole blocks of sums and as many weights as they require. The last column has
            // values for all sums, so earlier ones do too: checked above.
            unsafe { channels::channels(weights.as_ptr(), values.as_ptr(), channels, columns, sums.start, sums.end) };
        }
    }

    fn conv_pool(weights: &[u32], biases: &[i32], Patch { pixels, pitch }: Patch<'_>, accumulators: &mut [i32]) {
        let (rows, pitch) = (accumulators.len(), usize::from(pitch));
        let whole = rows > 0 && weights.len() == rows * conv_pool::ROW_WORDS && biases.len() == rows;
        if whole && pixels.len() >= 3 * pitch + 4 {
            let sums = accumulators.as_mut_ptr_range();
            // SAFETY: there are rows, and as many weights and biases as they require; four rows of four pixels: checked
            // above.
            unsafe {
                conv_pool::conv_pool(weights.as_ptr(), pixels.as_ptr(), pitch, biases.as_ptr(), sums.start, sums.end)
            };
        }
    }

    fn wide8(weights: &[u32], scratch: &[u32], accumulators: &mut [i32]) {
        // SAFETY: as in `pixels8`.
        unsafe { run(wide::wide8, scratch.len() * 2, [weights, scratch], [0; 2], accumulators) };
    }

    fn wide4(weights: &[u32], scratch: &[u32], accumulators: &mut [i32]) {
        // SAFETY: as in `pixels4`.
        unsafe { run(wide::wide4, scratch.len(), [weights, scratch], [0; 2], accumulators) };
    }

    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        let Neurons { accumulators, multipliers, pre_shift } = neurons;
        let count = accumulators.len().min(multipliers.len()).min(activations.len());
        if count > 0 {
            let table = SIGMOID_STEPS.as_ptr().wrapping_byte_sub(TABLE_BIAS);
            let frame = SigmoidFrame { end: activations.as_ptr().wrapping_add(count), table };
            let (shift, out) = (u32::from(pre_shift), activations.as_mut_ptr());
            // SAFETY: there are `count`, at least 1, of each; the frame ends the activations there, and has the table.
            unsafe { sigmoids::sigmoids(accumulators.as_ptr(), multipliers.as_ptr(), shift, out, &raw const frame) };
        }
    }
}
