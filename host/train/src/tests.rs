//! Training against candle's own operations and a textbook Adam.

use std::ops::ControlFlow;

use candle_core::{Device, Tensor, Var};
use pinhole_core::photos::Dataset;
use pinhole_core::testing::{noise_around, recipe};
use pinhole_shared::model::Activation;
use pinhole_shared::pixels::InputShape;

use super::*;
use crate::layers::FloatDense;

/// Synthetic pictures: two classes of noise around two different slopes, not quite separable.
fn dataset(side: u16, per_class: usize, seed: u64) -> Dataset {
    let input = InputShape::gray(side);
    let level = |class: u16, i: usize| {
        let slope = if class == 0 { 1.0 } else { -1.0 };
        128.0 + slope * 40.0 * (2.0 * i as f32 / input.bytes() as f32 - 1.0)
    };
    let labels = (0..2).flat_map(|class| std::iter::repeat_n(class, per_class));
    noise_around(level, 90.0, input, &["falling", "rising"], labels, seed)
}

fn dense(layer: &FloatLayer) -> (&[f32], &[f32], Activation) {
    let FloatLayer::Dense(FloatDense { weights, biases, activation }) = layer else { panic!("{layer:?} is not dense") };
    (weights, biases, *activation)
}

fn go_on(_: &Epoch) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Largest distance of a weight after 20 updates from those of candle's matrix product and autograd and a textbook Adam
/// in f64. candle rounds in f32, in another order, and Adam divides gradients by their own size. So the last bits of a
/// tiny gradient show in the weight. A weight moves about 0.02 in these updates.
const ORACLE_TOLERANCE: f64 = 2e-5;

/// Adam as in Keras' documentation, one number at a time.
struct TextbookAdam {
    weight: f64,
    first: f64,
    second: f64,
}

impl TextbookAdam {
    fn update(&mut self, gradient: f64, step: i32) {
        self.first = 0.9 * self.first + 0.1 * gradient;
        self.second = 0.999 * self.second + 0.001 * gradient * gradient;
        let rate = 0.001 * (1.0 - 0.999_f64.powi(step)).sqrt() / (1.0 - 0.9_f64.powi(step));
        self.weight -= rate * self.first / (self.second.sqrt() + 1e-7);
    }
}

#[test]
fn updates_equal_candles_own() {
    let recipe = recipe(
        "input_side = 8\n[training]\nepochs = 20\nbatch = 64\nlearning_rate = 0.001\n\
         [[layer]]\noutputs = 13\nactivation = \"sigmoid\"\n[[layer]]\noutputs = 9\nactivation = \"relu\"\nl2 = 0.01\n\
         [[layer]]\noutputs = 5\nactivation = \"linear\"\nl1 = 0.003\n",
    );
    let data = dataset(8, 12, 1);
    let start = Network::new(&recipe, &data.classes, 5).unwrap().float_layers().unwrap();

    let variables: Vec<(Var, Var)> = start
        .iter()
        .map(|layer| {
            let (weights, biases, _) = dense(layer);
            let shape = (weights.len() / biases.len(), biases.len());
            let weights = Var::from_slice(weights, shape, &Device::Cpu).unwrap();
            (weights, Var::from_slice(biases, biases.len(), &Device::Cpu).unwrap())
        })
        .collect();
    let adam_of = |tensor: &Tensor| -> Vec<TextbookAdam> {
        let weights = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        weights.iter().map(|&w| TextbookAdam { weight: f64::from(w), first: 0.0, second: 0.0 }).collect()
    };
    let parameters: Vec<&Var> = variables.iter().flat_map(|(weights, biases)| [weights, biases]).collect();
    let mut adams: Vec<Vec<TextbookAdam>> = parameters.iter().map(|variable| adam_of(variable.as_tensor())).collect();
    let pixels: Vec<f32> = data.examples.iter().flat_map(|e| e.pixels.iter().map(|&p| f32::from(p) / 255.0)).collect();
    let inputs = Tensor::from_vec(pixels, (data.examples.len(), 64), &Device::Cpu).unwrap();
    let labels: Vec<u32> = data.examples.iter().map(|example| u32::from(example.class)).collect();
    let labels = Tensor::from_vec(labels, data.examples.len(), &Device::Cpu).unwrap();
    for step in 1..=20 {
        let mut values = inputs.clone();
        for ((weights, biases), layer) in variables.iter().zip(&start) {
            values = values.matmul(weights).unwrap().broadcast_add(biases).unwrap();
            values = match dense(layer).2 {
                Activation::Linear => values,
                Activation::Relu => values.relu().unwrap(),
                Activation::Sigmoid => candle_nn::ops::sigmoid(&values).unwrap(),
            };
        }
        let mut loss = candle_nn::loss::cross_entropy(&values, &labels).unwrap();
        let l2 = variables[1].0.sqr().unwrap().sum_all().unwrap();
        let l1 = variables[2].0.abs().unwrap().sum_all().unwrap();
        loss = ((loss + (l2 * 0.01).unwrap()).unwrap() + (l1 * 0.003).unwrap()).unwrap();
        let gradients = loss.backward().unwrap();
        for (variable, adams) in parameters.iter().zip(&mut adams) {
            let gradient =
                gradients.get(variable.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            adams.iter_mut().zip(gradient).for_each(|(adam, gradient)| adam.update(f64::from(gradient), step));
            let weights: Vec<f32> = adams.iter().map(|adam| adam.weight as f32).collect();
            variable.set(&Tensor::from_vec(weights, variable.shape(), &Device::Cpu).unwrap()).unwrap();
        }
    }

    let network = Network::new(&recipe, &data.classes, 5).unwrap();
    let ours = train(network, &data, &data, 5, go_on).unwrap();
    assert_eq!(ours.best.epoch, 20, "the validation loss should still be falling");
    let mut moved = 0.0_f32;
    for ((layer, adams), start) in ours.network.float_layers().unwrap().iter().zip(adams.chunks(2)).zip(&start) {
        for ((&ours, theirs), &start) in dense(layer).0.iter().zip(&adams[0]).zip(dense(start).0) {
            let distance = (f64::from(ours) - theirs.weight).abs();
            assert!(distance <= ORACLE_TOLERANCE, "{ours} and {}: {distance}", theirs.weight);
            moved = moved.max((ours - start).abs());
        }
        for (&ours, theirs) in dense(layer).1.iter().zip(&adams[1]) {
            let distance = (f64::from(ours) - theirs.weight).abs();
            assert!(distance <= ORACLE_TOLERANCE, "{ours} and {}: {distance}", theirs.weight);
        }
    }
    assert!(moved > 0.015, "nothing was learned: {moved}");
}

/// Every training setting of a recipe changes the network, and settings that act later do not change earlier epochs.
#[test]
fn every_training_setting_is_used() {
    let base = "input_side = 8\n[training]\nepochs = 4\nbatch = 64\nlearning_rate = 0.01\n";
    let layer = "[[layer]]\noutputs = 5\nactivation = \"sigmoid\"\n";
    let data = dataset(8, 6, 1);
    let losses = |settings: &str| -> Vec<f64> {
        let network = Network::new(&recipe(&format!("{base}{settings}{layer}")), &data.classes, 3).unwrap();
        train(network, &data, &data, 3, go_on).unwrap().epochs.iter().map(|epoch| epoch.validation_loss).collect()
    };
    let plain = losses("");
    for settings in [
        "initialization = \"independent\"\n",
        "[training.augment]\nflip = true\n",
        "[training.augment]\nbrightness = 0.3\n",
        "[training.optimizer]\nkind = \"sgd\"\nmomentum = 0.9\n",
    ] {
        assert_ne!(losses(settings)[0], plain[0], "{settings}");
    }
    // The learning rate drops after the first epoch, at the second or third.
    for (settings, same) in [
        ("[training.schedule]\nkind = \"cosine\"\n", 1),
        ("[training.schedule]\nkind = \"step\"\nevery = 2\nfactor = 0.1\n", 2),
        ("[training.schedule]\nkind = \"inverse-time\"\ndecay = 1.0\n", 1),
    ] {
        let scheduled = losses(settings);
        assert_eq!(scheduled[..same], plain[..same], "{settings}");
        assert_ne!(scheduled[same], plain[same], "{settings}");
    }
    let frozen = losses("frozen_epochs = 2\n");
    assert_ne!(frozen[0], plain[0]);
    // All classes have as many photos: the balanced loss is the same to a rounding.
    for (balanced, plain) in losses("class_weights = \"balanced\"\n").iter().zip(&plain) {
        assert!((balanced - plain).abs() < 1e-6, "{balanced} {plain}");
    }
    let momentum = |nesterov: bool| {
        losses(&format!("[training.optimizer]\nkind = \"sgd\"\nmomentum = 0.9\nnesterov = {nesterov}\n"))
    };
    assert_ne!(momentum(true), momentum(false));
}
