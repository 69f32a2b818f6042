//! Loops of [`pinhole_shared::kernel::DualMac`] for Armv6-M cores: Cortex-M0+, M0, and the common subset of M23.
//!
//! Instructions per 4 rows, without the overhead of blocks and chunks: 18 for 2 columns with 8-bit weights, 16 with
//! 7-bit weights, 122 for 16 columns with 4-bit weights. With the single-cycle multiplier, loads dominate the cycles.
//! All loop instructions have 2 bytes, so an unrolled loop can be entered in its middle: the first turn processes the
//! remainder.
//!
//! Most instructions can use only eight low registers. Sums are kept in the high ones, to which ADD can add.

mod band;
mod depthwise;
mod frame;
mod pixels4;
mod pixels8;
mod requantize;
mod sigmoids;
mod widen;

use pinhole_shared::fixed::{SIGMOID_TABLE, SIGMOID_TABLE_BITS};
use pinhole_shared::kernel::{DepthwisePositions, DualMac, DualMacLoops, Neurons, Positions, Runs, Steps};
use pinhole_shared::layout::{BLOCK_ROWS, GROUP_COLUMNS, Layout};

use band::PositionsFrame;
use depthwise::DepthwiseFrame;
use sigmoids::SigmoidFrame;

/// Loops for Armv6-M.
#[derive(Clone, Copy, Debug, Default)]
pub struct CortexM0Plus;

impl DualMacLoops for CortexM0Plus {
    const NAME: &'static str = "cortex-m0plus-pairs";

    fn widen8(pixels: &[u8], scratch: &mut [u32]) {
        if !pixels.is_empty() && pixels.len().is_multiple_of(8) && scratch.len() >= pixels.len() / 2 * 3 {
            let pixels = pixels.as_ptr_range();
            // SAFETY: there are pixels, a multiple of 8, and three words of scratch for each two: checked above.
            unsafe { widen::widen8(pixels.start, pixels.end, scratch.as_mut_ptr()) };
        }
    }

    fn copy(values: &[u8], places: &mut [u8], steps: Steps) {
        if steps.fit(values.len(), places.len()) {
            let (values, places) = (values.as_ptr(), places.as_mut_ptr());
            // SAFETY: there are values and places, up to the last of each: checked above.
            unsafe { widen::copy(values, places, steps.count, steps.values, steps.places) };
        }
    }

    fn widen8_runs(pixels: &[u8], scratch: &mut [u32], Runs { count, pixels: of_run, skip }: Runs) {
        let words = of_run / 2 * 3;
        let whole = count > 0 && of_run > 0 && of_run.is_multiple_of(8) && pixels.len() == count.saturating_mul(of_run);
        let before = count.saturating_sub(1).saturating_mul(words.saturating_add(skip));
        if whole && before.saturating_add(words) <= scratch.len() {
            let pixels = pixels.as_ptr_range();
            // SAFETY: there are whole runs of a multiple of 8 pixels, and scratch for them up to the last run's end: checked above.
            unsafe { widen::widen8_runs(pixels.start, pixels.end, scratch.as_mut_ptr(), of_run, skip.wrapping_mul(4)) };
        }
    }

    fn pixels8(weights: &[u32], scratch: &[u32], columns: usize, accumulators: &mut [i32]) {
        // In this order: `fits` bounds the columns, so that the product does not wrap.
        let is_whole = |words| columns.is_multiple_of(GROUP_COLUMNS) && words == columns / 2 * 3;
        if !fits(accumulators, columns, weights) || !is_whole(scratch.len()) {
            return;
        }
        let left_out = left_out(columns / 2, TURN_PAIRS);
        let (scratch, rows) = (scratch.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: scratch words are a positive multiple of 12 words, accumulators of 4 rows, and there are as many weights as
        // they ask for: checked above.
        unsafe { pixels8::pixels8(weights.as_ptr(), scratch.start, scratch.end, rows.start, rows.end, left_out) };
    }

    fn widen7(pixels: &[u8], scratch: &mut [u32]) -> i32 {
        if pixels.is_empty() || !pixels.len().is_multiple_of(8) || scratch.len() < pixels.len() {
            return 0;
        }
        let pixels = pixels.as_ptr_range();
        // SAFETY: as in `widen8`, with two words of scratch for each two pixels.
        unsafe { widen::widen7(pixels.start, pixels.end, scratch.as_mut_ptr()) }
    }

    fn pixels7(weights: &[u32], scratch: &[u32], excess: i32, accumulators: &mut [i32]) {
        if !fits(accumulators, scratch.len(), weights) || !scratch.len().is_multiple_of(8) {
            return;
        }
        let left_out = left_out(scratch.len() / 2, TURN_PAIRS);
        let (scratch, rows) = (scratch.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: as in `pixels8`, with scratch a multiple of 8 words.
        unsafe {
            pixels8::pixels7(weights.as_ptr(), scratch.start, scratch.end, rows.start, rows.end, left_out, excess)
        };
    }

    fn widen4(pixels: &[u8], scratch: &mut [u32]) -> i32 {
        if pixels.is_empty() || !pixels.len().is_multiple_of(8) || scratch.len() < pixels.len() {
            return 0;
        }
        let pixels = pixels.as_ptr_range();
        // SAFETY: as in `widen8`, with a word of scratch for each pixel.
        unsafe { widen::widen4(pixels.start, pixels.end, scratch.as_mut_ptr()) }
    }

    fn pixels4(weights: &[u32], scratch: &[u32], excess: i32, accumulators: &mut [i32]) {
        if !fits(accumulators, scratch.len() / 2, weights) || !scratch.len().is_multiple_of(8) {
            return;
        }
        let left_out = left_out(scratch.len() / 4, TURN_FOURS);
        let (scratch, rows) = (scratch.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: as in `pixels8`, with scratch a multiple of 8 words.
        unsafe {
            pixels4::pixels4(weights.as_ptr(), scratch.start, scratch.end, rows.start, rows.end, left_out, excess)
        };
    }

    fn positions(positions: &Positions<'_>, output: &mut [u8]) {
        if !positions.fit::<DualMac<Self>>(output.len()) {
            return;
        }
        let Positions { weights, biases, multipliers, lanes, window_words, step_words, pool, outputs, .. } = *positions;
        let (low, high) = positions.range;
        let output = output.as_mut_ptr_range();
        let pairs = window_words / 3;
        let mut frame = PositionsFrame {
            weights: weights.as_ptr(),
            biases: biases.as_ptr(),
            multipliers: multipliers.as_ptr(),
            lanes: lanes.as_ptr(),
            output: output.start,
            output_end: output.end,
            // Of one position alone, steps may have any size, and are not used.
            step: step_words.wrapping_mul(4 * pool),
            outputs,
            window_bytes: 4 * window_words,
            block_bytes: 8 * pairs,
            pre_shift: positions.pre_shift.into(),
            zero_point: positions.zero_point.into(),
            low: low.into(),
            high: high.into(),
            taps_bytes: 4 * pool * pool,
            taps: [0, 1, 2, 3].map(|tap| positions.tap_words(tap).wrapping_mul(4)),
            // The loop's division in software is once a tile.
            left_out: left_out(pairs, band::TURN_PAIRS),
            largest: [0; 4],
            block: [biases.as_ptr(); 2],
            left: 0,
            tap: 0,
            next: weights.as_ptr(),
        };
        // SAFETY: weights, biases, multipliers, lanes and output fit each other: checked above.
        unsafe { band::positions(&raw mut frame) };
    }

    fn depthwise_positions(positions: &DepthwisePositions<'_>, output: &mut [u8]) {
        let DepthwisePositions { filters, biases, multipliers, values, pitch, step, height, width, .. } = *positions;
        let channels = biases.len();
        let window = height.saturating_mul(width);
        if !positions.fit(output.len()) || filters.len() != channels.saturating_mul(window) {
            return;
        }
        let (low, high) = positions.range;
        let output = output.as_mut_ptr_range();
        let (rows, columns) = (positions.rows.len(), positions.columns.len());
        let mut frame = DepthwiseFrame {
            filters: filters.as_ptr().wrapping_add(positions.rows.start * width + positions.columns.start),
            values: values.as_ptr(),
            biases: biases.as_ptr(),
            multipliers: multipliers.as_ptr().expose_provenance().wrapping_sub(biases.as_ptr().addr()),
            output: output.start,
            output_end: output.end,
            step,
            channels,
            to_next_row: pitch.wrapping_sub(columns * channels),
            rows,
            columns,
            row_skip: width - columns,
            filter_skip: (height - rows) * width,
            pre_shift: positions.pre_shift.into(),
            zero_point: positions.zero_point.into(),
            low: low.into(),
            high: high.into(),
            is_whole_3x3: usize::from((height, width, rows, columns) == (3, 3, 3, 3)),
            position_end: output.start,
            pitch,
        };
        // SAFETY: weights, biases, multipliers, values and output fit each other: checked above.
        unsafe { depthwise::positions(&raw mut frame) };
    }

    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        let Neurons { accumulators, multipliers, pre_shift } = neurons;
        let count = accumulators.len().min(multipliers.len()).min(activations.len());
        if count > 0 {
            let out = activations.as_mut_ptr();
            let frame = SigmoidFrame {
                end: out.wrapping_add(count),
                table: SIGMOID_TABLE.as_ptr(),
                largest: (1 << SIGMOID_TABLE_BITS) - 1,
            };
            // SAFETY: there are `count`, at least 1, of each; the frame ends the activations there, and has the table.
            unsafe {
                sigmoids::sigmoids(
                    accumulators.as_ptr(),
                    multipliers.as_ptr(),
                    u32::from(pre_shift),
                    out,
                    &raw const frame,
                );
            }
        }
    }
}

/// Most rows, and most words of a block, so that their product does not wrap: far more than fit these cores' memory.
const MOST: usize = 1 << 16;

/// Returns true if rows form whole blocks, and the number of weights matches `block` words per block.
fn fits(rows: &[i32], block: usize, weights: &[u32]) -> bool {
    block > 0
        && block <= MOST
        && rows.len() <= MOST
        && !rows.is_empty()
        && rows.len().is_multiple_of(BLOCK_ROWS)
        && weights.len() == rows.len() / BLOCK_ROWS * block
}

/// Column pairs per turn of the 8-bit and 7-bit loops.
const TURN_PAIRS: usize = 16;
/// Groups of four columns per turn of the 4-bit loop: as many products as fit the halves of a word.
const TURN_FOURS: usize = 4;

// The host makes chunks of whole turns.
const _: () = assert!(Layout::DualMacPixels8.turn_groups() * GROUP_COLUMNS == 2 * TURN_PAIRS);
const _: () = assert!(Layout::DualMacPixels7.turn_groups() * GROUP_COLUMNS == 2 * TURN_PAIRS);
const _: () = assert!(Layout::DualMacPixels4.turn_groups() * GROUP_COLUMNS == 4 * TURN_FOURS);

/// Returns the count that the first turn skips, so that the others are complete.
const fn left_out(count: usize, turn: usize) -> usize {
    (turn - count % turn) % turn
}
