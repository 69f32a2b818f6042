//! Reads an int8 network of TensorFlow Lite as a model file.
//!
//! | module | task |
//! |---|---|
//! | `table` | bytes -> tables, with their bounds checked |
//! | `graph` | tables -> tensors and operators |
//! | `names` | operator numbers -> names |
//! | `quantization` | scales and zero points of tensors |
//! | `weights` | a layer's weights and biases |
//! | `importer` | operators, one after the other -> layers |
//! | `operators` | an operator -> layer: a file for each operator |
//! | `classes` | names -> classes in a model's order |
//!
//! Weights and biases are the file's own integers, tensors are its int8 plus 128, and factors are computed from its scales.
//! Layers of tensors give TensorFlow Lite's integers except for rounding: halves are rounded up here, but away from 0, and
//! often twice, there. Dense layers are closer to the real values than the file: the model has 16 bits after a sigmoid instead
//! of int8, and logits are not rounded to 8 bits.
//!
//! An operator takes a file in `operators` and a line in its table.
//!
//! # Source
//! TensorFlow Lite's 8-bit quantization specification (tensorflow.org/lite/performance/quantization_spec).

mod classes;
mod graph;
mod importer;
mod names;
mod operators;
mod quantization;
mod table;
#[cfg(test)]
mod tests;
mod weights;

use pinhole_core::model_file::{ModelFile, encode};
use pinhole_shared::policy::Policy;

use self::graph::FileGraph;
use self::importer::Importer;
use crate::import::Reason;

/// Reads a file's bytes, which may be arbitrary, as a model.
///
/// # Errors
/// [`Reason`].
pub(crate) fn import(file: &[u8], classes: Option<&[String]>) -> Result<ModelFile, Reason> {
    let graph = FileGraph::read(file)?;
    let network = Importer::network(&graph)?;
    let mut layers = network.layers;
    let classes = classes::sorted(&graph, classes, layers.last_mut().ok_or(Reason::Undecided)?)?;
    // Row-major weights always fit.
    let bytes = encode(network.input, &classes, Policy::NONE, &layers).unwrap_or_default();
    ModelFile::from_bytes(&bytes).map_err(Reason::Model)
}
