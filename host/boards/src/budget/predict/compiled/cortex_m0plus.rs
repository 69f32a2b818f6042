//! Instructions and cycles of compiled code on Cortex-M0+.

use super::CompiledEvent;

/// Returns instructions and cycles of one occurrence of an event.
pub(super) const fn work(event: CompiledEvent) -> (u64, u64) {
    match event {
        CompiledEvent::Convolution => (1562, 2530),
        CompiledEvent::Position => (46, 73),
        CompiledEvent::Requantized => (61, 105),
        CompiledEvent::RequantizedCut => (64, 110),
        CompiledEvent::Compared => (11, 16),
        CompiledEvent::Pointwise => (82, 130),
        CompiledEvent::Gather => (207, 379),
        CompiledEvent::RowOutside => (36, 71),
        CompiledEvent::RowWithin => (70, 121),
        CompiledEvent::RowAcross => (139, 274),
        CompiledEvent::CopyByte => (7, 10),
        CompiledEvent::CopyMany => (28, 39),
        CompiledEvent::CopyWord => (5, 8),
        CompiledEvent::CopyShifted => (85, 128),
        CompiledEvent::CopyShiftedWord => (19, 26),
        CompiledEvent::FillByte => (5, 7),
        CompiledEvent::FillMany => (38, 49),
        CompiledEvent::FillWord => (4, 6),
        CompiledEvent::Dense => (98, 204),
        CompiledEvent::Chunk8 => (153, 295),
        CompiledEvent::Chunk7 => (144, 261),
        CompiledEvent::Chunk4 => (148, 257),
        CompiledEvent::Widen => (16, 29),
        CompiledEvent::PartGroup => (11, 19),
        CompiledEvent::PartGroupPixel => (7, 10),
        CompiledEvent::BiasWord => (6, 9),
        CompiledEvent::BiasFilling => (34, 82),
        CompiledEvent::BiasFillingWord => (5, 7),
        CompiledEvent::Bands => (1859, 2974),
        CompiledEvent::BandBias => (10, 16),
        CompiledEvent::BandTile => (611, 978),
        CompiledEvent::Band => (633, 1013),
        CompiledEvent::BandChannel => (67, 107),
        CompiledEvent::BandRow => (9, 14),
        CompiledEvent::BandOutside => (118, 189),
        CompiledEvent::FilledWord => (4, 6),
        CompiledEvent::InPlace => (900, 1440),
        CompiledEvent::InPlaceRun => (812, 1299),
        CompiledEvent::InPlaceEdge => (213, 341),
        CompiledEvent::DepthwiseRow8 => (37, 55),
        CompiledEvent::DepthwiseWeight8 => (14, 20),
        CompiledEvent::DepthwiseRow4 => (40, 54),
        CompiledEvent::DepthwiseWeight4 => (31, 45),
        CompiledEvent::Pool => (1150, 1840),
        CompiledEvent::PoolPosition => (62, 99),
        CompiledEvent::PoolChunk => (108, 173),
        CompiledEvent::PoolRow => (50, 80),
        CompiledEvent::PoolElement => (26, 42),
        CompiledEvent::PoolInput => (12, 19),
        CompiledEvent::PoolSum => (1, 2),
        CompiledEvent::PoolValue => (13, 21),
        CompiledEvent::PoolMean => (11, 18),
        CompiledEvent::PoolReciprocal => (40, 64),
        CompiledEvent::Average => (1090, 1760),
        CompiledEvent::AveragePosition => (13, 17),
        CompiledEvent::AverageValue => (7, 11),
        CompiledEvent::AverageChannel => (67, 113),
        CompiledEvent::Sum => (780, 1264),
        CompiledEvent::SumValue => (25, 37),
        CompiledEvent::TensorsEnd => (1150, 1850),
        // These events do not occur on this core.
        CompiledEvent::Correction
        | CompiledEvent::CorrectionColumn
        | CompiledEvent::BandColumn
        | CompiledEvent::BandValue
        | CompiledEvent::BandTable
        | CompiledEvent::BandTableValue
        | CompiledEvent::ConvPool
        | CompiledEvent::ConvPoolRun
        | CompiledEvent::PatchEdge
        | CompiledEvent::PatchEdgeRow
        | CompiledEvent::PatchEdgePixel => (0, 0),
    }
}
