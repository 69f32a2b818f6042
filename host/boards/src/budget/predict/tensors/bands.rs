//! Convolutions from bands, tile by tile.

use std::ops::Range;

use pinhole_shared::layer::MAX_TABLE_LANES;
use pinhole_shared::layout::{BLOCK_ROWS, GROUP_COLUMNS, Layout};
use pinhole_shared::model::Conv;

use super::super::compiled::CompiledEvent;
use super::super::loops::{cortex_m0plus, cortex_m4};
use super::Tally;
use crate::budget::predict::counted_core::CountedCore;

/// Counts a convolution in a layout of bands. `None` for that of another core.
pub(super) fn convolution(conv: &Conv<'_>, tally: &mut Tally) -> Option<()> {
    let core = match conv.weighted.operands.weights.layout() {
        Layout::DspBand8 => CountedCore::CortexM4,
        _ => CountedCore::CortexM0Plus,
    };
    let tiles = conv.tiles().filter(|_| tally.core == core)?;
    let (order, window, from) = (conv.band_order(), conv.window, conv.input.shape);
    let (pool, outputs) = (usize::from(conv.pool), usize::from(conv.output.shape.channels));
    let [stride_y, stride_x] = [window.stride_y, window.stride_x].map(i32::from);
    tally.add(CompiledEvent::Bands, 1);
    if !outputs.is_multiple_of(BLOCK_ROWS) {
        tally.add(CompiledEvent::BandBias, outputs);
    }
    for y in 0..i32::from(conv.output.shape.height) {
        for x in (0..conv.output.shape.width.into()).step_by(tiles.positions) {
            let positions = tiles.positions.min(usize::from(conv.output.shape.width) - x);
            let columns = (positions * pool - 1) * usize::from(window.stride_x) + order.width;
            for row in 0..pool as i32 {
                let top = (y * pool as i32 + row) * stride_y - i32::from(window.padding.top);
                let left = (x * pool) as i32 * stride_x - i32::from(window.padding.left);
                let rows = inside(top, order.height, from.height).len();
                let of_band = (rows, inside(left, columns, from.width).len(), columns);
                match core {
                    CountedCore::CortexM4 => band(conv, of_band, tally),
                    CountedCore::CortexM0Plus => band_of_pairs(conv, of_band, tally),
                }
            }
            let taps = pool * pool;
            tally.add(CompiledEvent::BandTile, 1);
            if core == CountedCore::CortexM0Plus {
                let [positions, taps] = [positions, taps].map(|count| count as u64);
                let (outputs, pairs) = (outputs as u64, order.columns() as u64 / 2);
                tally.add_loops(1, cortex_m0plus::band_positions(positions, taps, outputs, pairs));
                continue;
            }
            // Windows of one column, next to each other, need no sum; those of three have code of their own.
            let windows = positions * taps;
            if order.width > 1 || window.stride_x > 1 {
                tally.add(CompiledEvent::Correction, windows);
                tally.add(CompiledEvent::CorrectionColumn, if order.width == 3 { 0 } else { windows * order.width });
            }
            let [positions, taps, outputs, columns] =
                [positions, taps, outputs, order.columns()].map(|count| count as u64);
            tally.add_loops(1, cortex_m4::band_positions(positions, taps, outputs, columns));
        }
    }
    Some(())
}

/// Counts the widening of a band with so many rows and columns inside of the input, and so many columns in all.
fn band(conv: &Conv<'_>, (rows, inside, columns): (usize, usize, usize), tally: &mut Tally) {
    let order = conv.band_order();
    let (lanes, outside) = (order.lanes(), columns - inside);
    let (by_words, by_table) = (order.channels.is_multiple_of(4), rows == order.height && lanes <= MAX_TABLE_LANES);
    tally.add(CompiledEvent::Band, 1);
    if !by_words && !by_table {
        tally.add(CompiledEvent::BandColumn, columns);
        tally.add(CompiledEvent::BandValue, columns * lanes);
        return;
    }
    let filled = if rows < order.height { columns } else { outside };
    tally.add(CompiledEvent::FilledWord, filled * lanes / 2 + outside);
    let [inside, rows, channels] = [inside, rows, order.channels].map(|count| count as u64);
    if by_words {
        tally.add_loops(1, cortex_m4::band_columns(inside, rows, channels));
    } else {
        tally.add(CompiledEvent::BandTableValue, order.height * order.channels);
        tally.add(CompiledEvent::BandTable, 1);
        tally.add_loops(1, cortex_m4::band_table(inside, lanes as u64));
    }
}

/// The same on Cortex-M0+.
fn band_of_pairs(conv: &Conv<'_>, (rows, inside, columns): (usize, usize, usize), tally: &mut Tally) {
    let order = conv.band_order();
    let values = (columns * order.lanes()).next_multiple_of(GROUP_COLUMNS);
    tally.add(CompiledEvent::Band, 1);
    let in_place = order.channels.is_multiple_of(GROUP_COLUMNS);
    tally.add(CompiledEvent::FilledWord, if in_place { order.channels } else { values } / 4);
    let [of_row, channels] = [inside, order.channels].map(|count| count as u64);
    if in_place {
        let outside = columns * order.height - inside * rows;
        tally.add(CompiledEvent::BandOutside, outside);
        tally.add_loops(outside, cortex_m0plus::band_widen(channels));
        tally.add(CompiledEvent::BandRow, order.height);
        tally.add_loops(rows, cortex_m0plus::band_runs(of_row, channels));
    } else {
        tally.add(CompiledEvent::BandChannel, order.height * order.channels);
        tally.add_loops(rows * order.channels, cortex_m0plus::band_copy(of_row));
        tally.add_loops(1, cortex_m0plus::band_widen(values as u64));
    }
}

/// Returns which of `count` rows, or columns, from `first` on are inside of the input.
fn inside(first: i32, count: usize, size: u16) -> Range<i32> {
    let start = 0.max(-first).min(count as i32);
    start..(i32::from(size) - first).min(count as i32).max(start)
}
