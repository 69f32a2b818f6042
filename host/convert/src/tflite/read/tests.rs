//! Exported files can be imported again, a file of TensorFlow gives its logits, and damaged files are refused.

use std::collections::BTreeSet;
use std::path::Path;

use pinhole_core::model_file::QuantizedLayer;
use pinhole_core::photos::Dataset;
use pinhole_core::testing::pictures;
use pinhole_shared::pixels::{Color, Fit, InputShape};
use pinhole_train::quantize::ActivationBits;
use pinhole_train::runs;

use super::*;
use crate::export::{Format, export};
use crate::tflite::write::tests::run::{model, model_of};

/// Everything that can be both exported and imported.
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
activation = "relu"
[[layer]]
kind = "max-pool"
window = 2
stride = 1
padding = [1, 0, 0, 1]
[[layer]]
kind = "average-pool"
window = 3
stride = 1
[[layer]]
kind = "global-average"
[[layer]]
outputs = 5
activation = "sigmoid"
[[layer]]
outputs = 4
activation = "relu"
"#;

fn exported(model: &ModelFile) -> Vec<u8> {
    export(model, Format::Tflite, None, &[]).unwrap()
}

/// Compares both models' integers for each picture: bytes differ by at most 1, logits by at most `apart`.
fn compare(before: &ModelFile, after: &ModelFile, pictures: &Dataset, apart: f64) {
    let (mut first, mut second) = (before.engine(), after.engine());
    for picture in &pictures.examples {
        let stages = [&mut first, &mut second].map(|engine| engine.run_all(&picture.pixels).stages);
        assert_eq!(stages[0].len(), stages[1].len());
        for (layer, parts) in before.model().layers().enumerate() {
            let [before, after] = [&stages[0][layer + 1], &stages[1][layer + 1]];
            assert_eq!(before.len(), after.len());
            let is_last = layer + 2 == stages[0].len();
            for (before, after) in before.iter().zip(after).filter(|_| is_last || parts.tensor().is_some()) {
                let (unit, most) = if is_last { (65_536.0, apart) } else { (1.0, 1.0) };
                let real = f64::from(before - after).abs() / unit;
                assert!(real <= most, "layer {layer}: {before} became {after}");
            }
        }
    }
}

#[test]
fn convolutions_come_back() {
    come_back(RECIPE, InputShape::gray(15));
    come_back(&format!("color = \"rgb\"\n{RECIPE}"), InputShape::rgb(15));
}

/// An average pooling with padding is five operators in the file.
#[test]
fn padded_averages_come_back() {
    let average = "kind = \"average-pool\"\nwindow = 3\nstride = 1";
    assert!(RECIPE.contains(average));
    for padded in ["window = 3\nstride = 2\npadding = 1", "window = [2, 3]\nstride = 1\npadding = [1, 0, 0, 2]"] {
        let recipe = RECIPE.replace(average, &format!("kind = \"average-pool\"\n{padded}"));
        come_back(&recipe, InputShape::gray(15));
    }
}

/// 8-bit outputs after a layer of tensors are int16 in the file, with a MINIMUM.
#[test]
fn outputs_of_eight_bits_come_back() {
    for bits in [ActivationBits::Eight, ActivationBits::Sixteen] {
        let pictures = pictures(InputShape::gray(15), 8);
        let recipe = RECIPE.replace("outputs = 5\nactivation = \"sigmoid\"", "outputs = 5\nactivation = \"relu\"");
        let before = model_of(&recipe, &pictures, bits);
        let after = import(&exported(&before), None).unwrap();
        let outputs = |model: &ModelFile| model.model().layers().map(|layer| layer.output()).collect::<Vec<_>>();
        assert_eq!(outputs(&before), outputs(&after));
        compare(&before, &after, &pictures, 0.01);
    }
}

/// A network's pixels are those it was trained on: a fit that this version does not know is not taken for another one.
#[test]
fn a_fit_comes_back_or_is_refused() {
    let input = InputShape { height: 12, width: 17, color: Color::Gray, fit: Fit::Stretch };
    let recipe = RECIPE.replace("input_side = 15", "input_size = [12, 17]\nfit = \"stretch\"");
    let file = exported(&model(&recipe, &pictures(input, 8)));
    assert_eq!(import(&file, None).unwrap().model().input(), input);
    let place = file.windows(7).position(|bytes| bytes == b"stretch").unwrap();
    let mut changed = file;
    changed[place..place + 7].copy_from_slice(b"squeeze");
    let Err(reason) = import(&changed, None) else { panic!("an unknown fit was imported") };
    let said =
        "its metadata `pinhole_fit` says that pictures are fitted in by \"squeeze\", which this version does not know";
    assert_eq!(reason.to_string(), said);
}

fn come_back(recipe: &str, input: InputShape) {
    let pictures = pictures(input, 8);
    let before = model(recipe, &pictures);
    let after = import(&exported(&before), None).unwrap();
    assert_eq!(after.model().input(), input);
    let kinds = |file: &ModelFile| -> Vec<QuantizedLayer> {
        file.model().layers().map(|layer| QuantizedLayer::of(&layer)).collect()
    };
    for (before, after) in kinds(&before).iter().zip(kinds(&after)) {
        assert_eq!(before.output(), after.output());
        let integers =
            |parts: &QuantizedLayer| parts.weighted().map(|parts| (parts.weights.clone(), parts.biases.clone()));
        assert_eq!(integers(before), integers(&after));
        if let (QuantizedLayer::Conv { window, pool, .. }, QuantizedLayer::Conv { window: w, pool: p, .. }) =
            (before, &after)
        {
            assert_eq!(
                (window.height, window.stride_x, window.padding.top, pool),
                (w.height, w.stride_x, w.padding.top, p)
            );
        }
    }
    compare(&before, &after, &pictures, 0.01);
}

/// The sigmoids of the bundled model are int8 in the file, and have 16 bits before and after.
#[test]
fn dense_layers_come_back() {
    let before = runs::open("drawn".as_ref()).unwrap().model;
    let after = import(&exported(&before), None).unwrap();
    assert!(after.model().class_names().eq(before.model().class_names()));
    compare(&before, &after, &pictures(InputShape::gray(50), 8), 0.001);
}

#[test]
fn classes_are_sorted_with_their_rows() {
    let pictures = pictures(InputShape::gray(15), 3);
    let before = model(RECIPE, &pictures);
    let file = exported(&before);
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let after = import(&file, Some(&names(&["z", "x", "y"]))).unwrap();
    assert!(after.model().class_names().eq(["x", "y", "z"]));
    for picture in &pictures.examples {
        let before = before.engine().run_all(&picture.pixels).stages.pop().unwrap();
        let after = after.engine().run_all(&picture.pixels).stages.pop().unwrap();
        for (before, after) in [before[1], before[2], before[0]].iter().zip(after) {
            assert!((before - after).abs() < 1000, "{before} became {after}");
        }
    }
    assert!(matches!(import(&file, Some(&names(&["a", "b"]))), Err(Reason::Classes { classes: 3, got: 2 })));
    assert!(matches!(import(&file, Some(&names(&["a", "b", "a"]))), Err(Reason::Name { .. })));
    assert!(matches!(import(&file, Some(&names(&["a", "", "b"]))), Err(Reason::Name { .. })));
    // Without Pinhole's metadata the classes are numbered.
    let place = file.windows(15).position(|bytes| bytes == b"pinhole_classes").unwrap();
    let mut nameless = file.clone();
    nameless[place] = b'q';
    assert!(import(&nameless, None).unwrap().model().class_names().eq(["class-0", "class-1", "class-2"]));
}

/// A network that TensorFlow has trained a little and converted, with the logits of its interpreter
/// (`tests/tflite_golden.py`).
#[test]
fn a_file_of_tensorflow() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let file = std::fs::read(golden.join("keras.tflite")).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&std::fs::read(golden.join("keras.json")).unwrap()).unwrap();
    let model = import(&file, None).unwrap();
    let kinds: Vec<&str> = model.model().layers().map(|layer| layer.kind()).collect();
    let expected = ["conv", "depthwise", "conv", "add", "conv", "max-pool", "average-pool", "dense", "dense", "dense"];
    assert_eq!(kinds, expected);
    let unit = told["unit"].as_f64().unwrap();
    let of_pictures = told["logits"].as_array().unwrap();
    assert!(of_pictures.len() > 20);
    let mut engine = model.engine();
    let (mut apart, mut count) = (0.0, 0);
    for (picture, logits) in of_pictures.iter().enumerate() {
        let noise = |at: usize| (at * at * (picture + 1) + at * 13 + picture * 57) / 8 % 256;
        let pixel = |at: usize| (noise(at) * (40 + picture % 61) / 100) as u8;
        let pixels: Vec<u8> = (0..144).map(pixel).collect();
        let here = engine.run_all(&pixels).stages.pop().unwrap();
        for (here, there) in here.iter().zip(logits.as_array().unwrap()) {
            let (here, there) = (f64::from(*here) / 65_536.0, there.as_f64().unwrap() * unit);
            // Half a unit for the file's int8, and the effect of halves of means and of factors rounded twice, of 250 units.
            assert!((here - there).abs() <= 6.0 * unit, "picture {picture}: {here} and {there}");
            apart += (here - there).abs() / unit;
            count += 1;
        }
    }
    assert!(apart / f64::from(count) < 2.0, "{} units on average", apart / f64::from(count));
}

/// Arbitrary bytes give a model or a reason, and the reason names the fault.
#[test]
fn damaged_files() {
    let recipe = RECIPE.replace("channels = 6", "channels = 2");
    let file = exported(&model(&recipe, &pictures(InputShape::gray(15), 2)));
    let mut reasons = BTreeSet::new();
    for bytes in 0..file.len() {
        if let Err(reason) = import(&file[..bytes], None) {
            reasons.insert(reason.to_string());
        }
    }
    // A changed byte of weights still gives a model.
    let mut models = 0;
    for place in 0..file.len() {
        // 98 is LEAKY_RELU.
        for byte in [98, 0, 1, 255, !file[place], file[place] ^ 0x80] {
            let mut damaged = file.clone();
            damaged[place] = byte;
            match import(&damaged, None) {
                Ok(_) => models += 1,
                Err(reason) => _ = reasons.insert(reason.to_string()),
            }
        }
    }
    assert!(models > file.len(), "{models} of {} bytes", file.len());
    for part in [
        "it is damaged",
        "it is not a TensorFlow Lite file",
        "its input is",
        "is LEAKY_RELU, which Pinhole does not support",
        "with an activation function that Pinhole does not support",
        "whose weights have zero points other than 0",
        "whose input is not the output of the operator",
        "with another scale than its input",
        "with a window or stride outside of 1 to 255",
        "with a weight larger than 127",
    ] {
        assert!(reasons.iter().any(|reason| reason.contains(part)), "{part}: {reasons:#?}");
    }
}
