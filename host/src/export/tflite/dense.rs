//! Dense layers: FULLY_CONNECTED, with RELU in it or LOGISTIC after it.

use pinhole_shared::model::{Activation, Dense, Output};

use super::graph::{Graph, OperatorKind};
use super::scales::Int8;
use super::schema::Fused;
use super::weights::Integers;
use super::{ExportError, Reading};
use crate::quantize::{HEADROOM, output_scale, row_scales};

/// Writes a layer that does not decide; returns what it gives to the next.
///
/// # Errors
/// [`ExportError::Scale`].
pub(super) fn hidden(
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
    let given = Reading { tensor, int8: output, unit, zero: 0 };
    if dense.activation != Activation::Sigmoid {
        return Ok(given);
    }
    let outputs = integers.biases.len() as i32;
    let sigmoid = graph.activations(&format!("sigmoid_{index}"), vec![1, outputs], Int8::SIGMOID);
    graph.run(OperatorKind::Logistic, vec![tensor], sigmoid);
    Ok(Reading { tensor: sigmoid, int8: Int8::SIGMOID, ..given })
}

/// Writes the layer that decides, in int16 if it `is_wide`, with logits of the `wanted` range or of all that is possible.
///
/// Its input becomes int16 by CAST, which keeps the integers (QUANTIZE does not take these types): 0 then stands for -128,
/// which the biases take off.
///
/// # Errors
/// [`ExportError::Scale`].
pub(super) fn logits(
    graph: &mut Graph,
    (index, dense): (usize, &Dense<'_>),
    from: Reading,
    (is_wide, wanted): (bool, Option<(f64, f64)>),
) -> Result<Reading, ExportError> {
    let mut integers = integers(index, dense, &from)?;
    let (low, high) = integers.reach(from.int8, wanted);
    let int8 = Int8::covering(low, high);
    if !is_wide {
        let tensor = fully_connected(graph, index, &integers, ("logits", Fused::None), (from.tensor, int8))?;
        return Ok(Reading { tensor, ..from });
    }
    let shape = vec![1, integers.inputs as i32];
    let cast = graph.wide("cast", shape, from.int8.scale);
    graph.run(OperatorKind::Cast, vec![from.tensor], cast);
    let zeros: Vec<i64> = integers.sums().map(|sum| sum * i64::from(from.int8.zero_point)).collect();
    for (bias, zero) in integers.biases.iter_mut().zip(zeros) {
        *bias -= zero;
    }
    let scale = (high.max(-low) / f64::from(i16::MAX)) as f32;
    // A network that gives only zeros still needs a scale.
    let scale = if high > low { scale } else { 1.0 };
    if !scale.is_normal() {
        return Err(ExportError::Scale { layer: index });
    }
    let (inputs, outputs) = (integers.inputs as i32, integers.biases.len() as i32);
    let constants = [graph.rows(index, &integers, vec![outputs, inputs]), graph.wide_biases(index, &integers)];
    let tensor = graph.wide("logits", vec![1, outputs], scale);
    graph.run(OperatorKind::FullyConnected(Fused::None), [&[cast], &constants[..]].concat(), tensor);
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

/// The largest activation of a hidden layer without sigmoid, in real units: what was seen in calibration. 16-bit outputs
/// have room for twice that, which 8 bits cannot afford.
fn largest(dense: &Dense<'_>, unit: f64) -> f64 {
    let largest = f64::from(dense.output.range().1) * unit;
    if dense.output == Output::I16 { largest / HEADROOM } else { largest }
}
