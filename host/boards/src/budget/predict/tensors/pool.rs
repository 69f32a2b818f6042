//! Pooling layers.

use pinhole_shared::model::Pool;
use pinhole_shared::shape::{Padding, Window};

use super::super::compiled::CompiledEvent;
use super::{Tally, division_turns, inside};

/// Counts a pooling layer, without the division of an average.
pub(super) fn pooling(pool: &Pool, tally: &mut Tally) {
    let Window { height, width, stride_y, stride_x, padding: Padding { top, left, .. } } = pool.window;
    let (from, to) = (pool.input.shape, pool.output.shape);
    let [to_height, to_width, channels] = [to.height, to.width, to.channels].map(usize::from);
    let rows: usize = (0..to_height).map(|y| inside(y, stride_y, top, height, from.height).len()).sum();
    let columns: usize = (0..to_width).map(|x| inside(x, stride_x, left, width, from.width).len()).sum();
    tally.add(CompiledEvent::Pool, 1);
    tally.add(CompiledEvent::PoolPosition, to.positions());
    // A position's row and column are computed by dividing its number.
    tally
        .add(CompiledEvent::DivisionTurn, (0..to.positions()).map(|position| division_turns(position, to_width)).sum());
    tally.add(CompiledEvent::PoolValue, to.elements());
    tally.add(CompiledEvent::PoolRow, rows * to_width * channels);
    tally.add(CompiledEvent::PoolElement, rows * columns * channels);
}
