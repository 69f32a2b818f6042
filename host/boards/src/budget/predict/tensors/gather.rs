//! im2col: copying the values under a window into a row, for each position.

use pinhole_shared::model::Conv;
use pinhole_shared::shape::{Padding, Window};

use super::super::compiled::CompiledEvent;
use super::memory::MemoryCalls;
use super::{Tally, inside};

/// Counts im2col for all positions of a convolution.
pub(super) fn gather(conv: &Conv<'_>, patch_at: usize, tally: &mut Tally) {
    gather_of(conv, patch_at, false, tally);
}

/// Counts im2col for all positions, or for those whose window is partly outside of the input.
pub(super) fn gather_of(conv: &Conv<'_>, patch_at: usize, edges: bool, tally: &mut Tally) {
    let Window { height, width, stride_y, stride_x, padding: Padding { top, left, .. } } = conv.window;
    let (from, to, pool) = (conv.input.shape, conv.output.shape, usize::from(conv.pool));
    let [channels, from_width, columns] = [from.channels, from.width, width.into()].map(usize::from);
    let start = conv.input.range().start;
    let mut memory = MemoryCalls::default();
    let mut gathered = 0;
    for y in 0..usize::from(to.height) * pool {
        let rows = inside(y, stride_y, top, height, from.height);
        let above = usize::from(top).saturating_sub(y * usize::from(stride_y));
        for x in 0..usize::from(to.width) * pool {
            let within = inside(x, stride_x, left, width, from.width);
            if edges && rows.len() == usize::from(height) && within.len() == columns {
                continue;
            }
            gathered += 1;
            tally.add(CompiledEvent::RowOutside, usize::from(height) - rows.len());
            let event = if within.len() == columns { CompiledEvent::RowWithin } else { CompiledEvent::RowAcross };
            tally.add(event, rows.len());
            let before = usize::from(left).saturating_sub(x * usize::from(stride_x)) * channels;
            for row in 0..usize::from(height) {
                let to = patch_at + row * columns * channels;
                let end = to + columns * channels;
                let Some(of_input) =
                    row.checked_sub(above).map(|row| rows.start + row).filter(|row| rows.contains(row))
                else {
                    memory.fill(to..end);
                    continue;
                };
                let source = start + (of_input * from_width + within.start) * channels;
                let middle = to + before..to + before + within.len() * channels;
                memory.fill(to..middle.start);
                memory.fill(middle.end..end);
                memory.copy(source, middle);
            }
        }
    }
    tally.add(CompiledEvent::Gather, gathered);
    memory.tally(tally);
}
