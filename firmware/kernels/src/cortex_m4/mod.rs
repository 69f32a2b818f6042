//! Loops of [`pinhole_shared::kernel::Dsp`] for cores with the DSP extension: Cortex-M4, M7, M33.
//!
//! Instructions per 8 columns of 4 rows (32 multiply-accumulates), without what a block and a chunk cost: 23 in 8 bits,
//! 27 in 4; for 16-bit inputs 38 and 51. All but the loops' ends have 4 bytes, so that a loop that was unrolled can be entered
//! in its middle: the first turn takes what is left over.

mod pixels4;
mod pixels8;
mod sigmoids;
mod spread;
mod wide;

use pinhole_shared::fixed::SIGMOID_TABLE;
use pinhole_shared::kernel::{DspLoops, Neurons};
use pinhole_shared::layout::{BLOCK_ROWS, Layout};

use sigmoids::SigmoidFrame;

/// The DSP extension's loops.
#[derive(Clone, Copy, Debug, Default)]
pub struct CortexM4;

// Written out in the loops below; the host makes chunks of whole turns.
const _: () = assert!(Layout::DspPixels8.turn_groups() == 13 && Layout::DspPixels4.turn_groups() == 4);

/// Whether lanes come in whole groups and rows in whole blocks, and there are as many weights as they take with `block`
/// words each.
fn fits(rows: &[i32], lanes: &[u32], block: usize, weights: &[u32]) -> bool {
    let whole = !lanes.is_empty() && lanes.len().is_multiple_of(4) && rows.len().is_multiple_of(BLOCK_ROWS);
    whole && !rows.is_empty() && weights.len() == rows.len() / BLOCK_ROWS * block
}

impl DspLoops for CortexM4 {
    const NAME: &'static str = "cortex-m4-dsp";

    fn spread(pixels: &[u8], lanes: &mut [u32]) -> i32 {
        if pixels.is_empty() || !pixels.len().is_multiple_of(8) || lanes.len() * 2 < pixels.len() {
            return 0;
        }
        let pixels = pixels.as_ptr_range();
        // SAFETY: there are pixels, a multiple of 8, and half as many words of lanes: checked above.
        unsafe { spread::spread(pixels.start, pixels.end, lanes.as_mut_ptr()) }
    }

    fn sum(pixels: &[u8]) -> i32 {
        let (eights, rest) = pixels.as_chunks::<8>();
        let rest: i32 = rest.iter().map(|&pixel| i32::from(pixel)).sum();
        if eights.is_empty() {
            return rest;
        }
        let eights = eights.as_ptr_range();
        // SAFETY: there are pixels, a multiple of 8.
        rest.wrapping_add(unsafe { spread::sum(eights.start.cast(), eights.end.cast()) })
    }

    fn pixels8(weights: &[u32], lanes: &[u32], products: i32, accumulators: &mut [i32]) {
        if !fits(accumulators, lanes, lanes.len() * 2, weights) {
            return;
        }
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: lanes are a positive multiple of 4 words, accumulators of 4 rows, and there are as many weights as
        // they ask for: checked above.
        unsafe { pixels8::pixels8(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end, products) };
    }

    fn pixels4(weights: &[u32], lanes: &[u32], [products, excess]: [i32; 2], accumulators: &mut [i32]) {
        if !fits(accumulators, lanes, lanes.len(), weights) {
            return;
        }
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: as in `pixels8`.
        unsafe { pixels4::pixels4(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end, products, excess) };
    }

    fn wide8(weights: &[u32], lanes: &[u32], accumulators: &mut [i32]) {
        if !fits(accumulators, lanes, lanes.len() * 2, weights) {
            return;
        }
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: as in `pixels8`.
        unsafe { wide::wide8(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end) };
    }

    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        let Neurons { accumulators, multipliers, pre_shift } = neurons;
        let count = accumulators.len().min(multipliers.len()).min(activations.len());
        if count > 0 {
            let frame = SigmoidFrame { end: activations.as_ptr().wrapping_add(count), table: SIGMOID_TABLE.as_ptr() };
            let (shift, out) = (u32::from(pre_shift), activations.as_mut_ptr());
            // SAFETY: there are `count`, at least 1, of each; the frame ends the activations there, and has the table.
            unsafe { sigmoids::sigmoids(accumulators.as_ptr(), multipliers.as_ptr(), shift, out, &raw const frame) };
        }
    }

    fn wide4(weights: &[u32], lanes: &[u32], accumulators: &mut [i32]) {
        if !fits(accumulators, lanes, lanes.len(), weights) {
            return;
        }
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: as in `pixels8`.
        unsafe { wide::wide4(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end) };
    }
}
