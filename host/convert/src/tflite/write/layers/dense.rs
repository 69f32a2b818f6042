//! Dense layers: FULLY_CONNECTED, with RELU in it or LOGISTIC after it.
//!
//! Networks of dense layers alone are int8. Dense layers after layers of tensors are int16, with the device's scales.

use pinhole_core::model_file::scales::{HEADROOM, output_scale, row_scales};
use pinhole_shared::fixed::SIGMOID_RANGE;
use pinhole_shared::model::{Activation, Dense, Layer, Output};

use crate::export::ExportError;
use crate::tflite::quantization::QuantizationParameters;
use crate::tflite::schema::{
    BuiltinOperator, FUSED_ACTIVATION_FUNCTION, FusedActivation, TensorType, options_type, reshape_options,
};
use crate::tflite::write::graph::GraphBuilder;
use crate::tflite::write::operators::{OperatorSpec, OptionValue, cast, minimum};
use crate::tflite::write::weights::ExportedWeights;
use crate::tflite::write::{ActivationTensor, LayerToWrite, NetworkWriter};

/// Scale of a sigmoid in int16, required by TensorFlow Lite and the same on the device.
const INT16_SIGMOID_SCALE: f32 = 1.0 / 32_768.0;

/// Writes a dense layer. The first one is preceded by a RESHAPE of its input to a row.
pub(super) fn write(
    network: &mut NetworkWriter,
    LayerToWrite { index, is_last, layer }: LayerToWrite<'_, '_>,
) -> Result<Option<ActivationTensor>, ExportError> {
    let Layer::Dense(dense) = layer else { return Ok(None) };
    let (graph, mut input) = (&mut network.graph, network.input);
    let is_int8 = network.outputs.is_empty();
    // Dense layers come last: all layers before the first one have an output there.
    if index == network.outputs.len() {
        input.tensor = reshaped_to_row(graph, layer.inputs(), input);
        if !is_int8 {
            input = cast_to_int16(graph, layer.inputs(), input);
        }
    }
    let output = if is_last {
        logits(graph, (index, dense), input, network.logits_range)?
    } else if is_int8 {
        int8_hidden(graph, (index, dense), input)?
    } else {
        int16_hidden(graph, (index, dense), input)?
    };
    Ok(Some(output))
}

/// Writes a RESHAPE of a tensor to a row and returns the index of the row.
fn reshaped_to_row(graph: &mut GraphBuilder, elements: usize, from: ActivationTensor) -> i32 {
    let shape = vec![1, elements as i32];
    let constant = graph.int32_constant("flat_shape", vec![2], &shape);
    let row = graph.int8_tensor("flat", shape.clone(), from.quantization);
    graph.add_operator(reshape(shape), vec![from.tensor, constant], row);
    row
}

/// Converts int8 to int16 with the same integers. QUANTIZE does not support these types, so CAST is used. It keeps the integers
/// but not their zero point: the output's is 0. Biases compensate for that.
fn cast_to_int16(graph: &mut GraphBuilder, elements: usize, from: ActivationTensor) -> ActivationTensor {
    let tensor = graph.int16_tensor("wide", vec![1, elements as i32], from.quantization.scale);
    graph.add_operator(cast(), vec![from.tensor], tensor);
    ActivationTensor { tensor, ..from }
}

/// Writes a hidden layer in int8 and returns its output.
///
/// # Errors
/// [`ExportError::Scale`].
fn int8_hidden(
    graph: &mut GraphBuilder,
    (index, dense): (usize, &Dense<'_>),
    from: ActivationTensor,
) -> Result<ActivationTensor, ExportError> {
    let device_scale = output_scale(dense);
    let largest = largest(dense, device_scale);
    let (fused, quantization) = match dense.activation {
        Activation::Sigmoid => (FusedActivation::None, QuantizationParameters::before_sigmoid()),
        Activation::Relu => (FusedActivation::Relu, QuantizationParameters::positive(largest)),
        Activation::Linear if dense.output == Output::U8 => {
            (FusedActivation::None, QuantizationParameters::positive(largest))
        }
        Activation::Linear => (FusedActivation::None, QuantizationParameters::symmetric(largest)),
    };
    let exported = exported_weights(index, dense, &from)?;
    let name = format!("dense_{index}");
    let tensor = int8_layer(graph, index, &exported, (&name, fused), (from.tensor, quantization))?;
    let range = quantization.range();
    let output = ActivationTensor { tensor, quantization, range, device_scale, device_zero_point: 0 };
    if dense.activation != Activation::Sigmoid {
        return Ok(output);
    }
    let (shape, quantization) = (vec![1, exported.biases.len() as i32], QuantizationParameters::SIGMOID);
    let sigmoid = graph.int8_tensor(&format!("sigmoid_{index}"), shape, quantization);
    graph.add_operator(logistic(), vec![tensor], sigmoid);
    Ok(ActivationTensor { tensor: sigmoid, quantization, range: quantization.range(), ..output })
}

/// Like [`int8_hidden`], but in int16, with the device's scales.
///
/// # Errors
/// [`ExportError::Scale`].
fn int16_hidden(
    graph: &mut GraphBuilder,
    (index, dense): (usize, &Dense<'_>),
    from: ActivationTensor,
) -> Result<ActivationTensor, ExportError> {
    let device_scale = output_scale(dense);
    let exported = exported_weights(index, dense, &from)?;
    let shape = vec![1, exported.biases.len() as i32];
    let output = |tensor: i32, scale: f32, (low, high): (i32, i32)| {
        let range = (f64::from(low) * f64::from(scale), f64::from(high) * f64::from(scale));
        let quantization = QuantizationParameters { scale, zero_point: 0 };
        ActivationTensor { tensor, quantization, range, device_scale, device_zero_point: 0 }
    };
    let name = format!("dense_{index}");
    if dense.activation == Activation::Sigmoid {
        // Outside its range a sigmoid is constant.
        let scale = (f64::from(SIGMOID_RANGE) / f64::from(i16::MAX)) as f32;
        let before = int16_layer(graph, index, &exported, (&name, FusedActivation::None), (&from, scale))?;
        let sigmoid = graph.int16_tensor(&format!("sigmoid_{index}"), shape, INT16_SIGMOID_SCALE);
        graph.add_operator(logistic(), vec![before], sigmoid);
        return Ok(output(sigmoid, INT16_SIGMOID_SCALE, (0, i16::MAX.into())));
    }
    let (range, scale) = (dense.output.range(), device_scale as f32);
    let is_relu = dense.activation == Activation::Relu || range.0 == 0;
    let fused = if is_relu { FusedActivation::Relu } else { FusedActivation::None };
    let tensor = int16_layer(graph, index, &exported, (&name, fused), (&from, scale))?;
    if dense.output != Output::U8 {
        return Ok(output(tensor, scale, range));
    }
    let data = (TensorType::Int16, u16::from(u8::MAX).to_le_bytes().to_vec());
    let limit = graph.constant("limit", Vec::new(), data, (vec![scale], 0));
    let clamped = graph.int16_tensor(&format!("at_most_{index}"), shape, scale);
    graph.add_operator(minimum(), vec![tensor, limit], clamped);
    Ok(output(clamped, scale, range))
}

/// Writes the output layer, with the same bits as its input. Logits have the `wanted` range, or cover all possible values.
///
/// # Errors
/// [`ExportError::Scale`].
fn logits(
    graph: &mut GraphBuilder,
    (index, dense): (usize, &Dense<'_>),
    from: ActivationTensor,
    wanted: Option<(f64, f64)>,
) -> Result<ActivationTensor, ExportError> {
    let exported = exported_weights(index, dense, &from)?;
    let (low, high) = exported.reach(from.range, wanted);
    let layer = ("logits", FusedActivation::None);
    let tensor = if graph.tensor_type(from.tensor) == TensorType::Int16 {
        // A network whose outputs are all 0 still needs a scale.
        let largest = if high > low { high.max(-low) } else { 1.0 };
        int16_layer(graph, index, &exported, layer, (&from, (largest / f64::from(i16::MAX)) as f32))?
    } else {
        let quantization = QuantizationParameters::covering(low, high);
        int8_layer(graph, index, &exported, layer, (from.tensor, quantization))?
    };
    Ok(ActivationTensor { tensor, ..from })
}

fn exported_weights(index: usize, dense: &Dense<'_>, from: &ActivationTensor) -> Result<ExportedWeights, ExportError> {
    ExportedWeights::of(&dense.weighted, &row_scales(dense), from).ok_or(ExportError::Scale { layer: index })
}

/// Writes FULLY_CONNECTED from int8 to int8 with these quantization parameters and returns the index of its output.
///
/// # Errors
/// [`ExportError::Scale`].
fn int8_layer(
    graph: &mut GraphBuilder,
    index: usize,
    exported: &ExportedWeights,
    (name, fused): (&str, FusedActivation),
    (from, quantization): (i32, QuantizationParameters),
) -> Result<i32, ExportError> {
    if !quantization.scale.is_normal() {
        return Err(ExportError::Scale { layer: index });
    }
    let (inputs, outputs) = (exported.inputs as i32, exported.biases.len() as i32);
    let constants = [graph.rows(index, exported, vec![outputs, inputs]), graph.int32_biases(index, exported)];
    let tensor = graph.int8_tensor(name, vec![1, outputs], quantization);
    graph.add_operator(fully_connected(fused), [&[from], &constants[..]].concat(), tensor);
    Ok(tensor)
}

/// Like [`int8_layer`], but from int16 to int16 with this scale.
fn int16_layer(
    graph: &mut GraphBuilder,
    index: usize,
    exported: &ExportedWeights,
    (name, fused): (&str, FusedActivation),
    (from, scale): (&ActivationTensor, f32),
) -> Result<i32, ExportError> {
    if !scale.is_normal() {
        return Err(ExportError::Scale { layer: index });
    }
    let (inputs, outputs) = (exported.inputs as i32, exported.biases.len() as i32);
    let constants = [
        graph.rows(index, exported, vec![outputs, inputs]),
        graph.int64_biases(index, &exported.with_zero_point(from.quantization.zero_point)),
    ];
    let tensor = graph.int16_tensor(name, vec![1, outputs], scale);
    graph.add_operator(fully_connected(fused), [&[from.tensor], &constants[..]].concat(), tensor);
    Ok(tensor)
}

/// Returns the largest activation of a hidden layer without sigmoid in calibration, as a real value. 16-bit outputs have room
/// for twice that, which 8 bits cannot afford.
fn largest(dense: &Dense<'_>, device_scale: f64) -> f64 {
    let largest = f64::from(dense.output.range().1) * device_scale;
    if dense.output == Output::I16 { largest / HEADROOM } else { largest }
}

fn fully_connected(fused: FusedActivation) -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::FullyConnected, (4, 7))
        .with_options(options_type::FULLY_CONNECTED, vec![(FUSED_ACTIVATION_FUNCTION, fused.into())])
}

fn logistic() -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::Logistic, (2, 2))
}

fn reshape(shape: Vec<i32>) -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::Reshape, (1, 1))
        .with_options(options_type::RESHAPE, vec![(reshape_options::NEW_SHAPE, OptionValue::Int32s(shape))])
}
