use pinhole_core::testing;
use pinhole_shared::pixels::InputShape;

use super::*;
use crate::quantize::quantize;
use crate::train;

const CONV: &str = "input_side = 12\n[training]\nepochs = 8\nbatch = 8\nlearning_rate = 0.01\n\
     copies = [\"inverted\"]\n[training.augment]\nflip = true\nshift = 0.1\n\
     [[layer]]\nkind = \"conv\"\nchannels = 4\nkernel = 3\npadding = 1\nbatch_norm = true\nactivation = \"relu\"\npool = 2\n\
     dropout = 0.1\n\
     [[layer]]\nkind = \"conv\"\nchannels = 8\nkernel = 3\nbatch_norm = true\nactivation = \"relu6\"\n\
     [[layer]]\nkind = \"global-average\"\n";
const DENSE: &str = "input_side = 12\n[training]\nepochs = 30\nbatch = 8\nlearning_rate = 0.003\n\
     [[layer]]\noutputs = 12\nactivation = \"relu\"\ndropout = 0.1\n\
     [[layer]]\noutputs = 6\nactivation = \"sigmoid\"\n";
const SETTINGS: FineTuneSettings =
    FineTuneSettings { epochs: 6, learning_rate: Some(0.002), activations: ActivationBits::Eight };

/// Stripes of two widths, in noise.
fn stripes(count: usize, seed: u64) -> Dataset {
    let level = |class: u16, i: usize| {
        let is_light = (i / 12 / (1 + usize::from(class))).is_multiple_of(2);
        if is_light { 150.0 } else { 100.0 }
    };
    let labels = testing::in_turn(count, 2);
    testing::noise_around(level, 90.0, InputShape::gray(12), &["narrow", "wide"], labels, seed)
}

fn trained(text: &str, bits: u8, data: &Dataset) -> Network {
    let network = Network::new(&testing::recipe(text), &data.classes, 3).unwrap();
    let mut network = train(network, data, data, 3, |_| ControlFlow::Continue(())).unwrap().network;
    network.recipe.set_weight_bits(&[bits]).unwrap();
    network
}

fn tuned(network: &Network, data: &Dataset, validation: &Dataset) -> FineTuned {
    fine_tune(network, (data, validation), SETTINGS, 5, |_, _| ControlFlow::Continue(())).unwrap()
}

/// Returns loss and accuracy of the device's engine on photos.
fn scores(model: &ModelFile, photos: &Dataset) -> (f64, f64) {
    let mut engine = model.engine();
    let (mut loss, mut right) = (0.0, 0);
    for example in &photos.examples {
        let inference = engine.run_all(&example.pixels);
        let logits = inference.stages.last().into_iter().flatten();
        let real: Vec<f32> = logits.map(|&logit| (f64::from(logit) / 65_536.0) as f32).collect();
        loss += crate::cross_entropy(&real, usize::from(example.class));
        right += usize::from(inference.decision.class == example.class);
    }
    let count = photos.examples.len() as f64;
    (loss / count, f64::from(right as u32) / count)
}

/// The measured epochs agree with the models, before and after. Fine-tuning improves the loss where 4 bits cost something, and
/// never makes it worse. (The dense network classifies every photo correctly with 4 bits.)
#[test]
fn the_model_is_the_one_that_was_measured_best() {
    let (data, validation) = (stripes(60, 1), stripes(40, 2));
    for text in [CONV, DENSE] {
        let network = trained(text, 4, &data);
        let FineTuned { before, model, outcome } = tuned(&network, &data, &validation);
        assert_eq!(before.bytes(), quantize(&network, &data, SETTINGS.activations).unwrap().bytes());
        let loss = |model: &ModelFile| scores(model, &validation).0;
        assert_eq!(outcome.epochs.len(), 7);
        assert_eq!(outcome.epochs[0].validation_loss, loss(&before));
        let trained_on = photos::copies(&data, &network.recipe.training.copies);
        assert_eq!(outcome.epochs[0].training_accuracy, scores(&before, &trained_on).1);
        assert_eq!(outcome.best.validation_loss, loss(&model));
        assert!(outcome.epochs.iter().all(|epoch| epoch.validation_loss >= loss(&model)), "{:?}", outcome.epochs);
        assert!(text != CONV || loss(&model) < loss(&before), "{:?}", outcome.epochs);
        let recipe = &outcome.network.recipe;
        assert!(recipe.layers.iter().all(|layer| layer.dropout() == 0.0), "{recipe:?}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let data = stripes(40, 1);
    let network = trained(CONV, 7, &data);
    let bytes = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| tuned(&network, &data, &data)).outcome.network.to_safetensors().unwrap()
    };
    assert_eq!(bytes(1), bytes(3));
}

/// If stopped before the first epoch, fine-tuning returns the original network. An invalid learning rate is an error.
#[test]
fn ends_well_and_badly() {
    let data = stripes(20, 1);
    let network = trained(CONV, 4, &data);
    let stopped = fine_tune(&network, (&data, &data), SETTINGS, 5, |_, _| ControlFlow::Break(())).unwrap();
    assert_eq!(stopped.model.bytes(), stopped.before.bytes());
    let rate = FineTuneSettings { learning_rate: Some(1e30), ..SETTINGS };
    let result = fine_tune(&network, (&data, &data), rate, 5, |_, _| ControlFlow::Continue(()));
    assert!(matches!(result, Err(FineTuneError::Train(TrainError::Diverged(1)))), "{:?}", result.err());
}

#[test]
fn without_a_photo_there_is_nothing_to_go_by() {
    let data = stripes(20, 1);
    let network = trained(DENSE, 8, &data);
    let none = stripes(0, 1);
    let result = fine_tune(&network, (&none, &data), SETTINGS, 5, |_, _| ControlFlow::Continue(()));
    assert!(matches!(result, Err(FineTuneError::Quantize(QuantizeError::NoPhotos))));
}

/// A network whose weights are finite, and whose values are not: folded weights may overflow too.
#[test]
fn values_that_are_not_finite_name_their_layer() {
    let data = stripes(20, 1);
    let network = trained(CONV, 8, &data);
    let spoiled = |layer: usize, value: f32| {
        let mut layers = network.float_layers().unwrap();
        layers[layer].values_mut().iter_mut().for_each(|(_, values)| values.fill(value));
        let spoiled = Network::from_layers(&network.recipe, &network.classes, &layers).unwrap();
        quantize(&spoiled, &data, ActivationBits::Eight).err()
    };
    // Layer 1 has the last weights before the mean.
    for (layer, value) in [(0, f32::NAN), (1, f32::NAN), (1, f32::INFINITY), (1, f32::MAX)] {
        let error = spoiled(layer, value);
        assert!(
            matches!(error, Some(QuantizeError::NotFinite { layer: named }) if named == layer),
            "{layer} {value}: {error:?}"
        );
    }
}
