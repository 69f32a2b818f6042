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

/// Max or average pooling, rounded, over the values of the window inside the input; there is at least one.
pub(super) fn pool(pool: &Pool, kind: PoolKind, input: &[u8], output: &mut [u8]) {
    let Pool { window, input: tensor, output: to } = pool;
    let Shape { height, width, channels } = tensor.shape;
    let [height, width, channels, to_width] = [height, width, channels, to.shape.width].map(usize::from);
    for (place, outputs) in output.chunks_exact_mut(channels.max(1)).enumerate() {
        let rows = inside(place / to_width, window.stride_y, window.padding.top, window.height, height);
        let columns = inside(place % to_width, window.stride_x, window.padding.left, window.width, width);
        for (channel, output) in outputs.iter_mut().enumerate() {
            let (mut largest, mut sum, mut count) = (0, 0, 0);
            for row in rows.clone() {
                for column in columns.clone() {
                    let value = input.get((row * width + column) * channels + channel).copied().unwrap_or(0);
                    largest = value.max(largest);
                    sum += u32::from(value);
                    count += 1;
                }
            }
            // Division takes some cores as long as the rest of the window.
            let mean = || (sum + count / 2).checked_div(count).unwrap_or(0) as u8;
            *output = if kind == PoolKind::Max { largest } else { mean() };
        }
    }
}

/// Returns the rows, or columns, of the input under a window.
fn inside(at: usize, stride: u8, padding: u8, window: u8, size: usize) -> core::ops::Range<usize> {
    let start = at * usize::from(stride);
    let end = (start + usize::from(window)).saturating_sub(padding.into()).min(size);
    start.saturating_sub(padding.into())..end
}
