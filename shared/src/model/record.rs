//! One record of the layer table becomes a [`Layer`], its sections borrowed. It is done anew for every inference, so it is
//! quick: nothing is checked here, `check` has done that once. Of a record that is wrong something is read that is
//! as wrong, but nothing fails.

use super::file::{FIELDS, File, halves};
use super::{Activation, Add, Conv, Dense, GlobalAverage, Layer, Output, Pool, Tensor, Weighted};
use crate::kernel::DenseOperands;
use crate::layout::{Layout, Weights};
use crate::pixels::InputShape;
use crate::shape::{Padding, Shape, Window};

/// What a layer reads.
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
        Self::Bytes(Tensor { shape: input.shape(), zero: 0, scale: 1.0 / 255.0, place: 0 })
    }

    /// What a layer leaves to the next.
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
    let kind = halves(record[0]).0;
    if kind == 1 {
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
    if halves(record[0]).0 != 1 {
        return None;
    }
    let [.., activation, output] = record[0].to_le_bytes();
    Some(Dense {
        weighted: weighted(file, record),
        activation: Activation::from_byte(activation).unwrap_or(Activation::Linear),
        output: Output::from_byte(output).unwrap_or(Output::Logits),
    })
}

#[cfg_attr(target_os = "none", inline(never))]
fn spatial<'a>(file: &File<'a>, record: &[u32; FIELDS], kind: u16, input: Tensor) -> Option<Layer<'a>> {
    let output = tensor(record);
    let [pool, _, low, high] = record[14].to_le_bytes();
    let [height, width, stride_y, stride_x] = record[12].to_le_bytes();
    let [top, left, bottom, right] = record[13].to_le_bytes();
    let window = Window { height, width, stride_y, stride_x, padding: Padding { top, left, bottom, right } };
    let pre_shift = (record[1] >> 8) as u8;
    let [first, second, start] = [record[4], record[5], record[6]].map(|word| word as i32);
    Some(match kind {
        2 | 3 => {
            let conv = Conv { weighted: weighted(file, record), window, pool, input, output, low, high };
            if kind == 2 { Layer::Conv(conv) } else { Layer::Depthwise(conv) }
        }
        4 => Layer::MaxPool(Pool { window, input, output }),
        5 => Layer::AveragePool(Pool { window, input, output }),
        6 => {
            Layer::GlobalAverage(GlobalAverage { bias: second, multiplier: start, pre_shift, input, output, low, high })
        }
        7 => {
            let from = halves(record[11]).1;
            let other = tensor(file.record(from.into()));
            Layer::Add(Add { first, second, start, shift: pre_shift, input, from, other, output, low, high })
        }
        _ => return None,
    })
}

/// What a layer that is not dense writes to the arena.
pub(super) fn tensor(record: &[u32; FIELDS]) -> Tensor {
    let ((height, width), channels) = (halves(record[10]), halves(record[11]).0);
    let zero = (record[14] >> 8) as u8;
    Tensor { shape: Shape { height, width, channels }, zero, scale: f32::from_bits(record[9]), place: record[15] }
}

#[inline(always)]
fn weighted<'a>(file: &File<'a>, record: &[u32; FIELDS]) -> Weighted<'a> {
    let weights = shape(record).unwrap_or_default();
    let integers = |offset| bytemuck::cast_slice(file.words(offset, weights.outputs()));
    let size = weights.size();
    let bytes: &[u8] = bytemuck::cast_slice(file.words(record[4], size.div_ceil(4)));
    Weighted {
        operands: DenseOperands {
            weights: weights.with(bytes.get(..size).unwrap_or_default()),
            biases: integers(record[5]),
        },
        multipliers: integers(record[6]),
        pre_shift: (record[1] >> 8) as u8,
        accumulator_bound: record[7],
        input_scale: f32::from_bits(record[8]),
        output_scale: f32::from_bits(record[9]),
    }
}

/// The weights' shape; `None` when their layout is not known, or has no such chunks.
pub(super) fn shape(record: &[u32; FIELDS]) -> Option<Weights<'static>> {
    let [layout, ..] = record[1].to_le_bytes();
    let (inputs, outputs) = (record[2] as usize, record[3] as usize);
    Weights::shape(Layout::from_byte(layout)?, inputs, outputs, halves(record[1]).1.into())
}
