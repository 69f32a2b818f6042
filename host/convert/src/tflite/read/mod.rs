//! An int8 network of TensorFlow Lite -> model file.
//!
//! | module | what happens there |
//! |---|---|
//! | `table` | bytes -> tables, with their bounds checked |
//! | `graph` | tables -> tensors and operators |
//! | `names` | what operators are called |
//! | `quantized` | what tensors' integers stand for; constants |
//! | `walk` | operators, one after the other -> layers |
//! | `dense` | FULLY_CONNECTED -> layer |
//! | `spatial` | operators that write tensors -> layer |
//! | `classes` | names -> classes in a model's order |
//!
//! Weights and biases are the file's own integers, tensors its int8 plus 128, and factors those that its scales make: a
//! layer of tensors gives TensorFlow Lite's integers but for the rounding of a half (up here; away from 0, and often twice, there).
//! Dense layers come closer to the real values than the file: where it has int8 the model has 16 bits after a sigmoid, and
//! logits are not rounded to 8 bits.
//!
//! # Source
//! TensorFlow Lite's 8-bit quantization specification (tensorflow.org/lite/performance/quantization_spec).

mod classes;
mod dense;
mod graph;
mod names;
mod quantized;
mod spatial;
mod table;
#[cfg(test)]
mod tests;
mod walk;

use pinhole_core::model_file::{ModelFile, encode};
use pinhole_shared::model::MAX_LAYERS;
use pinhole_shared::policy::Policy;

use self::graph::Graph;
use self::walk::Walk;
use crate::import::Reason;

/// A file's bytes, which may be anything, as a model.
///
/// # Errors
/// [`Reason`].
pub(crate) fn import(file: &[u8], classes: Option<&[String]>) -> Result<ModelFile, Reason> {
    let graph = Graph::read(file)?;
    let network = Walk::all(&graph)?;
    let mut layers = network.layers;
    let classes = classes::sorted(&graph, classes, layers.last_mut().ok_or(Reason::Undecided)?)?;
    if layers.len() > MAX_LAYERS {
        return Err(Reason::Layers { got: layers.len(), most: MAX_LAYERS });
    }
    // Row-major weights fit always.
    let bytes = encode(network.input, &classes, Policy::NONE, &layers).unwrap_or_default();
    ModelFile::from_bytes(&bytes).map_err(Reason::Model)
}
