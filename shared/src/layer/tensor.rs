//! A tensor in the arena.

use core::ops::Range;

use crate::model::format::{Words, record as at};
use crate::shape::Shape;

/// A tensor of bytes: its elements row by row, the channels of a position together.
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

/// Returns the tensor that a layer other than a dense one writes to the arena.
pub(crate) fn tensor(record: &Words) -> Tensor {
    let (height, width, channels) = (at::HEIGHT.get(record), at::WIDTH.get(record), at::CHANNELS.get(record));
    let zero_point = at::ZERO_POINT.get(record);
    let (scale, offset) = (at::OUTPUT_SCALE.get(record), at::ARENA_OFFSET.get(record));
    Tensor { shape: Shape { height, width, channels }, zero_point, scale, offset }
}

/// Converts a requantized value, which is within +-2^30, to a byte from the smallest to the largest output.
#[inline(always)]
pub(crate) fn byte(value: i32, zero_point: u8, (activation_min, activation_max): (u8, u8)) -> u8 {
    // `clamp` would panic for activation_min above activation_max; no parsed model has that.
    (value + i32::from(zero_point)).max(activation_min.into()).min(activation_max.into()) as u8
}
