//! The innermost loops in Rust, instruction by instruction: the portable version of the assembly.

use super::DualMacLoops;

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
