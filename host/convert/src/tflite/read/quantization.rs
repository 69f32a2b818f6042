//! Quantization parameters and shapes of a file's tensors.

use pinhole_core::model_file::scales::InputKind;
use pinhole_shared::model::MAX_ARENA_BYTES;
use pinhole_shared::shape::Shape;

use super::graph::FileTensor;
use crate::tflite::quantization::QuantizationParameters;
use crate::tflite::schema::TensorType;

impl FileTensor<'_> {
    /// Returns `None` if the tensor is not int8 with one scale and zero point.
    pub(super) fn quantization(&self) -> Option<QuantizationParameters> {
        let (mut scales, mut zero_points) = (self.scales(), self.zero_points());
        if self.tensor_type != Some(TensorType::Int8) || (scales.len(), zero_points.len()) != (1, 1) {
            return None;
        }
        let (scale, zero_point) = (scales.next()?, i8::try_from(zero_points.next()?).ok()?);
        is_scale(scale).then_some(QuantizationParameters { scale, zero_point })
    }

    /// Returns scale and zero point of a dense layer's outputs, the zero point plus 128. For int16, whose zero point is 0, the
    /// latter is `None`. Returns `None` for other types, and without one scale and zero point.
    pub(super) fn row_quantization(&self) -> Option<(f64, Option<u8>)> {
        if self.tensor_type != Some(TensorType::Int16) {
            return self.quantization().map(|of| (of.scale.into(), Some(of.zero_point_byte())));
        }
        let scale = self.scales().next().filter(|_| self.scales().len() == 1)?;
        (self.zero_points().eq([0]) && is_scale(scale)).then_some((scale.into(), None))
    }

    /// Returns the shape of a tensor with a batch of 1, if it fits a model's arena.
    pub(super) fn image_shape(&self) -> Option<Shape> {
        let [1, height, width, channels] = self.shape[..] else { return None };
        let side = |side: i32| u16::try_from(side).ok().filter(|&side| side > 0);
        let shape = Shape { height: side(height)?, width: side(width)?, channels: side(channels)? };
        (shape.elements() as u64 <= MAX_ARENA_BYTES).then_some(shape)
    }
}

/// Returns true for a scale that Pinhole supports: a normal 32-bit float above 0.
pub(super) fn is_scale(scale: f32) -> bool {
    scale.is_normal() && scale > 0.0
}

/// Returns scale and range of a layer's input, a tensor of bytes.
pub(super) fn input_kind(scale: f32, zero_point: u8) -> InputKind {
    InputKind { scale: scale.into(), max_magnitude: u8::MAX.into(), zero_point }
}
