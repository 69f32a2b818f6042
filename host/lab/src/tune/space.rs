//! The search space: dense networks for gray photos, around the article's.

use pinhole_core::random::{Purpose, Random};
use pinhole_core::recipe::{ActivationName, Augmentation, DEFAULT, DenseLayer, Recipe, RecipeError, RecipeLayer};
use pinhole_shared::pixels::InputShape;

use crate::study::System;

const INPUT_SIDES: [u16; 4] = [24, 32, 40, 50];
const FIRST_OUTPUTS: [usize; 5] = [16, 32, 64, 128, 256];
/// Outputs of a second hidden layer; 0 for none.
const SECOND_OUTPUTS: [usize; 3] = [0, 16, 32];
const ACTIVATIONS: [ActivationName; 2] = [ActivationName::Sigmoid, ActivationName::Relu];
const DROPOUTS: [f32; 3] = [0.0, 0.25, 0.5];
/// Augmentation as in the recipe `augmented`, or none.
const AUGMENT: [bool; 2] = [false, true];

/// Returns every network of the space, named by its settings, in random order by the seed. The default recipe comes first, so
/// that it is always tried if it fits.
///
/// # Errors
/// Those of [`Recipe::find`]; bundled recipes are found.
pub(super) fn all(seed: u64) -> Result<Vec<System>, RecipeError> {
    let default = Recipe::find(DEFAULT)?;
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
                            let mut recipe = Recipe { input: InputShape::gray(side), layers, ..default.clone() };
                            recipe.training.augment = augment;
                            systems.push(System { name: name(&recipe), recipe });
                        }
                    }
                }
            }
        }
    }
    Random::stream(seed, Purpose::Search).shuffle(&mut systems);
    let own = name(&default);
    systems.retain(|system| system.name != own);
    systems.insert(0, System { name: own, recipe: default });
    Ok(systems)
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
        let systems = all(1).unwrap();
        assert_eq!(systems.len(), 4 * 5 * 3 * 2 * 3 * 2);
        let mut names: Vec<&str> = systems.iter().map(|system| system.name.as_str()).collect();
        assert_eq!(names[0], "50px-128-16-sigmoid-drop25");
        assert_eq!(systems[0].recipe, Recipe::find(DEFAULT).unwrap());
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), systems.len(), "two networks have one name");
        assert_eq!(all(1).unwrap(), systems);
        assert_ne!(all(2).unwrap(), systems);
        for system in &systems {
            assert_eq!(Recipe::parse(&system.recipe.to_toml(), &system.name).unwrap(), system.recipe);
        }
    }
}
