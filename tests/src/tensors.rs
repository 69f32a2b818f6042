//! A small network with every kind of layer, for tests.

use pinhole::model_file::ModelFile;
use pinhole::photos::{Dataset, Example};
use pinhole::quantize::{ActivationBits, quantize};
use pinhole::random::Random;
use pinhole::recipe::Recipe;
use pinhole::train::Network;
use pinhole_shared::pixels::InputShape;

/// Every kind of layer, odd sizes, paddings that differ on every side, an addition of an earlier layer, negative
/// values.
pub const RECIPE: &str = r#"
input_side = 17
[training]
epochs = 1
batch = 8
learning_rate = 0.01
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
input_side = 17
[training]
epochs = 1
batch = 8
learning_rate = 0.01
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

/// Returns noise pictures of different brightness.
pub fn pictures(input: InputShape, count: usize) -> Dataset {
    let mut random = Random::seeded(3);
    let examples = (0..count).map(|number| {
        let (from, range) = (random.below(200), 1 + random.below(55));
        let pixels = (0..input.bytes()).map(|_| (from + random.below(range)) as u8).collect();
        Example { path: number.to_string().into(), class: (number % 3) as u16, pixels }
    });
    let examples = examples.collect();
    Dataset { input, classes: ["a", "b", "c"].map(str::to_owned).to_vec(), examples, warnings: Vec::new() }
}

/// Returns an untrained network of a recipe, and its quantized model.
pub fn network_of(recipe: &str, pictures: &Dataset) -> (Network, ModelFile) {
    let recipe = Recipe::parse(recipe, "of a test").expect("a good recipe");
    let network = Network::new(&recipe, &pictures.classes, 1).expect("a network");
    let file = quantize(&network, pictures, ActivationBits::default()).expect("a model");
    (network, file)
}
