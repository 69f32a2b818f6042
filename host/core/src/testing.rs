//! Recipes and photos for the tests of this workspace. No part of the interface: it may change at any time.
//!
//! Every function panics on invalid arguments, so a wrong fixture fails its test.

use pinhole_shared::pixels::InputShape;

use crate::photos::{Dataset, Example};
use crate::random::Random;
use crate::recipe::Recipe;

/// Parses a recipe.
pub fn recipe(text: &str) -> Recipe {
    Recipe::parse(text, "of a test").unwrap_or_else(|error| panic!("{error} in:\n{text}"))
}

/// Returns a recipe of these layers for this input. Its training settings are placeholders: its network is not trained.
pub fn untrained(input: InputShape, layers: &str) -> Recipe {
    let InputShape { height, width, color, fit } = input;
    recipe(&format!(
        "input_size = [{height}, {width}]\ncolor = \"{color}\"\nfit = \"{fit}\"\n\
         [training]\nepochs = 1\nbatch = 1\nlearning_rate = 1.0\n{layers}"
    ))
}

/// Returns a dataset of these examples, classes and pixels. Their paths are their numbers, from 0.
pub fn dataset(input: InputShape, classes: &[&str], examples: impl IntoIterator<Item = (u16, Vec<u8>)>) -> Dataset {
    let examples = examples.into_iter().enumerate().map(|(number, (class, pixels))| {
        assert_eq!(pixels.len(), input.bytes(), "example {number}");
        assert!(usize::from(class) < classes.len(), "example {number} is of class {class}");
        Example { path: number.to_string().into(), class, pixels }
    });
    let examples = examples.collect();
    Dataset {
        input,
        classes: classes.iter().map(|&class| class.to_owned()).collect(),
        examples,
        warnings: Vec::new(),
        enlarged: 0,
    }
}

/// Returns the classes of `count` examples that take turns: 0, 1, .. `classes` - 1, 0, 1, ..
pub fn in_turn(count: usize, classes: u16) -> impl Iterator<Item = u16> {
    (0..classes).cycle().take(count)
}

/// Returns photos of uniform noise, of these classes.
pub fn noise(input: InputShape, classes: &[&str], labels: impl IntoIterator<Item = u16>, seed: u64) -> Dataset {
    let mut random = Random::seeded(seed);
    let pixels = |class| (class, (0..input.bytes()).map(|_| random.below(256) as u8).collect());
    dataset(input, classes, labels.into_iter().map(pixels))
}

/// Returns photos that can be learned: noise of up to `range` gray levels more or less around `level`, a function of the
/// class and the index of the byte.
pub fn noise_around(
    level: impl Fn(u16, usize) -> f32,
    range: f32,
    input: InputShape,
    classes: &[&str],
    labels: impl IntoIterator<Item = u16>,
    seed: u64,
) -> Dataset {
    let mut random = Random::seeded(seed);
    let pixels = |class| {
        let byte = |index| (level(class, index) + random.between(-range, range)) as u8;
        (class, (0..input.bytes()).map(byte).collect())
    };
    dataset(input, classes, labels.into_iter().map(pixels))
}

/// Returns noise pictures of different brightness, in three classes.
pub fn pictures(input: InputShape, count: usize) -> Dataset {
    let mut random = Random::seeded(3);
    let pixels = |class| {
        let (from, range) = (random.below(200), 1 + random.below(55));
        (class, (0..input.bytes()).map(|_| (from + random.below(range)) as u8).collect())
    };
    dataset(input, &["a", "b", "c"], in_turn(count, 3).map(pixels))
}
