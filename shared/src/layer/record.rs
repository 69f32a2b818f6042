//! One record of the layer table becomes a [`Layer`], its sections borrowed. It is done anew for every inference, so it is
//! quick: nothing is checked here, [`super::check`] has done that once. Of a record that is wrong something is read that is
//! as wrong, but nothing fails.

use super::dense::{Output, dense};
use super::tensor::{Tensor, tensor};
use super::{Kind, Layer};
use crate::model::file::File;
use crate::model::format::{Words, record as at};
use crate::pixels::InputShape;
use crate::shape::{Padding, Window};

/// Input of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input {
    /// Bytes: the picture's pixels, or a tensor of the arena.
    Bytes(Tensor),
    /// So many outputs of a dense layer.
    Wide(usize, Output),
}

impl Input {
    /// The pixels of such a picture.
    pub(crate) fn picture(input: InputShape) -> Self {
        Self::Bytes(Tensor { shape: input.shape(), zero_point: 0, scale: 1.0 / 255.0, offset: 0 })
    }

    /// Returns the input that a layer gives to the next one.
    pub(crate) fn of(layer: &Layer<'_>) -> Self {
        match layer.tensor() {
            Some(tensor) => Self::Bytes(tensor),
            None => Self::Wide(layer.outputs(), layer.output()),
        }
    }

    /// In which form it comes; pixels have the range of an 8-bit layer.
    pub(crate) fn output(&self) -> Output {
        match *self {
            Self::Bytes(_) => Output::U8,
            Self::Wide(_, output) => output,
        }
    }
}

/// Reads the record of a layer that has this input. `None` of an unknown kind, and of one that reads a picture where there
/// is none.
#[cfg_attr(target_os = "none", inline(never))]
pub(crate) fn read<'a>(file: &File<'a>, index: usize, input: Input) -> Option<Layer<'a>> {
    let record = file.record(index);
    let kind = at::KIND.get(record);
    if kind == Kind::Dense as u16 {
        return dense(file, index).map(Layer::Dense);
    }
    let Input::Bytes(input) = input else { return None };
    layer_of_tensors(file, record, kind, input)
}

/// Fields that most kinds of layers that write tensors have in their records.
pub(super) struct TensorRecord {
    pub input: Tensor,
    pub output: Tensor,
    pub pool: u8,
    pub activation_min: u8,
    pub activation_max: u8,
    pub window: Window,
    pub pre_shift: u8,
    // The words of weights, biases and multipliers, as kinds without weights have them: numbers instead of offsets.
    pub in_place_of_weights: i32,
    pub in_place_of_biases: i32,
    pub in_place_of_multipliers: i32,
}

#[cfg_attr(target_os = "none", inline(never))]
fn layer_of_tensors<'a>(file: &File<'a>, record: &Words, kind: u16, input: Tensor) -> Option<Layer<'a>> {
    // All of it before the kind is looked at, and in this order: the boards' instructions, which are counted, depend on it.
    let output = tensor(record);
    let (pool, activation_min, activation_max) =
        (at::POOL.get(record), at::ACTIVATION_MIN.get(record), at::ACTIVATION_MAX.get(record));
    let [height, width, stride_y, stride_x] = at::WINDOW.get(record);
    let [top, left, bottom, right] = at::PADDING.get(record);
    let window = Window { height, width, stride_y, stride_x, padding: Padding { top, left, bottom, right } };
    let pre_shift = at::PRE_SHIFT.get(record);
    let fields = TensorRecord {
        input,
        output,
        pool,
        activation_min,
        activation_max,
        window,
        pre_shift,
        in_place_of_weights: at::WEIGHTS.get(record) as i32,
        in_place_of_biases: at::BIASES.get(record) as i32,
        in_place_of_multipliers: at::MULTIPLIERS.get(record) as i32,
    };
    super::of_kind(kind, fields, file, record)
}
