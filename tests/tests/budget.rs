//! Memory of boards, its use by model and firmware, and durations of inferences: predicted before flashing, and
//! compared with the emulated boards.
//!
//! A machine on which the emulator cannot run fails these tests.

use std::path::Path;

use miette::Diagnostic as _;
use pinhole::bench::bench;
use pinhole::board::Board;
use pinhole::budget::predict::{TOLERANCE, predict};
use pinhole::emulator::{EmulatedBoard, EmulatorError};
use pinhole::firmware::{Firmware, FirmwareError};
use pinhole::model_file::ModelFile;
use pinhole::quantize::{ActivationBits, quantize};
use pinhole::recipe::{DEFAULT, Recipe};
use pinhole::train::Network;
use pinhole_core::testing;
use pinhole_shared::model::{Activation, Layer, Output};
use pinhole_shared::pixels::InputShape;
use pinhole_tests::handmade::{LayerShape, encode, logits};
use pinhole_tests::{Ran, bundled_model, on_disk, pinhole, repository, tensors};

const BOARDS: [Board; 3] = [Board::Qemu, Board::QemuM0plus, Board::QemuM33];

fn layer(outputs: usize, activation: Activation, output: Output) -> LayerShape {
    LayerShape { outputs, activation, output }
}

fn inspect(board: Board, model: &Path, json: &[&str]) -> Ran {
    Ran::of(pinhole(["inspect", "--board", board.name()]).arg(model).args(json))
}

/// Maximum relative error for a layer with tensors. Dense layers may exceed it: some have few neurons.
const LAYER_TOLERANCE: f64 = 0.03;
/// The same on a Cortex-M33, whose compiled code is taken to be a Cortex-M4's, and on a Cortex-M0+, which takes more instructions
/// around its loops.
const OTHER_LAYER_TOLERANCE: f64 = 0.05;
/// Color; weights of 7 and 4 bits; strides, paddings and channels that are even nowhere; an addition; columns in
/// several chunks.
const COLORS: &str = r#"
[[layer]]
kind = "conv"
channels = 10
kernel = [2, 3]
stride = [1, 2]
padding = [1, 0, 0, 2]
activation = "linear"
weight_bits = 7
pool = 2
[[layer]]
kind = "depthwise"
kernel = [5, 3]
padding = [2, 1, 2, 1]
activation = "relu"
weight_bits = 4
[[layer]]
kind = "conv"
channels = 10
kernel = 1
activation = "linear"
[[layer]]
kind = "add"
from = 1
activation = "relu"
[[layer]]
kind = "conv"
channels = 72
kernel = 1
stride = 2
activation = "relu6"
[[layer]]
kind = "conv"
channels = 9
kernel = [7, 3]
activation = "relu"
"#;

/// A first layer with 4-bit weights, 3 x 3 pooling, average pooling.
const FOUR_BITS: &str = r#"
[[layer]]
kind = "conv"
channels = 6
kernel = 3
padding = 1
activation = "relu"
weight_bits = 4
pool = 2
[[layer]]
kind = "max-pool"
window = [2, 3]
stride = 1
padding = [0, 1, 1, 1]
[[layer]]
kind = "conv"
channels = 17
kernel = [5, 4]
stride = [2, 1]
padding = [2, 1, 1, 2]
activation = "relu"
pool = 3
[[layer]]
kind = "average-pool"
window = [1, 2]
stride = 1
[[layer]]
outputs = 11
activation = "relu"
"#;

/// Relative errors of the predicted instructions, for the whole and for each layer; positive if the prediction is too
/// high.
fn errors(file: &ModelFile, path: &Path, board: Board) -> (f64, Vec<f64>) {
    let packed = file.packed(board.packing()).unwrap();
    let predicted = predict(&packed.model(), board.declaration().core).unwrap();
    let counted = bench(file, path, board).unwrap_or_else(|error| panic!("{error}"));
    let layers = predicted.layers.iter().zip(&counted.layers);
    let layers = layers.map(|(layer, counted)| layer.instructions as f64 / counted.instructions as f64 - 1.0);
    (predicted.error(counted.instructions), layers.collect())
}

/// If this fails, an assembly loop changed without its counts in `host/boards/src/budget/predict`, or the compiled code around
/// the loops changed. In the second case, measure `compiled` there again.
#[test]
fn predicted_instructions_are_those_counted() {
    let path = bundled_model();
    let bundled = ModelFile::read(&path).unwrap();
    for board in BOARDS {
        let (whole, layers) = errors(&bundled, &path, board);
        println!("{board:?}: {whole:+.4}, layers {layers:+.4?}");
        assert!(whole.abs() < TOLERANCE, "{board:?}: {whole:+.4}, layers {layers:+.4?}");
    }
}

/// The default network with weights of this width, untrained: only its shape matters for the cost.
fn of_bits(bits: u8) -> ModelFile {
    let mut recipe = Recipe::find(DEFAULT).unwrap();
    recipe.set_weight_bits(&[bits]).unwrap();
    let photos = testing::noise(recipe.input(), &["chihuahua", "muffin"], [0], 1);
    let network = Network::new(&recipe, &photos.classes, 1).unwrap();
    quantize(&network, &photos, ActivationBits::Sixteen).unwrap()
}

#[test]
fn weights_of_fewer_bits_are_predicted_too() {
    for bits in [7, 4] {
        let file = of_bits(bits);
        let (_folder, path) = on_disk(file.bytes());
        for board in BOARDS {
            let (whole, layers) = errors(&file, &path, board);
            println!("{bits} bits, {board:?}: {whole:+.4}, layers {layers:+.4?}");
            assert!(whole.abs() < TOLERANCE, "{bits} bits, {board:?}: {whole:+.4}, layers {layers:+.4?}");
        }
    }
}

/// Shapes with partial blocks and groups, every activation function, one layer and several.
#[test]
fn other_networks_are_predicted_too() {
    let (u8, i16) = (Output::U8, Output::I16);
    let (relu, linear, sigmoid) = (Activation::Relu, Activation::Linear, Activation::Sigmoid);
    let files = [
        encode(45, &[logits(3)], 1),
        encode(33, &[layer(70, relu, u8), layer(31, linear, i16), logits(2)], 2),
        encode(28, &[layer(129, sigmoid, u8), layer(17, sigmoid, i16), logits(5)], 3),
    ];
    for (number, file) in files.iter().enumerate() {
        let (_folder, path) = on_disk(file.bytes());
        let file = ModelFile::from_bytes(file.bytes()).unwrap();
        for board in BOARDS {
            let (whole, layers) = errors(&file, &path, board);
            println!("network {number}, {board:?}: {whole:+.4}, layers {layers:+.4?}");
            assert!(whole.abs() < TOLERANCE, "network {number}, {board:?}: {whole:+.4}, layers {layers:+.4?}");
        }
    }
}

#[test]
fn trained_networks_of_convolutions_are_predicted_too() {
    for name in ["conv-96", "conv-50", "conv-50-tiny"] {
        let path = repository().join("data/models").join(name).join("model.pinhole");
        let file = ModelFile::read(&path).unwrap();
        for board in BOARDS {
            let (whole, layers) = errors(&file, &path, board);
            println!("{name}, {board:?}: {whole:+.4}, layers {layers:+.4?}");
            assert!(whole.abs() < TOLERANCE, "{name}, {board:?}: {whole:+.4}, layers {layers:+.4?}");
            let told = inspect(board, Path::new(name), &["--json"]).ok().json();
            assert_eq!(
                told["board"]["predicted"]["layers"].as_array().unwrap().len(),
                layers.len(),
                "{name}, {board:?}"
            );
            assert!(told["board"]["predicted"]["time_ms"].as_f64().unwrap() > 1.0, "{name}, {board:?}");
        }
    }
}

/// Every kind of layer, in shapes that were not used to fit the constants.
#[test]
fn every_kind_of_layer_is_predicted() {
    let networks = [
        (InputShape::gray(17), tensors::ALL_KINDS),
        (InputShape::gray(17), tensors::FIRST_LAYER),
        (InputShape::gray(17), tensors::BANDS),
        (InputShape::rgb(26), COLORS),
        (InputShape::gray(20), FOUR_BITS),
    ];
    for (number, (input, layers)) in networks.into_iter().enumerate() {
        let (_, file) = tensors::network_of(layers, &testing::pictures(input, 3));
        let (_folder, path) = on_disk(file.bytes());
        for board in BOARDS {
            let (whole, layers) = errors(&file, &path, board);
            println!("network {number}, {board:?}: {whole:+.4}, layers {layers:+.4?}");
            assert!(whole.abs() < TOLERANCE, "network {number}, {board:?}: {whole:+.4}, layers {layers:+.4?}");
            for (layer, error) in file.model().layers().zip(layers) {
                let tolerance = match (&layer, board) {
                    (Layer::Dense(_), _) => continue,
                    (_, Board::Qemu) => LAYER_TOLERANCE,
                    _ => OTHER_LAYER_TOLERANCE,
                };
                assert!(error.abs() < tolerance, "network {number}, {board:?}: {error:+.4} of {}", layer.kind());
            }
        }
    }
}

#[test]
fn firmware_is_within_its_budget() {
    for board in Board::ALL {
        let declared = board.declaration();
        let size = Firmware::of(board).unwrap_or_else(|error| panic!("{error}")).size();
        size.check(declared).unwrap();
        // The firmware is complete: the buffers alone take this much, and there is code.
        let buffers = declared.buffers;
        let side = u64::from(buffers.input_side_px);
        let row = side * u64::from(buffers.input_channels);
        let (words, halves) = (buffers.accumulators + buffers.lanes, buffers.activations);
        let bytes = buffers.row_bytes + buffers.arena_bytes + 4 * words + 2 * halves;
        let least = side * row + 8 * row + u64::from(bytes);
        assert!((least..least + 4096).contains(&size.static_ram_bytes), "{board:?}: {size:?}, {least}");
        assert!(size.code_bytes > 10_000, "{board:?}: {size:?}");
        // The loops and the sigmoid's table alone are 2 kB: a wrong count must not pass.
        assert!((2048..size.code_bytes).contains(&size.engine_bytes), "{board:?}: {size:?}");
    }
}

#[test]
fn inspect_shows_what_a_board_has() {
    let model = bundled_model();
    for board in BOARDS {
        let file = ModelFile::read(&model).unwrap();
        let packed = file.packed(board.packing()).unwrap();
        let told = inspect(board, &model, &["--json"]).ok().json();
        let shown = &told["board"];
        assert_eq!((&shown["name"], &shown["fits"]), (&board.name().into(), &true.into()));
        assert_eq!(shown["flash"]["model_bytes"], packed.bytes().len());
        let size = Firmware::of(board).unwrap().size();
        assert_eq!(shown["flash"]["code_bytes"], size.code_bytes);
        assert_eq!(shown["flash"]["engine_bytes"], size.engine_bytes);
        assert_eq!(shown["ram"]["static_bytes"], size.static_ram_bytes);
        assert_eq!(shown["ram"]["stack_budget_bytes"], board.declaration().budget.stack_bytes);
        // More than an inference alone, and within the reserved stack.
        let stack = shown["ram"]["worst_stack_bytes"].as_u64().unwrap();
        assert!((512..=u64::from(board.declaration().budget.stack_bytes)).contains(&stack), "a stack of {stack} bytes");
        let predicted = predict(&packed.model(), board.declaration().core).unwrap();
        assert_eq!(shown["predicted"]["whole"]["instructions"], predicted.whole.instructions);
        assert_eq!(shown["predicted"]["layers"].as_array().unwrap().len(), 3);
        let text = inspect(board, &model, &[]).ok().stdout;
        for words in [size.code_bytes.to_string().as_str(), "modeled", "fits      yes"] {
            assert!(text.contains(words), "no {words:?} in:\n{text}");
        }
    }
    // Without a board, nothing is built and no board is shown.
    let told = Ran::of(pinhole(["inspect"]).arg(&model).arg("--json")).ok();
    assert_eq!((told.json().get("board"), told.stderr.as_str()), (None, ""));
}

/// Refused before anything is built or started, with a way out; `inspect` reports the same.
#[test]
fn a_model_that_does_not_fit_is_refused_by_the_host() {
    let wide = [layer(1025, Activation::Relu, Output::U8), logits(2)];
    let cases = [
        (
            encode(4, &wide, 3),
            "its widest layer needs 1028 accumulators, and the board has 1024",
            "use layers of at most 1024 neurons",
        ),
        (
            encode(167, &[logits(2)], 3),
            "its input has 27889 bytes, and the board has room for 27648",
            "a smaller input: height x width x channels of at most 27648",
        ),
        (
            encode(289, &[logits(2)], 3),
            "a row of its input has 289 bytes, and the board has room for 288",
            "a narrower input: width x channels of at most 288",
        ),
    ];
    for (file, reason, advice) in cases {
        let (_folder, path) = on_disk(file.bytes());
        let error = EmulatedBoard::start(Board::Qemu, &path).unwrap_err();
        assert!(matches!(error, EmulatorError::Firmware(FirmwareError::DoesNotFit { .. })), "{error:?}");
        let help = error.help().map(|help| help.to_string()).unwrap_or_default();
        let text = error.to_string();
        assert!(text.contains(reason) && text.contains(path.to_str().unwrap()), "{text}");
        assert!(help.contains(advice) && help.contains("--board qemu"), "{help}");
        let told = inspect(Board::Qemu, &path, &[]);
        assert_eq!(told.code, Some(1), "{}", told.stderr);
        assert!(told.stdout.contains(reason) && told.stdout.contains(advice), "{}", told.stdout);
        let told = inspect(Board::Qemu, &path, &["--json"]);
        assert_eq!((told.code, &told.json()["board"]["fits"]), (Some(1), &false.into()));
    }
}
