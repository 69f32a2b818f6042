//! Photos to model: the same bytes every time, and as accurate as promised.

use std::ops::ControlFlow;

use pinhole::app::Job;
use pinhole::evaluate::evaluate;
use pinhole::model_file::ModelFile;
use pinhole::photos::{self, Dataset};
use pinhole::quantize::quantize;
use pinhole::recipe::{Copies, NAMED, Recipe};
use pinhole::runs::{self, files};
use pinhole::synthetic::{SHIPPED_SEED, Set, drawings, encode_jpeg};
use pinhole::train::{Network, Stopped};
use pinhole_tests::{
    bundled_job, bundled_model, files_in, names_in, run_file, run_folder, synthetic, temporary, train, trained,
};

/// Returns the bytes that identify a training: weights and model.
fn bytes_of(job: &Job) -> (Vec<u8>, Vec<u8>) {
    let finished = train(job).finished;
    (finished.outcome.network.to_safetensors().unwrap(), finished.model.bytes().to_vec())
}

fn with_epochs(epochs: u32) -> Job {
    let mut job = bundled_job();
    job.recipe.training.epochs = epochs;
    job
}

#[test]
fn neither_threads_nor_chance_change_a_byte() {
    let job = bundled_job();
    let first = bytes_of(&job);
    assert!(bytes_of(&job) == first, "two runs differ");
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(|| bytes_of(&job)) == first, "{threads} threads give other bytes");
    }
    let other_seed = Job { seed: 2, ..job };
    assert!(bytes_of(&other_seed).1 != first.1, "the seed changes nothing");
}

/// Writing is as reproducible as training: every file of a run folder, and no other files.
#[test]
fn run_folders_are_the_same_bytes() {
    let (one, two) = (run_folder(), run_folder());
    let names = names_in(one.path());
    let mut expected = [files::RECIPE, files::METRICS, files::WEIGHTS, files::MODEL, files::REPORT, files::SUMMARY];
    expected.sort_unstable();
    assert_eq!(names, expected);
    for name in names {
        assert!(run_file(one.path(), &name) == run_file(two.path(), &name), "{name}");
    }
}

#[test]
fn the_bundled_model_is_what_training_makes() {
    let bundled = std::fs::read(bundled_model()).unwrap();
    assert!(trained().finished.model.bytes() == bundled, "train again and ship that model, or find out what changed");
}

#[test]
fn the_bundled_pictures_are_what_drawing_makes() {
    for (name, set, count) in [("train", Set::Train, 13), ("validation", Set::Validation, 7)] {
        let drawings = drawings(SHIPPED_SEED, count, set);
        for drawing in &drawings {
            let bundled = std::fs::read(synthetic(name).join(&drawing.file_name)).unwrap();
            assert!(encode_jpeg(&drawing.picture) == bundled, "{name}/{}", drawing.file_name);
        }
        assert_eq!(files_in(&synthetic(name)).len(), drawings.len(), "{name} has other files too");
    }
}

/// An untrained network does not depend on labels: with all of them exchanged it is quantized to the same bytes and
/// decides the same. It is right exactly where it was wrong. A leak of labels, or another order of class names, would
/// be detected.
#[test]
fn an_untrained_network_knows_no_labels() {
    let exchanged = |photos: &Dataset| {
        let mut photos = photos.clone();
        photos.examples.iter_mut().for_each(|example| example.class = 1 - example.class);
        photos
    };
    let data = &trained().data;
    let recipe = bundled_job().recipe;
    for seed in 0..3 {
        let network = Network::new(&recipe, &data.training.classes, seed).unwrap();
        let models = [data.training.clone(), exchanged(&data.training)]
            .map(|photos| quantize(&network, &photos, bundled_job().bits).unwrap());
        assert!(models[0].bytes() == models[1].bytes(), "seed {seed}");
        let [as_they_are, other] = [data.validation.clone(), exchanged(&data.validation)]
            .map(|photos| evaluate(Some(&network), &models[0], &photos).unwrap());
        let (mine, others) = (as_they_are.float.unwrap(), other.float.unwrap());
        assert!((mine.accuracy + others.accuracy - 1.0).abs() < 1e-12, "seed {seed}: {mine:?}, {others:?}");
        for class in 0..2 {
            assert_eq!(mine.confusion[class], others.confusion[1 - class], "seed {seed}: the same decisions");
        }
    }
}

#[test]
fn a_trained_network_has_learned_and_its_integers_agree() {
    let evaluation = &trained().finished.evaluation;
    let float = evaluation.float.as_ref().unwrap();
    assert!(float.accuracy >= 0.85, "{float:?}");
    assert!(evaluation.int8.accuracy >= 0.85, "{:?}", evaluation.int8);
    assert_eq!(evaluation.agreement, Some(1.0));
    assert!(evaluation.disagreements.is_empty());
    assert_eq!(evaluation.photos, 14);
    // Each photo is counted once, in its class's row.
    for row in &float.confusion {
        assert_eq!(row.iter().sum::<usize>(), 7);
    }
}

#[test]
fn the_best_epochs_weights_are_kept() {
    let folder = run_folder();
    let mut metrics = csv::Reader::from_path(folder.path().join(files::METRICS)).unwrap();
    let column = metrics.headers().unwrap().iter().position(|name| name == "validation_loss").unwrap();
    let losses: Vec<f64> = metrics.records().map(|record| record.unwrap()[column].parse().unwrap()).collect();
    assert_eq!(losses.len(), 400);
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let first = 1 + losses.iter().position(|&loss| loss == least).unwrap();

    let summary = runs::summary(folder.path()).unwrap();
    assert_eq!((summary.best_epoch as usize, summary.validation_loss), (first, least));
    let opened = runs::open(folder.path()).unwrap();
    let network = opened.network.expect("the weights belong to the model");
    let evaluation = evaluate(Some(&network), &opened.model, &trained().data.validation).unwrap();
    assert_eq!(evaluation.float.unwrap().loss, least, "the written weights are another epoch's");
}

#[test]
fn patience_ends_a_training() {
    let mut job = bundled_job();
    job.recipe.training.patience = Some(2);
    // A learning rate too large for a decrease in every epoch.
    job.recipe.training.learning_rate = 0.01;
    let outcome = train(&job).finished.outcome;
    assert_eq!(outcome.stopped, Stopped::Patience);
    assert_eq!(outcome.epochs.len() as u32, outcome.best.epoch + 2);
}

/// An interrupted training gives the results of a training with that number of epochs.
#[test]
fn an_interrupted_training_is_a_shorter_one() {
    let job = bundled_job();
    let data = job.load().unwrap();
    let stop_at_5 = |epoch: &pinhole::train::Epoch| match epoch.epoch {
        5 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let interrupted = job.run(&data, stop_at_5).unwrap();
    assert_eq!((interrupted.outcome.stopped, interrupted.summary.epochs), (Stopped::Interrupted, 5));
    assert_eq!(interrupted.summary.stopped, "interrupted");
    let short = train(&with_epochs(5)).finished;
    assert_eq!(interrupted.outcome.network.float_layers().unwrap(), short.outcome.network.float_layers().unwrap());
    assert!(interrupted.model.bytes() == short.model.bytes());

    let folder = temporary();
    interrupted.write(folder.path(), &data).unwrap();
    let opened = runs::open(folder.path()).unwrap();
    assert!(opened.network.is_some());
}

#[test]
fn copies_are_trained_on_and_not_counted_as_photos() {
    let mut job = with_epochs(3);
    let plain = train(&job).finished;
    job.recipe.training.copies = vec![Copies::Inverted, Copies::Rotated];
    let copied = train(&job).finished;
    assert_eq!(copied.summary.training_photos, 26);
    assert_ne!(copied.outcome.network.float_layers().unwrap(), plain.outcome.network.float_layers().unwrap());
    assert_eq!(copied.evaluation.photos, plain.evaluation.photos);
}

#[test]
fn every_recipe_gives_a_model() {
    for (name, _) in NAMED {
        let mut recipe = Recipe::find(name).unwrap();
        recipe.training.epochs = 2;
        let finished = train(&Job { recipe, recipe_name: (*name).to_owned(), ..bundled_job() }).finished;
        let file = ModelFile::from_bytes(finished.model.bytes()).unwrap();
        assert_eq!(file.model().class_names().collect::<Vec<_>>(), ["chihuahua", "muffin"], "{name}");
        // Every layer of the recipe, with its size, and the recipe's count of weights.
        let recipe = Recipe::find(name).unwrap();
        assert_eq!(file.model().input(), recipe.input(), "{name}");
        let sizes: Vec<usize> = recipe.shapes(2).iter().map(|shape| shape.output.elements()).collect();
        assert_eq!(file.model().layers().map(|layer| layer.outputs()).collect::<Vec<_>>(), sizes, "{name}");
        assert_eq!(finished.layers.len(), sizes.len(), "{name}: an error of every layer is measured");
    }
}

/// Real photos, if present: the article's for training, the large set for results that 14 photos cannot show.
mod real_photos {
    use super::*;
    use pinhole::board::Board;
    use pinhole::emulator::EmulatedBoard;
    use pinhole::prove::{ProofInputs, prove};
    use pinhole_tests::photos as folder;

    fn article(seed: u64) -> Option<Job> {
        let article = folder()?.join("article");
        Some(Job { photos: article.join("train"), validation: Some(article.join("test")), seed, ..bundled_job() })
    }

    /// Returns `count` elements, evenly spaced.
    fn spread<T: Clone>(all: &[T], count: usize) -> Vec<T> {
        (0..count).map(|i| all[i * all.len() / count].clone()).collect()
    }

    #[test]
    fn the_articles_network_does_as_well_as_the_article_says() {
        for seed in 1..=3 {
            let Some(job) = article(seed) else { return };
            let finished = train(&job).finished;
            let float = finished.evaluation.float.unwrap();
            println!("seed {seed}: accuracy {:.4}, loss {:.4}", float.accuracy, float.loss);
            assert!(float.accuracy >= 0.92 && float.loss <= 0.30, "seed {seed}: {float:?}");
        }
    }

    #[test]
    fn integers_decide_as_floats_do_on_photos_never_seen() {
        let Some(job) = article(1) else { return };
        let finished = train(&job).finished;
        let model = &finished.model;
        let large = folder().unwrap().join("large").join("train");
        let all = photos::load(&large, model.model().input(), Some(&finished.outcome.network.classes)).unwrap();
        let chosen = Dataset { examples: spread(&all.examples, 500), ..all };
        let evaluation = evaluate(Some(&finished.outcome.network), model, &chosen).unwrap();
        println!("agreement {:?} on {} photos", evaluation.agreement, evaluation.photos);
        assert_eq!(evaluation.photos, 500);
        assert!(evaluation.agreement.unwrap() >= 0.995, "{:?}", evaluation.disagreements);
    }

    #[test]
    fn the_board_computes_what_the_host_does() {
        let Some(job) = article(1) else { return };
        let trained = train(&job);
        let run = temporary();
        trained.finished.write(run.path(), &trained.data).unwrap();
        let (all, _) = photos::expand(&[folder().unwrap().join("large").join("train")]).unwrap();
        let mut board = EmulatedBoard::start(Board::Qemu, &run.path().join(files::MODEL)).unwrap();
        let proof = prove(&trained.finished.model, &mut board, ProofInputs::Photos(&spread(&all, 5)), || ()).unwrap();
        assert!(proof.holds(), "{proof:?}");
        assert_eq!((proof.photos, proof.values), (5, 5 * (50 * 50 + 128 + 16 + 2 + 3)));
    }
}
