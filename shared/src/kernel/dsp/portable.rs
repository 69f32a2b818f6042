//! The innermost loops in Rust, instruction by instruction: the portable version of the assembly.

use super::DspLoops;
use crate::kernel::Patch;

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

    fn conv_pool(weights: &[u32], biases: &[i32], patch: Patch<'_>, accumulators: &mut [i32]) {
        let (mut left, mut right) = ([0_u32; 8], [0_u32; 8]);
        for (row, (left, right)) in left.chunks_exact_mut(2).zip(right.chunks_exact_mut(2)).enumerate() {
            let Some(&pixels) = patch.pixels.get(row * usize::from(patch.pitch)..).and_then(<[u8]>::first_chunk) else {
                return;
            };
            let word = u32::from_le_bytes(pixels);
            let lanes = [0, 8, 16].map(|bits| uxtb16(word.rotate_right(bits)));
            left.copy_from_slice(&lanes[..2]);
            right.copy_from_slice(&lanes[1..]);
        }
        let rows = weights.chunks_exact(6).zip(biases).zip(accumulators);
        for ((weights, &bias), accumulator) in rows {
            let places = [&left[..6], &left[2..], &right[..6], &right[2..]];
            let sum = |lanes: &[u32]| weights.iter().zip(lanes).fold(0, |sum, (&w, &x)| smlad(sum, w, x));
            let sums = places.map(sum);
            *accumulator = sums[0].max(sums[1]).max(sums[2].max(sums[3])).wrapping_add(bias);
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
