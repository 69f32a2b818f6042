//! What compiled code does in layers that read and write tensors.

use pinhole_declaration::Core;

use super::super::Work;
use super::{cortex_m0plus, cortex_m4};

/// Something that such code does again and again, always with about as many instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::budget::predict) enum Event {
    /// A convolution, depthwise or not, once, with reading its record.
    Convolution,
    /// A place of its output.
    Place,
    /// A sum to a byte within 0..=255.
    Requantized,
    /// A sum to a byte within a smaller range.
    RequantizedCut,
    /// The larger of two sums of a row, where places are pooled.
    Compared,
    /// A place whose channels are all there is under the window.
    Pointwise,
    /// A place for which what is under the window is put together, and an empty loop over its rows.
    Gather,
    /// A row of the window outside of the input, besides what is filled.
    RowOutside,
    /// A row that is all within the input, besides what is copied.
    RowWithin,
    /// A row that is in part within the input, besides what is copied and filled.
    RowAcross,
    /// A byte copied by itself.
    CopyByte,
    /// A copy of many bytes, besides these.
    CopyMany,
    /// A word copied.
    CopyWord,
    /// A copy of many bytes that are shifted.
    CopyShifted,
    /// A word put together of two and copied.
    CopyShiftedWord,
    /// A byte filled by itself.
    FillByte,
    /// A filling of many bytes, besides these.
    FillMany,
    /// A word filled.
    FillWord,
    /// A run of a dense layer at a place.
    Dense,
    /// A chunk of its columns, in weights of 8 bits.
    Chunk8,
    /// The same in 7 bits.
    Chunk7,
    /// The same in 4 bits.
    Chunk4,
    /// A call of the loop that spreads pixels.
    Spread,
    /// A group that pixels do not fill.
    PartGroup,
    /// Each of these pixels.
    PartGroupPixel,
    /// A bias, to an accumulator; on Cortex-M4 of those that are left over from fours.
    BiasWord,
    /// Clearing the accumulators of rows that fill up.
    BiasFilling,
    /// Each of these.
    BiasFillingWord,
    /// A channel at a place of a depthwise convolution in rows of 8 bits.
    DepthwiseRow8,
    /// Each of its weights.
    DepthwiseWeight8,
    /// The same in 4 bits.
    DepthwiseRow4,
    /// Each of its weights.
    DepthwiseWeight4,
    /// A convolution by areas, once.
    Areas,
    /// An area.
    Area,
    /// An area that is not all within the input.
    AreaEdge,
    /// Each of its rows within the input.
    AreaEdgeRow,
    /// Each of its pixels within the input.
    AreaEdgePixel,
    /// A pooling, once.
    Pool,
    /// A place of its output.
    PoolPlace,
    /// A value of its output.
    PoolValue,
    /// A mean, besides: takes the longer, the larger it is, where division is no instruction.
    PoolMean,
    /// A row under the window, for each value.
    PoolRow,
    /// An element under the window, for each value.
    PoolElement,
    /// A global average, once.
    Average,
    /// A place of its input.
    AveragePlace,
    /// A value of its input.
    AverageValue,
    /// A value of its output.
    AverageChannel,
    /// A sum of tensors, once.
    Sum,
    /// A value of it.
    SumValue,
    /// Going on from tensors to dense layers: the first one's record, read once more.
    TensorsEnd,
    /// A turn of a division that is no instruction.
    DivisionTurn,
}

impl Event {
    /// What it takes once. Cycles are by the core's timing table (see [`super::super::loops::Ops`]).
    pub(in crate::budget::predict) fn work(self, core: Core) -> Work {
        let (instructions, cycles) = match core {
            Core::CortexM4 => cortex_m4::work(self),
            Core::CortexM0Plus => cortex_m0plus::work(self),
        };
        Work { instructions, cycles }
    }
}
