//! CAST, PAD, DEPTHWISE_CONV_2D, MUL and CAST, which exported files have for an average pooling with padding.
//!
//! They are sums in int16 of the positions inside the input, times the inverse of their number.

use pinhole_core::model_file::QuantizedLayer;
use pinhole_shared::model::PoolKind;
use pinhole_shared::shape::Shape;

use super::pad::sides;
use super::window::window;
use crate::import::Reason;
use crate::tflite::read::graph::{FileOperator, FileTensor};
use crate::tflite::read::importer::{Importer, refuse};
use crate::tflite::schema::{BuiltinOperator, FusedActivation, TensorType, depthwise_options};
use crate::tflite::write::position_counts;

/// Operators after the first CAST.
const AFTER: [BuiltinOperator; 4] =
    [BuiltinOperator::Pad, BuiltinOperator::DepthwiseConv2d, BuiltinOperator::Mul, BuiltinOperator::Cast];

/// Weight of the sums, and its scale: a sum is twice the integers, plus 1.
const WEIGHT: (u8, f32) = (2, 0.5);

/// Reads the pooling that begins with this CAST. Returns false if other operators follow it.
pub(super) fn read<'f>(importer: &mut Importer<'_, 'f>, cast: &FileOperator<'f>) -> Result<bool, Reason> {
    let graph = importer.graph;
    let after = graph.operators.get(importer.next..).and_then(|rest| rest.first_chunk());
    let Some([pad, sums, mul, back]) = after else { return Ok(false) };
    let is_chain = [cast, pad, sums, mul]
        .into_iter()
        .zip([pad, sums, mul, back])
        .all(|(one, next)| next.input(0) == one.output && graph.readers(one.output) == 1);
    if !is_chain || ![pad, sums, mul, back].iter().zip(AFTER).all(|(operator, expected)| operator.is(expected)) {
        return Ok(false);
    }
    let other = || refuse(sums, "of int16, which is not the sum of an average pooling that Pinhole has exported");
    let shape = importer.shape(cast)?;
    let scale = importer.input.kind.scale as f32;
    for (tensor, scale) in [(cast, scale), (pad, scale), (sums, scale / 2.0), (mul, scale)] {
        if !is_int16(&graph.tensor(tensor.output)?, scale) {
            return Err(other());
        }
    }
    let weights = graph.tensor(sums.input(1))?;
    let biases = graph.tensor(sums.input(2))?;
    let [1, height, width, channels] = weights.shape[..] else { return Err(other()) };
    let is_sum = channels == i32::from(shape.channels)
        && weights.tensor_type == Some(TensorType::Int8)
        && weights.elements() == Some(weights.data.len())
        && weights.data.iter().all(|&weight| weight == WEIGHT.0)
        && weights.scales().all(|scale| scale == WEIGHT.1)
        && weights.zero_points().all(|zero| zero == 0)
        && biases.tensor_type == Some(TensorType::Int64)
        && biases.integers(8).is_some_and(|biases| biases.iter().all(|&bias| bias == 1));
    let is_plain = sums.byte(depthwise_options::FUSED_ACTIVATION_FUNCTION)? == FusedActivation::None as u8
        && sums.word(depthwise_options::DILATION_H_FACTOR, 1)? == 1
        && sums.word(depthwise_options::DILATION_W_FACTOR, 1)? == 1;
    if !is_sum || !is_plain {
        return Err(other());
    }
    importer.padding = Some((sides(importer, pad)?, importer.input.kind.zero_point));
    let window = window(importer, sums, [height, width], shape)?;
    let (height, width) = window.output_size(shape).unwrap_or_default();
    let output = importer.output(back, back.output, (Shape { height, width, ..shape }, FusedActivation::None))?;
    if output.scale != scale || output.zero_point != importer.input.kind.zero_point {
        return Err(refuse(back, "to another scale than the pooling's input"));
    }
    let inverses = graph.tensor(mul.input(1))?;
    if !are_inverses(&inverses, &position_counts(&window, shape, output.shape)) {
        return Err(refuse(mul, "of other factors than the inverses of an average pooling's positions"));
    }
    importer.next += AFTER.len();
    importer.push(QuantizedLayer::Pool { kind: PoolKind::Average, window, output }, (output, back.output));
    Ok(true)
}

/// Returns true for int16 with this scale and a zero point of 0.
fn is_int16(tensor: &FileTensor<'_>, scale: f32) -> bool {
    tensor.tensor_type == Some(TensorType::Int16) && tensor.scales().eq([scale]) && tensor.zero_points().eq([0])
}

/// Returns true if a constant has the inverses of these counts, rounded.
fn are_inverses(tensor: &FileTensor<'_>, counts: &[u32]) -> bool {
    let mut scales = tensor.scales();
    let (Some(unit), None) = (scales.next(), scales.next()) else { return false };
    let part = |bytes: &[u8]| f64::from(i16::from_le_bytes([bytes[0], bytes[1]]));
    tensor.tensor_type == Some(TensorType::Int16)
        && tensor.data.len() == 2 * counts.len()
        && tensor.elements() == Some(counts.len())
        && tensor.data.chunks_exact(2).zip(counts).all(|(bytes, &count)| {
            // Half a unit of rounding, and that of the unit itself to f32.
            (part(bytes) - 1.0 / (f64::from(unit) * f64::from(count))).abs() <= 0.6
        })
}
