//! A model as an int8 network of TensorFlow Lite, for other runtimes than Pinhole's.
//!
//! | module | what happens there |
//! |---|---|
//! | `schema` | the numbers of the file format |
//! | `scales` | what int8 tensors' integers stand for |
//! | `encode` | graph -> bytes |
//!
//! The graph is RESHAPE, then a FULLY_CONNECTED for each layer, with RELU in it or LOGISTIC after it. The input is int8,
//! `[1, side, side, 1]`, each pixel of Pinhole's pipeline minus 128; the output int8 logits, `[1, classes]`: the class is the
//! largest one's. There is no SOFTMAX: it would make ties of what the logits tell apart.
//!
//! Weights are the model's own integers, each row with its own scale (so does TensorFlow's own converter); those of 4
//! and 7 bits take a byte too. What differs from the device:
//!
//! - Activations between layers are int8 here and 16 bits there, unless the model has 8-bit ones.
//! - A sigmoid's input is int8 here (a unit is 0.045), and there Q16.
//! - Logits are int8 here. Nothing in a model file says how large they get, so without photos they cover all that the last
//!   layer's weights can make of its inputs' range. After a sigmoid that is a unit of some hundredths, after a relu of up to
//!   about 1, and close decisions become ties. With photos they cover what was seen and a quarter more at either end.
//!
//! So integers are not the device's, and the class is another one now and then. `tests/tflite_agreement.py` compares.
//!
//! # Source
//! TensorFlow Lite's 8-bit quantization specification (tensorflow.org/lite/performance/quantization_spec).

mod encode;
mod scales;
pub(super) mod schema;
#[cfg(test)]
mod tests;

use pinhole_shared::model::{Activation, Dense, Layer, Model, Output};

use self::encode::{Graph, Operator, OperatorKind, Tensor};
use self::scales::Int8;
use self::schema::{Fused, TensorType};
use super::ExportError;
use crate::model_file::ModelFile;
use crate::quantize::{HEADROOM, output_scale, row_scales};

/// Name of the metadata that holds the class names, a JSON array.
pub const CLASSES_METADATA: &str = "pinhole_classes";

/// How much further than the logits that were seen a file's reach, at either end: of the distance between these ends.
const MARGIN: f64 = 0.25;

/// The range that logits should have in a file, by what a model makes of these inputs; `None` without any.
///
/// # Panics
/// If an input has not as many pixels as the model's.
pub(super) fn logits_range(model: &ModelFile, inputs: &[&[u8]]) -> Option<(f64, f64)> {
    let mut engine = model.engine();
    let logits: Vec<i32> = inputs.iter().filter_map(|input| engine.run_all(input).stages.pop()).flatten().collect();
    let real = |logit: &i32| f64::from(*logit) / 65_536.0;
    let (low, high) = (logits.iter().min().map(real)?, logits.iter().max().map(real)?);
    let more = MARGIN * (high - low);
    Some((low - more, high + more))
}

/// The bytes of a TensorFlow Lite file, whose logits have the given range or all that is possible. The same model and range
/// give the same bytes.
///
/// # Errors
/// [`ExportError::Scale`].
pub(super) fn tflite(model: &Model<'_>, logits: Option<(f64, f64)>) -> Result<Vec<u8>, ExportError> {
    let classes: Vec<&str> = model.class_names().collect();
    let mut graph = Graph {
        description: format!("Pinhole model, checksum {:08x}", model.checksum()),
        tensors: Vec::new(),
        operators: Vec::new(),
        input: 0,
        output: 0,
        metadata: vec![(CLASSES_METADATA.to_owned(), serde_json::json!(classes).to_string().into_bytes())],
    };
    let side = i32::from(model.input_side());
    graph.input = graph.activations("input", vec![1, side, side, 1], Int8::PIXELS);
    let flat = vec![1, side * side];
    let shape = graph.constant("flat_shape", vec![2], TensorType::Int32, words(&flat));
    let mut from = graph.activations("flat", flat.clone(), Int8::PIXELS);
    graph.run(OperatorKind::Reshape { shape: flat }, vec![graph.input, shape], from);

    let (mut input, mut input_unit) = (Int8::PIXELS, 1.0 / 255.0);
    for (index, layer) in model.layers().enumerate() {
        let Layer::Dense(dense) = &layer else {
            return Err(ExportError::Layer { layer: index, kind: layer.kind() });
        };
        let unit = output_scale(dense);
        let integers = Integers::of(dense, input, input_unit).ok_or(ExportError::Scale { layer: index })?;
        let last = index + 1 == model.layers().len();
        let (fused, output) = match dense.activation {
            Activation::Sigmoid => (Fused::None, Int8::before_sigmoid()),
            Activation::Linear if last => (Fused::None, integers.reach(input, logits)),
            Activation::Relu => (Fused::Relu, Int8::positive(largest(dense, unit))),
            Activation::Linear if dense.output == Output::U8 => (Fused::None, Int8::positive(largest(dense, unit))),
            Activation::Linear => (Fused::None, Int8::symmetric(largest(dense, unit))),
        };
        if !output.scale.is_normal() {
            return Err(ExportError::Scale { layer: index });
        }
        let outputs = dense.weighted.operands.weights.outputs() as i32;
        let inputs = vec![from, graph.weights(index, &integers), graph.biases(index, &integers)];
        let name = if last { "logits".to_owned() } else { format!("dense_{index}") };
        from = graph.activations(&name, vec![1, outputs], output);
        graph.run(OperatorKind::FullyConnected(fused), inputs, from);
        (input, input_unit) = (output, unit);
        if dense.activation == Activation::Sigmoid {
            let sigmoid = graph.activations(&format!("sigmoid_{index}"), vec![1, outputs], Int8::SIGMOID);
            graph.run(OperatorKind::Logistic, vec![from], sigmoid);
            (from, input) = (sigmoid, Int8::SIGMOID);
        }
    }
    graph.output = from;
    Ok(encode::encode(&graph))
}

/// The largest activation of a hidden layer without sigmoid, in real units: what was seen in calibration. 16-bit outputs
/// have room for twice that, which 8 bits cannot afford.
fn largest(dense: &Dense<'_>, unit: f64) -> f64 {
    let largest = f64::from(dense.output.range().1) * unit;
    if dense.output == Output::I16 { largest / HEADROOM } else { largest }
}

/// A layer's constants.
struct Integers {
    /// Row-major, a row an output.
    weights: Vec<i8>,
    inputs: usize,
    /// Real value of a unit of each row's weights.
    scales: Vec<f32>,
    biases: Vec<i32>,
    /// Real value of a unit of each row's bias.
    bias_scales: Vec<f32>,
}

impl Integers {
    /// Of a layer that reads `input` here and integers of `input_unit` on the device. `None` when a scale is none in 32
    /// bits.
    fn of(dense: &Dense<'_>, input: Int8, input_unit: f64) -> Option<Self> {
        let weights = dense.weighted.operands.weights;
        let (inputs, outputs) = (weights.inputs(), weights.outputs());
        // Of the device's accumulators, which are sums of weight times integer of `input_unit`.
        let units = row_scales(dense);
        let scales: Vec<f32> = units.iter().map(|unit| (unit / input_unit) as f32).collect();
        let bias_scales: Vec<f32> = scales.iter().map(|scale| scale * input.scale).collect();
        // Between pixels and pixels it stays what it is; int8 sums are of fewer units, so it fits.
        let rescale = input_unit / f64::from(input.scale);
        let bias = |row| {
            let bias = f64::from(dense.weighted.bias(row));
            // 1/255 is no f32: exact where the units are the same.
            if input == Int8::PIXELS { bias as i32 } else { (bias * rescale).round() as i32 }
        };
        let all_normal = scales.iter().chain(&bias_scales).all(|scale| scale.is_normal());
        all_normal.then(|| Self {
            weights: (0..outputs).flat_map(|row| (0..inputs).map(move |column| weights.get(row, column))).collect(),
            inputs,
            scales,
            biases: (0..outputs).map(bias).collect(),
            bias_scales,
        })
    }

    /// The range that no output leaves, whatever the inputs, or as much of it as is `wanted`.
    fn reach(&self, input: Int8, wanted: Option<(f64, f64)>) -> Int8 {
        let (least, most) = input.range();
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for (row, weights) in self.weights.chunks_exact(self.inputs).enumerate() {
            let bias = f64::from(self.biases[row]) * f64::from(self.bias_scales[row]);
            let (mut lowest, mut highest) = (bias, bias);
            for &weight in weights {
                let weight = f64::from(weight) * f64::from(self.scales[row]);
                lowest += (weight * least).min(weight * most);
                highest += (weight * least).max(weight * most);
            }
            (low, high) = (low.min(lowest), high.max(highest));
        }
        let (least, most) = wanted.unwrap_or((low, high));
        Int8::covering(low.max(least), high.min(most))
    }
}

impl Graph {
    fn add(&mut self, tensor: Tensor) -> i32 {
        self.tensors.push(tensor);
        self.tensors.len() as i32 - 1
    }

    fn activations(&mut self, name: &str, shape: Vec<i32>, int8: Int8) -> i32 {
        let (scales, zero_points) = (vec![int8.scale], vec![i64::from(int8.zero_point)]);
        self.add(Tensor { name: name.to_owned(), shape, kind: TensorType::Int8, data: None, scales, zero_points })
    }

    fn constant(&mut self, name: &str, shape: Vec<i32>, kind: TensorType, data: Vec<u8>) -> i32 {
        let (scales, zero_points) = (Vec::new(), Vec::new());
        self.add(Tensor { name: name.to_owned(), shape, kind, data: Some(data), scales, zero_points })
    }

    fn weights(&mut self, index: usize, integers: &Integers) -> i32 {
        let rows = integers.scales.len();
        self.add(Tensor {
            name: format!("weights_{index}"),
            shape: vec![rows as i32, integers.inputs as i32],
            kind: TensorType::Int8,
            data: Some(bytemuck::cast_slice(&integers.weights).to_vec()),
            scales: integers.scales.clone(),
            zero_points: vec![0; rows],
        })
    }

    fn biases(&mut self, index: usize, integers: &Integers) -> i32 {
        let rows = integers.biases.len();
        self.add(Tensor {
            name: format!("biases_{index}"),
            shape: vec![rows as i32],
            kind: TensorType::Int32,
            data: Some(words(&integers.biases)),
            scales: integers.bias_scales.clone(),
            zero_points: vec![0; rows],
        })
    }

    fn run(&mut self, kind: OperatorKind, inputs: Vec<i32>, output: i32) {
        self.operators.push(Operator { kind, inputs, outputs: vec![output] });
    }
}

fn words(integers: &[i32]) -> Vec<u8> {
    integers.iter().flat_map(|integer| integer.to_le_bytes()).collect()
}
