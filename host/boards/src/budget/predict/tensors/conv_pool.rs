//! Fused first convolution and 2x2 max pooling on Cortex-M4, patch (four positions) by patch.

use crate::budget::predict::counted_core::CountedCore;
use pinhole_shared::model::Conv;
use pinhole_shared::shape::Padding;

use super::super::compiled::CompiledEvent;
use super::super::loops::cortex_m4;
use super::{Tally, inside};

/// Side of a patch, and the distance to the next.
const SIDE: u8 = 4;
const STRIDE: u8 = 2;

/// Counts a convolution in [`pinhole_shared::layout::Layout::DspConvPool8`]. `None` on another core.
pub(super) fn convolution(conv: &Conv<'_>, tally: &mut Tally) -> Option<()> {
    if tally.core != CountedCore::CortexM4 {
        return None;
    }
    let (from, to) = (conv.input.shape, conv.output.shape);
    let Padding { top, left, .. } = conv.window.padding;
    tally.add(CompiledEvent::ConvPool, 1);
    for y in 0..to.height.into() {
        let rows = inside(y, STRIDE, top, SIDE, from.height).len();
        let mut together = 0;
        for x in 0..to.width.into() {
            let columns = inside(x, STRIDE, left, SIDE, from.width).len();
            if rows.min(columns) < SIDE.into() {
                tally.add(CompiledEvent::ConvPoolRun, 1);
                tally.add(CompiledEvent::PatchEdge, 1);
                tally.add(CompiledEvent::PatchEdgeRow, rows);
                tally.add(CompiledEvent::PatchEdgePixel, rows * columns);
                tally.add_loops(1, cortex_m4::conv_pool(1, to.channels.into()));
            } else {
                together += 1;
            }
        }
        if together > 0 {
            tally.add(CompiledEvent::ConvPoolRun, 1);
            tally.add_loops(1, cortex_m4::conv_pool(together, to.channels.into()));
        }
    }
    Some(())
}
