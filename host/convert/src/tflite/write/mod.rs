//! A model as an int8 network of TensorFlow Lite, for other runtimes than Pinhole's.
//!
//! | module | what happens there |
//! |---|---|
//! | `graph` | tensors and operators |
//! | `scales` | what int8 tensors' integers stand for |
//! | `weights` | a layer's weights and biases |
//! | `spatial` | a layer that writes a tensor -> operators |
//! | `dense` | a dense layer -> operators |
//! | `encode` | graph -> bytes |
//!
//! The input is int8, `[1, side, side, 1]`, each pixel of Pinhole's pipeline minus 128; the output logits, `[1, classes]`: the
//! class is the largest one's. There is no SOFTMAX: it would make ties of what the logits tell apart.
//!
//! Weights are the model's own integers, each row with its own scale (so does TensorFlow's own converter); those of 4
//! and 7 bits take a byte too. Tensors are Pinhole's bytes minus 128. What differs from the device:
//!
//! - TensorFlow Lite computes a factor from three 32-bit scales and, in most kernels, rounds twice, away from 0: now
//!   and then a byte is another by one.
//! - Dense layers after layers of tensors have int16 activations and logits, and factors of 15 bits.
//! - In networks of dense layers alone all is int8, which microcontrollers run fastest: activations, which are 16 bits on the
//!   device unless the model has 8-bit ones, a sigmoid's input (a unit is 0.045; there Q16), and logits.
//! - Nothing in a model file says how large logits get, so without photos they cover all that the last layer's weights
//!   can make of its inputs' range. In int8 that is a unit of some hundredths after a sigmoid, of up to about 1 after a
//!   relu, and close decisions become ties. With photos they cover what was seen and a quarter more at either end.
//!
//! So integers are not the device's, and the class is another one now and then. `tests/tflite_agreement.py` compares.
//!
//! # Source
//! TensorFlow Lite's 8-bit quantization specification (tensorflow.org/lite/performance/quantization_spec).

mod dense;
mod encode;
mod graph;
mod scales;
mod spatial;
#[cfg(test)]
pub(crate) mod tests;
mod weights;

use pinhole_core::model_file::ModelFile;
use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::model::{Layer, Model};

use self::graph::Graph;
use self::scales::Int8;
use crate::export::ExportError;

/// Name of the metadata that holds the class names, a JSON array.
pub const CLASSES_METADATA: &str = "pinhole_classes";

/// How much further than the logits that were seen a file's reach, at either end: of the distance between these ends.
const MARGIN: f64 = 0.25;

/// The range that logits should have in a file, by what a model makes of these inputs; `None` without any.
///
/// # Panics
/// If an input has not as many pixels as the model's.
pub(crate) fn logits_range(model: &ModelFile, inputs: &[&[u8]]) -> Option<(f64, f64)> {
    let mut engine = model.engine();
    let logits: Vec<i32> = inputs.iter().filter_map(|input| engine.run_all(input).stages.pop()).flatten().collect();
    let real = |logit: &i32| f64::from(*logit) / f64::from(Q16_ONE);
    let (low, high) = (logits.iter().min().map(real)?, logits.iter().max().map(real)?);
    let more = MARGIN * (high - low);
    Some((low - more, high + more))
}

/// The bytes of a TensorFlow Lite file, whose logits have the given range or all that is possible. The same model and range
/// give the same bytes.
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
    let mut from = Reading { tensor: graph.input, int8: Int8::PIXELS, range, unit: 1.0 / 255.0, zero: 0 };
    // What each layer before the dense ones wrote.
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

/// What a layer reads.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// Its index in the graph.
    tensor: i32,
    /// What its integers stand for, whatever type they have.
    int8: Int8,
    /// Smallest and largest real value.
    range: (f64, f64),
    /// Real value of a unit on the device.
    unit: f64,
    /// The byte that stands for 0 on the device.
    zero: u8,
}
