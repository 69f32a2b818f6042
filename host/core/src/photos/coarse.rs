//! Coarse details of inputs, for an upper bound of the correlation of their details ([`Print::detail`]).
//!
//! Let a and b be the details of two inputs, and let P replace each detail by the mean of its block. P is an orthogonal
//! projection, so by the Cauchy-Schwarz inequality <a, b> is at most <Pa, Pb> + |a - Pa| |b - Pb|. For blocks of 4x4, the first
//! term takes a sixteenth of the multiplications of <a, b>, and the norms are computed once for each input. For most pairs the
//! bound is below the least correlation, so their details are not compared.
//!
//! The bound is computed in floats, with a margin that is larger than their rounding. It decides only which pairs are compared in
//! integers: results do not depend on the machine.

use rayon::prelude::*;

use super::duplicates::{MIN_CORRELATION, Print, at_50, mirror, shifts};

/// Number of sums that are computed side by side, which compilers turn into vector instructions. The number of blocks is rounded up
/// to a multiple of it.
const LANES: usize = 8;

/// Margin of the bound. The rounding of a sum of a few hundred products, of vectors no longer than 1, is below 1e-5.
const MARGIN: f64 = 1e-4;

/// Side of the blocks of an input of 50 px, px. Larger ones give a higher bound; smaller ones take longer.
const BLOCK: usize = 4;

/// Coarse details of an input, in units of the norm of all its details.
pub(super) struct Coarse {
    /// Sum of each block's details, divided by the block's side: the product with those of another input is <Pa, Pb>. Zeros
    /// fill the last [`LANES`].
    blocks: Vec<f32>,
    /// Norm of the details less their projection: |a - Pa|.
    rest: f32,
}

/// Coarse details of all inputs.
pub(super) struct CoarseDetails {
    /// Blocks of one input after the other.
    blocks: Vec<f32>,
    rests: Vec<f32>,
    /// Number of an input's blocks.
    length: usize,
}

impl Coarse {
    /// Returns the coarse details of an input from its details, of which a part may be missing. `energy` is that of all of
    /// them, above 0.
    fn of(detail: &[i16], side: usize, energy: i64) -> Self {
        let block = at_50(BLOCK, side);
        let count = side / block;
        let norm = (energy as f64).sqrt();
        let length = (count * count).next_multiple_of(LANES);
        let mut blocks = vec![0.0; length];
        let mut inside = 0.0;
        for (index, value) in blocks.iter_mut().take(count * count).enumerate() {
            let (top, left) = (index / count * block, index % count * block);
            let row = |y: usize| detail[y * side + left..][..block].iter().map(|&value| i64::from(value)).sum::<i64>();
            let sum = (top..top + block).map(row).sum::<i64>() as f64 / block as f64;
            inside += sum * sum;
            *value = (sum / norm) as f32;
        }
        let own: i64 = detail.iter().map(|&value| i64::from(value).pow(2)).sum();
        Self { blocks, rest: ((own as f64 - inside).max(0.0).sqrt() / norm) as f32 }
    }

    /// Returns those of an input with details at every shift of the comparison, mirrored or not. Details that are shifted out are
    /// missing; zeros are shifted in.
    pub(super) fn shifted(print: &Print<'_>, side: usize, mirrored: bool) -> Vec<Self> {
        let shifted = |(down, right): (isize, isize)| {
            let moved = |at: usize, by: isize| at.checked_add_signed(by).filter(|&at| at < side);
            let value = |i: usize| {
                let (y, x) = (moved(i / side, down)?, moved(i % side, right)?);
                Some(print.detail[y * side + x])
            };
            let detail: Vec<i16> = (0..side * side).map(|i| value(i).unwrap_or(0)).collect();
            Self::of(&if mirrored { mirror(&detail, side) } else { detail }, side, print.energy)
        };
        shifts(side).map(shifted).collect()
    }
}

impl CoarseDetails {
    /// Returns those of all inputs; zeros for inputs without details.
    pub(super) fn of(prints: &[Print<'_>], side: usize) -> Self {
        let all: Vec<Coarse> =
            prints.par_iter().map(|print| Coarse::of(&print.detail, side, print.energy.max(1))).collect();
        let length = all.first().map_or(0, |coarse| coarse.blocks.len());
        let rests = all.iter().map(|coarse| coarse.rest).collect();
        Self { blocks: all.into_iter().flat_map(|coarse| coarse.blocks).collect(), rests, length }
    }

    /// Returns false only if the correlation of the details of input `index` with those of another is below [`MIN_CORRELATION`].
    /// Returns true for many pairs of which it is below, too.
    pub(super) fn may_correlate(&self, index: usize, other: &Coarse) -> bool {
        let blocks = &self.blocks[index * self.length..][..self.length];
        let bound = f64::from(product(blocks, &other.blocks)) + f64::from(self.rests[index]) * f64::from(other.rest);
        bound >= MIN_CORRELATION - MARGIN
    }
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::super::duplicates::shifted_product;
    use super::*;
    use crate::random::{Purpose, Random};

    /// The bound must hold for every pair and shift, near-duplicates or not, and be of use for pictures that differ.
    #[test]
    fn no_correlation_is_above_its_bound() {
        for side in [1_usize, 2, 7, 50, 61, 96] {
            let mut random = Random::stream(side as u64, Purpose::Split);
            // Noise, and pictures of larger and larger spots.
            let pictures: Vec<Vec<u8>> = (0..6)
                .map(|spot| {
                    let across = side.div_ceil(spot + 1);
                    let mut grays: Vec<u8> = (0..across * across).map(|i| (i * 37) as u8).collect();
                    random.shuffle(&mut grays);
                    (0..side * side).map(|i| grays[i / side / (spot + 1) * across + i % side / (spot + 1)]).collect()
                })
                .collect();
            let prints: Vec<Print<'_>> = pictures.iter().map(|pixels| Print::of(pixels, side)).collect();
            let coarse = CoarseDetails::of(&prints, side);
            for (first, one) in prints.iter().enumerate().filter(|(_, print)| !print.is_plain()) {
                for mirrored in [false, true] {
                    let shifted = Coarse::shifted(one, side, mirrored);
                    for (second, other) in prints.iter().enumerate().filter(|(_, print)| !print.is_plain()) {
                        let detail = if mirrored { mirror(&other.detail, side) } else { other.detail.clone() };
                        let norm = (one.energy as f64 * other.energy as f64).sqrt();
                        for ((down, right), shifted) in shifts(side).zip(&shifted) {
                            let exact = shifted_product(&one.detail, &detail, side, down, right) as f64;
                            let blocks = &coarse.blocks[second * coarse.length..][..coarse.length];
                            let bound = f64::from(product(blocks, &shifted.blocks))
                                + f64::from(coarse.rests[second] * shifted.rest);
                            assert!(
                                exact / norm <= bound + MARGIN,
                                "{side}, {first} and {second}, mirrored {mirrored}, by {down}, {right}: {} > {bound}",
                                exact / norm
                            );
                        }
                    }
                }
            }
        }
    }
}
