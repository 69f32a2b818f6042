//! Convolutions from bands: the driver of [`crate::kernel::Banded`].

use super::conv::Conv;
use crate::kernel::{Band, Banded, Kernel, Positions};
use crate::layout::{BAND_GROUP, BLOCK_ROWS, BandOrder, GROUP_COLUMNS, Layout, MAX_CHUNK_COLUMNS};

/// Returns the most working memory for bands in a layout, words: 6 kB, or 8 kB for the Cortex-M0+, whose lanes are larger.
pub const fn max_band_words(layout: Layout) -> usize {
    if matches!(layout, Layout::DualMacBand8) { 2048 } else { 1536 }
}

/// Returns the most positions that a tile could have. Each takes at least four words; for more, what is computed could overflow.
pub(super) const fn most_positions(layout: Layout) -> usize {
    max_band_words(layout) / 4
}

/// Most values of a column, if channels are not whole groups: the kernels widen more of them too slowly.
pub const MAX_TABLE_LANES: usize = 64;

/// How a convolution's rows of positions are cut into tiles, and a tile's working memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// Output positions of a tile; the last one of a row may have fewer.
    pub positions: usize,
    /// 32-bit words of working memory.
    pub words: usize,
}

/// Columns of a band, and the working memory of a tile of so many positions: words of a band, of what widening needs besides (sums
/// of columns, or a byte for each lane), and of corrections.
#[derive(Clone, Copy)]
struct Parts {
    columns: usize,
    band: usize,
    sums: usize,
    corrections: usize,
}

impl Parts {
    fn of(conv: &Conv<'_>, layout: Layout, positions: usize) -> Self {
        let (order, pool) = (conv.band_order(), usize::from(conv.pool));
        let columns = (positions * pool - 1) * usize::from(conv.window.stride_x) + order.width;
        let lanes = columns * order.lanes();
        if layout == Layout::DualMacBand8 {
            let lanes = lanes.next_multiple_of(GROUP_COLUMNS);
            Self { columns, band: lanes / 2 * 3, sums: lanes / 4, corrections: 0 }
        } else {
            Self { columns, band: lanes / 2, sums: columns, corrections: positions * pool * pool }
        }
    }
}

impl Conv<'_> {
    /// Returns the order of the columns of weights in a layout of bands ([`Layout::is_band`]).
    pub fn band_order(&self) -> BandOrder {
        let [height, width] = [self.window.height, self.window.width].map(usize::from);
        BandOrder { height, width, channels: self.input.shape.channels.into() }
    }

    /// Returns the tiles of the convolution in its layout, which is one of bands ([`Conv::tiles_in`]).
    pub fn tiles(&self) -> Option<Tiles> {
        self.tiles_in(self.weighted.operands.weights.layout())
    }

    /// Returns the tiles of the convolution in this layout of bands. `None` if it pools by more than two, or if the
    /// bands of one position take more than [`max_band_words`], or if its channels are not whole groups of four and a column of
    /// the window has more than [`MAX_TABLE_LANES`] values.
    pub fn tiles_in(&self, layout: Layout) -> Option<Tiles> {
        // What could overflow is refused first.
        let order = self.band_order();
        let is_quick = order.channels.is_multiple_of(BAND_GROUP) || order.lanes() <= MAX_TABLE_LANES;
        if self.pool > 2 || order.columns() > MAX_CHUNK_COLUMNS || !is_quick {
            return None;
        }
        let words = |positions: usize| {
            let Parts { band, sums, corrections, .. } = Parts::of(self, layout, positions);
            usize::from(self.pool) * band + sums + corrections + self.completed_words()
        };
        let most = most_positions(layout).min(self.output.shape.width.into());
        let fits = |positions: &usize| words(*positions) <= max_band_words(layout);
        (1..=most).rev().find(fits).map(|positions| Tiles { positions, words: words(positions) })
    }

    /// Words that complete biases and multipliers to whole blocks of rows.
    fn completed_words(&self) -> usize {
        let rows = self.weighted.operands.weights.outputs();
        if rows.is_multiple_of(BLOCK_ROWS) { 0 } else { 2 * self.weighted.operands.weights.padded_outputs() }
    }
}

/// Runs a convolution band by band.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn convolve<K: Kernel>(conv: &Conv<'_>, input: &[u8], output: &mut [u8], scratch: &mut [u32]) {
    let Some(tiles) = conv.tiles() else { return };
    let (order, window, weights) = (conv.band_order(), conv.window, conv.weighted.operands.weights);
    let (pool, outputs) = (usize::from(conv.pool), weights.outputs());
    let [stride_y, stride_x] = [window.stride_y, window.stride_x].map(usize::from);
    let (completed, scratch) = scratch.split_at_mut_checked(conv.completed_words()).unwrap_or_default();
    let (biases, multipliers) = complete(conv, bytemuck::cast_slice_mut(completed));
    let mut remaining = output;
    for y in 0..usize::from(conv.output.shape.height) {
        let mut x = 0;
        while x < usize::from(conv.output.shape.width) {
            let positions = tiles.positions.min(usize::from(conv.output.shape.width) - x);
            let parts = Parts::of(conv, weights.layout(), positions);
            let (bands, rest) = scratch.split_at_mut_checked(pool * parts.band).unwrap_or_default();
            let rest: &mut [i32] = bytemuck::cast_slice_mut(rest);
            let (sums, rest) = rest.split_at_mut_checked(parts.sums).unwrap_or_default();
            let corrections = rest.get_mut(..parts.corrections).unwrap_or_default();
            for (row, lanes) in bands.chunks_exact_mut(parts.band.max(1)).enumerate() {
                let band = Band {
                    input,
                    shape: conv.input.shape,
                    zero_point: conv.input.zero_point,
                    top: ((y * pool + row) * stride_y) as i32 - i32::from(window.padding.top),
                    left: (x * pool * stride_x) as i32 - i32::from(window.padding.left),
                    order,
                };
                if !K::Bands::HAS_CORRECTIONS {
                    K::Bands::widen(&band, parts.columns, lanes, sums);
                    continue;
                }
                let of_band = positions * pool;
                let corrections = corrections.get_mut(row * of_band..(row + 1) * of_band).unwrap_or_default();
                if sums.len() == of_band {
                    // Windows of one column each, next to each other.
                    K::Bands::widen(&band, parts.columns, lanes, corrections);
                    continue;
                }
                K::Bands::widen(&band, parts.columns, lanes, sums);
                let mut first = 0;
                for correction in corrections {
                    *correction = match sums.get(first..first + order.width).unwrap_or_default() {
                        // Most windows have three columns.
                        &[left, middle, right] => left.wrapping_add(middle).wrapping_add(right),
                        columns => columns.iter().fold(0, |sum: i32, &of_column| sum.wrapping_add(of_column)),
                    };
                    first += stride_x;
                }
            }
            let tile = Positions {
                weights: weights.words(),
                biases,
                multipliers,
                pre_shift: conv.weighted.pre_shift,
                outputs,
                zero_point: conv.output.zero_point,
                range: (conv.activation_min, conv.activation_max),
                lanes: bands,
                band_words: parts.band,
                window_words: order.columns() / 2 * K::Bands::PAIR_WORDS,
                step_words: stride_x * order.lanes() / 2 * K::Bands::PAIR_WORDS,
                pool,
                corrections,
            };
            let Some((of_tile, rest)) = core::mem::take(&mut remaining).split_at_mut_checked(positions * outputs)
            else {
                return;
            };
            remaining = rest;
            K::Bands::positions(&tile, of_tile);
            x += positions;
        }
    }
}

/// Returns biases and multipliers of whole blocks of rows: zeros complete the last one, in `room` of [`Conv::completed_words`].
fn complete<'a>(conv: &Conv<'a>, room: &'a mut [i32]) -> (&'a [i32], &'a [i32]) {
    let (biases, multipliers) = (conv.weighted.operands.biases, conv.weighted.multipliers);
    if room.is_empty() {
        return (biases, multipliers);
    }
    let (first, second) = room.split_at_mut_checked(room.len() / 2).unwrap_or_default();
    for (room, numbers) in [(&mut *first, biases), (&mut *second, multipliers)] {
        room.fill(0);
        for (place, &number) in room.iter_mut().zip(numbers) {
            *place = number;
        }
    }
    (first, second)
}
