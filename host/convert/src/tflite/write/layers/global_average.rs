//! Means of whole channels: MEAN over rows and columns.

use pinhole_shared::model::Layer;

use crate::export::ExportError;
use crate::tflite::schema::{BuiltinOperator, options_type, reducer_options};
use crate::tflite::write::operators::{OperatorSpec, OptionValue};
use crate::tflite::write::window::dimensions;
use crate::tflite::write::{ActivationTensor, LayerToWrite, NetworkWriter};

/// Writes a global average pooling.
pub(super) fn write(
    network: &mut NetworkWriter,
    LayerToWrite { index, layer, .. }: LayerToWrite<'_, '_>,
) -> Result<Option<ActivationTensor>, ExportError> {
    let Layer::GlobalAverage(average) = layer else { return Ok(None) };
    let quantization = network.output_quantization(index, &average.output)?;
    let axes = network.graph.int32_constant("rows_and_columns", vec![2], &[1, 2]);
    let name = format!("{}_{index}", layer.kind());
    let tensor = network.graph.int8_tensor(&name, dimensions(average.output.shape), quantization);
    network.graph.add_operator(operator(), vec![network.input.tensor, axes], tensor);
    let range = (average.activation_min, average.activation_max);
    let tensor = network.graph.clamped((index, tensor), range, (0, u8::MAX), &average.output);
    Ok(Some(network.add_output(tensor, &average.output)))
}

fn operator() -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::Mean, (2, 2))
        .with_options(options_type::REDUCER, vec![(reducer_options::KEEP_DIMS, OptionValue::Int8(1))])
}
