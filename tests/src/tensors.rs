//! A small network with every kind of layer, for tests.

use pinhole::model_file::ModelFile;
use pinhole::photos::Dataset;
use pinhole::quantize::{ActivationBits, quantize};
use pinhole::train::Network;
use pinhole_core::testing::untrained;

/// Every kind of layer, odd sizes, paddings that differ on every side, an addition of an earlier layer, negative
/// values.
pub const ALL_KINDS: &str = r#"
[[layer]]
kind = "conv"
channels = 6
kernel = [3, 2]
padding = [1, 0, 2, 1]
batch_norm = true
activation = "relu"
pool = 2
[[layer]]
kind = "depthwise"
kernel = 3
padding = 1
batch_norm = true
activation = "relu6"
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
kind = "conv"
channels = 13
kernel = 3
stride = 2
padding = [0, 1, 1, 0]
activation = "relu"
weight_bits = 4
[[layer]]
kind = "average-pool"
window = 2
stride = 1
padding = [1, 0, 0, 1]
[[layer]]
kind = "global-average"
[[layer]]
outputs = 7
activation = "sigmoid"
"#;

/// A first layer with its own loop on a Cortex-M4, with paddings that differ on every side and a partial block of rows.
pub const FIRST_LAYER: &str = r#"
[[layer]]
kind = "conv"
channels = 5
kernel = 3
padding = [1, 0, 2, 1]
batch_norm = true
activation = "relu6"
pool = 2
[[layer]]
kind = "global-average"
"#;

/// Convolutions from bands and depthwise convolutions in place, as a Cortex-M4 runs them: channels in fours and others, half groups,
/// partial blocks, strides, windows partly outside of inputs whose zero point is 0 and of others.
pub const BANDS: &str = r#"
[[layer]]
kind = "conv"
channels = 12
kernel = 5
padding = 2
batch_norm = true
activation = "relu"
[[layer]]
kind = "depthwise"
kernel = 3
padding = 1
batch_norm = true
activation = "relu"
[[layer]]
kind = "conv"
channels = 8
kernel = 1
activation = "linear"
[[layer]]
kind = "depthwise"
kernel = 3
stride = 2
padding = [1, 0, 1, 2]
activation = "linear"
[[layer]]
kind = "conv"
channels = 6
kernel = 3
padding = 1
activation = "relu6"
pool = 2
[[layer]]
kind = "conv"
channels = 20
kernel = [2, 3]
stride = 2
padding = [1, 1, 0, 2]
batch_norm = true
activation = "relu"
[[layer]]
kind = "depthwise"
kernel = [1, 4]
padding = [0, 3, 0, 1]
activation = "relu"
[[layer]]
kind = "global-average"
"#;

/// Rows so long that a Cortex-M4 computes them in several tiles, if the input is 96 wide.
pub const TILES: &str = r#"
[[layer]]
kind = "conv"
channels = 8
kernel = 3
padding = 1
activation = "relu"
[[layer]]
kind = "conv"
channels = 5
kernel = 3
padding = 1
activation = "relu"
pool = 2
[[layer]]
kind = "global-average"
"#;

/// Returns an untrained network of these layers, and its quantized model.
pub fn network_of(layers: &str, pictures: &Dataset) -> (Network, ModelFile) {
    let network = Network::new(&untrained(pictures.input, layers), &pictures.classes, 1).expect("a network");
    let file = quantize(&network, pictures, ActivationBits::default()).expect("a model");
    (network, file)
}
