//! Golden files, compared byte for byte and integer for integer.
//!
//! `golden/v1.pinhole` is a model file of format version 1 with every kind of layer that the engine supports.
//! `golden/v1.json` holds its inputs with all integers they must give. The format's promise (`pinhole_shared::model`,
//! "Stability") is that both stay valid in every later version: **once version 1 has been released these two files
//! never change.** A new format version gets files of its own, beside them.
//!
//! `golden/network.safetensors` is a trained float network. `golden/quantized-8.pinhole` and `-16.pinhole` are made
//! from it by today's quantizer, calibrated on the inputs of `v1.json`. These may change, together with an intended
//! change of the quantizer.
//!
//! `golden/m4-*.pinhole` and `m0plus-*.pinhole` are the same network packed for boards. Boards keep flashed models, so
//! **once version 1 has been released, the meaning of their bytes does not change** either.
//!
//! To write all of them again: `PINHOLE_WRITE_GOLDEN=1 cargo test -p pinhole-tests --test golden`. The tests then fail
//! on purpose, so that a run that wrote its own expectations cannot pass as a test. Check the result with `git diff`.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Once;

use pinhole::model_file::{ModelFile, Packing};
use pinhole::photos::Dataset;
use pinhole::quantize::{ActivationBits, quantize};
use pinhole::random::Random;
use pinhole::train::{Network, train};
use pinhole_core::testing;
use pinhole_shared::model::{Activation, Layer, Output, seal};
use pinhole_shared::pixels::InputShape;
use serde_json::Value;

const V1_MODEL: &[u8] = include_bytes!("../golden/v1.pinhole");
const V1_CASES: &str = include_str!("../golden/v1.json");
const QUANTIZED: [(ActivationBits, &str, &[u8]); 2] = [
    (ActivationBits::Eight, "quantized-8.pinhole", include_bytes!("../golden/quantized-8.pinhole")),
    (ActivationBits::Sixteen, "quantized-16.pinhole", include_bytes!("../golden/quantized-16.pinhole")),
];

/// [`trained`] packed for each kernel, with weights of every width: the layouts of format version 1 that boards run.
const PACKED: [(Packing, u8, &str, &[u8]); 6] = [
    (Packing::CortexM4, 8, "m4-8.pinhole", include_bytes!("../golden/m4-8.pinhole")),
    (Packing::CortexM4, 7, "m4-7.pinhole", include_bytes!("../golden/m4-7.pinhole")),
    (Packing::CortexM4, 4, "m4-4.pinhole", include_bytes!("../golden/m4-4.pinhole")),
    (Packing::CortexM0Plus, 8, "m0plus-8.pinhole", include_bytes!("../golden/m0plus-8.pinhole")),
    (Packing::CortexM0Plus, 7, "m0plus-7.pinhole", include_bytes!("../golden/m0plus-7.pinhole")),
    (Packing::CortexM0Plus, 4, "m0plus-4.pinhole", include_bytes!("../golden/m0plus-4.pinhole")),
];

/// Side of the golden inputs, px.
const SIDE: u16 = 8;
const CLASSES: [&str; 3] = ["ant", "bee", "écureuil"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

/// In writing mode, writes all files and fails. Every test calls it first.
fn write_if_asked() {
    static WRITTEN: Once = Once::new();
    if std::env::var_os("PINHOLE_WRITE_GOLDEN").is_none_or(|value| value != "1") {
        return;
    }
    WRITTEN.call_once(|| {
        let write = |name: &str, bytes: &[u8]| std::fs::write(golden(name), bytes).unwrap();
        write("v1.pinhole", &handmade());
        write("v1.json", json_of(&handmade()).as_bytes());
        let photos = photos(inputs());
        let network = trained(&photos);
        write("network.safetensors", &network.to_safetensors().unwrap());
        for (bits, name, _) in QUANTIZED {
            write(name, quantize(&network, &photos, bits).unwrap().bytes());
        }
        for (packing, bits, name, _) in PACKED {
            write(name, with_bits(&photos, bits).packed(packing).unwrap().bytes());
        }
    });
    panic!("the golden files were written anew, as PINHOLE_WRITE_GOLDEN asks; unset it and run the tests again");
}

struct Case {
    name: String,
    input: Vec<u8>,
    stages: Vec<Vec<i64>>,
    class: u64,
    probability_q16: u64,
}

fn cases() -> Vec<Case> {
    let integers = |value: &Value| -> Vec<i64> {
        value.as_array().unwrap().iter().map(|integer| integer.as_i64().unwrap()).collect()
    };
    let file: Value = serde_json::from_str(V1_CASES).unwrap();
    assert_eq!(file["format"], 1);
    let cases = file["cases"].as_array().unwrap().iter().map(|case| Case {
        name: case["name"].as_str().unwrap().to_owned(),
        input: integers(&case["input"]).into_iter().map(|pixel| u8::try_from(pixel).unwrap()).collect(),
        stages: case["layers"].as_array().unwrap().iter().map(integers).collect(),
        class: case["class"].as_u64().unwrap(),
        probability_q16: case["probability_q16"].as_u64().unwrap(),
    });
    cases.collect()
}

#[test]
fn version_1_gives_the_same_integers_for_ever() {
    write_if_asked();
    let file = ModelFile::from_bytes(V1_MODEL).unwrap();
    let model = file.model();
    assert_eq!((model.input(), model.classes()), (InputShape::gray(SIDE), 3));
    assert_eq!(model.class_names().collect::<Vec<_>>(), CLASSES);
    assert_eq!(model.file_bytes() as usize, V1_MODEL.len());
    let cases = cases();
    assert_eq!(cases.len(), inputs().len());
    let mut engine = file.engine();
    for case in cases {
        let inference = engine.run_all(&case.input);
        // Stage 0 is the input itself.
        assert_eq!(inference.stages.len(), 1 + case.stages.len());
        for (layer, (got, expected)) in inference.stages[1..].iter().zip(&case.stages).enumerate() {
            let got: Vec<i64> = got.iter().map(|&value| i64::from(value)).collect();
            assert_eq!(&got, expected, "{}: layer {layer}", case.name);
        }
        let decision = (u64::from(inference.decision.class), u64::from(inference.decision.probability.0));
        assert_eq!(decision, (case.class, case.probability_q16), "{}", case.name);
    }
}

/// The golden model covers every combination of activation function and output. Their values are neither all equal nor
/// all at the ends, and the cases reach every class.
#[test]
fn the_golden_model_takes_every_path() {
    write_if_asked();
    let file = ModelFile::from_bytes(V1_MODEL).unwrap();
    let model = file.model();
    let kind = |layer: Layer<'_>| match layer {
        Layer::Dense(dense) => (dense.activation as u8, dense.output as u8),
        other => panic!("a layer of the kind {}", other.kind()),
    };
    let mut kinds: Vec<_> = model.layers().map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let all = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0), (2, 1)];
    assert_eq!(kinds, all);
    let pre_shifts: Vec<u8> = model.layers().filter_map(|layer| Some(layer.weighted()?.pre_shift)).collect();
    assert!(pre_shifts.contains(&0) && pre_shifts.iter().any(|&shift| shift > 0), "{pre_shifts:?}");
    let cases = cases();
    for (index, layer) in model.layers().enumerate() {
        let mut values: Vec<i64> = cases.iter().flat_map(|case| case.stages[index].clone()).collect();
        values.sort_unstable();
        values.dedup();
        let (low, high) = layer.output().range();
        let inside = values.iter().filter(|&&value| value > i64::from(low) && value < i64::from(high)).count();
        assert!(inside >= 20, "layer {index}: only {values:?}");
    }
    for class in 0..3 {
        assert!(cases.iter().any(|case| case.class == class), "no input is of class {class}");
    }
}

/// The writer below still writes the golden file, so it can write the next version's.
#[test]
fn the_handmade_file_is_the_golden_one() {
    write_if_asked();
    assert!(V1_MODEL.len() <= 4096);
    assert_eq!(handmade(), V1_MODEL);
}

#[test]
fn the_quantizer_writes_the_same_bytes() {
    write_if_asked();
    let network = Network::read(&golden("network.safetensors")).unwrap();
    assert_eq!(network.classes, CLASSES);
    // Read from the file, so that only the quantizer is tested and not the source of its inputs.
    let photos = photos(cases().into_iter().map(|case| (case.name, case.input)).collect());
    for (bits, name, expected) in QUANTIZED {
        let quantized = quantize(&network, &photos, bits).unwrap();
        assert!(quantized.bytes() == expected, "the quantizer no longer writes golden/{name}");
    }
}

/// Returns the golden network, quantized with weights of this width.
fn with_bits(photos: &Dataset, bits: u8) -> ModelFile {
    let mut network = Network::read(&golden("network.safetensors")).unwrap();
    network.recipe.set_weight_bits(&[bits]).unwrap();
    quantize(&network, photos, ActivationBits::Sixteen).unwrap()
}

/// The layouts do not change: today's packing writes them, and they unpack to the model.
#[test]
fn packed_layouts_stay_what_they_are() {
    write_if_asked();
    let photos = photos(inputs());
    for (packing, bits, name, expected) in PACKED {
        let model = with_bits(&photos, bits);
        assert!(model.packed(packing).unwrap().bytes() == expected, "packing no longer writes golden/{name}");
        assert_eq!(ModelFile::from_bytes(expected).unwrap().bytes(), model.bytes(), "golden/{name}");
    }
}

/// Golden inputs: extremes, shapes and noise.
fn inputs() -> Vec<(String, Vec<u8>)> {
    let pixels = usize::from(SIDE) * usize::from(SIDE);
    let draw = |f: &dyn Fn(usize, usize) -> u8| (0..pixels).map(|i| f(i % 8, i / 8)).collect::<Vec<u8>>();
    let mut inputs = vec![
        ("black".to_owned(), draw(&|_, _| 0)),
        ("white".to_owned(), draw(&|_, _| 255)),
        ("checkerboard".to_owned(), draw(&|x, y| if (x + y) % 2 == 0 { 255 } else { 0 })),
        ("left to right".to_owned(), draw(&|x, _| (x * 36) as u8)),
        ("bottom to top".to_owned(), draw(&|_, y| 255 - (y * 36) as u8)),
        ("last pixel".to_owned(), draw(&|x, y| if (x, y) == (7, 7) { 255 } else { 0 })),
    ];
    let mut random = Random::seeded(1);
    for number in 1..=6 {
        inputs.push((format!("noise {number}"), (0..pixels).map(|_| random.below(256) as u8).collect()));
    }
    inputs
}

/// Returns inputs with alternating classes, for training the golden network and for calibration.
fn photos(inputs: Vec<(String, Vec<u8>)>) -> Dataset {
    let labels = testing::in_turn(inputs.len(), CLASSES.len() as u16);
    testing::dataset(InputShape::gray(SIDE), &CLASSES, labels.zip(inputs.into_iter().map(|(_, pixels)| pixels)))
}

/// Trains a small network with every activation function. Only for writing; the test reads the file.
fn trained(photos: &Dataset) -> Network {
    let text = "input_side = 8\n[training]\nepochs = 20\nbatch = 12\nlearning_rate = 0.01\n\
                [[layer]]\noutputs = 12\nactivation = \"sigmoid\"\n[[layer]]\noutputs = 10\nactivation = \"relu\"\n\
                [[layer]]\noutputs = 8\nactivation = \"linear\"\n";
    let network = Network::new(&testing::recipe(text), &photos.classes, 1).unwrap();
    train(network, photos, photos, 1, |_| ControlFlow::Continue(())).unwrap().network
}

/// A layer of the handmade model.
struct Handmade {
    outputs: usize,
    activation: Activation,
    output: Output,
    pre_shift: u8,
    /// Multipliers are random between half of this and this value, chosen so that outputs spread over their range.
    largest_multiplier: i32,
    /// A typical input value. Biases cancel its contribution, so that accumulators spread around 0.
    typical_input: i32,
}

/// Every combination of activation function and output. The quantizer never writes them together.
#[rustfmt::skip]
const HANDMADE: [Handmade; 7] = [
    Handmade { outputs: 12, activation: Activation::Sigmoid, output: Output::I16, pre_shift: 4, largest_multiplier: 1_600_000_000, typical_input: 127 },
    Handmade { outputs: 12, activation: Activation::Relu, output: Output::U8, pre_shift: 0, largest_multiplier: 400_000, typical_input: 16_384 },
    Handmade { outputs: 10, activation: Activation::Sigmoid, output: Output::U8, pre_shift: 5, largest_multiplier: 1_900_000_000, typical_input: 60 },
    Handmade { outputs: 9, activation: Activation::Linear, output: Output::I16, pre_shift: 1, largest_multiplier: 1_900_000_000, typical_input: 127 },
    Handmade { outputs: 8, activation: Activation::Relu, output: Output::I16, pre_shift: 2, largest_multiplier: 9_000_000, typical_input: 0 },
    Handmade { outputs: 7, activation: Activation::Linear, output: Output::U8, pre_shift: 0, largest_multiplier: 600_000, typical_input: 5_000 },
    Handmade { outputs: 3, activation: Activation::Linear, output: Output::Logits, pre_shift: 5, largest_multiplier: 1_400_000_000, typical_input: 60 },
];

/// The golden model, written from the specification alone and not by the host's encoder. Its sections have another
/// order (names first, layers last to first), each preceded by a gap.
fn handmade() -> Vec<u8> {
    let mut random = Random::seeded(2026);
    let mut file = vec![0; 64 + 64 * HANDMADE.len()];
    let append = |file: &mut Vec<u8>, section: &[u8]| -> u32 {
        file.resize(file.len() + 16, 0);
        let offset = file.len() as u32;
        file.extend(section);
        file.resize(file.len().next_multiple_of(16), 0);
        offset
    };
    let names: Vec<u8> =
        CLASSES.iter().flat_map(|name| std::iter::once(name.len() as u8).chain(name.bytes())).collect();
    let names_offset = append(&mut file, &names);

    let mut macs = 0;
    for (index, layer) in HANDMADE.iter().enumerate().rev() {
        let previous = index.checked_sub(1).map(|previous| &HANDMADE[previous]);
        let inputs = previous.map_or(usize::from(SIDE) * usize::from(SIDE), |previous| previous.outputs);
        let max_activation = match previous.map(|previous| previous.output) {
            None | Some(Output::U8) => 255,
            Some(_) => 32_768,
        };
        let within = |random: &mut Random, largest: i32| random.below(2 * largest as usize + 1) as i32 - largest;
        let weights: Vec<i8> = (0..inputs * layer.outputs).map(|_| within(&mut random, 127) as i8).collect();
        let cancel = |row: &[i8]| -row.iter().map(|&weight| i32::from(weight)).sum::<i32>() * layer.typical_input;
        let biases: Vec<i32> = weights.chunks(inputs).map(|row| cancel(row) + within(&mut random, 1000)).collect();
        let half = layer.largest_multiplier / 2;
        let multipliers: Vec<i32> = (0..layer.outputs).map(|_| half + random.below(half as usize) as i32).collect();
        let bound = weights.chunks(inputs).zip(&biases).map(|(row, bias)| {
            bias.unsigned_abs()
                + row.iter().map(|weight| u32::from(weight.unsigned_abs())).sum::<u32>() * max_activation
        });
        let bound = bound.max().unwrap();
        macs += weights.len() as u32;

        let words = |values: &[i32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let weights = append(&mut file, &weights.iter().map(|&weight| weight as u8).collect::<Vec<u8>>());
        let biases = append(&mut file, &words(&biases));
        let multipliers = append(&mut file, &words(&multipliers));
        let mut record = vec![1, 0, layer.activation as u8, layer.output as u8, 0, layer.pre_shift, 0, 0];
        for word in [inputs as u32, layer.outputs as u32, weights, biases, multipliers, bound] {
            record.extend(word.to_le_bytes());
        }
        record.extend((1.0_f32 / (index + 1) as f32).to_le_bytes());
        record.extend((1.0_f32 / (index + 2) as f32).to_le_bytes());
        file[64 + 64 * index..][..record.len()].copy_from_slice(&record);
    }

    let length = file.len() as u32;
    let mut header = b"PNHL\x01\x00\x40\x00".to_vec();
    header.extend(length.to_le_bytes());
    header.extend([0; 4]);
    // The pipeline of version 1, as a number: a model with another pipeline is not the golden one.
    header.extend(0x14b2_e4d5_u32.to_le_bytes());
    for field in [SIDE, SIDE, 1, CLASSES.len() as u16, HANDMADE.len() as u16, 64] {
        header.extend(field.to_le_bytes());
    }
    for field in [names_offset, names.len() as u32, macs] {
        header.extend(field.to_le_bytes());
    }
    file[..header.len()].copy_from_slice(&header);
    seal(&mut file);
    file
}

/// Returns `v1.json` with one line per list of numbers, so that differences are readable.
fn json_of(model: &[u8]) -> String {
    let file = ModelFile::from_bytes(model).unwrap();
    let mut engine = file.engine();
    let mut json = String::from("{\n\"format\": 1,\n\"cases\": [\n");
    let inputs = inputs();
    for (number, (name, input)) in inputs.iter().enumerate() {
        let inference = engine.run_all(input);
        let layers: Vec<String> = inference.stages[1..].iter().map(|values| format!("    {values:?}")).collect();
        let end = if number + 1 < inputs.len() { "," } else { "" };
        let (class, probability) = (inference.decision.class, inference.decision.probability.0);
        write!(
            json,
            "{{\"name\": \"{name}\",\n  \"input\": {input:?},\n  \"layers\": [\n{}\n  ],\n  \"class\": {class}, \
             \"probability_q16\": {probability}}}{end}\n",
            layers.join(",\n")
        )
        .unwrap();
    }
    json + "]\n}\n"
}
