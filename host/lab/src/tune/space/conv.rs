//! The convolutional part of the search space: networks around the bundled `conv-50-tiny`.

use pinhole_core::recipe::{Recipe, RecipeError};
use pinhole_shared::pixels::{Color, InputShape};

use crate::study::System;

/// The bundled networks of the space, for boards with a Cortex-M0+ and a Cortex-M4. They are tried first, where they fit.
const BUNDLED: [&str; 3] = ["conv-50-tiny", "conv-50", "conv-96"];

const INPUT_SIDES: [u16; 4] = [32, 48, 64, 96];
/// Channels of the first convolution. They double from one to the next.
const FIRST_CHANNELS: [u16; 3] = [8, 12, 16];
/// Convolutions, each with a max pooling by 2.
const CONVOLUTIONS: [u32; 3] = [3, 4, 5];
/// Most channels, in multiples of the first convolution's.
const MOST_DOUBLINGS: u32 = 3;
/// True for a depthwise convolution and one over the channels (Howard and others, "MobileNets", 2017) in place of each full
/// convolution after the first.
const SEPARABLE: [bool; 2] = [false, true];

/// Returns the bundled networks, then all products, named by their settings. Their inputs have this color.
///
/// # Errors
/// Those of [`Recipe::find`] and [`Recipe::parse`]; none in practice, which a test checks.
pub(super) fn all(color: Color) -> Result<(Vec<System>, Vec<System>), RecipeError> {
    let bundled = BUNDLED.iter().map(|name| {
        let mut recipe = Recipe::find(name)?;
        recipe.input.color = color;
        Ok(System::new((*name).to_owned(), recipe))
    });
    let bundled = bundled.collect::<Result<Vec<_>, RecipeError>>()?;
    // Training settings: those of the smallest bundled network.
    let settings = Recipe { layers: Vec::new(), ..bundled[0].recipe.clone() };
    let mut systems = Vec::new();
    for side in INPUT_SIDES {
        for first in FIRST_CHANNELS {
            for count in CONVOLUTIONS {
                for separable in SEPARABLE {
                    let channels: Vec<u16> = (0..count).map(|number| first << number.min(MOST_DOUBLINGS)).collect();
                    let name = name(side, &channels, separable);
                    let layers = Recipe::parse(&text(&channels, separable), &name)?.layers;
                    let input = InputShape { color, ..InputShape::gray(side) };
                    systems.push(System::new(name, Recipe { input, layers, ..settings.clone() }));
                }
            }
        }
    }
    Ok((bundled, systems))
}

/// Returns a name like `48px-conv-8-16-32` or `48px-separable-8-16-32`.
fn name(side: u16, channels: &[u16], separable: bool) -> String {
    let channels: Vec<String> = channels.iter().map(u16::to_string).collect();
    let kind = if separable { "separable" } else { "conv" };
    format!("{side}px-{kind}-{}", channels.join("-"))
}

/// Returns a recipe with these layers. Only its layers are used.
fn text(channels: &[u16], separable: bool) -> String {
    let mut text = "input_side = 96\n[training]\nepochs = 1\nbatch = 1\nlearning_rate = 0.1\n".to_owned();
    for (index, channels) in channels.iter().enumerate() {
        let (filter, end) = ("kernel = 3\npadding = 1\nbatch_norm = true\n", "activation = \"relu\"\npool = 2\n");
        text += &if separable && index > 0 {
            format!(
                "[[layer]]\nkind = \"depthwise\"\n{filter}activation = \"relu\"\n\
                 [[layer]]\nkind = \"conv\"\nchannels = {channels}\nkernel = 1\nbatch_norm = true\n{end}"
            )
        } else {
            format!("[[layer]]\nkind = \"conv\"\nchannels = {channels}\n{filter}{end}")
        };
    }
    text + "[[layer]]\nkind = \"global-average\"\ndropout = 0.1\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_is_a_recipe_with_a_name_of_its_own() {
        let (bundled, systems) = all(Color::Gray).unwrap();
        assert_eq!((bundled.len(), systems.len()), (3, 4 * 3 * 3 * 2));
        let mut names: Vec<&str> = bundled.iter().chain(&systems).map(|system| system.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), bundled.len() + systems.len(), "two networks have one name");
        for system in &systems {
            assert_eq!(Recipe::parse(&system.recipe.to_toml(), &system.name).unwrap(), system.recipe);
            assert_eq!(system.recipe.training, bundled[0].recipe.training);
        }
        let named = |name: &str| systems.iter().find(|system| system.name == name).unwrap().recipe.layers.len();
        assert_eq!(named("48px-conv-12-24-48-96-96"), 5 + 1);
        assert_eq!(named("48px-separable-12-24-48-96-96"), 1 + 2 * 4 + 1);
    }
}
