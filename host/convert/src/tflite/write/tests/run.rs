//! Runs the file by TensorFlow Lite's rules and the model by the device's: each layer's results are nearly the same.

use std::collections::HashMap;

use miette::Diagnostic as _;
use pinhole_core::model_file::{ModelFile, QuantizedLayer, encode};
use pinhole_core::photos::Dataset;
use pinhole_core::testing::{self, pictures};
use pinhole_shared::model::Layer;
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::Policy;
use pinhole_train::Network;
use pinhole_train::quantize::{ActivationBits, quantize};

use super::super::layers::LAYER_WRITERS;
use super::super::{tflite, tflite_with};
use super::evaluate::evaluate;
use super::read::WrittenFile;
use crate::export::ExportError;
use crate::tflite::schema::BuiltinOperator;

/// Every kind of layer, and padding that is VALID, SAME or neither.
const RECIPE: &str = r#"
input_side = 15
[training]
epochs = 1
batch = 8
learning_rate = 0.01
[[layer]]
kind = "conv"
channels = 6
kernel = [3, 2]
padding = [1, 0, 2, 1]
activation = "relu"
pool = 2
[[layer]]
kind = "depthwise"
kernel = 3
padding = 1
activation = "relu"
[[layer]]
kind = "conv"
channels = 6
kernel = 1
activation = "linear"
[[layer]]
kind = "add"
from = 1
activation = "linear"
[[layer]]
kind = "max-pool"
window = 3
stride = 1
padding = 1
[[layer]]
kind = "max-pool"
window = 2
stride = 1
padding = [1, 0, 0, 1]
[[layer]]
kind = "depthwise"
kernel = 3
stride = 2
padding = [1, 1, 1, 1]
activation = "linear"
[[layer]]
kind = "average-pool"
window = 2
stride = 1
[[layer]]
kind = "average-pool"
window = [3, 1]
stride = 1
[[layer]]
kind = "average-pool"
window = 3
stride = 1
padding = [2, 0, 0, 1]
[[layer]]
kind = "global-average"
"#;

/// Largest difference between the device's logits and those of 16 bits with factors of 15 bits.
const LOGITS: f64 = 0.001;

/// Returns an untrained network of a recipe, quantized.
pub(crate) fn model(recipe: &str, pictures: &Dataset) -> ModelFile {
    model_of(recipe, pictures, ActivationBits::default())
}

/// Like [`model`], with these bits of activations.
pub(crate) fn model_of(recipe: &str, pictures: &Dataset, bits: ActivationBits) -> ModelFile {
    let network = Network::new(&testing::recipe(recipe), &pictures.classes, 1).unwrap();
    quantize(&network, pictures, bits).unwrap()
}

/// Compares each layer's outputs, computed from the device's integers before it: bytes differ by at most 1, the logits by this
/// real value. Returns the fraction of equal bytes.
fn compare(file: &ModelFile, pictures: &Dataset, most: f64) -> f64 {
    let bytes = tflite(&file.model(), None).unwrap();
    let read = WrittenFile::of(&bytes);
    let mut engine = file.engine();
    // Output of the last of each layer's operators.
    let last = |(index, layer): (usize, Layer<'_>)| {
        layer.tensor()?;
        let names = ["pooled", "at_most", "at_least", layer.kind()].map(|name| format!("{name}_{index}"));
        names.into_iter().find(|name| read.has(name))
    };
    let names: Vec<String> = file.model().layers().enumerate().filter_map(last).collect();
    assert_eq!(names.len(), file.model().layers().filter(|layer| layer.tensor().is_some()).count());
    let (mut same, mut all) = (0, 0);
    for picture in &pictures.examples {
        let stages = engine.run_all(&picture.pixels).stages;
        let integers = |stage: &Vec<i32>| stage.iter().map(|&byte| i64::from(byte) - 128).collect();
        let device: HashMap<String, Vec<i64>> = names.iter().cloned().zip(stages[1..].iter().map(integers)).collect();
        let input: Vec<i8> = picture.pixels.iter().map(|&pixel| (i16::from(pixel) - 128) as i8).collect();
        let values = evaluate(&read, &input, &device);
        for name in &names {
            assert_eq!(values[name].integers.len(), device[name].len(), "{name}");
            for (&here, &device) in values[name].integers.iter().zip(&device[name]) {
                assert!((here - device).abs() <= 1, "{name}: {here} and {device}");
                same += usize::from(here == device);
                all += 1;
            }
        }
        let unit = f64::from(read.int16("logits"));
        for (&here, &device) in values["logits"].integers.iter().zip(stages.last().unwrap()) {
            let (here, device) = (here as f64 * unit, f64::from(device) / 65_536.0);
            assert!((here - device).abs() <= most, "logits {here} and {device}");
        }
    }
    same as f64 / all as f64
}

#[test]
fn every_kind_says_what_the_device_says() {
    let pictures = pictures(InputShape::gray(15), 12);
    let file = model(RECIPE, &pictures);
    let bytes = tflite(&file.model(), None).unwrap();
    let read = WrittenFile::of(&bytes);
    let expected = [
        BuiltinOperator::Pad,
        BuiltinOperator::Conv2d,
        BuiltinOperator::MaxPool2d,
        BuiltinOperator::DepthwiseConv2d,
        BuiltinOperator::Conv2d,
        BuiltinOperator::Add,
        BuiltinOperator::MaxPool2d,
        BuiltinOperator::PadV2,
        BuiltinOperator::MaxPool2d,
        BuiltinOperator::Pad,
        BuiltinOperator::DepthwiseConv2d,
        BuiltinOperator::DepthwiseConv2d,
        BuiltinOperator::AveragePool2d,
        BuiltinOperator::Cast,
        BuiltinOperator::Pad,
        BuiltinOperator::DepthwiseConv2d,
        BuiltinOperator::Mul,
        BuiltinOperator::Cast,
        BuiltinOperator::Mean,
        BuiltinOperator::Reshape,
        BuiltinOperator::Cast,
        BuiltinOperator::FullyConnected,
    ];
    assert_eq!(read.run(), expected.map(|builtin| builtin as u32));
    let same = compare(&file, &pictures, LOGITS);
    println!("{same} of all bytes are the same");
    assert!(same > 0.995, "{same}");
}

/// Ranges that no fused activation function has.
#[test]
fn ranges_are_cut() {
    let pictures = pictures(InputShape::gray(15), 4);
    let file = model(RECIPE, &pictures);
    let mut layers: Vec<QuantizedLayer> = file.model().layers().map(|layer| QuantizedLayer::of(&layer)).collect();
    for (index, range) in [(0, (0, 180)), (3, (90, 200))] {
        match &mut layers[index] {
            QuantizedLayer::Conv { output, .. } | QuantizedLayer::Add { output, .. } => output.range = range,
            other => panic!("{other:?}"),
        }
    }
    let bytes = encode(InputShape::gray(15), &pictures.classes, Policy::NONE, &layers).unwrap();
    let file = ModelFile::from_bytes(&bytes).unwrap();
    let written = tflite(&file.model(), None).unwrap();
    let run = WrittenFile::of(&written).run();
    let count = |builtin: BuiltinOperator| run.iter().filter(|&&code| code == builtin as u32).count();
    assert_eq!((count(BuiltinOperator::Maximum), count(BuiltinOperator::Minimum)), (1, 2));
    compare(&file, &pictures, LOGITS);
}

#[test]
fn pictures_in_color() {
    let pictures = pictures(InputShape::rgb(15), 4);
    compare(&model(&format!("color = \"rgb\"\n{RECIPE}"), &pictures), &pictures, LOGITS);
}

/// Hidden dense layers after tensors, in 16 bits as on the device, or in 8.
#[test]
fn dense_layers_after_tensors() {
    let pictures = pictures(InputShape::gray(15), 6);
    let hidden = ["sigmoid", "relu", "linear"].map(|name| format!("[[layer]]\noutputs = 9\nactivation = \"{name}\"\n"));
    let recipe = format!("{RECIPE}{}", hidden.concat());
    // An 8-bit sigmoid is rounded on the device alone.
    for (bits, most) in [(ActivationBits::Sixteen, LOGITS), (ActivationBits::Eight, 0.01)] {
        compare(&model_of(&recipe, &pictures, bits), &pictures, most);
    }
}

#[test]
fn a_mean_of_too_many_places_is_refused() {
    let recipe = "input_side = 30\n[training]\nepochs = 1\nbatch = 8\nlearning_rate = 0.01\n\
                  [[layer]]\nkind = \"average-pool\"\nwindow = 16\nstride = 1\npadding = [3, 0, 0, 0]\n";
    let file = model(recipe, &pictures(InputShape::gray(30), 2));
    assert!(matches!(tflite(&file.model(), None), Err(ExportError::Mean { layer: 0 })));
}

/// A layer whose kind no writer takes, as a kind that is new to the engine, is refused by its number and kind.
#[test]
fn a_kind_without_a_writer_is_refused() {
    let file = model(RECIPE, &pictures(InputShape::gray(15), 2));
    let model = file.model();
    let mut refused = Vec::new();
    for left_out in 0..LAYER_WRITERS.len() {
        let mut writers = LAYER_WRITERS.to_vec();
        writers.remove(left_out);
        let Err(ExportError::UnsupportedLayer { layer, kind }) = tflite_with(&writers, &model, None) else {
            panic!("exported without the writer {left_out}");
        };
        assert_eq!(model.layers().nth(layer).map(|layer| layer.kind()), Some(kind));
        refused.push((layer, kind));
    }
    refused.sort_unstable();
    let expected = [(0, "conv"), (3, "add"), (4, "max-pool"), (10, "global-average"), (11, "dense")];
    assert_eq!(refused, expected);
    let error = tflite_with(&[], &model, None).unwrap_err();
    let message = "the layer 0 is of kind conv, which cannot be exported to TensorFlow Lite yet";
    assert_eq!(error.to_string(), message);
    assert!(error.help().is_some_and(|help| help.to_string().contains("write a C header")));
}
