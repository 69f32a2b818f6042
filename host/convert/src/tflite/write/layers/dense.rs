//! Writes dense layers: FULLY_CONNECTED, with RELU in it or LOGISTIC after it.

use pinhole_core::model_file::scales::{HEADROOM, output_scale, row_scales};
use pinhole_shared::fixed::SIGMOID_RANGE;
use pinhole_shared::model::{Activation, Dense, Output};

use crate::export::ExportError;
use crate::tflite::quantization::Int8;
use crate::tflite::schema::{Fused, TensorType};
use crate::tflite::write::Reading;
use crate::tflite::write::graph::{Graph, OperatorKind};
use crate::tflite::write::weights::Integers;

/// Scale of a sigmoid in int16, required by TensorFlow Lite and the same on the device.
const SIGMOID_UNIT: f32 = 1.0 / 32_768.0;

/// Writes a hidden layer in int8 and returns its output.
///
/// # Errors
/// [`ExportError::Scale`].
pub(in crate::tflite::write) fn hidden(
    graph: &mut Graph,
    (index, dense): (usize, &Dense<'_>),
    from: Reading,
) -> Result<Reading, ExportError> {
    let unit = output_scale(dense);
    let (fused, output) = match dense.activation {
        Activation::Sigmoid => (Fused::None, Int8::before_sigmoid()),
        Activation::Relu => (Fused::Relu, Int8::positive(largest(dense, unit))),
        Activation::Linear if dense.output == Output::U8 => (Fused::None, Int8::positive(largest(dense, unit))),
        Activation::Linear => (Fused::None, Int8::symmetric(largest(dense, unit))),
    };
    let integers = integers(index, dense, &from)?;
    let tensor = fully_connected(graph, index, &integers, (&format!("dense_{index}"), fused), (from.tensor, output))?;
    let given = Reading { tensor, int8: output, range: output.range(), unit, zero_point: 0 };
    if dense.activation != Activation::Sigmoid {
        return Ok(given);
    }
    let outputs = integers.biases.len() as i32;
    let sigmoid = graph.activations(&format!("sigmoid_{index}"), vec![1, outputs], Int8::SIGMOID);
    graph.run(OperatorKind::Logistic, vec![tensor], sigmoid);
    Ok(Reading { tensor: sigmoid, int8: Int8::SIGMOID, range: Int8::SIGMOID.range(), ..given })
}

/// Converts int8 to int16 with the same integers. QUANTIZE does not support these types, so CAST is used. It keeps the integers
/// but not their zero point: the output's is 0. Biases compensate for that.
pub(in crate::tflite::write) fn widened(graph: &mut Graph, from: Reading, elements: usize) -> Reading {
    let tensor = graph.wide("wide", vec![1, elements as i32], from.int8.scale);
    graph.run(OperatorKind::Cast, vec![from.tensor], tensor);
    Reading { tensor, ..from }
}

/// Like [`hidden`], but in int16, with the device's units.
///
/// # Errors
/// [`ExportError::Scale`].
pub(in crate::tflite::write) fn hidden_wide(
    graph: &mut Graph,
    (index, dense): (usize, &Dense<'_>),
    from: Reading,
) -> Result<Reading, ExportError> {
    let unit = output_scale(dense);
    let integers = integers(index, dense, &from)?;
    let outputs = vec![1, integers.biases.len() as i32];
    let given = |tensor: i32, scale: f32, (low, high): (i32, i32)| {
        let range = (f64::from(low) * f64::from(scale), f64::from(high) * f64::from(scale));
        Reading { tensor, int8: Int8 { scale, zero_point: 0 }, range, unit, zero_point: 0 }
    };
    let name = format!("dense_{index}");
    if dense.activation == Activation::Sigmoid {
        // Outside its range a sigmoid is constant.
        let scale = (f64::from(SIGMOID_RANGE) / f64::from(i16::MAX)) as f32;
        let before = wide_layer(graph, index, &integers, (&name, Fused::None), (&from, scale))?;
        let sigmoid = graph.wide(&format!("sigmoid_{index}"), outputs, SIGMOID_UNIT);
        graph.run(OperatorKind::Logistic, vec![before], sigmoid);
        return Ok(given(sigmoid, SIGMOID_UNIT, (0, i16::MAX.into())));
    }
    let range = dense.output.range();
    let fused = if dense.activation == Activation::Relu || range.0 == 0 { Fused::Relu } else { Fused::None };
    let tensor = wide_layer(graph, index, &integers, (&name, fused), (&from, unit as f32))?;
    if dense.output != Output::U8 {
        return Ok(given(tensor, unit as f32, range));
    }
    let data = (TensorType::Int16, u16::from(u8::MAX).to_le_bytes().to_vec());
    let limit = graph.constant("limit", Vec::new(), data, (vec![unit as f32], 0));
    let cut = graph.wide(&format!("at_most_{index}"), outputs, unit as f32);
    graph.run(OperatorKind::Minimum, vec![tensor, limit], cut);
    Ok(given(cut, unit as f32, range))
}

/// Writes the output layer, with the same bits as its input. Logits have the `wanted` range, or cover all possible values.
///
/// # Errors
/// [`ExportError::Scale`].
pub(in crate::tflite::write) fn logits(
    graph: &mut Graph,
    (index, dense): (usize, &Dense<'_>),
    from: Reading,
    wanted: Option<(f64, f64)>,
) -> Result<Reading, ExportError> {
    let integers = integers(index, dense, &from)?;
    let (low, high) = integers.reach(from.range, wanted);
    let layer = ("logits", Fused::None);
    let tensor = if graph.tensors[from.tensor as usize].kind == TensorType::Int16 {
        // A network whose outputs are all 0 still needs a scale.
        let largest = if high > low { high.max(-low) } else { 1.0 };
        wide_layer(graph, index, &integers, layer, (&from, (largest / f64::from(i16::MAX)) as f32))?
    } else {
        fully_connected(graph, index, &integers, layer, (from.tensor, Int8::covering(low, high)))?
    };
    Ok(Reading { tensor, ..from })
}

fn integers(index: usize, dense: &Dense<'_>, from: &Reading) -> Result<Integers, ExportError> {
    Integers::of(&dense.weighted, &row_scales(dense), from).ok_or(ExportError::Scale { layer: index })
}

fn fully_connected(
    graph: &mut Graph,
    index: usize,
    integers: &Integers,
    (name, fused): (&str, Fused),
    (from, output): (i32, Int8),
) -> Result<i32, ExportError> {
    if !output.scale.is_normal() {
        return Err(ExportError::Scale { layer: index });
    }
    let (inputs, outputs) = (integers.inputs as i32, integers.biases.len() as i32);
    let constants = [graph.rows(index, integers, vec![outputs, inputs]), graph.biases(index, integers)];
    let tensor = graph.activations(name, vec![1, outputs], output);
    graph.run(OperatorKind::FullyConnected(fused), [&[from], &constants[..]].concat(), tensor);
    Ok(tensor)
}

/// Like [`fully_connected`], but from int16 to int16 with this scale.
fn wide_layer(
    graph: &mut Graph,
    index: usize,
    integers: &Integers,
    (name, fused): (&str, Fused),
    (from, scale): (&Reading, f32),
) -> Result<i32, ExportError> {
    if !scale.is_normal() {
        return Err(ExportError::Scale { layer: index });
    }
    let (inputs, outputs) = (integers.inputs as i32, integers.biases.len() as i32);
    let constants = [
        graph.rows(index, integers, vec![outputs, inputs]),
        graph.wide_biases(index, &integers.with_zero_point(from.int8.zero_point)),
    ];
    let tensor = graph.wide(name, vec![1, outputs], scale);
    graph.run(OperatorKind::FullyConnected(fused), [&[from.tensor], &constants[..]].concat(), tensor);
    Ok(tensor)
}

/// Returns the largest activation of a hidden layer without sigmoid in calibration, in real units. 16-bit outputs have room for
/// twice that, which 8 bits cannot afford.
fn largest(dense: &Dense<'_>, unit: f64) -> f64 {
    let largest = f64::from(dense.output.range().1) * unit;
    if dense.output == Output::I16 { largest / HEADROOM } else { largest }
}
