//! The innermost loops in Rust, instruction by instruction: the portable version of the assembly.

use super::{DualMac, DualMacLoops, Runs, Steps};
use crate::fixed::requantize;
use crate::kernel::{DepthwisePositions, Positions};
use crate::layer::byte;

/// [`DualMacLoops`] for any target, for tests and for the host.
#[derive(Clone, Copy, Debug, Default)]
pub struct PortableDualMac;

/// Columns of 4-bit weights whose products fit the halves of a word: `15 * 255 * 16 < 2^16`.
const COLUMNS4: usize = 16;

/// `1 / (1 - 2^16)` modulo 2^32.
const TWICE: u32 = 0x0001_0001;

/// Returns alpha and beta of two values: see [`super`].
fn alpha_beta(x0: u32, x1: u32) -> [u32; 2] {
    [x0.wrapping_sub(x1 << 8), x1.wrapping_sub(x0 << 8)].map(|word| word.wrapping_mul(TWICE))
}

/// Multiplies two columns of two rows. The lower and upper half hold the rows' sums of products.
fn product(word: u32, alpha: u32, beta: u32) -> u32 {
    // REV16 swaps the bytes of each half.
    let swapped = word.swap_bytes().rotate_left(16);
    word.wrapping_mul(alpha).wrapping_add(swapped.wrapping_mul(beta))
}

impl DualMacLoops for PortableDualMac {
    const NAME: &'static str = "pairs-portable";

    fn widen8(pixels: &[u8], scratch: &mut [u32]) {
        for (pair, words) in pixels.chunks_exact(2).zip(scratch.chunks_exact_mut(3)) {
            let [x0, x1] = [pair[0], pair[1]].map(|pixel| u32::from(pixel).wrapping_sub(128));
            let [alpha, beta] = alpha_beta(x0, x1);
            let excess = x0.wrapping_add(x1).wrapping_mul(128 * TWICE);
            words.copy_from_slice(&[alpha, beta, (1_u32 << 15).wrapping_sub(excess)]);
        }
    }

    fn copy(values: &[u8], places: &mut [u8], steps: Steps) {
        if steps.fit(values.len(), places.len()) {
            for index in 0..steps.count {
                places[index * steps.places] = values[index * steps.values];
            }
        }
    }

    fn widen8_runs(pixels: &[u8], scratch: &mut [u32], Runs { count, pixels: of_run, skip }: Runs) {
        let words = of_run / 2 * 3;
        let runs = pixels.chunks_exact(of_run.max(1)).take(count);
        for (pixels, scratch) in runs.zip(scratch.chunks_mut((words + skip).max(1))) {
            Self::widen8(pixels, scratch.get_mut(..words).unwrap_or_default());
        }
    }

    fn pixels8(weights: &[u32], scratch: &[u32], columns: usize, accumulators: &mut [i32]) {
        let blocks = weights.chunks_exact(columns.max(1));
        for (block, rows) in blocks.zip(accumulators.chunks_exact_mut(4)) {
            for (pair, rows) in rows.chunks_exact_mut(2).enumerate() {
                let (mut all, mut b) = (0_u32, 0_i32);
                for (words, x) in block.chunks_exact(2).zip(scratch.chunks_exact(3)) {
                    let z = product(words[pair], x[0], x[1]).wrapping_add(x[2]);
                    all = all.wrapping_add(z);
                    b = b.wrapping_add(z as i32 >> 16);
                }
                rows[0] = rows[0].wrapping_add(all as i32).wrapping_sub(b << 16);
                rows[1] = rows[1].wrapping_add(b);
            }
        }
    }

    fn positions(positions: &Positions<'_>, output: &mut [u8]) {
        if !positions.fit::<DualMac<Self>>(output.len()) {
            return;
        }
        let Positions { weights, biases, multipliers, pre_shift, outputs, lanes, window_words, pool, .. } = *positions;
        // Two words of weights for each pair of columns.
        let block_words = window_words / 3 * 2;
        for (position, outputs) in output.chunks_exact_mut(outputs.max(1)).enumerate() {
            let blocks = weights.chunks_exact(block_words.max(1));
            for (block, (weights, outputs)) in blocks.zip(outputs.chunks_mut(4)).enumerate() {
                let mut largest = [i32::MIN; 4];
                for tap in 0..positions.taps() {
                    let from = position * pool * positions.step_words + positions.tap_words(tap);
                    let window = lanes.get(from..from + window_words).unwrap_or_default();
                    let mut sums = [0; 4];
                    Self::pixels8(weights, window, block_words, &mut sums);
                    for (largest, sum) in largest.iter_mut().zip(sums) {
                        *largest = sum.max(*largest);
                    }
                }
                for ((row, output), sum) in outputs.iter_mut().enumerate().zip(largest) {
                    let row = block * 4 + row;
                    let (Some(&bias), Some(&multiplier)) = (biases.get(row), multipliers.get(row)) else { return };
                    let value = requantize(sum.wrapping_add(bias), multiplier, pre_shift);
                    *output = byte(value, positions.zero_point, positions.range);
                }
            }
        }
    }

    fn depthwise_positions(positions: &DepthwisePositions<'_>, output: &mut [u8]) {
        let DepthwisePositions { filters, biases, multipliers, values, pitch, step, height, width, .. } = *positions;
        let DepthwisePositions { rows, columns, .. } = positions;
        let channels = biases.len();
        for (position, outputs) in output.chunks_exact_mut(channels.max(1)).enumerate() {
            let operands = filters.chunks_exact((height * width).max(1)).zip(biases).zip(multipliers);
            for ((channel, output), ((filter, &bias), &multiplier)) in outputs.iter_mut().enumerate().zip(operands) {
                let mut sum = bias;
                for (row, of_window) in rows.clone().enumerate() {
                    let weights = filter.get(of_window * width..).unwrap_or_default().get(columns.clone());
                    for (column, &weight) in weights.unwrap_or_default().iter().enumerate() {
                        let at = position * step + row * pitch + column * channels + channel;
                        let value = values.get(at).copied().unwrap_or(0);
                        sum = sum.wrapping_add(i32::from(weight as i8) * i32::from(value));
                    }
                }
                let value = requantize(sum, multiplier, positions.pre_shift);
                *output = byte(value, positions.zero_point, positions.range);
            }
        }
    }

    fn widen7(pixels: &[u8], scratch: &mut [u32]) -> i32 {
        for (pair, words) in pixels.chunks_exact(2).zip(scratch.chunks_exact_mut(2)) {
            let [x0, x1] = [pair[0], pair[1]].map(u32::from);
            words.copy_from_slice(&alpha_beta(x0, x1));
        }
        sum(pixels)
    }

    fn pixels7(weights: &[u32], scratch: &[u32], excess: i32, accumulators: &mut [i32]) {
        let blocks = weights.chunks_exact(scratch.len().max(1));
        for (block, rows) in blocks.zip(accumulators.chunks_exact_mut(4)) {
            for (pair, rows) in rows.chunks_exact_mut(2).enumerate() {
                let (mut all, mut b) = (0_u32, 0_u32);
                for (words, x) in block.chunks_exact(2).zip(scratch.chunks_exact(2)) {
                    let z = product(words[pair], x[0], x[1]);
                    all = all.wrapping_add(z);
                    b = b.wrapping_add(z >> 16);
                }
                finish(rows, all, b, excess);
            }
        }
    }

    fn widen4(pixels: &[u8], scratch: &mut [u32]) -> i32 {
        for (four, words) in pixels.chunks_exact(4).zip(scratch.chunks_exact_mut(4)) {
            let [x0, x1, x2, x3] = [four[0], four[1], four[2], four[3]].map(u32::from);
            let [alpha, beta] = alpha_beta(x0, x2);
            // Subtract what the multiplication of the whole word adds: 16 times the even column before.
            let [odd_alpha, odd_beta] = alpha_beta(x1.wrapping_sub(x0 << 4), x3.wrapping_sub(x2 << 4));
            words.copy_from_slice(&[alpha, beta, odd_alpha, odd_beta]);
        }
        sum(pixels)
    }

    fn pixels4(weights: &[u32], scratch: &[u32], excess: i32, accumulators: &mut [i32]) {
        let blocks = weights.chunks_exact((scratch.len() / 2).max(1));
        for (block, rows) in blocks.zip(accumulators.chunks_exact_mut(4)) {
            for (pair, rows) in rows.chunks_exact_mut(2).enumerate() {
                let (mut all, mut b, mut z) = (0_u32, 0_u32, 0_u32);
                for (four, (words, x)) in block.chunks_exact(2).zip(scratch.chunks_exact(4)).enumerate() {
                    let odd = words[pair] >> 4 & 0x0F0F_0F0F;
                    z = z.wrapping_add(product(words[pair], x[0], x[1])).wrapping_add(product(odd, x[2], x[3]));
                    // Only the first group may be shorter.
                    if (scratch.len() - 4 * (four + 1)).is_multiple_of(COLUMNS4) {
                        all = all.wrapping_add(z);
                        b = b.wrapping_add(z >> 16);
                        z = 0;
                    }
                }
                finish(rows, all, b, excess);
            }
        }
    }
}

/// Adds the results of two rows to their accumulators.
fn finish(rows: &mut [i32], all: u32, b: u32, excess: i32) {
    rows[0] = rows[0].wrapping_add(all.wrapping_sub(b << 16) as i32).wrapping_sub(excess);
    rows[1] = rows[1].wrapping_add(b as i32).wrapping_sub(excess);
}

fn sum(pixels: &[u8]) -> i32 {
    pixels.iter().map(|&pixel| i32::from(pixel)).fold(0, i32::wrapping_add)
}
