//! Convolutions, full and depthwise, and their max pooling: CONV_2D or DEPTHWISE_CONV_2D, and MAX_POOL_2D.

use pinhole_core::model_file::scales::accumulator_scales;
use pinhole_shared::model::{Conv, Layer, Tensor};
use pinhole_shared::shape::{Shape, Window};

use crate::export::ExportError;
use crate::tflite::schema::{BuiltinOperator, FusedActivation, TflitePadding, conv_options, options_type};
use crate::tflite::write::operators::{OperatorSpec, WindowOptions, depthwise_conv_2d, max_pool_2d};
use crate::tflite::write::weights::ExportedWeights;
use crate::tflite::write::window::{PadValue, dimensions, fused_activation, window_options};
use crate::tflite::write::{ActivationTensor, LayerToWrite, NetworkWriter};

/// Writes a convolution.
pub(super) fn write(
    network: &mut NetworkWriter,
    LayerToWrite { index, layer, .. }: LayerToWrite<'_, '_>,
) -> Result<Option<ActivationTensor>, ExportError> {
    let (conv, is_depthwise) = match layer {
        Layer::Conv(conv) => (conv, false),
        Layer::Depthwise(conv) => (conv, true),
        _ => return Ok(None),
    };
    let name = format!("{}_{index}", layer.kind());
    let tensor = convolution(network, (index, &name), conv, is_depthwise)?;
    Ok(Some(network.add_output(tensor, &conv.output)))
}

/// Writes a convolution and its max pooling, which gives the same result after requantization as before it.
fn convolution(
    network: &mut NetworkWriter,
    (index, name): (usize, &str),
    conv: &Conv<'_>,
    is_depthwise: bool,
) -> Result<i32, ExportError> {
    let quantization = network.output_quantization(index, &conv.output)?;
    let (graph, input) = (&mut network.graph, network.input);
    let scales = accumulator_scales(&conv.weighted, f64::from(conv.output.scale));
    let exported = ExportedWeights::of(&conv.weighted, &scales, &input).ok_or(ExportError::Scale { layer: index })?;
    let Window { height, width, .. } = conv.window;
    let sides = [i32::from(height), i32::from(width)];
    let (channels, outputs) = (i32::from(conv.input.shape.channels), i32::from(conv.output.shape.channels));
    let weights = if is_depthwise {
        graph.columns(index, &exported, vec![1, sides[0], sides[1], outputs])
    } else {
        graph.rows(index, &exported, vec![outputs, sides[0], sides[1], channels])
    };
    let biases = graph.int32_biases(index, &exported);
    let (height, width) = conv.window.output_size(conv.input.shape).expect("a parsed model's windows fit");
    let convolved = Tensor { shape: Shape { height, width, channels: conv.output.shape.channels }, ..conv.output };
    let (padded, padding) = graph.padded(input, &conv.window, (conv.input.shape, convolved.shape), PadValue::ZeroPoint);
    let tensor = graph.int8_tensor(name, dimensions(convolved.shape), quantization);
    let range = (conv.activation_min, conv.activation_max);
    let (fused, range_so_far) = fused_activation(range, &conv.output);
    let window = window_options(&conv.window, padding);
    let operator = if is_depthwise { depthwise_conv_2d(window, fused) } else { conv_2d(window, fused) };
    graph.add_operator(operator, vec![padded, weights, biases], tensor);
    let tensor = graph.clamped((index, tensor), range, range_so_far, &convolved);
    if conv.pool == 1 {
        return Ok(tensor);
    }
    let pooled = graph.int8_tensor(&format!("pooled_{index}"), dimensions(conv.output.shape), quantization);
    let window = WindowOptions { padding: TflitePadding::Valid, strides: [conv.pool; 2] };
    graph.add_operator(max_pool_2d(window, [conv.pool; 2]), vec![tensor], pooled);
    Ok(pooled)
}

fn conv_2d(window: WindowOptions, fused: FusedActivation) -> OperatorSpec {
    let fields = window.followed_by(&[(conv_options::FUSED_ACTIVATION_FUNCTION, fused.into())]);
    OperatorSpec::new(BuiltinOperator::Conv2d, (3, 3)).with_options(options_type::CONV, fields)
}
