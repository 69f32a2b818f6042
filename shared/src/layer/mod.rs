//! Kinds of layers, a file each: its fields in the model file, its checks, its geometry and working memory, and what runs it.
//!
//! A new kind is a new file here and its lines in this one, which the compiler asks for, and a row in the specification of the
//! model file ([`crate::model`]).
//!
//! A dense layer is special: it writes activations or logits, which live in registers and buffers of [`crate::engine`], not in
//! the arena, and only dense layers may follow it.

pub mod add;
mod band;
pub(crate) mod check;
mod conv;
mod dense;
mod depthwise;
pub mod global_average;
mod memory;
mod pool;
pub(crate) mod record;
mod tensor;
#[cfg(test)]
mod tests;
mod weighted;

pub use add::Add;
pub use band::{MAX_TABLE_LANES, Tiles, max_band_words};
pub use conv::Conv;
pub use dense::{Activation, Dense, Output};
pub use global_average::GlobalAverage;
pub use pool::{Pool, PoolKind};
pub use tensor::Tensor;
pub use weighted::Weighted;

pub(crate) use dense::dense;
pub(crate) use memory::Memory;
pub(crate) use tensor::byte;
pub(crate) use weighted::unfold;

use check::Record;
use memory::split;
use record::{Input, TensorRecord};
use weighted::weighted;

use crate::kernel::{Kernel, KernelInput};
use crate::layout::Layout;
use crate::model::ModelError;
use crate::model::file::File;
use crate::model::format::record::{ALL_KINDS, TENSOR, WEIGHTED, WINDOWED};
use crate::model::format::{Span, Words, has_field, record as at, unused_words};
use crate::model::proof::Filled;
use crate::numbered::numbered;

numbered! {
    /// Kind of a layer. The number is the one in its record.
    pub enum Kind: u16 {
        /// [`Layer::Dense`].
        Dense = 1,
        /// [`Layer::Conv`].
        Conv = 2,
        /// [`Layer::Depthwise`].
        Depthwise = 3,
        /// [`Layer::MaxPool`].
        MaxPool = 4,
        /// [`Layer::AveragePool`].
        AveragePool = 5,
        /// [`Layer::GlobalAverage`].
        GlobalAverage = 6,
        /// [`Layer::Add`].
        Add = 7,
    }
}

impl Kind {
    /// Returns the fields of the kind's record, in groups; bytes that are in none are zero.
    pub const fn fields(self) -> &'static [&'static [Span]] {
        match self {
            Self::Dense => dense::FIELDS,
            Self::Conv | Self::Depthwise => conv::FIELDS,
            Self::MaxPool | Self::AveragePool => pool::FIELDS,
            Self::GlobalAverage => global_average::FIELDS,
            Self::Add => add::FIELDS,
        }
    }

    /// Returns what follows from the fields.
    pub(crate) fn record_facts(self) -> RecordFacts {
        // Constants, so that the lists of fields stay out of a device's program.
        match self {
            Self::Dense => const { RecordFacts::of(dense::FIELDS) },
            Self::Conv | Self::Depthwise => const { RecordFacts::of(conv::FIELDS) },
            Self::MaxPool | Self::AveragePool => const { RecordFacts::of(pool::FIELDS) },
            Self::GlobalAverage => const { RecordFacts::of(global_average::FIELDS) },
            Self::Add => const { RecordFacts::of(add::FIELDS) },
        }
    }
}

/// Facts that follow from the fields of a kind's record.
#[derive(Clone, Copy)]
pub(crate) struct RecordFacts {
    /// Words of the record without a field, a bit each.
    pub unused_words: u32,
    /// True if the record has the side of a max pooling fused in.
    has_pool: bool,
    /// True if the record has the index of an earlier layer.
    has_earlier: bool,
    /// True if the record has a pre-shift, but no weights.
    has_pre_shift_alone: bool,
}

impl RecordFacts {
    const fn of(fields: &[&[Span]]) -> Self {
        Self {
            unused_words: unused_words(fields),
            has_pool: has_field(fields, at::POOL.span()),
            has_earlier: has_field(fields, at::FROM.span()),
            has_pre_shift_alone: has_field(fields, at::PRE_SHIFT.span()) && !has_field(fields, at::LAYOUT.span()),
        }
    }
}

/// A count in 32 bits. No factor of a layer's operations has more: a tensor has at most 2^24 elements, and no file more rows or
/// columns of weights than bytes.
fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Makes a layer of a record of this kind. `None` of an unknown kind.
// The kind as a number, which is what a record has: to make a `Kind` of it first takes the boards more instructions.
#[inline(always)]
fn of_kind<'a>(kind: u16, fields: TensorRecord, file: &File<'a>, record: &Words) -> Option<Layer<'a>> {
    const CONV: u16 = Kind::Conv as u16;
    const DEPTHWISE: u16 = Kind::Depthwise as u16;
    const MAX_POOL: u16 = Kind::MaxPool as u16;
    const AVERAGE_POOL: u16 = Kind::AveragePool as u16;
    const GLOBAL_AVERAGE: u16 = Kind::GlobalAverage as u16;
    const ADD: u16 = Kind::Add as u16;
    Some(match kind {
        CONV | DEPTHWISE => {
            let conv = Conv::of(fields, weighted(file, record));
            if kind == CONV { Layer::Conv(conv) } else { Layer::Depthwise(conv) }
        }
        MAX_POOL => Layer::MaxPool(Pool::of(fields)),
        AVERAGE_POOL => Layer::AveragePool(Pool::of(fields)),
        GLOBAL_AVERAGE => Layer::GlobalAverage(GlobalAverage::of(fields)),
        ADD => Layer::Add(Add::of(fields, file, record)),
        _ => return None,
    })
}

/// A layer of a parsed model.
///
/// Dense layers write 16-bit activations; all others write bytes to a tensor in the arena ([`Tensor`]). What comes before a layer is
/// its input; only a dense layer may stand after a dense one.
#[derive(Clone, Copy, Debug)]
pub enum Layer<'a> {
    /// A fully connected layer.
    Dense(Dense<'a>),
    /// A convolution, with max pooling fused in.
    Conv(Conv<'a>),
    /// A convolution of each channel with a filter of its own, with max pooling fused in.
    Depthwise(Conv<'a>),
    /// The largest value under a window.
    MaxPool(Pool),
    /// The mean of the values under a window.
    AveragePool(Pool),
    /// The mean of each channel.
    GlobalAverage(GlobalAverage),
    /// The sum with an earlier layer's output.
    Add(Add),
}

impl<'a> Layer<'a> {
    /// Returns the kind's name, as in recipes.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dense(_) => "dense",
            Self::Conv(_) => "conv",
            Self::Depthwise(_) => "depthwise",
            Self::MaxPool(_) => "max-pool",
            Self::AveragePool(_) => "average-pool",
            Self::GlobalAverage(_) => "global-average",
            Self::Add(_) => "add",
        }
    }

    /// Activations read: one for each element of the input.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.weighted.operands.weights.inputs(),
            _ => self.input_tensor().map_or(0, |tensor| tensor.shape.elements()),
        }
    }

    /// Activations written.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.weighted.operands.weights.outputs(),
            _ => self.tensor().map_or(0, |tensor| tensor.shape.elements()),
        }
    }

    /// Returns the type of the outputs.
    pub fn output(&self) -> Output {
        match self {
            Self::Dense(dense) => dense.output,
            _ => Output::U8,
        }
    }

    /// Returns the tensor that the layer writes to the arena; `None` for a dense layer.
    pub fn tensor(&self) -> Option<Tensor> {
        match self {
            Self::Dense(_) => None,
            Self::Conv(conv) | Self::Depthwise(conv) => Some(conv.output),
            Self::MaxPool(pool) | Self::AveragePool(pool) => Some(pool.output),
            Self::GlobalAverage(average) => Some(average.output),
            Self::Add(add) => Some(add.output),
        }
    }

    /// Returns the tensor that the layer reads from the arena; `None` for a dense layer. (The first layer reads pixels, which
    /// are not in the arena.)
    pub fn input_tensor(&self) -> Option<Tensor> {
        match self {
            Self::Dense(_) => None,
            Self::Conv(conv) | Self::Depthwise(conv) => Some(conv.input),
            Self::MaxPool(pool) | Self::AveragePool(pool) => Some(pool.input),
            Self::GlobalAverage(average) => Some(average.input),
            Self::Add(add) => Some(add.input),
        }
    }

    /// The weights and what surrounds them, of a layer that has some.
    pub fn weighted(&self) -> Option<Weighted<'a>> {
        match self {
            Self::Dense(dense) => Some(dense.weighted),
            Self::Conv(conv) | Self::Depthwise(conv) => Some(conv.weighted),
            _ => None,
        }
    }

    /// Multiply-accumulates of one inference; layers without weights have none. At most
    /// [`crate::model::MAX_OPERATIONS`], as all layers of a model together.
    pub fn macs(&self) -> u32 {
        if self.weighted().is_some() { self.operations() } else { 0 }
    }

    /// Elementary operations of one inference: multiply-accumulates of layers with weights, values under all windows of a
    /// pooling (its padding included), values read by a mean of each channel, values written by a sum. At most
    /// [`crate::model::MAX_OPERATIONS`], as all layers of a model together.
    pub fn operations(&self) -> u32 {
        // Saturating, because parsing asks before it knows that there are not too many.
        match self {
            Self::Dense(dense) => dense.weighted.weights(),
            Self::Conv(conv) => {
                let inputs = count(conv.window.area()).saturating_mul(conv.input.shape.channels.into());
                conv.of_positions(inputs)
            }
            Self::Depthwise(conv) => conv.of_positions(count(conv.window.area())),
            Self::MaxPool(pool) | Self::AveragePool(pool) => {
                count(pool.output.shape.elements()).saturating_mul(count(pool.window.area()))
            }
            Self::GlobalAverage(average) => count(average.input.shape.elements()),
            Self::Add(add) => count(add.output.shape.elements()),
        }
    }

    /// Returns how a kernel reads the input; `after_dense` if the layer before is dense.
    pub(crate) fn kernel_input(&self, after_dense: bool) -> KernelInput {
        match self {
            Self::Depthwise(_) => KernelInput::Channels,
            _ if after_dense => KernelInput::Activations,
            _ => KernelInput::Pixels,
        }
    }

    /// Accumulators that a kernel writes at once.
    pub(crate) fn accumulators(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.weighted.operands.weights.padded_outputs(),
            Self::Conv(conv) | Self::Depthwise(conv) => conv.accumulators(),
            Self::GlobalAverage(average) => usize::from(average.input.shape.channels),
            Self::MaxPool(_) | Self::AveragePool(_) | Self::Add(_) => 0,
        }
    }

    /// 32-bit words of working memory for lanes that a kernel widens inputs into.
    pub(crate) fn scratch_words(&self) -> usize {
        match self {
            Self::Conv(conv) if conv.is_banded() => conv.tiles().map_or(0, |tiles| tiles.words),
            _ => self.weighted().map_or(0, |weighted| weighted.operands.weights.scratch_words()),
        }
    }

    /// Bytes of the im2col buffer.
    pub(crate) fn patch_bytes(&self) -> usize {
        match self {
            Self::Conv(conv) => conv.patch_bytes(false),
            Self::Depthwise(conv) => conv.patch_bytes(true),
            Self::Dense(_) | Self::MaxPool(_) | Self::AveragePool(_) | Self::GlobalAverage(_) | Self::Add(_) => 0,
        }
    }

    /// Columns that the layer's weights must have.
    fn columns(&self, input: Input) -> usize {
        match (self, input) {
            (Self::Conv(conv), _) if conv.is_banded() => conv.band_order().columns(),
            (Self::Conv(conv), _) => conv.window.area() * usize::from(conv.input.shape.channels),
            (Self::Depthwise(conv), _) => conv.window.area(),
            (_, Input::Bytes(tensor)) => tensor.shape.elements(),
            (_, Input::Wide(outputs, _)) => outputs,
        }
    }

    /// Returns which columns of the layer's weights fill up.
    pub(crate) fn filled(&self) -> Filled {
        let weights = self.weighted().map(|weighted| weighted.operands.weights).unwrap_or_default();
        match self {
            Self::Conv(conv) if conv.is_banded() => {
                let order = conv.band_order();
                Filled { period: order.lanes(), from: order.height * order.channels }
            }
            _ => Filled { period: weights.padded_inputs(), from: weights.inputs() },
        }
    }

    /// Returns true if the layer's weights may have this layout. Some are for one kind of convolution, and one kind has some
    /// of its own.
    fn has_layout(&self, layout: Layout) -> bool {
        match self {
            Self::Depthwise(_) => layout.is_rows() || layout.is_of_channels(),
            Self::Conv(conv) if layout.is_band() => conv.tiles().is_some(),
            Self::Conv(conv) if conv.fuses_pool() => !layout.is_of_channels(),
            _ => !layout.is_widened() && !layout.is_band(),
        }
    }

    /// Checks the fields of the kind alone.
    fn check(&self, record: &Record<'_>, file: &File<'_>) -> Result<(), ModelError> {
        match self {
            Self::Dense(_) => record.accept(record.check_unused()),
            Self::Conv(conv) => record.accept(conv.check(false)),
            Self::Depthwise(conv) => record.accept(conv.check(true)),
            Self::MaxPool(pool) | Self::AveragePool(pool) => record.accept(pool.check(record)),
            Self::GlobalAverage(average) => average.check(record),
            Self::Add(add) => add.check(record, file),
        }
    }

    /// Checks that the layer, at this index, finds in the arena what the layers before it have left there.
    pub(crate) fn check_arena(&self, file: &File<'_>, index: usize) -> Result<(), ModelError> {
        let (Some(output), Some(input)) = (self.tensor(), self.input_tensor()) else { return Ok(()) };
        let good = match self {
            Self::Add(add) => add.finds_inputs(file, index),
            // The first layer reads pixels, which lie elsewhere.
            _ => index == 0 || input.is_apart_from(&output),
        };
        if good { Ok(()) } else { Err(ModelError::Arena { layer: index }) }
    }

    /// Calls `compute` with input and output of a layer that is not dense and reads one tensor, and returns what it returns; false
    /// for other layers. The input is `pixels`, or else its tensor in the arena.
    pub(crate) fn with_tensors(
        &self,
        pixels: Option<&[u8]>,
        arena: &mut [u8],
        compute: impl FnOnce(&[u8], &mut [u8]) -> bool,
    ) -> bool {
        let (Some(input), Some(output)) = (self.input_tensor(), self.tensor()) else { return false };
        let (read, write) = match (self, pixels) {
            (Self::Add(_), _) => return false,
            (_, Some(pixels)) => (pixels, arena.get_mut(output.range()).unwrap_or_default()),
            (_, None) => split(arena, input.range(), output.range()),
        };
        compute(read, write)
    }

    /// Runs a layer that is not dense. Its input is `pixels`, or else its tensor in the arena. Returns its output.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn run<'s, K: Kernel>(&self, pixels: Option<&[u8]>, memory: Memory<'s>) -> &'s [u8] {
        let Memory { accumulators, scratch, arena, patch_at } = memory;
        let (Some(input), Some(output)) = (self.input_tensor(), self.tensor()) else { return &[] };
        let (tensors, patch) = arena.split_at_mut_checked(patch_at).unwrap_or_default();
        if let Self::Add(add) = self {
            add::sum(add, tensors);
        } else {
            let (read, write) = match pixels {
                Some(pixels) => (pixels, tensors.get_mut(output.range()).unwrap_or_default()),
                None => split(tensors, input.range(), output.range()),
            };
            match self {
                Self::Conv(conv) | Self::Depthwise(conv) => {
                    let is_depthwise = matches!(self, Self::Depthwise(_));
                    conv::convolve::<K>(conv, is_depthwise, read, write, (accumulators, scratch, patch));
                }
                Self::MaxPool(of) | Self::AveragePool(of) => {
                    let is_max = matches!(self, Self::MaxPool(_));
                    pool::pool(of, if is_max { PoolKind::Max } else { PoolKind::Average }, read, write);
                }
                Self::GlobalAverage(average) => global_average::global_average(average, read, write, accumulators),
                Self::Dense(_) | Self::Add(_) => {}
            }
        }
        tensors.get(output.range()).unwrap_or_default()
    }
}
