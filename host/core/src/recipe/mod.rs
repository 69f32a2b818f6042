//! Recipes: TOML files, written by people, with a network and its training settings.
//!
//! ```toml
//! input_side = 50            # px; or input_size = [height, width] for a rectangle
//! color = "gray"             # optional; or "rgb": the network sees colors
//! fit = "crop"               # optional; how pictures of another shape are fitted in: or "stretch", "letterbox"
//!
//! [training]
//! epochs = 400
//! batch = 32
//! learning_rate = 0.001
//! label_smoothing = 0.05     # optional: share of each target that is spread over all classes
//! class_weights = "balanced" # optional: photos of rare classes weigh more, so that all classes weigh the same
//! initialization = "independent"  # optional: draw each weight on its own, as Keras; else "stratified"
//! copies = ["inverted"]      # optional: train on negatives too; also "rotated"
//! frozen_epochs = 5          # optional: train only the last layer in the first epochs
//! patience = 50              # optional: stop after this many epochs without a better validation loss
//!
//! [training.optimizer]       # optional: Adam if absent; or "adamw" with weight_decay
//! kind = "sgd"
//! momentum = 0.7
//! nesterov = true
//!
//! [training.schedule]        # optional: constant if absent
//! kind = "cosine"            # or "step" with every (epochs) and factor, or "inverse-time" with decay (an update)
//! warmup = 2                 # optional, of cosine: epochs in which the rate rises from 0, update by update
//! per_update = true          # optional, of cosine: the rate falls with every update, not with every epoch
//!
//! [training.augment]         # optional: random variations of the training photos, new in every epoch
//! shift = 0.1                # of the side
//! zoom = 0.1
//! rotation = 10              # degrees
//! flip = true                # left to right, every second photo
//! brightness = 0.1           # of the whole range
//! contrast = 0.2
//! blur = 1.0                 # standard deviation, of the input's pixels
//! noise = 0.05               # standard deviation, of the whole range
//!
//! [[layer]]                  # as many as you like, in order; the output layer is added at the end
//! outputs = 128
//! activation = "sigmoid"     # or "relu", "linear"
//! dropout = 0.25             # optional: of this layer's outputs
//! l1 = 0.0                   # optional weight penalties
//! l2 = 0.0
//! weight_bits = 4            # optional: width of this layer's weights on the device: 8, 7 or 4; else 8
//!
//! [output]                   # optional: penalties of the output layer, and its weight_bits
//! l2 = 0.0
//! ```
//!
//! A layer may have a `kind`; without one it is dense, as above. The other kinds give a tensor of several channels. They come
//! before the first dense layer, which reads it row by row, the channels of a position together:
//!
//! ```toml
//! [[layer]]
//! kind = "conv"              # or "depthwise": a filter for each channel, without `channels`
//! channels = 16
//! kernel = 3                 # or [height, width]
//! stride = 1                 # optional; or [vertical, horizontal]
//! padding = 1                # optional: 0; or [top, left, bottom, right]
//! batch_norm = true          # optional: false
//! activation = "relu"        # or "relu6", "linear"
//! pool = 2                   # optional: pass on the largest of each 2x2 outputs; dropout, l1, l2, weight_bits as above
//!
//! [[layer]]
//! kind = "max-pool"          # or "average-pool"
//! window = 2                 # stride (the window's, if absent) and padding as above; padded positions are ignored
//!
//! [[layer]]
//! kind = "add"               # the previous layer's outputs and those of an earlier layer of the same shape
//! from = 1                   # counted from 1
//! activation = "relu"        # or "relu6", "linear"
//!
//! [[layer]]
//! kind = "global-average"    # the mean of each channel
//! dropout = 0.2              # optional
//! ```
//!
//! The article's dense networks are bundled under the names in [`NAMED`].

mod check;
mod file;
mod layer;
mod named;
mod shapes;
mod training;

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_shared::pixels::{Color, Fit, InputShape};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::de::DeTable;

use crate::artifacts::{limits, read_regular_text};

pub use layer::*;
pub use named::{AUTO, DEFAULT, NAMED};
pub use shapes::LayerShape;
pub use training::{Augmentation, ClassWeights, Copies, Initialization, OptimizerSettings, Schedule, TrainingSettings};

/// Supported widths of weights, bits.
pub const WEIGHT_BITS: [u8; 3] = [8, 7, 4];

/// A network and its training settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "file::RecipeFile", into = "file::RecipeFile")]
pub struct Recipe {
    /// The network's input, and how pictures are fitted into it.
    pub input: InputShape,
    /// Training settings.
    pub training: TrainingSettings,
    /// Layers before the output layer.
    pub layers: Vec<RecipeLayer>,
    /// Penalties and weight width of the output layer.
    pub output: OutputLayer,
}

/// Returns true for gray, the color of recipes that name none.
pub fn is_gray(color: &Color) -> bool {
    *color == Color::Gray
}

/// Returns true for the fit of recipes that name none.
pub fn is_crop(fit: &Fit) -> bool {
    *fit == Fit::Crop
}

/// Returns the default width of weights, bits.
const fn eight() -> u8 {
    8
}

fn is_eight(bits: &u8) -> bool {
    *bits == eight()
}

/// Error of finding or reading a recipe.
#[derive(Debug, Error, Diagnostic)]
pub enum RecipeError {
    /// Neither a bundled name nor a file.
    #[error("there is no recipe {0:?}")]
    #[diagnostic(help("{}", named::help(.0)))]
    Unknown(String),
    /// The file cannot be read.
    #[error("the recipe {} cannot be read: {reason}", path.display())]
    #[diagnostic(help("check the path, or name one of: {}", named::names()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Error from the operating system.
        reason: std::io::Error,
    },
    /// The file is not a recipe in TOML.
    #[error("the recipe {origin} is not understood: {place}{reason}")]
    #[diagnostic(help("`pinhole recipes {DEFAULT}` prints one that works, to start from"))]
    Malformed {
        /// Name or path.
        origin: String,
        /// Number and kind of the layer, as `layer 2 (conv): `; empty outside of layers.
        place: String,
        /// Line, column and reason.
        reason: Box<toml::de::Error>,
    },
    /// A value is impossible for a network or training.
    #[error("the recipe {origin} has {field} = {value}, which must be {expected}")]
    #[diagnostic(help("change it; `pinhole recipes {DEFAULT}` prints a recipe that works"))]
    Value {
        /// Name or path.
        origin: String,
        /// Field of the recipe.
        field: String,
        /// Value of the field.
        value: String,
        /// Allowed values.
        expected: &'static str,
    },
    /// A layer is impossible at its position.
    #[error("layer {layer} of the recipe {origin} {reason}")]
    #[diagnostic(help("`pinhole recipes {DEFAULT}` prints a recipe that works"))]
    Layer {
        /// Name or path.
        origin: String,
        /// Number of the layer, counted from 1.
        layer: usize,
        /// Problem and fix.
        reason: String,
    },
}

impl Recipe {
    /// Returns the shape of the network's input.
    pub fn input(&self) -> InputShape {
        self.input
    }

    /// Returns a bundled recipe by its name, or reads one from a file by its path.
    ///
    /// # Errors
    /// [`RecipeError`] with the name or path.
    pub fn find(name_or_path: &str) -> Result<Self, RecipeError> {
        if let Some((name, text)) = NAMED.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(text, name);
        }
        let path = Path::new(name_or_path);
        if path.extension().is_none_or(|extension| extension != "toml") && !path.exists() {
            return Err(RecipeError::Unknown(name_or_path.to_owned()));
        }
        let text = read_regular_text(path, limits::RECIPE)
            .map_err(|reason| RecipeError::Unreadable { path: path.to_owned(), reason })?;
        Self::parse(&text, name_or_path)
    }

    /// Parses a recipe's text. Errors name its `origin`.
    ///
    /// # Errors
    /// [`RecipeError::Malformed`], [`RecipeError::Value`] or [`RecipeError::Layer`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, RecipeError> {
        let recipe = Self::read(text).map_err(|(place, mut reason)| {
            reason.set_input(Some(text));
            RecipeError::Malformed { origin: origin.to_owned(), place, reason: Box::new(reason) }
        })?;
        check::check(&recipe, origin)?;
        Ok(recipe)
    }

    /// Reads a recipe without checking its values. Errors are the beginning of a message and the reason.
    fn read(text: &str) -> Result<Self, (String, toml::de::Error)> {
        let outside = |reason| (String::new(), reason);
        let mut table = DeTable::parse(text).map_err(outside)?;
        let layers = layer::take(table.get_mut())?;
        let recipe = Self::deserialize(toml::Deserializer::from(table)).map_err(outside)?;
        Ok(Self { layers, ..recipe })
    }

    /// Checks a recipe after changes. Errors name its `origin`.
    ///
    /// # Errors
    /// [`RecipeError::Value`] or [`RecipeError::Layer`] if no network or training can have its values.
    pub fn check(&self, origin: &str) -> Result<(), RecipeError> {
        check::check(self, origin)
    }

    /// Returns the weight bits of every layer that has weights, in order; the output layer is last.
    pub fn weight_bits(&self) -> impl Iterator<Item = u8> + '_ {
        self.layers.iter().filter_map(RecipeLayer::weight_bits).chain([self.output.weight_bits])
    }

    /// Sets [`Recipe::weight_bits`], by one number for all layers or one for each.
    ///
    /// # Errors
    /// [`RecipeError::Value`] if there is neither one nor one for each layer with weights, or if one is not in
    /// [`WEIGHT_BITS`].
    pub fn set_weight_bits(&mut self, bits: &[u8]) -> Result<(), RecipeError> {
        let count = self.weight_bits().count();
        let good = (bits.len() == 1 || bits.len() == count) && bits.iter().all(|bits| WEIGHT_BITS.contains(bits));
        if !good {
            let value = bits.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
            let expected = "8, 7 or 4 for all layers, or one of these for each";
            return Err(RecipeError::Value {
                origin: "of this network".into(),
                field: "weight_bits".into(),
                value,
                expected,
            });
        }
        let places =
            self.layers.iter_mut().filter_map(RecipeLayer::weight_bits_mut).chain([&mut self.output.weight_bits]);
        for (place, &bits) in places.zip(bits.iter().cycle()) {
            *place = bits;
        }
        Ok(())
    }

    /// Returns the recipe of the network on the device: without dropout, with batch normalization folded.
    pub fn folded(&self) -> Self {
        let mut recipe = self.clone();
        recipe.layers.iter_mut().for_each(RecipeLayer::strip);
        recipe
    }

    /// Returns the recipe as TOML text, which [`Recipe::parse`] reads back as the same recipe.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a recipe's fields all have TOML forms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_recipe_is_one_and_survives_writing() {
        for (name, _) in NAMED {
            let recipe = Recipe::find(name).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(Recipe::parse(&recipe.to_toml(), name).unwrap(), recipe, "{name}");
        }
    }

    #[test]
    fn the_default_is_the_articles_winner() {
        let recipe = Recipe::find(DEFAULT).unwrap();
        let layers: Vec<_> = recipe
            .layers
            .iter()
            .filter_map(RecipeLayer::as_dense)
            .map(|l| (l.outputs, l.activation, l.dropout))
            .collect();
        assert_eq!(layers, [(128, ActivationName::Sigmoid, 0.25), (16, ActivationName::Sigmoid, 0.0)]);
        assert_eq!((recipe.input, recipe.training.epochs, recipe.training.batch), (InputShape::gray(50), 400, 32));
        assert_eq!(recipe.training.learning_rate, 0.001);
        assert_eq!(recipe.weight_count(2), 2500 * 128 + 128 * 16 + 16 * 2);
    }

    #[test]
    fn inputs_of_any_shape_survive_writing() {
        let good = Recipe::find(DEFAULT).unwrap().to_toml();
        let with = |lines: &str| Recipe::parse(&good.replacen("input_side = 50", lines, 1), "mine.toml").unwrap();
        let input = |height, width, fit| InputShape { height, width, color: Color::Gray, fit };
        for (lines, expected, written) in [
            ("input_size = [28, 46]", input(28, 46, Fit::Crop), "input_size = [28, 46]\n\n"),
            ("input_size = [50, 50]", input(50, 50, Fit::Crop), "input_side = 50\n\n"),
            ("input_side = 50\nfit = \"crop\"", input(50, 50, Fit::Crop), "input_side = 50\n\n"),
            ("input_side = 8\nfit = \"stretch\"", input(8, 8, Fit::Stretch), "input_side = 8\nfit = \"stretch\"\n\n"),
            (
                "input_size = [32, 20]\nfit = \"letterbox\"",
                input(32, 20, Fit::Letterbox),
                "input_size = [32, 20]\nfit = \"letterbox\"\n\n",
            ),
        ] {
            let recipe = with(lines);
            assert_eq!(recipe.input(), expected);
            let text = recipe.to_toml();
            assert!(text.starts_with(written), "{text}");
            assert_eq!(Recipe::parse(&text, "mine.toml").unwrap(), recipe);
        }
        // A quarter turn of a rectangle is another input.
        let rotated = good.replacen("input_side = 50", "input_size = [28, 46]", 1);
        let rotated = rotated.replacen("batch = 32", "batch = 32\ncopies = [\"rotated\"]", 1);
        let refused = Recipe::parse(&rotated, "mine.toml").unwrap_err().to_string();
        assert!(refused.contains("training.copies"), "{refused}");
    }

    #[test]
    fn wrong_recipes_name_what_is_wrong() {
        let good = Recipe::find(DEFAULT).unwrap().to_toml();
        for (from, to, complaint) in [
            ("epochs = 400", "epochs = 0", "training.epochs"),
            ("batch = 32", "batch = 0", "training.batch"),
            ("dropout = 0.25", "dropout = 1.0", "layer 1: dropout"),
            ("outputs = 16", "outputs = 0", "layer 2: outputs"),
            ("outputs = 128", "outputs = 65535", "weights"),
            ("outputs = 128", "outputs = 128\nweight_bits = 5", "layer 1: weight_bits"),
            ("input_side = 50", "input_side = 0", "input_side"),
            ("input_side = 50", "input_side = 50\ninput_size = [50, 50]", "either `input_side` or `input_size`"),
            ("input_side = 50", "color = \"gray\"", "`input_side` or `input_size = [height, width]`"),
            ("input_side = 50", "input_size = [28, 0]", "input_size"),
            ("input_side = 50", "input_size = [28, 1025]", "input_size"),
            ("input_side = 50", "input_size = [28]", "input_size"),
            ("input_side = 50", "input_side = 50\nfit = \"squash\"", "squash"),
            ("outputs = 16", "neurons = 16", "neurons"),
            ("activation = \"sigmoid\"", "activation = \"tanh\"", "tanh"),
        ] {
            assert!(good.contains(from), "{from} in {good}");
            let complaint_got = Recipe::parse(&good.replacen(from, to, 1), "mine.toml").unwrap_err().to_string();
            assert!(complaint_got.contains(complaint) && complaint_got.contains("mine.toml"), "{complaint_got}");
        }
        let sgd = Recipe::find("baseline-sgd").unwrap().to_toml();
        let augmented = Recipe::find("augmented").unwrap().to_toml();
        for (text, from, to, complaint) in [
            (&sgd, "momentum = 0.7", "momentum = 1.0", "training.optimizer: momentum"),
            (&sgd, "momentum = 0.7", "momemtum = 0.7", "momemtum"),
            (&sgd, "kind = \"inverse-time\"", "kind = \"inverse\"", "inverse"),
            (&sgd, "decay = ", "decay = -", "training.schedule: decay"),
            (&augmented, "rotation = 10.0", "rotation = 190", "training.augment: rotation"),
            (&augmented, "zoom = 0.1", "zoom = 1.0", "training.augment: zoom"),
            (&augmented, "shift = 0.1", "shift = 1.1", "training.augment: shift"),
            (&augmented, "shift = 0.1", "shear = 0.1", "shear"),
            (&augmented, "shift = 0.1", "blur = 10.5", "training.augment: blur"),
            (&augmented, "shift = 0.1", "noise = -0.1", "training.augment: noise"),
        ] {
            assert!(text.contains(from), "{from} in {text}");
            let complaint_got = Recipe::parse(&text.replacen(from, to, 1), "mine.toml").unwrap_err().to_string();
            assert!(complaint_got.contains(complaint) && complaint_got.contains("mine.toml"), "{complaint_got}");
        }
        assert!(matches!(Recipe::find("no-such"), Err(RecipeError::Unknown(_))));
        assert!(matches!(Recipe::find("no-such.toml"), Err(RecipeError::Unreadable { .. })));
    }
}
