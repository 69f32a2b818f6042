//! The search space. The dense ones are around the article's, the convolutional ones ([`conv`])
//! around the bundled ones.

mod conv;

use pinhole_core::random::{Purpose, Random};
use pinhole_core::recipe::{ActivationName, Augmentation, DEFAULT, DenseLayer, Recipe, RecipeError, RecipeLayer};
use pinhole_shared::pixels::{Color, InputShape};

use crate::study::System;

const INPUT_SIDES: [u16; 4] = [24, 32, 40, 50];
const FIRST_OUTPUTS: [usize; 5] = [16, 32, 64, 128, 256];
/// Outputs of a second hidden layer; 0 for none.
const SECOND_OUTPUTS: [usize; 3] = [0, 16, 32];
const ACTIVATIONS: [ActivationName; 2] = [ActivationName::Sigmoid, ActivationName::Relu];
const DROPOUTS: [f32; 3] = [0.0, 0.25, 0.5];
/// Augmentation as in the recipe `augmented`, or none.
const AUGMENT: [bool; 2] = [false, true];

/// Kinds of networks that a search tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SearchedKinds {
    /// Dense networks and convolutional ones, in turn.
    #[default]
    All,
    /// Dense networks only.
    Dense,
    /// Convolutional networks only.
    Conv,
}

/// Returns every network of the space, named by its settings, in random order by the seed. The bundled recipes come first, so
/// that they are always tried if they fit; then dense and convolutional networks in turn. The inputs of all have this color.
///
/// # Errors
/// Those of [`Recipe::find`]; bundled recipes are found.
pub(super) fn all(kinds: SearchedKinds, color: Color, seed: u64) -> Result<Vec<System>, RecipeError> {
    let (default, mut dense) = self::dense(color)?;
    let (bundled, mut conv) = conv::all(color)?;
    let mut random = Random::stream(seed, Purpose::Search);
    random.shuffle(&mut dense);
    random.shuffle(&mut conv);
    let mut first = vec![default];
    match kinds {
        SearchedKinds::All => first.extend(bundled),
        SearchedKinds::Dense => conv.clear(),
        SearchedKinds::Conv => {
            dense.clear();
            first = bundled;
        }
    }
    let (mut dense, mut conv) = (dense.into_iter(), conv.into_iter());
    loop {
        let before = first.len();
        first.extend([dense.next(), conv.next()].into_iter().flatten());
        if first.len() == before {
            return Ok(first);
        }
    }
}

/// Returns the default recipe, and the other dense networks.
fn dense(color: Color) -> Result<(System, Vec<System>), RecipeError> {
    let mut default = Recipe::find(DEFAULT)?;
    default.input.color = color;
    let augmentation = Recipe::find("augmented")?.training.augment;
    let mut systems = Vec::new();
    for side in INPUT_SIDES {
        for first in FIRST_OUTPUTS {
            for second in SECOND_OUTPUTS {
                for activation in ACTIVATIONS {
                    for dropout in DROPOUTS {
                        for augmented in AUGMENT {
                            let layers = hidden(first, second, activation, dropout);
                            let augment = if augmented { augmentation } else { Augmentation::default() };
                            let input = InputShape { color, ..InputShape::gray(side) };
                            let mut recipe = Recipe { input, layers, ..default.clone() };
                            recipe.training.augment = augment;
                            systems.push(System::new(name(&recipe), recipe));
                        }
                    }
                }
            }
        }
    }
    let own = name(&default);
    systems.retain(|system| system.name != own);
    Ok((System::new(own, default), systems))
}

fn hidden(first: usize, second: usize, activation: ActivationName, dropout: f32) -> Vec<RecipeLayer> {
    let layer = |outputs, dropout| {
        RecipeLayer::Dense(DenseLayer { outputs, activation, dropout, l1: 0.0, l2: 0.0, weight_bits: 8 })
    };
    let second = (second > 0).then(|| layer(second, 0.0));
    std::iter::once(layer(first, dropout)).chain(second).collect()
}

/// Returns a name like `50px-128-16-sigmoid-drop25-augmented`.
fn name(recipe: &Recipe) -> String {
    let layers = || recipe.layers.iter().filter_map(RecipeLayer::as_dense);
    let outputs: Vec<String> = layers().map(|layer| layer.outputs.to_string()).collect();
    let activation = layers().next().map_or(ActivationName::Linear, |layer| layer.activation).name();
    let dropout = layers().next().map_or(0.0, |layer| layer.dropout);
    let dropout = if dropout > 0.0 { format!("-drop{:.0}", dropout * 100.0) } else { String::new() };
    let augmented = if recipe.training.augment.is_none() { "" } else { "-augmented" };
    format!("{}px-{}-{activation}{dropout}{augmented}", recipe.input.width, outputs.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_space_is_all_products_once_and_its_order_is_the_seeds() {
        let count = |kinds| all(kinds, Color::Gray, 1).unwrap().len();
        let (of_dense, of_conv) = (4 * 5 * 3 * 2 * 3 * 2, 3 + 4 * 3 * 3 * 2);
        assert_eq!([count(SearchedKinds::Dense), count(SearchedKinds::Conv)], [of_dense, of_conv]);
        let systems = all(SearchedKinds::All, Color::Gray, 1).unwrap();
        assert_eq!(systems.len(), of_dense + of_conv);
        let mut names: Vec<&str> = systems.iter().map(|system| system.name.as_str()).collect();
        assert_eq!(names[..4], ["50px-128-16-sigmoid-drop25", "conv-50-tiny", "conv-50", "conv-96"]);
        // In turn.
        assert!(!names[4].contains("conv") && !names[4].contains("separable"), "{}", names[4]);
        assert!(names[5].contains("conv") || names[5].contains("separable"), "{}", names[5]);
        assert_eq!(systems[0].recipe, Recipe::find(DEFAULT).unwrap());
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), systems.len(), "two networks have one name");
        assert_eq!(all(SearchedKinds::All, Color::Gray, 1).unwrap(), systems);
        assert_ne!(all(SearchedKinds::All, Color::Gray, 2).unwrap(), systems);
        for system in &systems {
            assert_eq!(Recipe::parse(&system.recipe.to_toml(), &system.name).unwrap(), system.recipe);
        }
    }
}
