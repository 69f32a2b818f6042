//! Tests of the graphics card's operations. They are candle's, which also run on the processor; there they are compared
//! with ours.

use std::ops::ControlFlow;

use candle_core::{Device, Result, Tensor, Var};
use pinhole_core::photos::Dataset;
use pinhole_core::random::{Purpose, Random};
use pinhole_core::testing;

use super::*;
use crate::layers::Trace;
use crate::loss::{CrossEntropy, Targets};
use crate::network::tests::{ALL_KINDS, photos};
use crate::network::{Network, batch};
use crate::trainer::Trainer;
use crate::training::Training;

/// Largest difference between sums of at most some thousands of products in `f32`, in different orders. Relative to the
/// largest of the compared numbers, or to 1 if all are smaller.
const TOLERANCE: f32 = 2e-5;

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn assert_close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = ours.iter().fold(1.0_f32, |largest, value| largest.max(value.abs()));
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!((ours - theirs).abs() <= TOLERANCE * largest, "{what}: {theirs}, not {ours}");
    }
}

/// A network with every kind of layer, and pictures for it.
fn subject(color: &str) -> (Network, Dataset) {
    let recipe = testing::recipe(&format!("color = \"{color}\"\n{ALL_KINDS}"));
    let data = photos(recipe.input(), 11);
    (Network::new(&recipe, &data.classes, 4).unwrap(), data)
}

/// Compares every layer's gradients, factors and statistics, with dropout.
fn compare(network: &Network, data: &Dataset) -> Result<()> {
    let labels: Vec<u16> = data.examples.iter().map(|example| example.class).collect();
    let inputs: Vec<&[u8]> = data.examples.iter().map(|example| &example.pixels[..]).collect();
    let inputs = batch(&inputs, network.recipe.input.color)?;
    let loss = || {
        let targets = Targets::new(&network.recipe.training, labels.iter().copied(), network.classes.len());
        CrossEntropy { labels: labels.clone(), targets }
    };
    let dropout = || Random::stream(6, Purpose::Dropout);
    let ours = network.learn(&inputs, &mut dropout(), &[])?;
    let store = ours.logits.apply_op1(loss())?.backward()?;

    let masks = network.masks(&mut dropout(), data.examples.len())?;
    let pass = Pass::forward(network, &Device::Cpu, &inputs, &masks)?;
    let logits = Var::from_tensor(&pass.logits()?)?;
    assert_close(&values(&ours.logits), &values(&logits), "logits");
    let by_logits = logits.apply_op1(loss())?.backward()?.remove(&logits).unwrap();
    let learned = pass.backward(&by_logits)?;

    let mut compared = 0;
    for (index, ((layer, trace), theirs)) in network.layers.iter().zip(&ours.traces).zip(&learned).enumerate() {
        let learns = index >= network.frozen;
        for (name, variable) in layer.kind.variables() {
            let what = format!("layer {index}, {name}");
            // Running statistics have no gradient; dense layers leave factors instead.
            let expected = store.get(variable.as_tensor()).filter(|_| learns);
            assert_eq!(expected.is_some(), theirs.of(name).is_some(), "{what}");
            if let (Some(ours), Some(theirs)) = (expected, theirs.of(name)) {
                assert_close(&values(ours), &values(theirs), &what);
                compared += 1;
            }
        }
        let factors = |trace: &Trace| trace.factors.lock().unwrap().take();
        match (factors(trace), factors(&theirs.trace)) {
            (Some(ours), Some(theirs)) => {
                assert_close(&values(&ours.0), &values(&theirs.0), &format!("what came into layer {index}"));
                assert_close(&values(&ours.1), &values(&theirs.1), &format!("delta of layer {index}"));
                compared += 1;
            }
            (ours, theirs) => {
                assert_eq!((ours.is_some(), theirs.is_some()), (false, false), "layer {index}");
                assert!(!learns || !layer.kind.float()?.is_dense(), "layer {index} learns nothing");
            }
        }
        let seen = |trace: &Trace| trace.seen.lock().unwrap().take();
        let (ours, theirs) = (seen(trace), seen(&theirs.trace));
        assert_eq!(ours.is_some(), theirs.is_some(), "layer {index}");
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            let single = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<_>>();
            assert_close(&single(ours.means), &single(theirs.means), &format!("means of layer {index}"));
            assert_close(&single(ours.variances), &single(theirs.variances), &format!("variances of layer {index}"));
            compared += 1;
        }
    }
    // Two convolutions: weights, gamma, beta and statistics; two more: weights and biases; two dense layers: factors.
    // With frozen hidden layers, the last layer's alone.
    assert_eq!(compared, if network.frozen == 0 { 4 + 4 + 2 + 2 + 2 } else { 1 });
    Ok(())
}

#[test]
fn candles_operations_give_our_gradients() {
    for color in ["gray", "rgb"] {
        let (mut network, data) = subject(color);
        compare(&network, &data).unwrap();
        network.freeze_hidden();
        compare(&network, &data).unwrap();
    }
}

/// The optimizer, running statistics and penalties work the same with candle's gradients as with ours.
#[test]
fn a_training_by_them_goes_as_ours() {
    let (network, data) = subject("gray");
    let again = Network::from_layers(&network.recipe, &network.classes, &network.float_layers().unwrap()).unwrap();
    let mut ours = Trainer::new(network, &data, &data, 3).unwrap();
    let mut theirs = Trainer::new(again, &data, &data, 3).unwrap();
    theirs.use_card(Device::Cpu);
    for _ in 0..3 {
        let (ours, theirs) = (ours.epoch().unwrap(), theirs.epoch().unwrap());
        // Each of three updates an epoch moves a weight by up to the learning rate of 0.01, whatever the size of its
        // gradient: the signs of the smallest gradients may differ.
        assert!((ours.training_loss - theirs.training_loss).abs() < 1e-3, "{ours:?}, {theirs:?}");
        assert!((ours.validation_loss - theirs.validation_loss).abs() < 1e-3, "{ours:?}, {theirs:?}");
    }
    let start = subject("gray").0.float_layers().unwrap();
    assert_ne!(theirs.network().float_layers().unwrap(), start, "nothing was learned");
}

#[cfg(not(any(feature = "cuda", feature = "metal")))]
#[test]
fn without_support_for_cards_there_is_none() {
    let (network, data) = subject("gray");
    let training = Training::new(network, &data, &data, 1).unwrap();
    let error = training.on(Accelerator::Gpu).err().expect("no card");
    assert!(error.to_string().contains("built without support"), "{error}");
    let (network, data) = subject("gray");
    let training = Training::new(network, &data, &data, 1).unwrap().on(Accelerator::Cpu).unwrap();
    training.run(|_, _| ControlFlow::Continue(())).unwrap();
}
