//! Events in the compiled code of layers on tensors.

use crate::budget::predict::counted_core::CountedCore;

use super::super::PredictedWork;
use super::{cortex_m0plus, cortex_m4};

/// An event in that code, which always takes about the same number of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::budget::predict) enum CompiledEvent {
    /// A convolution, standard or depthwise, including reading its record.
    Convolution,
    /// An output position of a convolution.
    Position,
    /// Requantization of a sum to a byte within 0..=255.
    Requantized,
    /// Requantization of a sum to a byte within a smaller range.
    RequantizedCut,
    /// Max pooling of sums: comparing two sums of a row.
    Compared,
    /// A position of a pointwise convolution, whose window is one position.
    Pointwise,
    /// im2col of one position, with an empty loop over its rows.
    Gather,
    /// A window row outside of the input, without the fill.
    RowOutside,
    /// A window row completely inside the input, without the copy.
    RowWithin,
    /// A window row partly inside the input, without copies and fills.
    RowAcross,
    /// A byte copied individually.
    CopyByte,
    /// A copy of many bytes, without the bytes themselves.
    CopyMany,
    /// A word copied.
    CopyWord,
    /// A copy of many bytes with shifts (source and destination aligned differently), without the words themselves.
    CopyShifted,
    /// A word assembled from two and copied.
    CopyShiftedWord,
    /// A byte filled individually.
    FillByte,
    /// A fill of many bytes, without the bytes themselves.
    FillMany,
    /// A word filled.
    FillWord,
    /// A dense kernel run for one position.
    Dense,
    /// A chunk of its columns, with weights of 8 bits.
    Chunk8,
    /// A chunk with weights of 7 bits.
    Chunk7,
    /// A chunk with weights of 4 bits.
    Chunk4,
    /// A call of the loop that widens pixels.
    Widen,
    /// A padded group that pixels do not fill.
    PartGroup,
    /// A pixel of such a group.
    PartGroupPixel,
    /// A bias copied to an accumulator; on Cortex-M4 only those left over from groups of four.
    BiasWord,
    /// Clearing the accumulators of padding rows.
    BiasFilling,
    /// One of these accumulators.
    BiasFillingWord,
    /// A channel at one position of a depthwise convolution, rows of 8 bits.
    DepthwiseRow8,
    /// One of its weights.
    DepthwiseWeight8,
    /// A channel at one position of a depthwise convolution, rows of 4 bits.
    DepthwiseRow4,
    /// One of its weights.
    DepthwiseWeight4,
    /// A fused convolution and max pooling, patch by patch.
    ConvPool,
    /// Neighboring patches, of four positions each.
    ConvPoolRun,
    /// A patch partly outside of the input.
    PatchEdge,
    /// A row of such a patch within the input.
    PatchEdgeRow,
    /// A pixel of such a patch within the input.
    PatchEdgePixel,
    /// A convolution from bands, including reading its record.
    Bands,
    /// A bias of such a convolution, copied with its multiplier because the rows do not fill whole blocks.
    BandBias,
    /// A tile of such a convolution.
    BandTile,
    /// A position of the window whose correction is added up.
    Correction,
    /// A column of this window, unless there are three.
    CorrectionColumn,
    /// A band.
    Band,
    /// A column of a band that is widened value by value.
    BandColumn,
    /// A value of such a column.
    BandValue,
    /// On Cortex-M0+, a channel of a row of a band, if the channels are not whole groups.
    BandChannel,
    /// On Cortex-M0+, a row of a band otherwise.
    BandRow,
    /// On Cortex-M0+, a row of a column of such a band, outside of the input.
    BandOutside,
    /// A word filled with the zero point, or a sum of such words.
    FilledWord,
    /// A band that is widened by a table.
    BandTable,
    /// A value of the table.
    BandTableValue,
    /// A depthwise convolution in place, including reading its record.
    InPlace,
    /// Neighboring positions of such a convolution.
    InPlaceRun,
    /// A position of such a convolution whose window is partly outside of the input, without im2col.
    InPlaceEdge,
    /// A pooling layer.
    Pool,
    /// An output position of pooling.
    PoolPosition,
    /// Channels of such a position that are collected at once.
    PoolChunk,
    /// A window row inside of the input, for each of these.
    PoolRow,
    /// A window element inside of the input, for each of these.
    PoolElement,
    /// An input value of pooling, as often as it is under a window.
    PoolInput,
    /// The same of an average, in addition.
    PoolSum,
    /// An output value of pooling.
    PoolValue,
    /// An average, in addition.
    PoolMean,
    /// A number of values in a window other than in the window before, for averages.
    PoolReciprocal,
    /// A global average pooling.
    Average,
    /// An input position of global average pooling.
    AveragePosition,
    /// An input value of global average pooling.
    AverageValue,
    /// An output value of global average pooling.
    AverageChannel,
    /// An addition of tensors.
    Sum,
    /// A value of the sum.
    SumValue,
    /// The transition from tensors to dense layers: the first dense layer's record is read again.
    TensorsEnd,
}

impl CompiledEvent {
    /// Returns instructions and cycles of one occurrence. Cycles are those of the core's timing table (see
    /// [`super::super::loops::Ops`]).
    pub(in crate::budget::predict) fn work(self, core: CountedCore) -> PredictedWork {
        let (instructions, cycles) = match core {
            CountedCore::CortexM4 => cortex_m4::work(self),
            CountedCore::CortexM0Plus => cortex_m0plus::work(self),
        };
        PredictedWork { instructions, cycles }
    }
}
