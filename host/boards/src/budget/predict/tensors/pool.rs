//! Pooling layers.

use pinhole_shared::model::Pool;
use pinhole_shared::shape::{Padding, Window};

use super::super::compiled::CompiledEvent;
use super::{Tally, inside};

/// Channels whose values under a window are collected at once.
const CHUNK: usize = 16;

/// Counts a pooling layer.
pub(super) fn pooling(pool: &Pool, is_average: bool, tally: &mut Tally) {
    let Window { height, width, stride_y, stride_x, padding: Padding { top, left, .. } } = pool.window;
    let (from, to) = (pool.input.shape, pool.output.shape);
    let [to_height, to_width, channels] = [to.height, to.width, to.channels].map(usize::from);
    let of_row = |y| inside(y, stride_y, top, height, from.height).len();
    let of_column = |x| inside(x, stride_x, left, width, from.width).len();
    let (rows, columns): (usize, usize) = ((0..to_height).map(of_row).sum(), (0..to_width).map(of_column).sum());
    let chunks = channels.div_ceil(CHUNK);
    tally.add(CompiledEvent::Pool, 1);
    tally.add(CompiledEvent::PoolPosition, to.positions());
    tally.add(CompiledEvent::PoolChunk, to.positions() * chunks);
    tally.add(CompiledEvent::PoolRow, rows * to_width * chunks);
    tally.add(CompiledEvent::PoolElement, rows * columns * chunks);
    tally.add(CompiledEvent::PoolInput, rows * columns * channels);
    tally.add(CompiledEvent::PoolValue, to.elements());
    if is_average {
        let counts = (0..to_height).flat_map(|y| (0..to_width).map(move |x| of_row(y) * of_column(x)));
        let mut last = 1;
        let changes = counts.filter(|&count| core::mem::replace(&mut last, count) != count).count();
        tally.add(CompiledEvent::PoolSum, rows * columns * channels);
        tally.add(CompiledEvent::PoolMean, to.elements());
        tally.add(CompiledEvent::PoolReciprocal, changes);
    }
}
