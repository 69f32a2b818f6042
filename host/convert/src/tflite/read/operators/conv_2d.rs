//! CONV_2D and DEPTHWISE_CONV_2D, with an activation function and MAX_POOL_2D after them, as convolutions.

use pinhole_core::model_file::{QuantizedLayer, QuantizedTensor};
use pinhole_shared::shape::Shape;

use super::window::window;
use crate::import::Reason;
use crate::tflite::read::graph::FileOperator;
use crate::tflite::read::importer::{Importer, refuse};
use crate::tflite::schema::{
    BuiltinOperator, FusedActivation, TflitePadding, conv_options, depthwise_options, pool_options,
};

/// Most multiply-accumulates of a network: the limit of a model file's field.
const MAX_MACS: u64 = u32::MAX as u64;

/// Reads CONV_2D.
pub(super) fn read<'f>(importer: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    convolution(importer, operator, false)
}

/// Reads DEPTHWISE_CONV_2D.
pub(super) fn read_depthwise<'f>(importer: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    convolution(importer, operator, true)
}

/// Reads a convolution, with an activation function and MAX_POOL_2D after it.
fn convolution<'f>(
    importer: &mut Importer<'_, 'f>,
    operator: &FileOperator<'f>,
    is_depthwise: bool,
) -> Result<(), Reason> {
    let shape = importer.shape(operator)?;
    let (weights, imported) = importer.weights(operator, is_depthwise)?;
    let [first, height, width, last] = weights.shape[..] else {
        return Err(refuse(operator, "whose weights do not have four dimensions"));
    };
    let (outputs, channels) = if is_depthwise { (last, i32::from(shape.channels)) } else { (first, last) };
    // With one input channel, a depthwise convolution is an ordinary one.
    let is_one_each = is_depthwise && shape.channels > 1;
    if channels != i32::from(shape.channels) || (is_one_each && outputs != channels) || (is_depthwise && first != 1) {
        return Err(refuse(operator, "with groups of channels"));
    }
    let slots = if is_depthwise {
        [depthwise_options::DILATION_H_FACTOR, depthwise_options::DILATION_W_FACTOR]
    } else {
        [conv_options::DILATION_H_FACTOR, conv_options::DILATION_W_FACTOR]
    };
    for slot in slots {
        if operator.word(slot, 1)? != 1 {
            return Err(refuse(operator, "with dilation, which Pinhole does not support"));
        }
    }
    if importer.padding.is_some_and(|(_, fill)| fill != importer.input.kind.zero_point) {
        return Err(refuse(operator, "after padding with another value than 0"));
    }
    let window = window(importer, operator, [height, width], shape)?;
    let slot = if is_depthwise {
        depthwise_options::FUSED_ACTIVATION_FUNCTION
    } else {
        conv_options::FUSED_ACTIVATION_FUNCTION
    };
    let (mut tensor, function) = importer.activated(operator, operator.byte(slot)?)?;
    let (height, width) = window.output_size(shape).unwrap_or_default();
    let channels = u16::try_from(outputs).unwrap_or(0);
    let mut output = importer.output(operator, tensor, (Shape { height, width, channels }, function))?;
    let mut pool = 1;
    if let Some((side, pooled)) = pooled(importer, tensor, &output)? {
        (pool, tensor) = (side, pooled);
        let [height, width] = [height, width].map(|positions| positions / u16::from(side));
        let shape = Shape { height, width, channels };
        output = QuantizedTensor { range: output.range, ..importer.output(operator, tensor, (shape, function))? };
        importer.next += 1;
    }
    let scale = f64::from(output.scale);
    let weighted = imported.quantized(importer.input.kind, importer.input.file_scale, (scale, scale));
    let weighted = weighted.map_err(|why| refuse(operator, why))?;
    let layer = QuantizedLayer::Conv { weighted, is_depthwise: is_one_each, window, pool, output };
    if importer.layers.iter().chain([&layer]).map(macs).fold(0, u64::saturating_add) > MAX_MACS / 2 {
        return Err(refuse(operator, "which has more multiply-accumulates than a model file can state"));
    }
    importer.push(layer, (output, tensor));
    Ok(())
}

/// Returns side and output of the MAX_POOL_2D that follows, if it takes the largest of each square of this tensor and nothing
/// else reads the tensor.
fn pooled(importer: &Importer<'_, '_>, tensor: i32, of: &QuantizedTensor) -> Result<Option<(u8, i32)>, Reason> {
    let Some(next) = importer.graph.operators.get(importer.next) else { return Ok(None) };
    if !next.is(BuiltinOperator::MaxPool2d) || next.input(0) != tensor || importer.graph.readers(tensor) != 1 {
        return Ok(None);
    }
    let slots =
        [pool_options::FILTER_WIDTH, pool_options::FILTER_HEIGHT, conv_options::STRIDE_W, conv_options::STRIDE_H];
    let side = next.word(slots[0], 0)?;
    for slot in slots {
        if next.word(slot, 0)? != side {
            return Ok(None);
        }
    }
    let fits = side > 0 && side <= of.shape.height.min(of.shape.width).into();
    let is_plain = next.byte(pool_options::FUSED_ACTIVATION_FUNCTION)? == FusedActivation::None as u8
        && next.byte(conv_options::PADDING)? == TflitePadding::Valid as u8
        && importer.graph.tensor(next.output)?.quantization().map(|to| (to.scale, to.zero_point_byte()))
            == Some((of.scale, of.zero_point));
    Ok(u8::try_from(side).ok().filter(|_| fits && is_plain).map(|side| (side, next.output)))
}

/// Returns the multiply-accumulates of a convolution; 0 for another layer of tensors, which has no weights.
fn macs(layer: &QuantizedLayer) -> u64 {
    match layer {
        QuantizedLayer::Conv { weighted, pool, output, .. } => {
            let positions = output.shape.positions() as u64 * u64::from(*pool) * u64::from(*pool);
            positions.saturating_mul(weighted.weights.len() as u64)
        }
        _ => 0,
    }
}
