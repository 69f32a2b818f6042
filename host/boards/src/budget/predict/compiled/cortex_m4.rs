//! Instructions and cycles of compiled code on Cortex-M4.

use super::CompiledEvent;

/// Returns instructions and cycles of one occurrence of an event.
pub(super) const fn work(event: CompiledEvent) -> (u64, u64) {
    match event {
        CompiledEvent::Convolution => (1231, 1918),
        CompiledEvent::Position => (64, 93),
        CompiledEvent::Requantized => (8, 12),
        CompiledEvent::RequantizedCut => (13, 16),
        CompiledEvent::Compared => (9, 12),
        CompiledEvent::Pointwise => (152, 232),
        CompiledEvent::Gather => (249, 384),
        CompiledEvent::RowOutside => (32, 66),
        CompiledEvent::RowWithin => (64, 124),
        CompiledEvent::RowAcross => (127, 259),
        CompiledEvent::CopyByte => (5, 8),
        CompiledEvent::CopyMany => (16, 18),
        CompiledEvent::CopyWord => (5, 9),
        CompiledEvent::CopyShifted => (52, 62),
        CompiledEvent::CopyShiftedWord => (13, 16),
        CompiledEvent::FillByte => (4, 6),
        CompiledEvent::FillMany => (27, 33),
        CompiledEvent::FillWord => (4, 7),
        CompiledEvent::Dense => (8, 27),
        CompiledEvent::Chunk8 => (126, 203),
        CompiledEvent::Chunk4 => (135, 213),
        CompiledEvent::Widen => (9, 16),
        CompiledEvent::PartGroup => (17, 28),
        CompiledEvent::PartGroupPixel => (6, 9),
        CompiledEvent::BiasWord => (13, 16),
        CompiledEvent::ConvPool => (1203, 1963),
        CompiledEvent::ConvPoolRun => (150, 230),
        CompiledEvent::PatchEdge => (22, 49),
        CompiledEvent::PatchEdgeRow => (49, 69),
        CompiledEvent::PatchEdgePixel => (8, 7),
        CompiledEvent::Bands => (1267, 1964),
        CompiledEvent::BandBias => (32, 50),
        CompiledEvent::BandTile => (255, 395),
        CompiledEvent::Correction => (28, 43),
        CompiledEvent::CorrectionColumn => (4, 6),
        CompiledEvent::Band => (414, 642),
        CompiledEvent::BandColumn => (30, 46),
        CompiledEvent::BandValue => (35, 54),
        CompiledEvent::FilledWord => (4, 6),
        CompiledEvent::BandTable => (327, 507),
        CompiledEvent::BandTableValue => (17, 26),
        CompiledEvent::InPlace => (1315, 2038),
        CompiledEvent::InPlaceRun => (304, 471),
        CompiledEvent::InPlaceEdge => (21, 33),
        CompiledEvent::Pool => (1007, 1561),
        CompiledEvent::PoolPosition => (71, 110),
        CompiledEvent::PoolChunk => (133, 206),
        CompiledEvent::PoolRow => (16, 25),
        CompiledEvent::PoolElement => (24, 37),
        CompiledEvent::PoolInput => (12, 19),
        CompiledEvent::PoolValue => (8, 12),
        CompiledEvent::PoolMean => (6, 9),
        CompiledEvent::PoolReciprocal => (7, 11),
        CompiledEvent::Average => (972, 1535),
        CompiledEvent::AveragePosition => (7, 7),
        CompiledEvent::AverageValue => (7, 10),
        CompiledEvent::AverageChannel => (17, 24),
        CompiledEvent::Sum => (982, 1522),
        CompiledEvent::SumValue => (15, 20),
        CompiledEvent::TensorsEnd => (850, 1340),
        // These events do not occur on this core.
        CompiledEvent::Chunk7
        | CompiledEvent::BandChannel
        | CompiledEvent::BandRow
        | CompiledEvent::BandOutside
        | CompiledEvent::BiasFilling
        | CompiledEvent::BiasFillingWord
        | CompiledEvent::DepthwiseRow8
        | CompiledEvent::DepthwiseWeight8
        | CompiledEvent::DepthwiseRow4
        | CompiledEvent::DepthwiseWeight4
        | CompiledEvent::PoolSum => (0, 0),
    }
}
