//! Convolutions that copy each window into a row (im2col).

use crate::budget::predict::counted_core::CountedCore;
use pinhole_shared::layout::{BLOCK_ROWS, GROUP_COLUMNS, Layout, Weights};
use pinhole_shared::model::Conv;
use pinhole_shared::shape::{Padding, Window};

use super::super::compiled::CompiledEvent;
use super::super::loops::{calls, chunks, cortex_m0plus, cortex_m4, sums};
use super::Tally;
use super::gather::{gather, gather_of};
use super::inside;

/// Counts a standard convolution: a dense layer for each position. `None` for a layout that the core's kernel does not
/// run.
pub(super) fn dense(conv: &Conv<'_>, patch_at: usize, tally: &mut Tally) -> Option<()> {
    let (weights, convolved) = (&conv.weighted.operands.weights, conv.convolved());
    // Only dense layers run row-major weights.
    let loops = sums(tally.core, weights).filter(|_| weights.layout().is_for_pixels())?;
    positions(conv, tally);
    if conv.is_pointwise() {
        tally.add(CompiledEvent::Pointwise, convolved);
    } else {
        gather(conv, patch_at, tally);
    }
    tally.add(CompiledEvent::Dense, convolved);
    biases(weights, convolved, tally);
    for columns in chunks(weights) {
        chunk(columns, weights.layout(), convolved, tally);
    }
    tally.add_loops(convolved, loops);
    Some(())
}

/// Counts a depthwise convolution whose windows are read in place, those that are partly outside of the input too if its zero point is 0.
fn depthwise_in_place(conv: &Conv<'_>, patch_at: usize, tally: &mut Tally) {
    let Window { height, width, stride_y, stride_x, padding: Padding { top, left, .. } } = conv.window;
    let channels = u64::from(conv.input.shape.channels);
    tally.add(CompiledEvent::InPlace, 1);
    let all = conv.output.shape.width.into();
    for y in 0..usize::from(conv.output.shape.height) {
        let rows = inside(y, stride_y, top, height, conv.input.shape.height).len();
        let mut x = 0;
        while x < all {
            let of = |x| inside(x, stride_x, left, width, conv.input.shape.width).len();
            let columns = of(x);
            let whole_row = columns == usize::from(width);
            let count = if whole_row { (x..all).take_while(|&x| of(x) == columns).count() } else { 1 };
            let whole = whole_row && rows == usize::from(height);
            tally.add(CompiledEvent::InPlaceRun, 1);
            let is_3x3 = (height, width) == (3, 3);
            let mut run = |times, count: usize, inside: (usize, usize), is_whole| {
                let (rows, columns) = (inside.0 as u64, inside.1 as u64);
                let depthwise_positions = match tally.core {
                    CountedCore::CortexM4 => cortex_m4::depthwise_positions,
                    CountedCore::CortexM0Plus => cortex_m0plus::depthwise_positions,
                };
                let loops = depthwise_positions(count as u64, channels, (rows, columns), is_whole && is_3x3);
                tally.add_loops(times, loops);
            };
            if whole || conv.input.zero_point == 0 {
                run(1, count, (rows, columns), whole);
            } else {
                run(count, 1, (height.into(), width.into()), true);
                tally.add(CompiledEvent::InPlaceEdge, count);
            }
            x += count;
        }
    }
    if conv.input.zero_point != 0 {
        gather_of(conv, patch_at, true, tally);
    }
}

/// Counts a depthwise convolution. `None` for a layout that the core's kernel does not run.
pub(super) fn depthwise(conv: &Conv<'_>, patch_at: usize, tally: &mut Tally) -> Option<()> {
    let (weights, convolved) = (&conv.weighted.operands.weights, conv.convolved());
    let (rows, columns) = (weights.outputs(), weights.inputs());
    let runs_in_place = match tally.core {
        CountedCore::CortexM4 => weights.layout().is_of_channels() && rows.is_multiple_of(BLOCK_ROWS),
        CountedCore::CortexM0Plus => weights.layout() == Layout::Rows8,
    };
    if runs_in_place && conv.pool == 1 {
        depthwise_in_place(conv, patch_at, tally);
        return Some(());
    }
    positions(conv, tally);
    gather(conv, patch_at, tally);
    let (row, weight) = match (tally.core, weights.layout()) {
        (CountedCore::CortexM4, Layout::DspChannels8 | Layout::DspChannels4) => {
            biases(weights, convolved, tally);
            tally.add_loops(convolved, cortex_m4::channels(columns as u64, weights.padded_outputs() as u64));
            return Some(());
        }
        (CountedCore::CortexM0Plus, Layout::Rows8) => (CompiledEvent::DepthwiseRow8, CompiledEvent::DepthwiseWeight8),
        (CountedCore::CortexM0Plus, Layout::Rows4) => (CompiledEvent::DepthwiseRow4, CompiledEvent::DepthwiseWeight4),
        _ => return None,
    };
    tally.add(row, convolved * rows);
    tally.add(weight, convolved * rows * columns);
    Some(())
}

/// Counts the requantization of sums to bytes.
fn requantization(conv: &Conv<'_>, tally: &mut Tally) {
    let all = (conv.activation_min, conv.activation_max) == (0, u8::MAX);
    let event = if all { CompiledEvent::Requantized } else { CompiledEvent::RequantizedCut };
    tally.add(event, conv.output.shape.elements());
}

/// Counts what both kinds have in common: the loop over positions, max pooling and requantization.
fn positions(conv: &Conv<'_>, tally: &mut Tally) {
    let positions = conv.output.shape.positions();
    tally.add(CompiledEvent::Convolution, 1);
    tally.add(CompiledEvent::Position, positions);
    let rows = conv.weighted.operands.weights.padded_outputs();
    tally.add(CompiledEvent::Compared, (conv.convolved() - positions) * rows);
    requantization(conv, tally);
}

/// Counts a chunk of `columns` columns that is run `times` times.
fn chunk(columns: usize, layout: Layout, times: usize, tally: &mut Tally) {
    let event = match layout {
        Layout::DualMacPixels7 => CompiledEvent::Chunk7,
        Layout::DspPixels4 | Layout::DualMacPixels4 => CompiledEvent::Chunk4,
        _ => CompiledEvent::Chunk8,
    };
    tally.add(event, times);
    tally.add(CompiledEvent::Widen, times * calls(columns) as usize);
    let rest = columns % GROUP_COLUMNS;
    if rest > 0 {
        tally.add(CompiledEvent::PartGroup, times);
        tally.add(CompiledEvent::PartGroupPixel, times * rest);
    }
}

/// Counts copying biases to the accumulators, `times` times.
fn biases(weights: &Weights<'_>, times: usize, tally: &mut Tally) {
    let (rows, padded) = (weights.outputs(), weights.padded_outputs());
    match tally.core {
        CountedCore::CortexM4 => {
            let fours = rows / BLOCK_ROWS;
            tally.add_loops(times, cortex_m4::copy(fours as u64));
            tally.add(CompiledEvent::BiasWord, times * (padded - fours * BLOCK_ROWS));
        }
        CountedCore::CortexM0Plus => {
            tally.add(CompiledEvent::BiasWord, times * rows);
            if padded > rows {
                tally.add(CompiledEvent::BiasFilling, times);
                tally.add(CompiledEvent::BiasFillingWord, times * (padded - rows));
            }
        }
    }
}
