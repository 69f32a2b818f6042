//! Training of the default recipe, all 400 epochs: what a person waits for. `numpy_training.py` beside this file does
//! the same by hand, to compare with on the same machine.
//!
//! On the article's photos where they are (a checkout of Pinhole has none), else on drawn pictures, as many of each
//! kind: the time depends on their number and not on what they show.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use pinhole::photos::{self, Dataset, Example, Picture};
use pinhole::recipe::{DEFAULT, Recipe};
use pinhole::synthetic::{self, Set};
use pinhole::train::{Network, train};
use pinhole_shared::pixels::{PictureSize, PixelFormat};

fn main() {
    divan::main();
}

/// Seconds a training, by number of threads.
#[divan::bench(args = [1, 2], sample_count = 7, sample_size = 1)]
fn default_recipe_400_epochs(bencher: divan::Bencher<'_, '_>, threads: usize) {
    let recipe = Recipe::find(DEFAULT).expect("it ships with Pinhole");
    assert_eq!(recipe.training.epochs, 400);
    let (training, validation) = photos_of(&recipe);
    assert_eq!((training.examples.len(), validation.examples.len()), (26, 14));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a few threads can be had");
    bencher.bench_local(|| {
        pool.install(|| {
            let network = Network::new(&recipe, &training.classes, 1).expect("there is memory for it");
            let outcome = train(network, &training, &validation, 1, |_| ControlFlow::Continue(()));
            outcome.expect("the default recipe trains").best
        })
    });
}

/// 26 inputs to train on and 14 to validate with.
fn photos_of(recipe: &Recipe) -> (Dataset, Dataset) {
    // Beside the repository, where those who have the photos keep them.
    let article = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/photos/article");
    if article.is_dir() {
        let load = |folder, known: Option<&[String]>| {
            photos::load(&article.join(folder), recipe.input(), known).expect("the article's photos are readable")
        };
        let training = load("train", None);
        let validation = load("test", Some(&training.classes));
        return (training, validation);
    }
    (drawn(recipe, 13, Set::Train), drawn(recipe, 7, Set::Validation))
}

fn drawn(recipe: &Recipe, count_per_class: usize, set: Set) -> Dataset {
    let classes = vec!["chihuahua".to_owned(), "muffin".to_owned()];
    let size = PictureSize { width: synthetic::SIDE as u16, height: synthetic::SIDE as u16 };
    let examples = synthetic::drawings(synthetic::SHIPPED_SEED, count_per_class, set).into_iter().map(|drawing| {
        let picture = Picture::new(size, PixelFormat::Rgb888, drawing.picture.into_raw()).expect("a whole picture");
        Example {
            class: u16::from(drawing.file_name.starts_with("muffin")),
            path: PathBuf::from(drawing.file_name),
            pixels: picture.shrink(recipe.input()).expect("drawn pictures are larger than the input"),
        }
    });
    Dataset { input: recipe.input(), classes, examples: examples.collect(), warnings: Vec::new(), enlarged: 0 }
}
