//! Reads an int8 network of TensorFlow Lite as a model file.
//!
//! | module | task |
//! |---|---|
//! | `table` | bytes -> tables, with their bounds checked |
//! | `graph` | tables -> tensors and operators |
//! | `names` | operator numbers -> names |
//! | `weights` | scales and zero points of tensors; constants |
//! | `importer` | operators, one after the other -> layers |
//! | `operators::fully_connected` | FULLY_CONNECTED -> layer |
//! | `operators::conv_2d` | operators that write tensors -> layer |
//! | `classes` | names -> classes in a model's order |
//!
//! Weights and biases are the file's own integers, tensors are its int8 plus 128, and factors are computed from its scales.
//! Layers of tensors give TensorFlow Lite's integers except for rounding: halves are rounded up here, but away from 0, and
//! often twice, there. Dense layers are closer to the real values than the file: the model has 16 bits after a sigmoid instead
//! of int8, and logits are not rounded to 8 bits.
//!
//! # Source
//! TensorFlow Lite's 8-bit quantization specification (tensorflow.org/lite/performance/quantization_spec).

mod classes;

mod graph;
mod importer;
mod names;
mod operators;

mod table;
#[cfg(test)]
mod tests;
mod weights;

use pinhole_core::model_file::{ModelFile, encode};
use pinhole_shared::model::MAX_LAYERS;
use pinhole_shared::policy::Policy;

use self::graph::Graph;
use self::importer::Walk;
use crate::import::Reason;

/// Reads a file's bytes, which may be arbitrary, as a model.
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
    // Row-major weights always fit.
    let bytes = encode(network.input, &classes, Policy::NONE, &layers).unwrap_or_default();
    ModelFile::from_bytes(&bytes).map_err(Reason::Model)
}
