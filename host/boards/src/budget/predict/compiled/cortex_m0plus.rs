//! Instructions and cycles of compiled code on Cortex-M0+.

use super::Event;

/// Returns instructions and cycles of one occurrence of an event.
pub(super) const fn work(event: Event) -> (u64, u64) {
    match event {
        Event::Convolution => (1562, 2530),
        Event::Position => (46, 73),
        Event::Requantized => (61, 105),
        Event::RequantizedCut => (64, 110),
        Event::Compared => (11, 16),
        Event::Pointwise => (82, 130),
        Event::Gather => (303, 518),
        Event::RowOutside => (36, 71),
        Event::RowWithin => (70, 121),
        Event::RowAcross => (139, 274),
        Event::CopyByte => (7, 10),
        Event::CopyMany => (28, 39),
        Event::CopyWord => (5, 8),
        Event::CopyShifted => (85, 128),
        Event::CopyShiftedWord => (19, 26),
        Event::FillByte => (5, 7),
        Event::FillMany => (38, 49),
        Event::FillWord => (4, 6),
        Event::Dense => (98, 204),
        Event::Chunk8 => (449, 725),
        Event::Chunk7 => (224, 377),
        Event::Chunk4 => (228, 373),
        Event::Widen => (16, 29),
        Event::PartGroup => (11, 19),
        Event::PartGroupPixel => (7, 10),
        Event::BiasWord => (6, 9),
        Event::BiasFilling => (34, 82),
        Event::BiasFillingWord => (5, 7),
        Event::DepthwiseRow8 => (37, 55),
        Event::DepthwiseWeight8 => (14, 20),
        Event::DepthwiseRow4 => (40, 54),
        Event::DepthwiseWeight4 => (31, 45),
        Event::Pool => (1111, 1823),
        Event::PoolPosition => (131, 211),
        Event::PoolValue => (21, 32),
        Event::PoolMean => (158, 221),
        Event::PoolRow => (13, 19),
        Event::PoolElement => (21, 30),
        Event::Average => (1205, 1946),
        Event::AveragePosition => (13, 17),
        Event::AverageValue => (7, 11),
        Event::AverageChannel => (67, 113),
        Event::Sum => (1045, 1693),
        Event::SumValue => (46, 68),
        Event::DivisionTurn => (9, 12),
        Event::TensorsEnd => (1150, 1850),
        // These events do not occur on this core.
        Event::ConvPool | Event::ConvPoolPatch | Event::PatchEdge | Event::PatchEdgeRow | Event::PatchEdgePixel => {
            (0, 0)
        }
    }
}
