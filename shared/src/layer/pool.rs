//! Max and average pooling of each channel.

use super::check::{Record, check_size};
use super::record::TensorRecord;
use super::tensor::Tensor;
use super::{ALL_KINDS, TENSOR, WINDOWED};
use crate::model::format::{Span, record as at};
use crate::shape::{Shape, Window};

/// Fields of a pooling's record.
pub(super) const FIELDS: &[&[Span]] = &[ALL_KINDS, TENSOR, WINDOWED];

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

impl Pool {
    #[inline(always)]
    pub(super) fn of(fields: TensorRecord) -> Self {
        let TensorRecord { input, output, window, .. } = fields;
        Self { window, input, output }
    }

    pub(super) fn check(&self, record: &Record<'_>) -> Result<(), Span> {
        if self.output.shape.channels != self.input.shape.channels {
            Err(at::CHANNELS.span())
        } else if self.output.zero_point != self.input.zero_point {
            Err(at::ZERO_POINT.span())
        } else if (at::ACTIVATION_MIN.get(record.words), at::ACTIVATION_MAX.get(record.words)) != (0, u8::MAX) {
            Err(at::ACTIVATION_MIN.span())
        } else {
            check_size(self.window.output_size(self.input.shape), self.output.shape)
        }
    }
}

/// Channels whose values under a window are collected at once.
const CHUNK: usize = 16;

/// Max or average pooling, rounded, over the values of the window inside the input; there is at least one.
pub(super) fn pool(pool: &Pool, kind: PoolKind, input: &[u8], output: &mut [u8]) {
    let Pool { window, input: tensor, output: to } = pool;
    let Shape { height, width, channels } = tensor.shape;
    let [height, width, channels, to_width] = [height, width, channels, to.shape.width].map(usize::from);
    // Counted instead of divided, because division is slow on some cores.
    let (mut y, mut x) = (0, 0);
    let mut reciprocal = Reciprocal::of(1);
    for outputs in output.chunks_exact_mut(channels.max(1)) {
        let rows = inside(y, window.stride_y, window.padding.top, window.height, height);
        let columns = inside(x, window.stride_x, window.padding.left, window.width, width);
        let count = rows.len() * columns.len();
        if kind == PoolKind::Average && reciprocal.count as usize != count {
            reciprocal = Reciprocal::of(count as u32);
        }
        let mut first = 0;
        for outputs in outputs.chunks_mut(CHUNK) {
            let mut all = [0_u32; CHUNK];
            for row in rows.clone() {
                let mut at = (row * width + columns.start) * channels + first;
                for _ in columns.clone() {
                    let values = input.get(at..at + outputs.len()).unwrap_or_default();
                    for (all, &value) in all.iter_mut().zip(values) {
                        let value = u32::from(value);
                        *all = if kind == PoolKind::Max { value.max(*all) } else { value + *all };
                    }
                    at += channels;
                }
            }
            for (output, &all) in outputs.iter_mut().zip(&all) {
                *output = if kind == PoolKind::Max { all } else { reciprocal.mean(all) } as u8;
            }
            first += CHUNK;
        }
        x += 1;
        if x == to_width {
            (y, x) = (y + 1, 0);
        }
    }
}

/// A number of bytes whose sum is divided by it, without a division for each.
#[derive(Clone, Copy)]
struct Reciprocal {
    count: u32,
    /// 2^24 divided by the count, rounded down.
    scaled: u32,
}

impl Reciprocal {
    /// `count` is at least 1.
    fn of(count: u32) -> Self {
        Self { count, scaled: (1_u32 << 24).checked_div(count).unwrap_or(0) }
    }

    /// Returns the mean, rounded.
    fn mean(self, sum: u32) -> u32 {
        let sum = sum + self.count / 2;
        // The sum is at most 255.5 counts, so the product is below 2^32. For the 2^16 bytes at most of a window, the quotient is too
        // small by at most 1.
        let mean = sum.wrapping_mul(self.scaled) >> 24;
        if sum - mean * self.count >= self.count { mean + 1 } else { mean }
    }
}

/// Returns the rows, or columns, of the input under a window.
fn inside(at: usize, stride: u8, padding: u8, window: u8, size: usize) -> core::ops::Range<usize> {
    let start = at * usize::from(stride);
    let end = (start + usize::from(window)).saturating_sub(padding.into()).min(size);
    start.saturating_sub(padding.into())..end
}

#[cfg(test)]
mod tests;
