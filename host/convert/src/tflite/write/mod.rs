//! Writes a model as an int8 network of TensorFlow Lite, for other runtimes than Pinhole's.
//!
//! | module | task |
//! |---|---|
//! | `layers` | a layer -> operators: a file for each layer kind |
//! | `operators` | operators and their options |
//! | `window` | padding around a window, and limits of a layer's outputs |
//! | `weights` | a layer's weights and biases |
//! | `graph` | tensors and operators of the network so far |
//! | `encode` | graph -> bytes |
//!
//! A layer kind takes a file in `layers` and a line in its table. A layer of a kind without a file compiles, and is refused when
//! it is exported.
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
mod operators;
#[cfg(test)]
pub(crate) mod tests;
mod weights;
mod window;

pub(crate) use self::layers::position_counts;

use pinhole_core::model_file::ModelFile;
use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::model::{Layer, Model, Tensor};
use pinhole_shared::pixels::Fit;
use pinhole_shared::shape::Shape;

use self::graph::GraphBuilder;
use self::layers::{LAYER_WRITERS, LayerWriter};
use super::quantization::QuantizationParameters;
use crate::export::ExportError;

/// Name of the metadata that holds the class names, a JSON array.
pub const CLASSES_METADATA: &str = "pinhole_classes";
/// Name of the metadata that holds the fit of pictures, by its name; absent if pictures are cropped.
pub const FIT_METADATA: &str = "pinhole_fit";

/// Margin at either end of a file's range of logits, as a part of the range seen.
const MARGIN: f64 = 0.25;

/// Returns the range of logits for a file, from the logits of a model on these inputs; `None` without inputs.
///
/// # Panics
/// If an input does not have the model's number of pixels.
pub(crate) fn logits_range(model: &ModelFile, inputs: &[&[u8]]) -> Option<(f64, f64)> {
    let logits = model.engine().map(inputs, |engine, input| engine.logits(input).to_vec()).concat();
    let real = |logit: &i32| f64::from(*logit) / f64::from(Q16_ONE);
    let (low, high) = (logits.iter().min().map(real)?, logits.iter().max().map(real)?);
    let more = MARGIN * (high - low);
    Some((low - more, high + more))
}

/// Returns the bytes of a TensorFlow Lite file. Its logits have the given range, or cover all possible values. The same model
/// and range give the same bytes.
///
/// # Errors
/// [`ExportError::UnsupportedLayer`], [`ExportError::Scale`], [`ExportError::Mean`].
pub(crate) fn tflite(model: &Model<'_>, logits_range: Option<(f64, f64)>) -> Result<Vec<u8>, ExportError> {
    tflite_with(LAYER_WRITERS, model, logits_range)
}

/// Like [`tflite`], with these writers: a test leaves some out.
fn tflite_with(
    writers: &[LayerWriter],
    model: &Model<'_>,
    logits_range: Option<(f64, f64)>,
) -> Result<Vec<u8>, ExportError> {
    let mut network = NetworkWriter::new(model, logits_range);
    for (index, layer) in model.layers().enumerate() {
        let is_last = index + 1 == model.layers().len();
        network.input = layers::write(writers, &mut network, LayerToWrite { index, is_last, layer: &layer })?;
    }
    network.graph.output = network.input.tensor;
    Ok(encode::encode(&network.graph))
}

/// State of writing a network: what the layers so far have written.
struct NetworkWriter {
    graph: GraphBuilder,
    /// Output of the layer before, which the next layer reads.
    input: ActivationTensor,
    /// Outputs of the layers so far that write a tensor: all but the dense ones, which come last.
    outputs: Vec<ActivationTensor>,
    /// Range of the logits, if it is given.
    logits_range: Option<(f64, f64)>,
}

impl NetworkWriter {
    /// Returns a network of no layers: only the input tensor.
    fn new(model: &Model<'_>, logits_range: Option<(f64, f64)>) -> Self {
        let classes: Vec<&str> = model.class_names().collect();
        let mut graph = GraphBuilder {
            description: format!("Pinhole model, checksum {:08x}", model.checksum()),
            tensors: Vec::new(),
            operators: Vec::new(),
            input: 0,
            output: 0,
            metadata: vec![(CLASSES_METADATA.to_owned(), serde_json::json!(classes).to_string().into_bytes())],
        };
        let fit = model.input().fit;
        if fit != Fit::Crop {
            graph.metadata.push((FIT_METADATA.to_owned(), fit.name().as_bytes().to_vec()));
        }
        let Shape { height, width, channels } = model.input().shape();
        let shape = [1, height, width, channels].map(i32::from);
        let quantization = QuantizationParameters::PIXELS;
        graph.input = graph.int8_tensor("input", shape.to_vec(), quantization);
        let input = ActivationTensor {
            tensor: graph.input,
            quantization,
            range: quantization.range(),
            device_scale: 1.0 / 255.0,
            device_zero_point: 0,
        };
        Self { graph, input, outputs: Vec::new(), logits_range }
    }

    /// Returns the quantization parameters of a tensor that the layer `index` writes.
    ///
    /// # Errors
    /// [`ExportError::Scale`].
    fn output_quantization(&self, index: usize, output: &Tensor) -> Result<QuantizationParameters, ExportError> {
        let quantization = QuantizationParameters::of(output);
        if quantization.scale.is_normal() { Ok(quantization) } else { Err(ExportError::Scale { layer: index }) }
    }

    /// Keeps the output of a layer other than a dense one, for sums with it, and returns it. `tensor` is its index in the graph.
    fn add_output(&mut self, tensor: i32, output: &Tensor) -> ActivationTensor {
        let quantization = QuantizationParameters::of(output);
        let output = ActivationTensor {
            tensor,
            quantization,
            range: quantization.range(),
            device_scale: f64::from(output.scale),
            device_zero_point: output.zero_point,
        };
        self.outputs.push(output);
        output
    }
}

/// A layer that is to be written.
#[derive(Clone, Copy)]
struct LayerToWrite<'l, 'm> {
    /// Its position in the model, from 0.
    index: usize,
    /// True for the output layer.
    is_last: bool,
    layer: &'l Layer<'m>,
}

/// A tensor of activations: output of a layer, and input of the next.
#[derive(Clone, Copy, Debug)]
struct ActivationTensor {
    /// Index of the tensor in the graph.
    tensor: i32,
    /// Scale and zero point of its integers. Those of int16 are as of int8, if they come from there by CAST.
    quantization: QuantizationParameters,
    /// Smallest and largest real value.
    range: (f64, f64),
    /// Real value of one unit on the device.
    device_scale: f64,
    /// Zero point on the device.
    device_zero_point: u8,
}
