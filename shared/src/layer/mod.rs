//! A parsed layer: what the engine runs.

use core::ops::Range;

use crate::kernel::DenseOperands;
use crate::numbered::numbered;
use crate::shape::{Shape, Window};

/// A layer of a parsed model. Kinds will grow; each has its own struct.
///
/// Dense layers write 16-bit activations; all others bytes, to a place in the arena ([`Tensor`]). What comes before a layer is
/// its input; only a dense layer may stand after a dense one.
#[derive(Clone, Copy, Debug)]
pub enum Layer<'a> {
    /// A fully connected layer.
    Dense(Dense<'a>),
    /// A convolution, and the largest of each few places.
    Conv(Conv<'a>),
    /// A convolution of each channel with a filter of its own, and the largest of each few places.
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
            Self::Conv(conv) | Self::Depthwise(conv) => conv.input.shape.elements(),
            Self::MaxPool(pool) | Self::AveragePool(pool) => pool.input.shape.elements(),
            Self::GlobalAverage(average) => average.input.shape.elements(),
            Self::Add(add) => add.output.shape.elements(),
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

    /// Multiply-accumulates of one inference; of layers without weights none are counted.
    pub fn macs(&self) -> u64 {
        let Some(weighted) = self.weighted() else { return 0 };
        let weights = &weighted.operands.weights;
        let places = match self {
            Self::Conv(conv) | Self::Depthwise(conv) => conv.convolved() as u64,
            _ => 1,
        };
        // Each factor has 32 bits at most, and a file no more weights than bytes.
        (weights.inputs() as u64 * weights.outputs() as u64).saturating_mul(places)
    }
}

/// Rows of weights, and the numbers that requantize a row's sum to an output. Borrowed from the model file.
#[derive(Clone, Copy, Debug)]
pub struct Weighted<'a> {
    /// Weights and biases, as [`crate::kernel::Kernel`] takes them.
    pub operands: DenseOperands<'a>,
    /// For each row, the multiplier of its requantization: 1..=2^31-1.
    pub multipliers: &'a [i32],
    /// The requantization's pre-shift, bits.
    pub pre_shift: u8,
    /// Largest magnitude any row's accumulator can reach.
    pub accumulator_bound: u32,
    /// Real value of one input unit. For reports.
    pub input_scale: f32,
    /// Real value of one output unit. For reports.
    pub output_scale: f32,
}

impl Weighted<'_> {
    /// The bias of a row in accumulator units, without what the layout folds into the stored one. 0 for a row out of
    /// range.
    pub fn bias(&self, row: usize) -> i32 {
        let stored = self.operands.biases.get(row).copied().unwrap_or(0);
        unfold(stored, self.operands.weights.fold(row).unwrap_or(0))
    }

    /// Bytes of the layer in the model file, without the padding of its sections.
    pub fn bytes(&self) -> usize {
        self.operands.weights.bytes().len() + 4 * (self.operands.biases.len() + self.multipliers.len())
    }
}

/// A fully connected layer.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    /// A row for each output, a column for each input.
    pub weighted: Weighted<'a>,
    /// Activation function.
    pub activation: Activation,
    /// Type of the outputs.
    pub output: Output,
}

/// A convolution, full or depthwise.
#[derive(Clone, Copy, Debug)]
pub struct Conv<'a> {
    /// One row per output channel and one column per element under the window: row-major, channels last. A depthwise
    /// convolution has one column per position under the window.
    pub weighted: Weighted<'a>,
    /// Window that slides over the input. Outside of the input it reads the input's zero point.
    pub window: Window,
    /// Side of the max pooling that follows, 1 for none. Rows and columns left over are not computed.
    pub pool: u8,
    /// Input tensor.
    pub input: Tensor,
    /// Output tensor: values from `activation_min` to `activation_max`.
    pub output: Tensor,
    /// Smallest output.
    pub activation_min: u8,
    /// Largest output.
    pub activation_max: u8,
}

impl Conv<'_> {
    /// Returns true for a 1x1 convolution, which needs no im2col.
    pub fn is_pointwise(&self) -> bool {
        // Without padding: it would be as large as the window.
        self.window.area() == 1
    }

    /// Returns true if [`crate::layout::Layout::DspConvPool8`] serves it: 3x3, stride 1, one input channel, max pooling by 2. Each
    /// output then depends on 4x4 values of the input.
    pub fn fuses_pool(&self) -> bool {
        let Window { height, width, stride_y, stride_x, padding: _ } = self.window;
        (height, width, stride_y, stride_x, self.pool, self.input.shape.channels) == (3, 3, 1, 1, 2, 1)
    }

    /// Returns the number of positions at which the window's sums are computed.
    pub fn convolved(&self) -> usize {
        self.output.shape.positions() * usize::from(self.pool) * usize::from(self.pool)
    }
}

/// Function of a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest value.
    Max,
    /// The mean, rounded to nearest, halves up.
    Average,
}

/// A pooling of each channel. Positions outside of the input take no part.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// Window that slides over the input.
    pub window: Window,
    /// Input tensor.
    pub input: Tensor,
    /// Output tensor; it has the zero point of the input.
    pub output: Tensor,
}

/// The mean of each channel, requantized: of every sum plus `bias`.
#[derive(Clone, Copy, Debug)]
pub struct GlobalAverage {
    /// Added to each sum: zero minus the input's zero point, as often as there are places.
    pub bias: i32,
    /// The requantization's multiplier, 1..=2^31-1.
    pub multiplier: i32,
    /// The requantization's pre-shift, bits.
    pub pre_shift: u8,
    /// Input tensor.
    pub input: Tensor,
    /// Output tensor: 1x1, as many channels.
    pub output: Tensor,
    /// Smallest output.
    pub activation_min: u8,
    /// Largest output.
    pub activation_max: u8,
}

/// The sum of two tensors of the same shape: `(a * multiplier + b * other_multiplier + bias) >> shift`.
#[derive(Clone, Copy, Debug)]
pub struct Add {
    /// Factor of the previous layer's output, above 0.
    pub multiplier: i32,
    /// Factor of the earlier layer's output, above 0.
    pub other_multiplier: i32,
    /// Zeros of both and of the output, and what rounds.
    pub bias: i32,
    /// Bits dropped, 0..=30.
    pub shift: u8,
    /// The previous layer's output.
    pub input: Tensor,
    /// Index of the earlier layer.
    pub from: u16,
    /// Its output.
    pub other: Tensor,
    /// Output tensor. It may share the location of one of the inputs.
    pub output: Tensor,
    /// Smallest output.
    pub activation_min: u8,
    /// Largest output.
    pub activation_max: u8,
}

/// A tensor of bytes: its elements row by row, the channels of a place together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tensor {
    /// Its shape.
    pub shape: Shape,
    /// The byte that stands for the real value 0.
    pub zero_point: u8,
    /// Real value of one unit. For reports.
    pub scale: f32,
    /// Where it starts in the arena. The picture's pixels, which the first layer reads, lie elsewhere: at 0.
    pub offset: u32,
}

impl Tensor {
    /// Its bytes in the arena.
    pub fn range(&self) -> Range<usize> {
        let start = self.offset as usize;
        start..start.saturating_add(self.shape.elements())
    }

    /// Returns true if the two tensors share no byte of the arena.
    pub fn is_apart_from(&self, other: &Tensor) -> bool {
        self.range().end <= other.range().start || other.range().end <= self.range().start
    }
}

/// A bias without what its layout folded in. Modulo 2^32, as the sums it is the start of.
pub(super) fn unfold(stored: i32, fold: i32) -> i32 {
    stored.wrapping_sub(fold)
}

numbered! {
    /// Activation function of a layer.
    pub enum Activation: u8 {
        /// None.
        Linear = 0,
        /// `max(0, x)`.
        Relu = 1,
        /// `1 / (1 + e^-x)`.
        Sigmoid = 2,
    }
}

numbered! {
    /// Type of a layer's outputs.
    pub enum Output: u8 {
        /// 0..=255.
        U8 = 0,
        /// -32,768..=32,767.
        I16 = 1,
        /// `i32` in Q16: the network's answer.
        Logits = 2,
    }
}

impl Output {
    /// Smallest and largest value.
    pub fn range(self) -> (i32, i32) {
        match self {
            Self::U8 => (0, 255),
            Self::I16 => (i32::from(i16::MIN), i32::from(i16::MAX)),
            Self::Logits => (i32::MIN, i32::MAX),
        }
    }

    /// Largest magnitude as another layer's input. Logits are never one.
    pub fn max_magnitude(self) -> u32 {
        match self {
            Self::U8 => 255,
            Self::I16 => 1 << 15,
            Self::Logits => 1 << 31,
        }
    }
}
