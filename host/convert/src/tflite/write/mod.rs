//! Writes a model as an int8 network of TensorFlow Lite, for other runtimes than Pinhole's.
//!
//! | module | task |
//! |---|---|
//! | `graph` | tensors and operators |
//! | `super::quantization` | scales and zero points of int8 tensors |
//! | `weights` | a layer's weights and biases |
//! | `layers::pool` | a layer that writes a tensor -> operators |
//! | `layers::dense` | a dense layer -> operators |
//! | `encode` | graph -> bytes |
//!
//! The input is int8, `[1, side, side, channels]`, each pixel of Pinhole's pipeline minus 128. The output is logits,
//! `[1, classes]`: the class with the largest logit is the decision. There is no SOFTMAX: rounding to 8 bits would make equal
//! probabilities of different logits.
//!
//! Weights are the model's own integers, each row with its own scale (as from TensorFlow's own converter). Those of 4 and 7
//! bits take a byte too. Tensors are Pinhole's bytes minus 128. There are differences from the device:
//!
//! - TensorFlow Lite computes a factor from three 32-bit scales and, in most kernels, rounds twice, away from 0. So a byte
//!   sometimes differs by one.
//! - Dense layers after layers of tensors have int16 activations and logits, and factors of 15 bits.
//! - Networks of only dense layers are all int8, which microcontrollers run fastest. This holds for activations (16 bits on the
//!   device, unless the model has 8-bit ones), for a sigmoid's input (a unit is 0.045; there Q16), and for logits.
//! - A model file does not contain the range of its logits. Without photos they cover all that the last layer's weights allow
//!   for its inputs' range. An int8 unit is then some hundredths after a sigmoid, and up to about 1 after a relu, so close
//!   decisions become ties. With photos they cover the range seen, and a quarter more at either end.
//!
//! So integers differ from the device's, and sometimes the class does. `tests/tflite_agreement.py` compares.
//!
//! # Source
//! TensorFlow Lite's 8-bit quantization specification (tensorflow.org/lite/performance/quantization_spec).

mod encode;
mod graph;
mod layers;

#[cfg(test)]
pub(crate) mod tests;
mod weights;

use pinhole_core::model_file::ModelFile;
use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::model::{Layer, Model};

use self::graph::Graph;
use self::layers::{dense, pool as spatial};
use super::quantization::Int8;
use crate::export::ExportError;

/// Name of the metadata that holds the class names, a JSON array.
pub const CLASSES_METADATA: &str = "pinhole_classes";

/// Margin at either end of a file's range of logits, as a part of the range seen.
const MARGIN: f64 = 0.25;

/// Returns the range of logits for a file, from the logits of a model on these inputs; `None` without inputs.
///
/// # Panics
/// If an input does not have the model's number of pixels.
pub(crate) fn logits_range(model: &ModelFile, inputs: &[&[u8]]) -> Option<(f64, f64)> {
    let mut engine = model.engine();
    let logits: Vec<i32> = inputs.iter().filter_map(|input| engine.run_all(input).stages.pop()).flatten().collect();
    let real = |logit: &i32| f64::from(*logit) / f64::from(Q16_ONE);
    let (low, high) = (logits.iter().min().map(real)?, logits.iter().max().map(real)?);
    let more = MARGIN * (high - low);
    Some((low - more, high + more))
}

/// Returns the bytes of a TensorFlow Lite file. Its logits have the given range, or cover all possible values. The same model
/// and range give the same bytes.
///
/// # Errors
/// [`ExportError::Scale`], [`ExportError::Mean`].
pub(crate) fn tflite(model: &Model<'_>, logits: Option<(f64, f64)>) -> Result<Vec<u8>, ExportError> {
    let classes: Vec<&str> = model.class_names().collect();
    let mut graph = Graph {
        description: format!("Pinhole model, checksum {:08x}", model.checksum()),
        tensors: Vec::new(),
        operators: Vec::new(),
        input: 0,
        output: 0,
        metadata: vec![(CLASSES_METADATA.to_owned(), serde_json::json!(classes).to_string().into_bytes())],
    };
    let (side, channels) = (i32::from(model.input().side), i32::from(model.input().color.channels()));
    graph.input = graph.activations("input", vec![1, side, side, channels], Int8::PIXELS);
    let range = Int8::PIXELS.range();
    let mut from = Reading { tensor: graph.input, int8: Int8::PIXELS, range, unit: 1.0 / 255.0, zero_point: 0 };
    // Output of each layer before the dense ones.
    let mut tensors: Vec<Reading> = Vec::new();
    let mut is_flat = false;
    for (index, layer) in model.layers().enumerate() {
        let Layer::Dense(dense) = &layer else {
            from = spatial::write(&mut graph, (index, &layer), from, &tensors)?;
            tensors.push(from);
            continue;
        };
        if !is_flat {
            from.tensor = graph.flat(from.tensor, layer.inputs(), from.int8);
            if !tensors.is_empty() {
                from = dense::widened(&mut graph, from, layer.inputs());
            }
            is_flat = true;
        }
        let last = index + 1 == model.layers().len();
        from = match (last, tensors.is_empty()) {
            (true, _) => dense::logits(&mut graph, (index, dense), from, logits)?,
            (false, true) => dense::hidden(&mut graph, (index, dense), from)?,
            (false, false) => dense::hidden_wide(&mut graph, (index, dense), from)?,
        };
    }
    graph.output = from.tensor;
    Ok(encode::encode(&graph))
}

/// Input of a layer.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// Index of the tensor in the graph.
    tensor: i32,
    /// Scale and zero point of its integers, whatever their type.
    int8: Int8,
    /// Smallest and largest real value.
    range: (f64, f64),
    /// Real value of one unit on the device.
    unit: f64,
    /// Zero point on the device.
    zero_point: u8,
}
