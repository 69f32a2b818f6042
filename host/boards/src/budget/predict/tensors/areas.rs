//! Fused first convolution and 2x2 max pooling on Cortex-M4, one area (four positions) at a time.

use pinhole_declaration::Core;
use pinhole_shared::model::Conv;
use pinhole_shared::shape::Padding;

use super::super::compiled::Event;
use super::super::loops::cortex_m4;
use super::convolution::requantization;
use super::{Tally, inside};

/// Side of an area, and the distance to the next.
const SIDE: u8 = 4;
const STRIDE: u8 = 2;

/// Counts a convolution in [`pinhole_shared::layout::Layout::DspConvPool8`]. `None` on another core.
pub(super) fn convolution(conv: &Conv<'_>, tally: &mut Tally) -> Option<()> {
    if tally.core != Core::CortexM4 {
        return None;
    }
    let (from, to) = (conv.input.shape, conv.output.shape);
    let Padding { top, left, .. } = conv.window.padding;
    tally.add(Event::Areas, 1);
    tally.add(Event::Area, to.positions());
    for y in 0..to.height.into() {
        let rows = inside(y, STRIDE, top, SIDE, from.height).len();
        for x in 0..to.width.into() {
            let columns = inside(x, STRIDE, left, SIDE, from.width).len();
            if rows.min(columns) < SIDE.into() {
                tally.add(Event::AreaEdge, 1);
                tally.add(Event::AreaEdgeRow, rows);
                tally.add(Event::AreaEdgePixel, rows * columns);
            }
        }
    }
    requantization(conv, tally);
    tally.add_loops(to.positions(), cortex_m4::area(to.channels.into()));
    Some(())
}
