//! Instructions and cycles of compiled code on Cortex-M4.

use super::Event;

/// Returns instructions and cycles of one occurrence of an event.
pub(super) const fn work(event: Event) -> (u64, u64) {
    match event {
        Event::Convolution => (1231, 1918),
        Event::Position => (64, 93),
        Event::Requantized => (8, 12),
        Event::RequantizedCut => (13, 16),
        Event::Compared => (9, 12),
        Event::Pointwise => (152, 232),
        Event::Gather => (249, 384),
        Event::RowOutside => (32, 66),
        Event::RowWithin => (64, 124),
        Event::RowAcross => (127, 259),
        Event::CopyByte => (5, 8),
        Event::CopyMany => (16, 18),
        Event::CopyWord => (5, 9),
        Event::CopyShifted => (52, 62),
        Event::CopyShiftedWord => (13, 16),
        Event::FillByte => (4, 6),
        Event::FillMany => (27, 33),
        Event::FillWord => (4, 7),
        Event::Dense => (8, 27),
        Event::Chunk8 => (126, 203),
        Event::Chunk4 => (135, 213),
        Event::Widen => (9, 16),
        Event::PartGroup => (17, 28),
        Event::PartGroupPixel => (6, 9),
        Event::BiasWord => (13, 16),
        Event::ConvPool => (1203, 1963),
        Event::ConvPoolPatch => (121, 191),
        Event::PatchEdge => (22, 49),
        Event::PatchEdgeRow => (49, 69),
        Event::PatchEdgePixel => (8, 7),
        Event::Pool => (1000, 1581),
        Event::PoolPosition => (52, 67),
        Event::PoolValue => (19, 25),
        Event::PoolMean => (4, 9),
        Event::PoolRow => (9, 12),
        Event::PoolElement => (15, 18),
        Event::Average => (972, 1535),
        Event::AveragePosition => (7, 7),
        Event::AverageValue => (7, 10),
        Event::AverageChannel => (17, 24),
        Event::Sum => (945, 1523),
        Event::SumValue => (34, 41),
        Event::TensorsEnd => (850, 1340),
        // These events do not occur on this core.
        Event::Chunk7
        | Event::BiasFilling
        | Event::BiasFillingWord
        | Event::DepthwiseRow8
        | Event::DepthwiseWeight8
        | Event::DepthwiseRow4
        | Event::DepthwiseWeight4
        | Event::DivisionTurn => (0, 0),
    }
}
