//! The innermost loops in Rust, instruction by instruction: the portable version of the assembly.

use super::{Columns, DspLoops, Table};
use crate::fixed::requantize;
use crate::kernel::{DepthwisePositions, Patches, Positions};
use crate::layer::byte;
use crate::layout::CONV_POOL_ROW_WORDS;

/// [`DspLoops`] for any target, for tests and for the host.
#[derive(Clone, Copy, Debug, Default)]
pub struct PortableDsp;

impl DspLoops for PortableDsp {
    const NAME: &'static str = "dsp-portable";

    fn widen(pixels: &[u8], scratch: &mut [u32]) -> i32 {
        let mut products = 0;
        for (four, words) in pixels.chunks_exact(4).zip(scratch.chunks_exact_mut(2)) {
            let (&[x0, x1, x2, x3], [even, odd]) = (four, words) else { continue };
            let word = u32::from_le_bytes([x0, x1, x2, x3]);
            (*even, *odd) = (uxtb16(word), uxtb16(word.rotate_right(8)));
            products = smlad(products, *even, *odd);
        }
        products
    }

    fn pixels8(weights: &[u32], scratch: &[u32], products: i32, accumulators: &mut [i32]) {
        let blocks = weights.chunks_exact((scratch.len() * 2).max(1));
        for (block, rows) in blocks.zip(accumulators.chunks_exact_mut(4)) {
            let mut sums = [[0_i32; 2]; 2];
            for (words, x) in block.chunks_exact(4).zip(scratch.chunks_exact(2)) {
                for ([t, b], pair) in sums.iter_mut().zip(words.chunks_exact(2)) {
                    (*t, *b) = two_rows(*t, *b, [pair[0], pair[1]], [x[0], x[1]], sxtab16);
                }
            }
            for ([t, b], rows) in sums.into_iter().zip(rows.chunks_exact_mut(2)) {
                let b = b.wrapping_sub(products);
                rows[0] = rows[0].wrapping_add(t.wrapping_sub(b) >> 8);
                rows[1] = rows[1].wrapping_add(b);
            }
        }
    }

    fn pixels4(weights: &[u32], scratch: &[u32], [products, excess]: [i32; 2], accumulators: &mut [i32]) {
        let blocks = weights.chunks_exact(scratch.len().max(1));
        for (block, rows) in blocks.zip(accumulators.chunks_exact_mut(4)) {
            let (mut t, mut b, mut t_low, mut b_low) = (0, 0, 0, 0);
            for (words, x) in block.chunks_exact(2).zip(scratch.chunks_exact(2)) {
                let (pair, x) = ([words[0], words[1]], [x[0], x[1]]);
                (t_low, b_low) = two_rows(t_low, b_low, pair.map(|word| word & 0x0F0F_0F0F), x, uxtab16);
                (t, b) = two_rows(t, b, pair, x, uxtab16);
            }
            let (b, b_low) = (b.wrapping_sub(products), b_low.wrapping_sub(products));
            let (a, a_low) = (t.wrapping_sub(b) >> 8, t_low.wrapping_sub(b_low) >> 8);
            let four = [
                a.wrapping_sub(a_low) >> 4,
                a_low.wrapping_sub(excess),
                (b.wrapping_sub(b_low) >> 4).wrapping_sub(excess),
                b_low.wrapping_sub(excess),
            ];
            for (row, sum) in rows.iter_mut().zip(four) {
                *row = row.wrapping_add(sum);
            }
        }
    }

    fn columns(columns: &Columns<'_>, lanes: &mut [u32], sums: &mut [i32]) {
        let Columns { values, pitch, rows, channels, column_words, start } = *columns;
        let words = lanes.chunks_mut(column_words.max(1));
        for (column, (words, sum)) in words.zip(sums).enumerate() {
            *sum = start.wrapping_neg();
            for (row, words) in words.chunks_exact_mut((channels / 2).max(1)).take(rows).enumerate() {
                let values = values.get(row * pitch + column * channels..).unwrap_or_default();
                *sum = sum.wrapping_sub(Self::widen(values, words));
            }
        }
    }

    fn table(table: &Table<'_>, lanes: &mut [u32], sums: &mut [i32]) {
        let Table { values, offsets, step } = *table;
        let words = lanes.chunks_exact_mut((offsets.len() / 2).max(1));
        for (column, (words, sum)) in words.zip(sums).enumerate() {
            *sum = 0;
            for (offsets, words) in offsets.chunks_exact(4).zip(words.chunks_exact_mut(2)) {
                let value = |index: usize| values.get(column * step + offsets[index]).copied().unwrap_or(0);
                *sum = sum.wrapping_sub(Self::widen(&[0, 1, 2, 3].map(value), words));
            }
        }
    }

    fn positions(positions: &Positions<'_>, output: &mut [u8]) {
        let Positions { weights, biases, multipliers, pre_shift, outputs, lanes, window_words, pool, .. } = *positions;
        let taps = positions.taps();
        let of_band = positions.corrections.len() / pool.max(1);
        for (position, outputs) in output.chunks_exact_mut(outputs.max(1)).enumerate() {
            let blocks = weights.chunks_exact((window_words * 2).max(1));
            for (block, (weights, outputs)) in blocks.zip(outputs.chunks_mut(4)).enumerate() {
                let mut largest = [i32::MIN; 4];
                for tap in 0..taps {
                    let correction = tap / pool * of_band + position * pool + tap % pool;
                    let correction = positions.corrections.get(correction).copied().unwrap_or(0);
                    let from = position * pool * positions.step_words + positions.tap_words(tap);
                    let window = lanes.get(from..from + window_words).unwrap_or_default();
                    let mut sums = [0; 4];
                    // Here, unlike in assembly, windows may end with half a group.
                    Self::pixels8(weights, window, correction.wrapping_neg(), &mut sums);
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

    fn channels(weights: &[u32], values: &[u8], channels: usize, accumulators: &mut [i32]) {
        let blocks = accumulators.len() / 4;
        let columns = (weights.len() / 2).checked_div(blocks).unwrap_or(0);
        let rows = accumulators.chunks_exact_mut(4).zip(weights.chunks_exact((columns * 2).max(1)));
        for (block, (sums, weights)) in rows.enumerate() {
            for (column, weights) in weights.chunks_exact(2).enumerate() {
                let four = values.get(column * channels + block * 4..).and_then(<[u8]>::first_chunk);
                let Some(&four) = four else { return };
                let word = u32::from_le_bytes(four);
                let lanes = [uxtb16(word), uxtb16(word.rotate_right(8))];
                for (row, sum) in sums.iter_mut().enumerate() {
                    // SMLABB and SMLATT.
                    let half = |words: &[u32]| halves(words[row % 2])[row / 2];
                    *sum = sum.wrapping_add(half(weights) * half(&lanes));
                }
            }
        }
    }

    fn depthwise_positions(positions: &DepthwisePositions<'_>, output: &mut [u8]) {
        let DepthwisePositions { weights, biases, multipliers, values, pitch, step, height, width, .. } = *positions;
        let DepthwisePositions { rows, columns, .. } = positions;
        let channels = biases.len();
        for (position, outputs) in output.chunks_exact_mut(channels.max(1)).enumerate() {
            let blocks = weights.chunks_exact((height * width * 2).max(1));
            for (block, (weights, outputs)) in blocks.zip(outputs.chunks_exact_mut(4)).enumerate() {
                let mut sums: [i32; 4] = core::array::from_fn(|row| biases.get(block * 4 + row).copied().unwrap_or(0));
                for (row, of_window) in rows.clone().enumerate() {
                    let first = position * step + row * pitch + block * 4;
                    let of_row = (of_window * width + columns.start) * 2..(of_window * width + columns.end) * 2;
                    let weights = weights.get(of_row).unwrap_or_default();
                    Self::channels(weights, values.get(first..).unwrap_or_default(), channels, &mut sums);
                }
                for ((row, output), sum) in outputs.iter_mut().enumerate().zip(sums) {
                    let multiplier = multipliers.get(block * 4 + row).copied().unwrap_or(0);
                    *output =
                        byte(requantize(sum, multiplier, positions.pre_shift), positions.zero_point, positions.range);
                }
            }
        }
    }

    fn conv_pool(patches: &Patches<'_>, output: &mut [u8]) {
        let Patches { weights, biases, multipliers, pre_shift, zero_point, range, pixels, pitch } = *patches;
        for (patch, outputs) in output.chunks_exact_mut(biases.len().max(1)).enumerate() {
            let (mut left, mut right) = ([0_u32; 8], [0_u32; 8]);
            for (row, (left, right)) in left.chunks_exact_mut(2).zip(right.chunks_exact_mut(2)).enumerate() {
                let Some(&pixels) = pixels.get(row * pitch + 2 * patch..).and_then(<[u8]>::first_chunk) else { return };
                let word = u32::from_le_bytes(pixels);
                let lanes = [0, 8, 16].map(|bits| uxtb16(word.rotate_right(bits)));
                left.copy_from_slice(&lanes[..2]);
                right.copy_from_slice(&lanes[1..]);
            }
            let rows = weights.chunks_exact(CONV_POOL_ROW_WORDS).zip(biases).zip(multipliers).zip(outputs);
            for (((weights, &bias), &multiplier), output) in rows {
                let places = [&left[..6], &left[2..], &right[..6], &right[2..]];
                let sum = |lanes: &[u32]| weights.iter().zip(lanes).fold(0, |sum, (&w, &x)| smlad(sum, w, x));
                let sums = places.map(sum);
                let largest = sums[0].max(sums[1]).max(sums[2].max(sums[3]));
                *output = byte(requantize(largest.wrapping_add(bias), multiplier, pre_shift), zero_point, range);
            }
        }
    }

    fn wide8(weights: &[u32], scratch: &[u32], accumulators: &mut [i32]) {
        let blocks = weights.chunks_exact((scratch.len() * 2).max(1));
        for (block, rows) in blocks.zip(accumulators.chunks_exact_mut(4)) {
            for (words, x) in block.chunks_exact(4).zip(scratch.chunks_exact(2)) {
                for (row, &word) in rows.iter_mut().zip(words) {
                    *row = smlad(*row, sxtab16(0, word), x[0]);
                    *row = smlad(*row, sxtab16(0, word.rotate_right(8)), x[1]);
                }
            }
        }
    }

    fn wide4(weights: &[u32], scratch: &[u32], accumulators: &mut [i32]) {
        let blocks = weights.chunks_exact(scratch.len().max(1));
        for (block, rows) in blocks.zip(accumulators.chunks_exact_mut(4)) {
            for (place, row) in rows.iter_mut().enumerate() {
                let groups = block.chunks_exact(4).zip(scratch.chunks_exact(4));
                let sum = groups.fold(0, |sum, (words, x)| eight_columns(sum, words[place], x));
                *row = row.wrapping_add(sum >> 4);
            }
        }
    }
}

/// Adds eight columns of a row of 4-bit weights; the result is 16 times too large.
fn eight_columns(sum: i32, word: u32, x: &[u32]) -> i32 {
    let upper = [word & 0xF0F0_F0F0, word << 4 & 0xF0F0_F0F0];
    upper.into_iter().zip(x.chunks_exact(2)).fold(sum, |sum, (bytes, x)| {
        let sum = smlad(sum, sxtab16(0, bytes), x[0]);
        smlad(sum, sxtab16(0, bytes.rotate_right(8)), x[1])
    })
}

/// Adds four columns of two rows with the five instructions of [`super`]; `extract` extracts the lower bytes.
fn two_rows(t: i32, b: i32, [p, q]: [u32; 2], [xp, xq]: [u32; 2], extract: fn(u32, u32) -> u32) -> (i32, i32) {
    let t = smlad(smlad(t, p, xp), q, xq);
    (t, smlad(b, extract(xq, p), extract(xp, q)))
}

/// Returns the two signed 16-bit halves of a word.
fn halves(word: u32) -> [i32; 2] {
    [i32::from(word as i16), i32::from((word >> 16) as i16)]
}

/// SMLAD: the sum plus both products of halves, modulo 2^32.
fn smlad(sum: i32, x: u32, y: u32) -> i32 {
    let ([x0, x1], [y0, y1]) = (halves(x), halves(y));
    // Each product fits 32 bits; their sum may not.
    sum.wrapping_add((x0 * y0).wrapping_add(x1 * y1))
}

/// Adds to both halves of `x`, each modulo 2^16.
fn add_halves(x: u32, low: u32, high: u32) -> u32 {
    x.wrapping_add(low) & 0xFFFF | (x >> 16).wrapping_add(high) << 16
}

/// SXTAB16: adds bytes 0 and 2, sign-extended, to the halves.
fn sxtab16(x: u32, word: u32) -> u32 {
    add_halves(x, word as i8 as u32, (word >> 16) as i8 as u32)
}

/// UXTAB16: adds bytes 0 and 2 to the halves.
fn uxtab16(x: u32, word: u32) -> u32 {
    add_halves(x, word & 0xFF, word >> 16 & 0xFF)
}

/// UXTB16: bytes 0 and 2, each widened to 16 bits.
fn uxtb16(word: u32) -> u32 {
    word & 0x00FF_00FF
}
