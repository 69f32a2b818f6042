//! A recipe as it is written: the keys of the TOML file.

use std::collections::BTreeMap;

use pinhole_shared::pixels::{Color, Fit, InputShape};
use serde::{Deserialize, Deserializer, Serialize};

use super::{OutputLayer, Recipe, RecipeLayer, TrainingSettings, is_crop, is_gray};

/// Keys of a recipe's file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename = "Recipe", deny_unknown_fields)]
pub(super) struct RecipeFile {
    /// Side of a square input, px.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_side: Option<u16>,
    /// Height and width of an input of any shape, px.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_size: Option<[u16; 2]>,
    #[serde(default, skip_serializing_if = "is_gray")]
    color: Color,
    #[serde(default, skip_serializing_if = "is_crop")]
    fit: Fit,
    training: TrainingSettings,
    #[serde(default, rename = "layer", deserialize_with = "taken")]
    layers: Vec<RecipeLayer>,
    #[serde(default)]
    output: OutputLayer,
}

/// Reads layers that [`super::layer::take`] has emptied: it alone reads them, with their lines in its errors.
fn taken<'de, D: Deserializer<'de>>(layers: D) -> Result<Vec<RecipeLayer>, D::Error> {
    #[derive(Deserialize)]
    enum Never {}
    Vec::<BTreeMap<String, Never>>::deserialize(layers).map(|_| Vec::new())
}

impl TryFrom<RecipeFile> for Recipe {
    type Error = &'static str;

    fn try_from(file: RecipeFile) -> Result<Self, Self::Error> {
        let RecipeFile { input_side, input_size, color, fit, training, layers, output } = file;
        let [height, width] = match (input_side, input_size) {
            (Some(side), None) => [side, side],
            (None, Some(size)) => size,
            (Some(_), Some(_)) => return Err("give either `input_side` or `input_size`, not both"),
            (None, None) => return Err("missing field `input_side` or `input_size = [height, width]`, in pixels"),
        };
        Ok(Self { input: InputShape { height, width, color, fit }, training, layers, output })
    }
}

impl From<Recipe> for RecipeFile {
    fn from(recipe: Recipe) -> Self {
        let Recipe { input, training, layers, output } = recipe;
        let InputShape { height, width, color, fit } = input;
        let input_side = input.side();
        let input_size = if input_side.is_none() { Some([height, width]) } else { None };
        Self { input_side, input_size, color, fit, training, layers, output }
    }
}
