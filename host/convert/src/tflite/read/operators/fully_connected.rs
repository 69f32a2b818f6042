//! FULLY_CONNECTED, with an activation function after it, as a dense layer.

use pinhole_core::model_file::scales::InputKind;
use pinhole_core::model_file::{QuantizedLayer, QuantizedWeights};
use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::model::{Activation, Output};

use crate::import::Reason;
use crate::tflite::read::graph::FileOperator;
use crate::tflite::read::importer::{Importer, LayerInput, refuse};
use crate::tflite::read::weights::ImportedWeights;
use crate::tflite::schema::{BuiltinOperator, FUSED_ACTIVATION_FUNCTION, FusedActivation, TensorType};

/// Slot of `FullyConnectedOptions.weights_format`; 0 for row-major weights.
const WEIGHTS_FORMAT: u16 = 1;
/// Scale of logits, and of a sigmoid's input.
const Q16: f64 = 1.0 / Q16_ONE as f64;
/// Scale of a sigmoid's 16-bit output.
const Q15: f64 = 1.0 / 32_768.0;

/// A hidden layer, and what the next layer reads of it.
struct HiddenLayer {
    weighted: QuantizedWeights,
    activation: Activation,
    output: Output,
    /// Scale of the outputs in the model.
    scale: f64,
    /// Scale of the outputs in the file.
    file_scale: f64,
    /// Index of the output tensor.
    tensor: i32,
}

/// Reads FULLY_CONNECTED: the output layer, or a hidden one.
pub(super) fn read<'f>(importer: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    let (weights, imported) = importer.weights(operator, false)?;
    let is_by_input = weights.shape.len() == 2 && imported.inputs == importer.input.elements;
    if !is_by_input || operator.byte(WEIGHTS_FORMAT)? != 0 {
        return Err(refuse(operator, "whose weights do not have a row per output and a column per input"));
    }
    let fused = operator.byte(FUSED_ACTIVATION_FUNCTION)?;
    if operator.index == importer.output_layer {
        return output_layer(importer, operator, &imported, fused);
    }
    let HiddenLayer { weighted, activation, output, scale, file_scale, tensor } =
        match sigmoid_after(importer, operator, fused) {
            Some(sigmoid) => with_sigmoid(importer, operator, &imported, sigmoid)?,
            None => without_sigmoid(importer, operator, &imported, fused)?,
        };
    let kind = InputKind { scale, max_magnitude: output.max_magnitude(), zero_point: 0 };
    importer.input = LayerInput { kind, file_scale, shape: None, elements: weighted.outputs() };
    importer.layers.push(QuantizedLayer::Dense { weighted, activation, output });
    importer.go_on_with(tensor)
}

/// Reads the output layer, which gives logits.
fn output_layer(
    importer: &mut Importer<'_, '_>,
    operator: &FileOperator<'_>,
    imported: &ImportedWeights,
    fused: u8,
) -> Result<(), Reason> {
    if fused != FusedActivation::None as u8 {
        return Err(refuse(operator, "which computes the logits and has an activation function"));
    }
    // Its scale is not used, since logits have their own here; without a valid one, the file's logits are none.
    let output = importer.graph.tensor(operator.output)?;
    if output.row_quantization().is_none() || output.elements() != Some(imported.biases.len()) {
        return Err(refuse(operator, "whose output is not one int8 or int16 with a scale per row of weights"));
    }
    let LayerInput { kind, file_scale, .. } = importer.input;
    let weighted = imported.quantized(kind, file_scale, (Q16, Q16)).map_err(|why| refuse(operator, why))?;
    let (activation, output) = (Activation::Linear, Output::Logits);
    importer.layers.push(QuantizedLayer::Dense { weighted, activation, output });
    importer.go_on_with(operator.output)
}

/// Returns the LOGISTIC that follows, if nothing else reads the operator's output.
fn sigmoid_after<'g, 'f>(
    importer: &Importer<'g, 'f>,
    operator: &FileOperator<'f>,
    fused: u8,
) -> Option<&'g FileOperator<'f>> {
    let next = importer.graph.operators.get(importer.next)?;
    let is_sigmoid = next.is(BuiltinOperator::Logistic) && next.input(0) == operator.output;
    let is_alone = fused == FusedActivation::None as u8 && importer.graph.readers(operator.output) == 1;
    (is_sigmoid && is_alone).then_some(next)
}

/// Reads a hidden layer with the LOGISTIC after it. The model has 16 bits after a sigmoid, whatever the file has.
fn with_sigmoid(
    importer: &mut Importer<'_, '_>,
    operator: &FileOperator<'_>,
    imported: &ImportedWeights,
    sigmoid: &FileOperator<'_>,
) -> Result<HiddenLayer, Reason> {
    // The scale of the sigmoid's input is not used, and must be one.
    if importer.graph.tensor(operator.output)?.row_quantization().is_none() {
        return Err(refuse(operator, "whose output is neither int8 nor int16 with a scale"));
    }
    let (file_scale, _) = importer
        .graph
        .tensor(sigmoid.output)?
        .row_quantization()
        .filter(|(_, zero_point)| zero_point.unwrap_or(0) == 0)
        .ok_or_else(|| refuse(sigmoid, "whose output is neither int16 nor int8 with zero point -128"))?;
    let input = importer.input;
    let weighted = imported.quantized(input.kind, input.file_scale, (Q16, Q15)).map_err(|why| refuse(operator, why))?;
    importer.next += 1;
    let (activation, output) = (Activation::Sigmoid, Output::I16);
    Ok(HiddenLayer { weighted, activation, output, scale: Q15, file_scale, tensor: sigmoid.output })
}

/// Returns the output of the MINIMUM with 255 that follows RELU in int16, and true: exported files have it for outputs of 8 bits.
/// Else returns the tensor itself, and false.
fn at_most_a_byte(
    importer: &mut Importer<'_, '_>,
    tensor: i32,
    function: FusedActivation,
) -> Result<(i32, bool), Reason> {
    let graph = importer.graph;
    let Some(next) = graph.operators.get(importer.next) else { return Ok((tensor, false)) };
    let is_read_alone = next.input(0) == tensor && graph.readers(tensor) == 1;
    if !next.is(BuiltinOperator::Minimum) || !is_read_alone || function != FusedActivation::Relu {
        return Ok((tensor, false));
    }
    let (from, limit, to) = (graph.tensor(tensor)?, graph.tensor(next.input(1))?, graph.tensor(next.output)?);
    let is_limit = limit.elements() == Some(1) && limit.data == u16::from(u8::MAX).to_le_bytes();
    let is_int16 = from.tensor_type == Some(TensorType::Int16);
    if !is_int16 || !is_limit || !limit.has_values_of(&from) || !to.has_values_of(&from) {
        return Err(refuse(next, "of anything but int16 and the 255 of the same scale"));
    }
    importer.next += 1;
    Ok((next.output, true))
}

/// Reads a hidden layer with RELU, RELU6 or no activation function.
fn without_sigmoid<'f>(
    importer: &mut Importer<'_, 'f>,
    operator: &FileOperator<'f>,
    imported: &ImportedWeights,
    fused: u8,
) -> Result<HiddenLayer, Reason> {
    let input = importer.input;
    let (tensor, function) = importer.activated(operator, fused)?;
    let (tensor, is_byte) = at_most_a_byte(importer, tensor, function)?;
    let (scale, zero_point) = importer
        .graph
        .tensor(tensor)?
        .row_quantization()
        .ok_or_else(|| refuse(operator, "whose output is neither int8 nor int16 with a scale"))?;
    let weighted =
        imported.quantized(input.kind, input.file_scale, (scale, scale)).map_err(|why| refuse(operator, why))?;
    let room = zero_point.map_or(i16::MAX as f64, |zero_point| f64::from(u8::MAX - zero_point));
    if function == FusedActivation::Relu6 && (6.0 / scale).round() < room {
        return Err(refuse(operator, "whose outputs could exceed the 6 of its RELU6"));
    }
    // If the zero point is the least byte, no output is below 0. Else 16 bits have room for both sides.
    let (activation, output) = match (zero_point, function) {
        (Some(0), _) => (Activation::Relu, Output::U8),
        (None, _) if is_byte => (Activation::Relu, Output::U8),
        (_, FusedActivation::None) => (Activation::Linear, Output::I16),
        _ => (Activation::Relu, Output::I16),
    };
    Ok(HiddenLayer { weighted, activation, output, scale, file_scale: scale, tensor })
}
