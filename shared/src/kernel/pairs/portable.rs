//! The innermost loops in Rust, instruction by instruction: the twin of the assembly.

use super::PairsLoops;

/// [`PairsLoops`] for any target, for tests and for the host.
#[derive(Clone, Copy, Debug, Default)]
pub struct PortablePairs;

/// Columns of 4-bit weights whose products fit the halves of a word: `15 * 255 * 8 < 2^16`.
const COLUMNS4: usize = 8;

impl PairsLoops for PortablePairs {
    const NAME: &'static str = "pairs-portable";

    fn spread8(pixels: &[u8], lanes: &mut [u32]) {
        for (pair, words) in pixels.chunks_exact(2).zip(lanes.chunks_exact_mut(3)) {
            let [x0, x1] = [pair[0], pair[1]].map(|pixel| u32::from(pixel).wrapping_sub(128));
            let excess = x0.wrapping_add(x1).wrapping_mul(128 * 0x0001_0001);
            words.copy_from_slice(&[x0, x1.wrapping_sub(x0 << 8), (1_u32 << 15).wrapping_sub(excess)]);
        }
    }

    fn pixels8(weights: &[u32], lanes: &[u32], accumulators: &mut [i32]) {
        let blocks = weights.chunks_exact((lanes.len() / 3 * 2).max(1));
        for (block, rows) in blocks.zip(accumulators.chunks_exact_mut(4)) {
            for (pair, rows) in rows.chunks_exact_mut(2).enumerate() {
                let (mut all, mut b) = (0_u32, 0_i32);
                for (words, x) in block.chunks_exact(2).zip(lanes.chunks_exact(3)) {
                    let word = words[pair];
                    let one = word >> 8 & 0x00FF_00FF;
                    let z = one.wrapping_mul(x[1]).wrapping_add(word.wrapping_mul(x[0])).wrapping_add(x[2]);
                    all = all.wrapping_add(z);
                    b = b.wrapping_add(z as i32 >> 16);
                }
                rows[0] = rows[0].wrapping_add(all as i32).wrapping_sub(b << 16);
                rows[1] = rows[1].wrapping_add(b);
            }
        }
    }

    fn spread7(pixels: &[u8], lanes: &mut [u32]) -> i32 {
        for (pair, words) in pixels.chunks_exact(2).zip(lanes.chunks_exact_mut(2)) {
            let [x0, x1] = [pair[0], pair[1]].map(u32::from);
            words.copy_from_slice(&[x0, x1.wrapping_sub(x0 << 8)]);
        }
        sum(pixels)
    }

    fn pixels7(weights: &[u32], lanes: &[u32], excess: i32, accumulators: &mut [i32]) {
        let blocks = weights.chunks_exact(lanes.len().max(1));
        for (block, rows) in blocks.zip(accumulators.chunks_exact_mut(4)) {
            for (pair, rows) in rows.chunks_exact_mut(2).enumerate() {
                let (mut all, mut b) = (0_u32, 0_u32);
                for (words, x) in block.chunks_exact(2).zip(lanes.chunks_exact(2)) {
                    let word = words[pair];
                    let one = word >> 8 & 0x00FF_00FF;
                    let z = one.wrapping_mul(x[1]).wrapping_add(word.wrapping_mul(x[0]));
                    all = all.wrapping_add(z);
                    b = b.wrapping_add(z >> 16);
                }
                finish(rows, all, b, excess);
            }
        }
    }

    fn spread4(pixels: &[u8], lanes: &mut [u32]) -> i32 {
        for (four, words) in pixels.chunks_exact(4).zip(lanes.chunks_exact_mut(4)) {
            let [x0, x1, x2, x3] = [four[0], four[1], four[2], four[3]].map(u32::from);
            words.copy_from_slice(&[x1.wrapping_sub(x0 << 4), x2.wrapping_sub(x0 << 8), x3.wrapping_sub(x0 << 12), x0]);
        }
        sum(pixels)
    }

    fn pixels4(weights: &[u32], lanes: &[u32], excess: i32, accumulators: &mut [i32]) {
        let blocks = weights.chunks_exact((lanes.len() / 2).max(1));
        for (block, rows) in blocks.zip(accumulators.chunks_exact_mut(4)) {
            for (pair, rows) in rows.chunks_exact_mut(2).enumerate() {
                let (mut all, mut b) = (0_u32, 0_u32);
                for (words, x) in block.chunks_exact(COLUMNS4 / 2).zip(lanes.chunks_exact(COLUMNS4)) {
                    let mut z = 0_u32;
                    for (words, x) in words.chunks_exact(2).zip(x.chunks_exact(4)) {
                        let word = words[pair];
                        for (column, &x) in x.iter().enumerate().take(3) {
                            z = z.wrapping_add((word >> (4 * column + 4) & 0x000F_000F).wrapping_mul(x));
                        }
                        z = z.wrapping_add(word.wrapping_mul(x[3]));
                    }
                    all = all.wrapping_add(z);
                    b = b.wrapping_add(z >> 16);
                }
                finish(rows, all, b, excess);
            }
        }
    }
}

/// Adds what two rows' sums stand for.
fn finish(rows: &mut [i32], all: u32, b: u32, excess: i32) {
    rows[0] = rows[0].wrapping_add(all.wrapping_sub(b << 16) as i32).wrapping_sub(excess);
    rows[1] = rows[1].wrapping_add(b as i32).wrapping_sub(excess);
}

fn sum(pixels: &[u8]) -> i32 {
    pixels.iter().map(|&pixel| i32::from(pixel)).fold(0, i32::wrapping_add)
}
