//! Quantizes the outputs of layers that are not dense: tensors of bytes, whose range comes from calibration.

use pinhole_core::model_file::QuantizedTensor;
use pinhole_core::model_file::scales::InputKind;
use pinhole_core::recipe::ActivationName;
use pinhole_shared::shape::Shape;

/// Returns scale, zero point and range of a tensor whose values had this range. The largest value becomes 255. If
/// values are negative and the activation function is linear, the least becomes 0.
pub(crate) fn tensor(shape: Shape, activation: ActivationName, (mut low, mut high): (f64, f64)) -> QuantizedTensor {
    if activation != ActivationName::Linear {
        low = 0.0;
    }
    // The scale must not be 0, nor so small that it is no normal f32.
    if (high - low) / 255.0 < f64::from(f32::MIN_POSITIVE) {
        (low, high) = (0.0, 1.0);
    }
    let scale = (high - low) / 255.0;
    let zero_point = (-low / scale + 0.5).floor().clamp(0.0, 255.0) as u8;
    let least = if activation == ActivationName::Linear { 0 } else { zero_point };
    QuantizedTensor { shape, zero_point, scale: scale as f32, range: (least, u8::MAX) }
}

/// Returns a tensor's units, as the next layer reads it.
pub(crate) fn units(output: &QuantizedTensor) -> InputKind {
    InputKind { scale: output.scale.into(), max_magnitude: u8::MAX.into(), zero_point: output.zero_point }
}
