//! Networks of every kind of layer.

use std::ops::ControlFlow;

use candle_core::Tensor;
use pinhole_core::photos::Dataset;
use pinhole_core::random::Purpose;
use pinhole_core::recipe::{DEFAULT, Initialization, RecipeLayer};
use pinhole_core::testing;
use pinhole_shared::pixels::InputShape;

use super::*;
use crate::layers::FloatDense;
use crate::layers::FloatGlobalAverage;
use crate::loss::{CrossEntropy, Targets};
use crate::{Trainer, train};

/// Every kind of layer, with odd sizes and different paddings.
pub(crate) const ALL_KINDS: &str = "input_side = 11\n[training]\nepochs = 3\nbatch = 5\nlearning_rate = 0.01\n\
     [training.optimizer]\nkind = \"adamw\"\nweight_decay = 0.01\n\
     [[layer]]\nkind = \"conv\"\nchannels = 4\nkernel = 3\npadding = [1, 2, 0, 1]\nbatch_norm = true\n\
     activation = \"relu\"\npool = 2\n\
     [[layer]]\nkind = \"depthwise\"\nkernel = [3, 1]\npadding = [1, 0, 1, 0]\nbatch_norm = true\n\
     activation = \"relu6\"\n\
     [[layer]]\nkind = \"conv\"\nchannels = 4\nkernel = 1\nactivation = \"linear\"\nl2 = 0.01\n\
     [[layer]]\nkind = \"add\"\nfrom = 1\nactivation = \"relu\"\n\
     [[layer]]\nkind = \"conv\"\nchannels = 6\nkernel = 2\nstride = [1, 2]\nactivation = \"relu\"\ndropout = 0.25\n\
     [[layer]]\nkind = \"max-pool\"\nwindow = 2\nstride = 1\npadding = [1, 0, 0, 0]\n\
     [[layer]]\nkind = \"average-pool\"\nwindow = [2, 1]\npadding = [1, 0, 0, 0]\n\
     [[layer]]\noutputs = 7\nactivation = \"sigmoid\"\n";

/// Diagonals one way or the other, in noise.
pub(crate) fn photos(input: InputShape, count: usize) -> Dataset {
    let (width, channels) = (usize::from(input.width), usize::from(input.color.channels()));
    let level = |class: u16, i: usize| {
        let (y, x) = (i / channels / width, i / channels % width);
        if (if class == 0 { x + y } else { x + 3 * y }).is_multiple_of(4) { 160.0 } else { 90.0 }
    };
    testing::noise_around(level, 60.0, input, &["falling", "steep"], testing::in_turn(count, 2), 9)
}

pub(crate) fn trained(text: &str, count: usize) -> (Network, Dataset, f64) {
    let recipe = testing::recipe(text);
    let data = photos(recipe.input(), count);
    let network = Network::new(&recipe, &data.classes, 4).unwrap();
    let outcome = train(network, &data, &data, 4, |_| ControlFlow::Continue(())).unwrap();
    (outcome.network, data, outcome.best.validation_accuracy)
}

#[test]
fn a_network_survives_numbers_and_files() {
    let (network, data, _) = trained(ALL_KINDS, 11);
    let inputs: Vec<&[u8]> = data.examples.iter().map(|example| &example.pixels[..]).collect();
    let logits = network.logits(&inputs).unwrap();
    let layers = network.float_layers().unwrap();
    let FloatLayer::Conv(first) = &layers[0] else { panic!("{:?}", layers[0]) };
    let norm = first.norm.as_ref().unwrap();
    assert_eq!(first.biases, [0.0; 4]);
    assert!(norm.mean.iter().all(|&mean| mean != 0.0) && norm.gamma.iter().all(|&gamma| gamma != 1.0), "{norm:?}");

    let again = Network::from_layers(&network.recipe, &network.classes, &layers).unwrap();
    assert_eq!(again.logits(&inputs).unwrap(), logits);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    std::fs::write(&path, network.to_safetensors().unwrap()).unwrap();
    let read = Network::read(&path).unwrap();
    assert_eq!(read.float_layers().unwrap(), layers);
    assert_eq!(read.to_safetensors().unwrap(), network.to_safetensors().unwrap());
    let fresh = Network::new(&network.recipe, &network.classes, 4).unwrap();
    let mut kept = fresh.float_layers().unwrap();
    assert_ne!(fresh.logits(&inputs).unwrap(), logits);
    network.save_into(&mut kept).unwrap();
    fresh.restore(kept).unwrap();
    assert_eq!(fresh.logits(&inputs).unwrap(), logits);
    for wrong in [0, 1, 7, 8] {
        let mut layers = layers.clone();
        layers[wrong] = FloatLayer::GlobalAverage(FloatGlobalAverage);
        assert!(Network::from_layers(&network.recipe, &network.classes, &layers).is_err(), "{wrong}");
    }
}

#[test]
fn a_network_is_a_module_of_candle() {
    let (network, data, _) = trained(ALL_KINDS, 11);
    let inputs: Vec<&[u8]> = data.examples.iter().map(|example| &example.pixels[..]).collect();
    let module: &dyn Module = &network;
    let logits = module.forward(&batch(&inputs, network.recipe.input.color).unwrap()).unwrap();
    assert_eq!(logits.to_vec2::<f32>().unwrap(), network.logits(&inputs).unwrap());
}

/// With no layer, the activations are the pixels, in their order.
#[test]
fn activations_of_nothing_are_the_pixels() {
    for input in [InputShape::gray(11), InputShape::rgb(11)] {
        let mut recipe = testing::recipe(ALL_KINDS);
        recipe.input.color = input.color;
        let data = photos(input, 2);
        let network = Network::new(&recipe, &data.classes, 1).unwrap();
        let inputs: Vec<&[u8]> = data.examples.iter().map(|example| &example.pixels[..]).collect();
        let expected: Vec<f32> = inputs.concat().into_iter().map(|level| f32::from(level) / 255.0).collect();
        assert_eq!(network.activations(&inputs, 0).unwrap(), expected);
    }
}

/// Values after each layer equal those of loops written from the layers' definitions, in f64.
#[test]
fn activations_are_what_the_plain_numbers_say() {
    let (network, data, _) = trained(ALL_KINDS, 11);
    let layers = network.float_layers().unwrap();
    let shapes = network.recipe.shapes(2);
    let pixels = &data.examples[3].pixels;
    let mut outputs: Vec<Vec<f64>> = Vec::new();
    let mut input: Vec<f64> = pixels.iter().map(|&pixel| f64::from(pixel) / 255.0).collect();
    for (index, (layer, shape)) in layers.iter().zip(&shapes).enumerate() {
        let expected = plain::layer(layer, shape, &input, &outputs);
        let got = network.activations(&[pixels], index + 1).unwrap();
        assert_eq!(got.len(), expected.len(), "layer {index}");
        for (got, expected) in got.iter().zip(&expected) {
            let distance = (f64::from(*got) - expected).abs();
            assert!(distance <= PLAIN_TOLERANCE, "layer {index}: {got}, not {expected}");
        }
        outputs.push(expected.clone());
        input = expected;
    }
}

/// Largest distance of an activation in f32, of size 1 or so, from the one in f64.
const PLAIN_TOLERANCE: f64 = 1e-5;

/// Definitions of the layers, on tensors with channels last.
mod plain {
    use pinhole_shared::shape::{Shape, Window};

    use crate::layers::{FloatAdd, FloatConv, FloatDense, FloatLayer, FloatPool};
    use pinhole_core::recipe::{ActivationName, LayerShape};
    use pinhole_shared::model::PoolKind;

    fn activate(name: ActivationName, x: f64) -> f64 {
        match name {
            ActivationName::Linear => x,
            ActivationName::Relu => x.max(0.0),
            ActivationName::Relu6 => x.clamp(0.0, 6.0),
            ActivationName::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        }
    }

    /// Positions of the input under the window at (y, x), each with its position in the window; padding is left out.
    fn under(window: Window, input: Shape, y: usize, x: usize) -> Vec<((usize, usize), (usize, usize))> {
        let mut places = Vec::new();
        for ky in 0..usize::from(window.height) {
            for kx in 0..usize::from(window.width) {
                let row = (y * usize::from(window.stride_y) + ky).checked_sub(usize::from(window.padding.top));
                let column = (x * usize::from(window.stride_x) + kx).checked_sub(usize::from(window.padding.left));
                if let (Some(row), Some(column)) = (row, column)
                    && row < usize::from(input.height)
                    && column < usize::from(input.width)
                {
                    places.push(((ky, kx), (row, column)));
                }
            }
        }
        places
    }

    /// Computes `value(y, x, channel)` for every element.
    fn each(output: Shape, value: impl Fn(usize, usize, usize) -> f64) -> Vec<f64> {
        let mut all = Vec::new();
        for y in 0..usize::from(output.height) {
            for x in 0..usize::from(output.width) {
                all.extend((0..usize::from(output.channels)).map(|channel| value(y, x, channel)));
            }
        }
        all
    }

    fn at(values: &[f64], shape: Shape, (y, x): (usize, usize), channel: usize) -> f64 {
        values[(y * usize::from(shape.width) + x) * usize::from(shape.channels) + channel]
    }

    fn conv(conv: &FloatConv, input: &[f64], output: Shape) -> Vec<f64> {
        let is_depthwise = conv.is_depthwise;
        let (height, width) = conv.window.output_size(conv.input).unwrap();
        let full = Shape { height, width, ..output };
        let depth = if is_depthwise { 1 } else { usize::from(conv.input.channels) };
        let values = each(full, |y, x, channel| {
            let mut sum = f64::from(conv.biases[channel]);
            for ((ky, kx), place) in under(conv.window, conv.input, y, x) {
                for c in 0..depth {
                    let weight = ((channel * usize::from(conv.window.height) + ky) * usize::from(conv.window.width)
                        + kx)
                        * depth
                        + c;
                    let from = if is_depthwise { channel } else { c };
                    sum += f64::from(conv.weights[weight]) * at(input, conv.input, place, from);
                }
            }
            if let Some(norm) = &conv.norm {
                let root = (f64::from(norm.variance[channel]) + 1e-3).sqrt();
                sum = (sum - f64::from(norm.mean[channel])) / root * f64::from(norm.gamma[channel])
                    + f64::from(norm.beta[channel]);
            }
            activate(conv.activation, sum)
        });
        each(output, |y, x, channel| {
            let pooled = under(Window::tiles(conv.pool), full, y, x);
            pooled.into_iter().map(|(_, place)| at(&values, full, place, channel)).fold(f64::NEG_INFINITY, f64::max)
        })
    }

    pub(super) fn layer(layer: &FloatLayer, shape: &LayerShape, input: &[f64], outputs: &[Vec<f64>]) -> Vec<f64> {
        let LayerShape { input: from, output, .. } = *shape;
        match layer {
            FloatLayer::Dense(FloatDense { weights, biases, activation }) => (0..biases.len())
                .map(|output| {
                    let products =
                        input.iter().enumerate().map(|(i, x)| x * f64::from(weights[i * biases.len() + output]));
                    activate((*activation).into(), products.sum::<f64>() + f64::from(biases[output]))
                })
                .collect(),
            FloatLayer::Conv(layer) => conv(layer, input, output),
            FloatLayer::Pool(FloatPool { kind: PoolKind::Max, window }) => each(output, |y, x, channel| {
                let places = under(*window, from, y, x).into_iter();
                places.map(|(_, place)| at(input, from, place, channel)).fold(f64::NEG_INFINITY, f64::max)
            }),
            FloatLayer::Pool(FloatPool { kind: PoolKind::Average, window }) => each(output, |y, x, channel| {
                let places = under(*window, from, y, x);
                places.iter().map(|&(_, place)| at(input, from, place, channel)).sum::<f64>() / places.len() as f64
            }),
            FloatLayer::GlobalAverage(_) => each(output, |_, _, channel| {
                input.iter().skip(channel).step_by(usize::from(from.channels)).sum::<f64>() / from.positions() as f64
            }),
            FloatLayer::Add(FloatAdd { from, activation }) => {
                input.iter().zip(&outputs[*from]).map(|(a, b)| activate(*activation, a + b)).collect()
            }
        }
    }
}

/// Largest distance of a gradient from a difference quotient of the loss, relative to the layer's largest gradient.
const GRADIENT_TOLERANCE: f32 = 0.02;

/// One step of plain gradient descent with a rate of 1 moves every parameter by its gradient. This is compared with
/// difference quotients of the loss of the same batch.
#[test]
fn gradients_reach_every_layer() {
    let text = ALL_KINDS
        .replace("kind = \"adamw\"\nweight_decay = 0.01", "kind = \"sgd\"")
        .replace("learning_rate = 0.01", "learning_rate = 1.0")
        .replace("epochs = 3", "epochs = 1")
        .replace("batch = 5", "batch = 12")
        .replace("dropout = 0.25\n", "")
        .replace("l2 = 0.01\n", "")
        // Kinks would make the quotients wrong.
        .replace("\"relu\"", "\"linear\"")
        .replace("\"relu6\"", "\"linear\"")
        .replace("pool = 2\n", "")
        .replace("max-pool", "average-pool");
    let recipe = testing::recipe(&text);
    let data = photos(InputShape::gray(11), 12);
    let start = Network::new(&recipe, &data.classes, 4).unwrap();
    let before = start.float_layers().unwrap();
    let after = train(Network::new(&recipe, &data.classes, 4).unwrap(), &data, &data, 4, |_| ControlFlow::Break(()))
        .unwrap()
        .network
        .float_layers()
        .unwrap();
    let labels: Vec<u16> = data.examples.iter().map(|example| example.class).collect();
    let inputs: Vec<&[u8]> = data.examples.iter().map(|example| &example.pixels[..]).collect();
    let inputs = batch(&inputs, recipe.input.color).unwrap();
    let loss = |layers: &[FloatLayer]| -> f32 {
        let network = Network::from_layers(&recipe, &data.classes, layers).unwrap();
        let mut random = Random::stream(4, Purpose::Dropout);
        let logits: Tensor = network.learn(&inputs, &mut random, &[]).unwrap().logits;
        let targets = Targets::new(&recipe.training, labels.iter().copied(), 2);
        logits.apply_op1(CrossEntropy { labels: labels.clone(), targets }).unwrap().to_scalar().unwrap()
    };
    for (index, (mut before_layer, mut after_layer)) in before.iter().cloned().zip(after).enumerate() {
        let count = before_layer.values_mut().len();
        for tensor in 0..count {
            let (name, from) = before_layer.values_mut().swap_remove(tensor);
            if ["mean", "variance"].contains(&name) {
                continue;
            }
            let from = from.clone();
            let to = after_layer.values_mut().swap_remove(tensor).1.clone();
            let gradients: Vec<f32> = from.iter().zip(&to).map(|(from, to)| from - to).collect();
            let largest = gradients.iter().fold(0.0_f32, |largest, gradient| largest.max(gradient.abs()));
            // A bias before batch normalization would have no gradient; every tensor here has one.
            assert!(largest > 1e-4, "layer {index}, {name}: nothing moved");
            for at in [0, gradients.len() / 2, gradients.len() - 1] {
                let moved = |by: f32| {
                    let mut layers = before.clone();
                    layers[index].values_mut().swap_remove(tensor).1[at] += by;
                    loss(&layers)
                };
                let quotient = (moved(0.005) - moved(-0.005)) / 0.01;
                let distance = (gradients[at] - quotient).abs();
                assert!(
                    distance <= GRADIENT_TOLERANCE * largest + 1e-4,
                    "layer {index}, {name} {at}: {} and {quotient}",
                    gradients[at]
                );
            }
        }
    }
}

#[test]
fn any_number_of_threads_trains_the_same_bytes_and_learns() {
    let text = "input_side = 16\n[training]\nepochs = 12\nbatch = 12\nlearning_rate = 0.01\n\
         [training.augment]\nshift = 0.1\nnoise = 0.02\n\
         [[layer]]\nkind = \"conv\"\nchannels = 6\nkernel = 3\npadding = 1\nbatch_norm = true\nactivation = \"relu\"\n\
         pool = 2\n[[layer]]\nkind = \"global-average\"\ndropout = 0.1\n";
    let bytes = [1, 4].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (network, _, accuracy) = pool.install(|| trained(text, 60));
        assert!(accuracy > 0.9, "{accuracy}");
        network.to_safetensors().unwrap()
    });
    assert_eq!(bytes[0], bytes[1]);
}

#[test]
fn frozen_convolutions_keep_their_bytes() {
    let (network, data, _) = trained(ALL_KINDS, 11);
    let before = network.float_layers().unwrap();
    let mut network = network;
    network.freeze_hidden();
    let outcome = train(network, &data, &data, 5, |_| ControlFlow::Continue(())).unwrap();
    let after = outcome.network.float_layers().unwrap();
    assert_eq!(after[..8], before[..8]);
    assert_ne!(after[8], before[8]);
}

/// Hidden layers keep their bytes in the frozen epochs, and are trained from the next one on.
#[test]
fn frozen_epochs_train_the_last_layer_alone() {
    let (network, data, _) = trained(ALL_KINDS, 11);
    let before = network.float_layers().unwrap();
    for (frozen_epochs, epochs) in [(2, 2), (2, 3), (9, 3)] {
        let mut recipe = network.recipe.clone();
        (recipe.training.frozen_epochs, recipe.training.epochs) = (frozen_epochs, epochs);
        let start = Network::from_layers(&recipe, &network.classes, &before).unwrap();
        let mut trainer = Trainer::new(start, &data, &data, 5).unwrap();
        for _ in 0..epochs {
            trainer.epoch().unwrap();
        }
        let after = trainer.into_network().float_layers().unwrap();
        assert_eq!(after[..8] == before[..8], frozen_epochs >= epochs, "{frozen_epochs} {epochs}");
        assert_ne!(after[8], before[8]);
    }
}

/// The comparison with Keras needs its initialization, and photos that the repository does not have. This needs none:
/// Keras draws the weights of a dense layer from Glorot and Bengio's uniform distribution, one by one.
#[test]
fn independent_weights_are_keras() {
    let mut recipe = Recipe::find(DEFAULT).unwrap();
    let classes = ["a", "b"].map(str::to_owned);
    let weights = |recipe: &Recipe| {
        let layers = Network::new(recipe, &classes, 1).unwrap().float_layers().unwrap();
        let FloatLayer::Dense(FloatDense { weights, biases, .. }) = layers[0].clone() else {
            panic!("{:?}", layers[0])
        };
        assert_eq!(biases, [0.0; 128]);
        weights
    };
    let limit = (6.0_f64 / (2500.0 + 128.0)).sqrt();
    // Sums of a neuron's weights: of independent ones, their variance is that of one weight times 2,500.
    let spread = |weights: &[f32]| {
        let sums =
            (0..128).map(|output| weights.iter().skip(output).step_by(128).map(|&weight| f64::from(weight)).sum());
        sums.map(|sum: f64| sum * sum).sum::<f64>() / 128.0 / (2500.0 * limit * limit / 3.0)
    };
    let stratified = weights(&recipe);
    recipe.training.initialization = Initialization::Independent;
    let independent = weights(&recipe);
    for weights in [&stratified, &independent] {
        let largest = weights.iter().fold(0.0_f64, |largest, &weight| largest.max(f64::from(weight).abs()));
        let squares = weights.iter().map(|&weight| f64::from(weight).powi(2)).sum::<f64>() / weights.len() as f64;
        assert!(largest <= 1.000_001 * limit && largest > 0.999 * limit, "{largest} of {limit}");
        assert!((squares / (limit * limit / 3.0) - 1.0).abs() < 0.01, "{squares}");
    }
    // 128 sums: a standard deviation of 1/8.
    assert!((spread(&independent) - 1.0).abs() < 0.4, "{}", spread(&independent));
    assert!(spread(&stratified) < 0.01, "{}", spread(&stratified));
}

#[test]
fn convolutions_start_within_hes_limits() {
    let recipe = testing::recipe(ALL_KINDS);
    let layers = Network::new(&recipe, &["a".into(), "b".into()], 1).unwrap().float_layers().unwrap();
    let FloatLayer::Conv(conv) = &layers[4] else { panic!("{:?}", layers[4]) };
    let (limit, largest) =
        ((6.0_f32 / 16.0).sqrt(), conv.weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs())));
    assert!(largest <= limit && largest > 0.9 * limit, "{largest} of {limit}");
    assert!(Recipe::find(DEFAULT).unwrap().layers.iter().all(|layer| matches!(layer, RecipeLayer::Dense(_))));
}
