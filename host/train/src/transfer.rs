//! Transfer learning: continuing from a trained network, on the same classes or on others.

use miette::Diagnostic;
use pinhole_core::recipe::{Recipe, RecipeLayer};
use pinhole_shared::pixels::{Color, InputShape};
use pinhole_shared::shape::Shape;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::layers::{FloatLayer, settings};
use super::network::Network;

/// A trained network as plain numbers, which [`transfer`] starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct Pretrained {
    /// The recipe it was trained by.
    pub recipe: Recipe,
    /// Class names, in the order of the logits.
    pub classes: Vec<String>,
    /// Parameters of every layer.
    pub layers: Vec<FloatLayer>,
}

impl Pretrained {
    /// Copies the parameters of a network.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    pub fn of(network: &Network) -> candle_core::Result<Self> {
        let (recipe, classes) = (network.recipe.clone(), network.classes.clone());
        Ok(Self { recipe, classes, layers: network.float_layers()? })
    }

    /// Checks that a network of this recipe can have the parameters of this network's hidden layers: its layers are the same.
    /// Its input may have another size if no layer has more or fewer weights for it, as in networks of convolutions that end
    /// in a global average. It may have other colors if a convolution reads it.
    ///
    /// # Errors
    /// [`TransferError::Color`], or [`TransferError::Architecture`] with the first difference.
    pub fn check(&self, recipe: &Recipe) -> Result<(), TransferError> {
        let differ = |what: String, trained: String, asked: String| {
            if trained == asked { Ok(()) } else { Err(TransferError::Architecture { what, trained, asked }) }
        };
        let count = |recipe: &Recipe| recipe.layers.len().to_string();
        differ("number of [[layer]]s".into(), count(&self.recipe), count(recipe))?;
        for (index, (trained, asked)) in self.recipe.layers.iter().zip(&recipe.layers).enumerate() {
            let field = |name: &str| format!("layer {}: {name}", index + 1);
            differ(field("kind"), trained.kind().to_owned(), asked.kind().to_owned())?;
            let (trained, asked) = (settings(trained).structure(), settings(asked).structure());
            for ((name, trained), (_, asked)) in trained.into_iter().zip(asked) {
                differ(field(name), trained, asked)?;
            }
        }
        let (trained, asked) = (self.recipe.input.color, recipe.input.color);
        if trained != asked && !matches!(recipe.layers.first(), Some(RecipeLayer::Conv(_))) {
            return Err(TransferError::Color { trained: trained.to_string(), asked: asked.to_string() });
        }
        // Of a dense layer, the positions of its inputs count too: as many pixels in another shape are other ones.
        let reads = |size_of: &Recipe| -> Vec<(usize, Option<Shape>)> {
            let recipe = Recipe { input: InputShape { color: trained, ..size_of.input }, ..self.recipe.clone() };
            let is_dense = |index| recipe.layers.get(index).is_none_or(|layer| matches!(layer, RecipeLayer::Dense(_)));
            let shapes = recipe.shapes(1).into_iter().enumerate();
            shapes.map(|(index, shape)| (shape.weights, is_dense(index).then_some(shape.input))).collect()
        };
        if reads(&self.recipe) != reads(recipe) {
            let (trained, asked) = (self.recipe.input, recipe.input);
            if let (Some(trained), Some(asked)) = (trained.side(), asked.side()) {
                differ("input_side".into(), trained.to_string(), asked.to_string())?;
            }
            let size = |input: InputShape| format!("[{}, {}]", input.height, input.width);
            differ("input_size".into(), size(trained), size(asked))?;
        }
        Ok(())
    }

    /// Returns the parameters of all layers for an input of this color. The first layer's weights are changed such that it
    /// gives the same values as before: on a color picture as on its luma, or on a gray picture as on three equal colors.
    fn layers_for(&self, color: Color) -> Vec<FloatLayer> {
        let mut layers = self.layers.clone();
        if let (true, Some(FloatLayer::Conv(first))) = (color != self.recipe.input.color, layers.first_mut()) {
            first.weights = match color {
                Color::Rgb => first.weights.iter().flat_map(|weight| LUMA.map(|share| weight * share)).collect(),
                Color::Gray => first.weights.chunks_exact(LUMA.len()).map(|colors| colors.iter().sum()).collect(),
            };
            first.input.channels = color.channels();
        }
        layers
    }

    /// Returns whether [`transfer`] to these classes keeps the last layer or replaces it.
    ///
    /// Class names are in ascending order in a dataset and in a network, so the same set of names is the same list.
    pub fn last_layer(&self, classes: &[String]) -> LastLayer {
        if self.classes == classes { LastLayer::Kept } else { LastLayer::Replaced }
    }
}

/// Shares of red, green and blue in luma, as in the pixel pipeline.
///
/// # Source
/// ITU-R BT.601-7, section 2.5.1.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// Treatment of the last layer by [`transfer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LastLayer {
    /// The classes are the same: the trained layer is kept.
    Kept,
    /// The classes differ: the layer is new and untrained.
    Replaced,
}

/// Error: a training cannot continue from a network.
#[derive(Debug, Error, Diagnostic)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum TransferError {
    /// The recipe is for another network.
    #[error("the network to continue from has {what} = {trained}, and the recipe has {asked}")]
    #[diagnostic(help(
        "give a recipe with the same input size and layers (its dropout, penalties and training may differ), or leave \
         out --recipe to train with the network's own settings"
    ))]
    Architecture { what: String, trained: String, asked: String },
    /// The recipe, or `--color`, has other colors.
    #[error("the network to continue from sees pictures in {trained}, and {asked} was asked for")]
    #[diagnostic(help(
        "leave out --color, or give a recipe with color = \"{trained}\"; for a new network that sees {asked}, leave out \
         --from and give a recipe with --recipe"
    ))]
    Color { trained: String, asked: String },
    /// candle failed.
    #[error("the network to continue from cannot be set up: {0}")]
    #[diagnostic(help("this is a bug in Pinhole, or there is too little memory; nothing was written"))]
    Candle(#[from] candle_core::Error),
}

/// Creates the network that a training by `recipe` on these classes starts with.
///
/// Hidden layers are the trained ones. If the classes are the same, so is the last layer. The network is then measured
/// before its first epoch and kept if no epoch is better (see [`super::train`]). Otherwise the last layer is the one
/// that [`Network::new`] creates from the same recipe, classes and seed.
///
/// # Errors
/// Those of [`Pretrained::check`].
pub fn transfer(
    trained: &Pretrained,
    recipe: &Recipe,
    classes: &[String],
    seed: u64,
) -> Result<Network, TransferError> {
    trained.check(recipe)?;
    let mut layers = trained.layers_for(recipe.input.color);
    let kept = trained.last_layer(classes) == LastLayer::Kept;
    if !kept {
        layers.pop();
        layers.extend(Network::new(recipe, classes, seed)?.float_layers()?.pop());
    }
    let mut network = Network::from_layers(recipe, classes, &layers)?;
    network.pretrained = kept;
    Ok(network)
}

#[cfg(test)]
mod tests {
    use pinhole_core::testing::recipe;

    use super::*;

    const LAYERS: &str = r#"
input_side = 20
[training]
epochs = 1
batch = 4
learning_rate = 0.01
[[layer]]
kind = "conv"
channels = 6
kernel = [3, 2]
stride = 1
padding = [1, 0, 1, 1]
batch_norm = true
activation = "relu"
pool = 2
[[layer]]
kind = "depthwise"
kernel = 3
padding = 1
activation = "relu6"
[[layer]]
kind = "add"
from = 1
activation = "linear"
[[layer]]
kind = "max-pool"
window = 3
[[layer]]
kind = "global-average"
dropout = 0.1
"#;

    /// A difference that a layer's parameters depend on is named; other settings may differ.
    #[test]
    fn networks_of_convolutions_must_be_alike() {
        let classes = ["a", "b"].map(str::to_owned);
        let trained = Pretrained::of(&Network::new(&recipe(LAYERS), &classes, 1).unwrap()).unwrap();
        for (from, to, what) in [
            ("channels = 6", "channels = 5", "layer 1: channels = 6, and the recipe has 5"),
            ("kernel = [3, 2]", "kernel = [3, 3]", "layer 1: kernel = [3, 2], and the recipe has [3, 3]"),
            ("stride = 1", "stride = 2", "layer 1: stride = [1, 1], and the recipe has [2, 2]"),
            (
                "padding = [1, 0, 1, 1]",
                "padding = 1",
                "layer 1: padding = [1, 0, 1, 1], and the recipe has [1, 1, 1, 1]",
            ),
            ("batch_norm = true", "batch_norm = false", "layer 1: batch_norm = true, and the recipe has false"),
            ("\"relu\"", "\"relu6\"", "layer 1: activation = relu, and the recipe has relu6"),
            ("pool = 2", "pool = 1", "layer 1: pool = 2, and the recipe has 1"),
            ("\"relu6\"", "\"relu\"", "layer 2: activation = relu6, and the recipe has relu"),
            ("\"linear\"", "\"relu\"", "layer 3: activation = linear, and the recipe has relu"),
            ("window = 3", "window = 2", "layer 4: window = [3, 3], and the recipe has [2, 2]"),
            ("\"max-pool\"", "\"average-pool\"", "layer 4: kind = max-pool, and the recipe has average-pool"),
        ] {
            let changed = LAYERS.replacen(from, to, 1);
            assert_ne!(changed, LAYERS);
            let error = trained.check(&recipe(&changed)).unwrap_err().to_string();
            assert_eq!(error, format!("the network to continue from has {what}"));
        }
        let may_differ = [
            ("dropout = 0.1", "dropout = 0.5"),
            ("epochs = 1", "epochs = 9"),
            ("input_side = 20", "input_side = 22"),
            ("input_side = 20", "input_side = 20\ncolor = \"rgb\""),
        ];
        for (from, to) in may_differ {
            trained.check(&recipe(&LAYERS.replacen(from, to, 1))).unwrap();
        }
    }

    /// Positions that a dense layer reads are part of what it has learned.
    #[test]
    fn an_input_of_another_size_needs_weights_that_fit() {
        let flat = LAYERS.replace("kind = \"global-average\"\ndropout = 0.1", "outputs = 3\nactivation = \"relu\"");
        let trained = Pretrained::of(&Network::new(&recipe(&flat), &["a".into(), "b".into()], 1).unwrap()).unwrap();
        let error = trained.check(&recipe(&flat.replace("side = 20", "side = 32"))).unwrap_err().to_string();
        assert_eq!(error, "the network to continue from has input_side = 20, and the recipe has 32");
        let dense = "input_side = 4\n[training]\nepochs = 1\nbatch = 4\nlearning_rate = 0.01\n";
        let trained = Pretrained::of(&Network::new(&recipe(dense), &["a".into(), "b".into()], 1).unwrap()).unwrap();
        let error = trained.check(&recipe(&format!("color = \"rgb\"\n{dense}"))).unwrap_err().to_string();
        assert_eq!(error, "the network to continue from sees pictures in gray, and rgb was asked for");
    }

    /// A network continues in color as it was in gray, and the other way round.
    #[test]
    fn the_first_convolution_reads_other_colors_with_the_same_outputs() {
        let classes = ["a", "b"].map(str::to_owned);
        let gray = Network::new(&recipe(LAYERS), &classes, 1).unwrap();
        let in_color = recipe(&format!("color = \"rgb\"\n{LAYERS}"));
        let color = transfer(&Pretrained::of(&gray).unwrap(), &in_color, &classes, 2).unwrap();
        let back = transfer(&Pretrained::of(&color).unwrap(), &recipe(LAYERS), &classes, 3).unwrap();
        let colors: Vec<[u8; 3]> = (0..400_u32).map(|i| [i * 7, i * 11, i * 13].map(|level| level as u8)).collect();
        let luma =
            |color: &[u8; 3]| LUMA.iter().zip(color).map(|(share, &level)| share * f32::from(level)).sum::<f32>();
        let lumas: Vec<u8> = colors.iter().map(|color| luma(color).round() as u8).collect();
        let of_gray = gray.logits(&[&lumas]).unwrap();
        let of_color = color.logits(&[colors.as_flattened()]).unwrap();
        let of_gray_again = back.logits(&[&lumas]).unwrap();
        // Rounded luma is off by half a level of 255.
        for (a, b) in of_gray[0].iter().zip(&of_color[0]) {
            assert!((a - b).abs() < 0.02, "{of_gray:?} {of_color:?}");
        }
        for (a, b) in of_gray[0].iter().zip(&of_gray_again[0]) {
            assert!((a - b).abs() < 1e-5, "{of_gray:?} {of_gray_again:?}");
        }
    }
}
