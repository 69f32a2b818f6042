//! One record of the layer table becomes a [`Layer`], its sections borrowed. It is done anew for every inference, so it is
//! quick: nothing is checked here, `check` has done that once. Of a record that is wrong something is read that is
//! as wrong, but nothing fails.

use super::file::File;
use super::format::{Kind, Words, record as at};
use super::{Activation, Add, Conv, Dense, GlobalAverage, Layer, Output, Pool, Tensor, Weighted};
use crate::kernel::DenseOperands;
use crate::layout::{Layout, Weights};
use crate::pixels::InputShape;
use crate::shape::{Padding, Shape, Window};

// As numbers, which is what a record has: to make a `Kind` of one first takes the boards more instructions.
const DENSE: u16 = Kind::Dense as u16;
const CONV: u16 = Kind::Conv as u16;
const DEPTHWISE: u16 = Kind::Depthwise as u16;
const MAX_POOL: u16 = Kind::MaxPool as u16;
const AVERAGE_POOL: u16 = Kind::AveragePool as u16;
const GLOBAL_AVERAGE: u16 = Kind::GlobalAverage as u16;
const ADD: u16 = Kind::Add as u16;

/// Input of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input {
    /// Bytes: the picture's pixels, or a tensor of the arena.
    Bytes(Tensor),
    /// So many outputs of a dense layer.
    Wide(usize, Output),
}

impl Input {
    /// The pixels of such a picture.
    pub(super) fn picture(input: InputShape) -> Self {
        Self::Bytes(Tensor { shape: input.shape(), zero_point: 0, scale: 1.0 / 255.0, offset: 0 })
    }

    /// Returns the input that a layer gives to the next one.
    pub(super) fn of(layer: &Layer<'_>) -> Self {
        match layer.tensor() {
            Some(tensor) => Self::Bytes(tensor),
            None => Self::Wide(layer.outputs(), layer.output()),
        }
    }

    /// In which form it comes; pixels have the range of an 8-bit layer.
    pub(super) fn output(&self) -> Output {
        match *self {
            Self::Bytes(_) => Output::U8,
            Self::Wide(_, output) => output,
        }
    }
}

/// Reads the record of a layer that has this input. `None` of an unknown kind, and of one that reads a picture where there
/// is none.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn read<'a>(file: &File<'a>, index: usize, input: Input) -> Option<Layer<'a>> {
    let record = file.record(index);
    let kind = at::KIND.get(record);
    if kind == DENSE {
        return dense(file, index).map(Layer::Dense);
    }
    let Input::Bytes(input) = input else { return None };
    spatial(file, record, kind, input)
}

/// A dense layer; `None` of another one.
// In one piece with whoever asks: else a layer's many bytes would be copied from function to function, which takes longer
// than reading them.
#[inline(always)]
pub(super) fn dense<'a>(file: &File<'a>, index: usize) -> Option<Dense<'a>> {
    let record = file.record(index);
    if at::KIND.get(record) != DENSE {
        return None;
    }
    // Before the weights, as in `spatial`.
    let (activation, output) = (at::ACTIVATION.get(record), at::OUTPUT.get(record));
    Some(Dense {
        weighted: weighted(file, record),
        activation: Activation::from_number(activation).unwrap_or(Activation::Linear),
        output: Output::from_number(output).unwrap_or(Output::Logits),
    })
}

#[cfg_attr(target_os = "none", inline(never))]
fn spatial<'a>(file: &File<'a>, record: &Words, kind: u16, input: Tensor) -> Option<Layer<'a>> {
    // All of it before the kind is looked at, and in this order: the boards' instructions, which are counted, depend on it.
    let output = tensor(record);
    let (pool, activation_min, activation_max) =
        (at::POOL.get(record), at::ACTIVATION_MIN.get(record), at::ACTIVATION_MAX.get(record));
    let [height, width, stride_y, stride_x] = at::WINDOW.get(record);
    let [top, left, bottom, right] = at::PADDING.get(record);
    let window = Window { height, width, stride_y, stride_x, padding: Padding { top, left, bottom, right } };
    let pre_shift = at::PRE_SHIFT.get(record);
    let (input_multiplier, other_multiplier, add_bias) =
        (at::ADD_MULTIPLIER.get(record), at::ADD_OTHER_MULTIPLIER.get(record), at::ADD_BIAS.get(record));
    let (bias, multiplier) = (at::MEAN_BIAS.get(record), at::MEAN_MULTIPLIER.get(record));
    Some(match kind {
        CONV | DEPTHWISE => {
            let conv =
                Conv { weighted: weighted(file, record), window, pool, input, output, activation_min, activation_max };
            if kind == CONV { Layer::Conv(conv) } else { Layer::Depthwise(conv) }
        }
        MAX_POOL => Layer::MaxPool(Pool { window, input, output }),
        AVERAGE_POOL => Layer::AveragePool(Pool { window, input, output }),
        GLOBAL_AVERAGE => Layer::GlobalAverage(GlobalAverage {
            bias,
            multiplier,
            pre_shift,
            input,
            output,
            activation_min,
            activation_max,
        }),
        ADD => {
            let from = at::FROM.get(record);
            let other = tensor(file.record(from.into()));
            Layer::Add(Add {
                multiplier: input_multiplier,
                other_multiplier,
                bias: add_bias,
                shift: pre_shift,
                input,
                from,
                other,
                output,
                activation_min,
                activation_max,
            })
        }
        _ => return None,
    })
}

/// Returns the tensor that a layer other than a dense one writes to the arena.
pub(super) fn tensor(record: &Words) -> Tensor {
    let (height, width, channels) = (at::HEIGHT.get(record), at::WIDTH.get(record), at::CHANNELS.get(record));
    let zero_point = at::ZERO_POINT.get(record);
    let (scale, offset) = (at::OUTPUT_SCALE.get(record), at::ARENA_OFFSET.get(record));
    Tensor { shape: Shape { height, width, channels }, zero_point, scale, offset }
}

#[inline(always)]
fn weighted<'a>(file: &File<'a>, record: &Words) -> Weighted<'a> {
    let weights = shape(record).unwrap_or_default();
    let integers = |offset| bytemuck::cast_slice(file.words(offset, weights.outputs()));
    let size = weights.size();
    let bytes: &[u8] = bytemuck::cast_slice(file.words(at::WEIGHTS.get(record), size.div_ceil(4)));
    Weighted {
        operands: DenseOperands {
            weights: weights.with(bytes.get(..size).unwrap_or_default()),
            biases: integers(at::BIASES.get(record)),
        },
        multipliers: integers(at::MULTIPLIERS.get(record)),
        pre_shift: at::PRE_SHIFT.get(record),
        accumulator_bound: at::ACCUMULATOR_BOUND.get(record),
        input_scale: at::INPUT_SCALE.get(record),
        output_scale: at::OUTPUT_SCALE.get(record),
    }
}

/// The weights' shape; `None` when their layout is not known, or has no such chunks.
pub(super) fn shape(record: &Words) -> Option<Weights<'static>> {
    let (inputs, outputs) = (at::INPUTS.get(record) as usize, at::OUTPUTS.get(record) as usize);
    Weights::shape(Layout::from_number(at::LAYOUT.get(record))?, inputs, outputs, at::CHUNK_COLUMNS.get(record).into())
}
