//! Loops of [`pinhole_shared::kernel::Dsp`] for cores with the DSP extension: Cortex-M4, M7, M33.
//!
//! Instructions per 8 columns of 4 rows (32 multiply-accumulates), without the overhead of blocks and chunks: 23 with
//! 8-bit weights, 27 with 4-bit weights; for 16-bit inputs 38 and 51; 75 in depthwise convolutions. All instructions
//! except the loops' ends have 4 bytes, so an unrolled loop can be entered in its middle: the first turn processes the
//! remainder.

/// `naked_asm!` for a core with the DSP extension.
#[cfg(not(feature = "cortex-m33"))]
macro_rules! dsp_asm {
    ($($line:tt)*) => { core::arch::naked_asm!($($line)*) };
}

/// `naked_asm!` for a core with the DSP extension. The assembler takes the target's instructions, whatever the compiler's flags
/// say; Armv8-M's have none of the extension.
#[cfg(feature = "cortex-m33")]
macro_rules! dsp_asm {
    ($($line:tt)*) => { core::arch::naked_asm!(".cpu cortex-m33", $($line)*) };
}

mod band;
mod channels;
mod conv_pool;
mod depthwise;
mod pixels4;
mod pixels8;
mod sigmoids;
mod wide;
mod widen;

use pinhole_shared::fixed::SIGMOID_STEPS;
use pinhole_shared::kernel::{Columns, DepthwisePositions, Dsp, DspLoops, Neurons, Patches, Positions, Table};
use pinhole_shared::layout::{BLOCK_ROWS, Layout};

use band::{ColumnsFrame, PositionsFrame};
use conv_pool::PatchesFrame;
use depthwise::DepthwiseFrame;
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

/// Numbers that clamp four outputs in a word at once: the zero point less the smallest output; in each byte, 255 less the size of the
/// range, with which saturation at 255 clamps to its end; in each byte, what is too much then.
fn clamping(zero_point: u8, (low, high): (u8, u8)) -> (i32, u32, u32) {
    let over = u8::MAX.wrapping_sub(high.wrapping_sub(low));
    let bytes = |byte: u8| u32::from(byte) * 0x0101_0101;
    (i32::from(zero_point) - i32::from(low), bytes(over), bytes(over.wrapping_sub(low)))
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

    fn conv_pool(patches: &Patches<'_>, output: &mut [u8]) {
        if !patches.fit(output.len()) {
            return;
        }
        let Patches { weights, biases, multipliers, pixels, pitch, .. } = *patches;
        let (zero_point, over, excess) = clamping(patches.zero_point, patches.range);
        let (weights, output) = (weights.as_ptr_range(), output.as_mut_ptr_range());
        let frame = PatchesFrame {
            weights: weights.start,
            pixels: pixels.as_ptr(),
            pitch,
            biases: biases.as_ptr(),
            multipliers: multipliers.as_ptr().expose_provenance().wrapping_sub(biases.as_ptr().addr()),
            weights_end: weights.end,
            output: output.start,
            output_end: output.end,
            pre_shift: patches.pre_shift.into(),
            zero_point,
            over,
            excess,
        };
        // SAFETY: weights, biases, multipliers, pixels and output fit each other: checked above.
        unsafe { conv_pool::conv_pool(frame) };
    }

    fn columns(columns: &Columns<'_>, lanes: &mut [u32], sums: &mut [i32]) {
        let Columns { values, pitch, rows, channels, column_words, start } = *columns;
        if columns.fit(lanes.len(), sums.len()) {
            let sums = sums.as_mut_ptr_range();
            let frame = ColumnsFrame {
                values: values.as_ptr(),
                lanes: lanes.as_mut_ptr(),
                sums: sums.start,
                sums_end: sums.end,
                to_next_row: pitch.wrapping_sub(channels),
                to_next_column: channels.wrapping_sub(rows * pitch),
                skip: 4 * column_words - 2 * rows * channels,
                rows,
                fours: channels / 4,
                start,
            };
            // SAFETY: values, lanes and sums fit each other: checked above.
            unsafe { band::columns(frame) };
        }
    }

    fn table(table: &Table<'_>, lanes: &mut [u32], sums: &mut [i32]) {
        if table.fit(lanes.len(), sums.len()) {
            let (offsets, sums) = (table.offsets.as_ptr_range(), sums.as_mut_ptr_range());
            let (values, lanes) = (table.values.as_ptr(), lanes.as_mut_ptr());
            // SAFETY: values, offsets, lanes and sums fit each other: checked above.
            unsafe { band::table(values, lanes, sums.start, sums.end, offsets.start, offsets.end, table.step) };
        }
    }

    fn positions(positions: &Positions<'_>, output: &mut [u8]) {
        if !positions.fit::<Dsp<Self>>(output.len()) {
            return;
        }
        let Positions { weights, biases, multipliers, window_words, lanes, corrections, outputs, .. } = *positions;
        let (zero_point, over, excess) = clamping(positions.zero_point, positions.range);
        let output = output.as_mut_ptr_range();
        let frame = PositionsFrame {
            weights: weights.as_ptr(),
            biases: biases.as_ptr(),
            multipliers: multipliers.as_ptr(),
            window_words,
            lanes: lanes.as_ptr(),
            corrections: corrections.as_ptr(),
            output: output.start,
            output_end: output.end,
            step: 4 * positions.pool * positions.step_words,
            pools: positions.pool - 1,
            window_step: 4 * positions.step_words,
            band_bytes: 4 * positions.band_words,
            band_corrections: 4 * (corrections.len() / positions.pool),
            outputs,
            block_bytes: 8 * window_words,
            pre_shift: positions.pre_shift.into(),
            zero_point,
            over,
            excess,
            window_bytes: 4 * window_words,
            correction_step: 4 * positions.pool,
        };
        // SAFETY: weights, biases, multipliers, lanes, corrections and output fit each other: checked above.
        unsafe { band::positions(frame) };
    }

    fn depthwise_positions(positions: &DepthwisePositions<'_>, output: &mut [u8]) {
        let DepthwisePositions { weights, biases, multipliers, values, pitch, step, height, width, .. } = *positions;
        let channels = biases.len();
        let whole = channels.is_multiple_of(BLOCK_ROWS)
            && weights.len() == (channels / 2).saturating_mul(height).saturating_mul(width);
        if !whole || !positions.fit(output.len()) {
            return;
        }
        let (zero_point, over, excess) = clamping(positions.zero_point, positions.range);
        let output = output.as_mut_ptr_range();
        let (rows, columns) = (positions.rows.len(), positions.columns.len());
        let frame = DepthwiseFrame {
            weights: weights.as_ptr().wrapping_add(2 * (positions.rows.start * width + positions.columns.start)),
            values: values.as_ptr(),
            channels,
            to_next_row: pitch.wrapping_sub(columns * channels),
            biases: biases.as_ptr(),
            multipliers: multipliers.as_ptr(),
            output: output.start,
            output_end: output.end,
            step,
            rows,
            columns,
            row_skip: 8 * (width - columns),
            block_skip: 8 * width * (height - rows),
            is_whole_3x3: u32::from((height, width, rows, columns) == (3, 3, 3, 3)),
            pre_shift: positions.pre_shift.into(),
            zero_point,
            over,
            excess,
        };
        // SAFETY: weights, biases, multipliers, values and output fit each other: checked above.
        unsafe { depthwise::positions(frame) };
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
