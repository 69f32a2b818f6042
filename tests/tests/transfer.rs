//! Continuing from a trained network: what stays, what changes, and that nothing gets worse.

use std::ops::ControlFlow;
use std::path::Path;

use pinhole::app::{FinishedTraining, Job, JobData, PretrainedInit};
use pinhole::photos::Dataset;
use pinhole::recipe::{ActivationName, DEFAULT, Recipe};
use pinhole::runs::files;
use pinhole::runs::pretrained::PretrainedSource;
use pinhole::train::{FloatLayer, LastLayer, Network, transfer};
use pinhole_core::testing::noise_around;
use pinhole_shared::pixels::InputShape;
use pinhole_tests::{bundled_job, bundled_model, dense_mut, run_folder, temporary, train, trained};

fn from_pretrained(source: PretrainedSource, freeze: bool, epochs: u32) -> Job {
    let mut recipe = source.pretrained.recipe.clone();
    recipe.training.epochs = epochs;
    Job { recipe, from: Some(PretrainedInit { source, freeze }), seed: 7, ..bundled_job() }
}

fn layers(finished: &FinishedTraining) -> Vec<FloatLayer> {
    finished.outcome.network.float_layers().unwrap()
}

/// Reads the network that all tests start from, from its run folder.
fn source() -> PretrainedSource {
    PretrainedSource::read(run_folder().path()).unwrap()
}

#[test]
fn the_same_classes_start_where_the_source_ended() {
    let before = &trained().finished;
    let finished = train(&from_pretrained(source(), false, 5)).finished;
    let start = finished.outcome.epochs[0];
    assert_eq!((start.epoch, start.validation_loss), (0, before.summary.validation_loss));
    assert_eq!(start.validation_accuracy, before.summary.validation_accuracy);
    let numbers: Vec<u32> = finished.outcome.epochs.iter().map(|epoch| epoch.epoch).collect();
    assert_eq!((&numbers[..], finished.summary.epochs), (&[0, 1, 2, 3, 4, 5][..], 5));
    assert!(finished.outcome.best.validation_loss <= start.validation_loss);
    // Measured without dropout, the final network classifies all its training pictures correctly.
    assert_eq!(start.training_accuracy, 1.0);
    let from = finished.summary.from.as_ref().unwrap();
    assert_eq!((from.last_layer, from.dequantized, finished.summary.frozen), (LastLayer::Kept, false, false));
    assert!(from.path.ends_with(files::WEIGHTS));
}

/// A learning rate far too large: every epoch is worse, and the result is the original, to the last byte.
#[test]
fn continuing_never_ends_worse_than_it_began() {
    let before = &trained().finished;
    let mut job = from_pretrained(source(), false, 3);
    job.recipe.training.learning_rate = 1.0;
    let TrainedTwice { finished, report } = written(&job);
    assert!(finished.outcome.epochs[1..].iter().all(|epoch| epoch.validation_loss > before.summary.validation_loss));
    assert_eq!((finished.summary.best_epoch, finished.summary.epochs), (0, 3));
    assert_eq!(finished.summary.validation_loss, before.summary.validation_loss);
    assert_eq!(layers(&finished), layers(before));
    assert!(finished.model.bytes() == before.model.bytes());
    for words in ["Continued from ", "epoch 0 is that network", "No epoch was better"] {
        assert!(report.contains(words), "no {words:?} in the report");
    }
}

struct TrainedTwice {
    finished: FinishedTraining,
    report: String,
}

fn written(job: &Job) -> TrainedTwice {
    let pinhole_tests::TrainedJob { data, finished } = train(job);
    let folder = temporary();
    finished.write(folder.path(), &data).unwrap();
    let metrics = std::fs::read_to_string(folder.path().join(files::METRICS)).unwrap();
    assert!(metrics.lines().nth(1).unwrap().starts_with("0,"), "{metrics}");
    TrainedTwice { finished, report: std::fs::read_to_string(folder.path().join(files::REPORT)).unwrap() }
}

/// Noise around three levels of gray: three classes that the source was not trained on.
fn grays(per_class: usize, seed: u64) -> Dataset {
    let level = |class: u16, _| [50.0, 128.0, 205.0][usize::from(class)];
    let labels = (0..3).flat_map(|class| std::iter::repeat_n(class, per_class));
    noise_around(level, 50.0, InputShape::gray(50), &["dark", "gray", "light"], labels, seed)
}

fn run_on_grays(job: &Job) -> FinishedTraining {
    let data = JobData {
        training: grays(12, 1),
        validation: grays(5, 2),
        warnings: Vec::new(),
        enlarged: 0,
        duplicates: Vec::new(),
        series: Vec::new(),
    };
    job.run(&data, |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn other_classes_get_a_new_last_layer_and_are_learned() {
    let source = source();
    let classes = grays(1, 1).classes;
    let recipe = &source.pretrained.recipe;
    let start = transfer(&source.pretrained, recipe, &classes, 7).unwrap().float_layers().unwrap();
    let drawn = Network::new(recipe, &classes, 7).unwrap().float_layers().unwrap();
    assert_eq!(start[..2], source.pretrained.layers[..2], "the hidden layers were trained");
    assert_eq!(start[2], drawn[2], "the last one is drawn as a new network's");

    let finished = run_on_grays(&from_pretrained(source, false, 60));
    assert_eq!(finished.summary.from.as_ref().unwrap().last_layer, LastLayer::Replaced);
    assert_eq!(finished.outcome.epochs[0].epoch, 1, "no epoch 0: the start knows nothing of these classes");
    assert_eq!(finished.outcome.best.validation_accuracy, 1.0);
    assert_eq!(finished.model.model().class_names().collect::<Vec<_>>(), ["dark", "gray", "light"]);
    for (layer, before) in layers(&finished).iter().zip(&start) {
        assert_ne!(layer, before, "a layer has not learned");
    }
}

#[test]
fn frozen_layers_keep_their_bytes_and_the_last_one_learns() {
    let source = source();
    let mut job = from_pretrained(source.clone(), true, 60);
    // Penalties change weights even without a gradient.
    dense_mut(&mut job.recipe, 0).l2 = 0.01;
    dense_mut(&mut job.recipe, 1).l1 = 0.01;
    // 51 parameters allow a larger learning rate than 322,080.
    job.recipe.training.learning_rate = 0.05;
    let finished = run_on_grays(&job);
    let after = layers(&finished);
    assert_eq!(after[..2], source.pretrained.layers[..2]);
    assert!(finished.summary.frozen);
    let (first, best) = (finished.outcome.epochs[0], finished.outcome.best);
    assert!(best.validation_loss < first.validation_loss, "{first:?} {best:?}");
    assert!(best.validation_accuracy >= 0.75, "{best:?}");

    let weights = finished.outcome.network.to_safetensors().unwrap();
    for threads in [1, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let again = pool.install(|| run_on_grays(&job));
        assert!(again.outcome.network.to_safetensors().unwrap() == weights, "{threads} threads give other bytes");
    }
}

/// Maximum difference between the float loss of a dequantized network and the integer loss of the model. Only the
/// rounding of activations separates them.
const DEQUANTIZED_TOLERANCE: f64 = 0.001;

#[test]
fn a_model_file_alone_is_turned_back_to_float() {
    let source = PretrainedSource::read(&bundled_model()).unwrap();
    assert!(source.dequantized && source.path == bundled_model());
    assert_eq!(source.checksum, trained().finished.summary.model_checksum);
    let default = Recipe::find(DEFAULT).unwrap();
    assert_eq!(source.pretrained.recipe.training, default.training);
    source.pretrained.check(&default).unwrap();

    let finished = train(&from_pretrained(source, false, 1)).finished;
    let int8 = trained().finished.evaluation.int8.loss;
    let start = finished.outcome.epochs[0].validation_loss;
    assert!((start - int8).abs() <= DEQUANTIZED_TOLERANCE, "{start} and {int8}");
    assert!(finished.summary.from.unwrap().dequantized);
}

#[test]
fn a_model_file_beside_its_weights_stands_for_them() {
    let folder = run_folder();
    let read = |path: &Path| PretrainedSource::read(path).unwrap();
    let by_folder = read(folder.path());
    for file in [files::MODEL, files::WEIGHTS] {
        let source = read(&folder.path().join(file));
        assert_eq!((&source.path, source.checksum), (&by_folder.path, by_folder.checksum));
        assert_eq!((source.dequantized, source.recipe_name.as_str()), (false, DEFAULT));
        assert_eq!(source.pretrained, by_folder.pretrained);
    }
    // Without the weights' summary the model is independent of them, and is used itself.
    std::fs::remove_file(folder.path().join(files::SUMMARY)).unwrap();
    assert!(read(&folder.path().join(files::MODEL)).dequantized);
}

#[test]
fn a_recipe_for_another_network_is_refused_by_the_difference() {
    let pretrained = source().pretrained;
    let good = Recipe::find(DEFAULT).unwrap();
    let changed = |change: fn(&mut Recipe)| {
        let mut recipe = good.clone();
        change(&mut recipe);
        pretrained.check(&recipe).map_err(|error| error.to_string())
    };
    let says = |change, words: &str| {
        let complaint = changed(change).unwrap_err();
        assert!(complaint.contains(words), "{complaint}");
    };
    says(|recipe| recipe.input = InputShape::gray(40), "input_side = 50, and the recipe has 40");
    const WIDE: InputShape = InputShape { height: 25, width: 100, ..InputShape::gray(50) };
    says(|recipe| recipe.input = WIDE, "input_size = [50, 50], and the recipe has [25, 100]");
    says(|recipe| dense_mut(recipe, 1).outputs = 15, "layer 2: outputs = 16, and the recipe has 15");
    says(|recipe| dense_mut(recipe, 0).activation = ActivationName::Relu, "layer 1: activation = sigmoid");
    says(|recipe| recipe.layers.truncate(1), "number of [[layer]]s = 2, and the recipe has 1");
    let harmless = |recipe: &mut Recipe| {
        let layer = dense_mut(recipe, 0);
        (layer.dropout, layer.l1) = (0.5, 0.1);
        (recipe.output.l2, recipe.training.epochs) = (0.1, 3);
    };
    assert_eq!(changed(harmless), Ok(()));
}
