//! Sums with an earlier layer's output: ADD.

use pinhole_shared::model::Layer;

use crate::export::ExportError;
use crate::tflite::schema::{BuiltinOperator, FUSED_ACTIVATION_FUNCTION, FusedActivation, options_type};
use crate::tflite::write::operators::OperatorSpec;
use crate::tflite::write::window::{dimensions, fused_activation};
use crate::tflite::write::{ActivationTensor, LayerToWrite, NetworkWriter};

/// Writes a sum.
pub(super) fn write(
    network: &mut NetworkWriter,
    LayerToWrite { index, layer, .. }: LayerToWrite<'_, '_>,
) -> Result<Option<ActivationTensor>, ExportError> {
    let Layer::Add(add) = layer else { return Ok(None) };
    let quantization = network.output_quantization(index, &add.output)?;
    let (input, other) = (network.input.tensor, network.outputs[usize::from(add.from)].tensor);
    let name = format!("{}_{index}", layer.kind());
    let tensor = network.graph.int8_tensor(&name, dimensions(add.output.shape), quantization);
    let range = (add.activation_min, add.activation_max);
    let (fused, range_so_far) = fused_activation(range, &add.output);
    network.graph.add_operator(operator(fused), vec![input, other], tensor);
    let tensor = network.graph.clamped((index, tensor), range, range_so_far, &add.output);
    Ok(Some(network.add_output(tensor, &add.output)))
}

fn operator(fused: FusedActivation) -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::Add, (2, 2))
        .with_options(options_type::ADD, vec![(FUSED_ACTIVATION_FUNCTION, fused.into())])
}
