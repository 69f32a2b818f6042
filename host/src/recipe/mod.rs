//! Recipes: what network to train and how, as a TOML file a person writes.
//!
//! ```toml
//! input_side = 50            # px
//!
//! [training]
//! epochs = 400
//! batch = 32
//! learning_rate = 0.001
//! initialization = "independent"  # optional: draw each weight on its own, as Keras; else "stratified"
//! copies = ["inverted"]      # optional: train on negatives too; also "rotated"
//! patience = 50              # optional: stop after so many epochs without a better validation loss
//!
//! [training.optimizer]       # optional: Adam if absent
//! kind = "sgd"
//! momentum = 0.7
//! nesterov = true
//!
//! [training.schedule]        # optional: constant if absent
//! kind = "cosine"            # or "step" with every (epochs) and factor, or "inverse-time" with decay (an update)
//!
//! [training.augment]         # optional: random variations of the training photos, anew in every epoch
//! shift = 0.1                # of the side
//! zoom = 0.1
//! rotation = 10              # degrees
//! flip = true                # left to right, every second photo
//! brightness = 0.1           # of the whole range
//! contrast = 0.2
//! blur = 1.0                 # standard deviation, of the input's pixels
//! noise = 0.05               # standard deviation, of the whole range
//!
//! [[layer]]                  # as many as you like, in order; the layer that decides is added at the end
//! outputs = 128
//! activation = "sigmoid"     # or "relu", "linear"
//! dropout = 0.25             # optional: of this layer's outputs
//! l1 = 0.0                   # optional weight penalties
//! l2 = 0.0
//! weight_bits = 4            # optional: width of this layer's weights on the device: 8, 7 or 4; else 8
//!
//! [output]                   # optional: penalties of the layer that decides, and its weight_bits
//! l2 = 0.0
//! ```
//!
//! The article's dense networks ship under the names [`NAMED`] lists.

mod named;
mod training;

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_shared::model::{Activation, MAX_LAYERS};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use named::{DEFAULT, NAMED};
pub use training::{Augmentation, Copies, Initialization, Optimizer, Schedule, Training};

/// Most weights of a network, all layers: with the optimizer's state, 1.5 GiB.
const MAX_WEIGHTS: usize = 1 << 27;

/// Widths of weights there are.
pub const WEIGHT_BITS: [u8; 3] = [8, 7, 4];

/// A network and how to train it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Side of the network's square input, px.
    pub input_side: u16,
    /// How to train.
    pub training: Training,
    /// The layers before the one that decides.
    #[serde(default, rename = "layer")]
    pub layers: Vec<HiddenLayer>,
    /// Penalties of the layer that decides.
    #[serde(default)]
    pub output: OutputLayer,
}

/// A dense layer before the one that decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HiddenLayer {
    /// Neurons.
    pub outputs: usize,
    /// Activation function.
    pub activation: ActivationName,
    /// Fraction of this layer's outputs left out of each update, 0 <= dropout < 1.
    #[serde(default)]
    pub dropout: f32,
    /// Penalty on the sum of absolute weights.
    #[serde(default)]
    pub l1: f32,
    /// Penalty on the sum of squared weights.
    #[serde(default)]
    pub l2: f32,
    /// Bits of the weights on the device: 8, 7 (faster on a Cortex-M0+) or 4 (half the flash).
    #[serde(default = "eight", skip_serializing_if = "is_eight")]
    pub weight_bits: u8,
}

/// Penalties of the layer that decides, and the width of its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputLayer {
    /// Penalty on the sum of absolute weights.
    #[serde(default)]
    pub l1: f32,
    /// Penalty on the sum of squared weights.
    #[serde(default)]
    pub l2: f32,
    /// Bits of the weights on the device: 8, 7 (faster on a Cortex-M0+) or 4 (half the flash).
    #[serde(default = "eight", skip_serializing_if = "is_eight")]
    pub weight_bits: u8,
}

impl Default for OutputLayer {
    fn default() -> Self {
        Self { l1: 0.0, l2: 0.0, weight_bits: eight() }
    }
}

/// Bits of weights where a recipe says nothing.
const fn eight() -> u8 {
    8
}

fn is_eight(bits: &u8) -> bool {
    *bits == eight()
}

/// Activation functions by the name they have in a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivationName {
    /// None.
    Linear,
    /// `max(0, x)`.
    Relu,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
}

impl From<ActivationName> for Activation {
    fn from(name: ActivationName) -> Self {
        match name {
            ActivationName::Linear => Self::Linear,
            ActivationName::Relu => Self::Relu,
            ActivationName::Sigmoid => Self::Sigmoid,
        }
    }
}

/// Why there is no recipe.
#[derive(Debug, Error, Diagnostic)]
pub enum RecipeError {
    /// Neither a shipped name nor a file.
    #[error("there is no recipe {0:?}")]
    #[diagnostic(help("name one of: {}; or give the path of a .toml file", names()))]
    Unknown(String),
    /// The file cannot be read.
    #[error("the recipe {} cannot be read: {reason}", path.display())]
    #[diagnostic(help("check the path, or name one of: {}", names()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Not a recipe in TOML.
    #[error("the recipe {origin} is not understood: {reason}")]
    #[diagnostic(help("`pinhole recipes {DEFAULT}` prints one that works, to start from"))]
    Malformed {
        /// Name or path.
        origin: String,
        /// Line, column and reason.
        reason: Box<toml::de::Error>,
    },
    /// A value no network can have.
    #[error("the recipe {origin} has {field} = {value}, which must be {expected}")]
    #[diagnostic(help("change it; `pinhole recipes {DEFAULT}` prints a recipe that works"))]
    Value {
        /// Name or path.
        origin: String,
        /// Field of the recipe.
        field: String,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
}

fn names() -> String {
    NAMED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

impl Recipe {
    /// A shipped recipe by name, or one from a file by its path.
    ///
    /// # Errors
    /// [`RecipeError`], with the name or path.
    pub fn find(name_or_path: &str) -> Result<Self, RecipeError> {
        if let Some((name, text)) = NAMED.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(text, name);
        }
        let path = Path::new(name_or_path);
        if path.extension().is_none_or(|extension| extension != "toml") && !path.exists() {
            return Err(RecipeError::Unknown(name_or_path.to_owned()));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|reason| RecipeError::Unreadable { path: path.to_owned(), reason })?;
        Self::parse(&text, name_or_path)
    }

    /// A recipe from its text; `origin` is named in errors.
    ///
    /// # Errors
    /// [`RecipeError::Malformed`] or [`RecipeError::Value`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, RecipeError> {
        let recipe: Self = toml::from_str(text)
            .map_err(|reason| RecipeError::Malformed { origin: origin.to_owned(), reason: Box::new(reason) })?;
        recipe.check(origin)?;
        Ok(recipe)
    }

    /// Weights of the network for so many classes, biases not counted: also the multiply-accumulates of one inference.
    pub fn weight_count(&self, classes: usize) -> usize {
        let inputs = usize::from(self.input_side) * usize::from(self.input_side);
        let outputs = self.layers.iter().map(|layer| layer.outputs).chain([classes]);
        outputs.fold((0, inputs), |(count, inputs), outputs| (count + inputs * outputs, outputs)).0
    }

    /// Bits of the weights of every layer, the one that decides last.
    pub fn weight_bits(&self) -> impl Iterator<Item = u8> + '_ {
        self.layers.iter().map(|layer| layer.weight_bits).chain([self.output.weight_bits])
    }

    /// Sets [`Recipe::weight_bits`]: one number for all layers, or one for each.
    ///
    /// # Errors
    /// [`RecipeError::Value`] when they are neither one nor as many as there are layers, or one is not of
    /// [`WEIGHT_BITS`].
    pub fn set_weight_bits(&mut self, bits: &[u8]) -> Result<(), RecipeError> {
        let places = self.layers.iter_mut().map(|layer| &mut layer.weight_bits).chain([&mut self.output.weight_bits]);
        let count = places.size_hint().0;
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
        for (place, &bits) in places.zip(bits.iter().cycle()) {
            *place = bits;
        }
        Ok(())
    }

    /// The recipe as TOML text that [`Recipe::parse`] reads back as the same recipe.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a recipe's fields all have TOML forms")
    }

    fn check(&self, origin: &str) -> Result<(), RecipeError> {
        let demand = |holds: bool, field: String, value: String, expected: &'static str| {
            if holds { Ok(()) } else { Err(RecipeError::Value { origin: origin.to_owned(), field, value, expected }) }
        };
        let side = self.input_side;
        demand((1..=1024).contains(&side), "input_side".into(), side.to_string(), "1 to 1024 pixels")?;
        let training = &self.training;
        demand(training.epochs > 0, "training.epochs".into(), training.epochs.to_string(), "at least 1")?;
        demand(training.batch > 0, "training.batch".into(), training.batch.to_string(), "at least 1")?;
        let rate = training.learning_rate;
        let usable = rate.is_finite() && rate > 0.0;
        demand(usable, "training.learning_rate".into(), rate.to_string(), "a positive number")?;
        demand(training.patience != Some(0), "training.patience".into(), "0".into(), "at least 1")?;
        check_optimizer(&demand, training)?;
        check_augmentation(&demand, &training.augment)?;
        let count = self.layers.len();
        demand(count < MAX_LAYERS, "number of layers".into(), count.to_string(), "at most 15")?;
        for (index, layer) in self.layers.iter().enumerate() {
            let field = |name: &str| format!("layer {}: {name}", index + 1);
            let outputs = layer.outputs;
            demand((1..=65_536).contains(&outputs), field("outputs"), outputs.to_string(), "1 to 65536")?;
            let dropout = layer.dropout;
            demand((0.0..1.0).contains(&dropout), field("dropout"), dropout.to_string(), "at least 0 and below 1")?;
            check_penalties(&demand, &field, layer.l1, layer.l2)?;
            check_bits(&demand, &field, layer.weight_bits)?;
        }
        // After every layer's outputs are known to be few enough for their product to be a number.
        let weights = self.weight_count(1);
        demand(weights <= MAX_WEIGHTS, "weights".into(), weights.to_string(), "at most 134217728 in all layers")?;
        let field = |name: &str| format!("output: {name}");
        check_bits(&demand, &field, self.output.weight_bits)?;
        check_penalties(&demand, &field, self.output.l1, self.output.l2)
    }
}

/// `demand(holds, field, value, expected)` is an error unless it holds.
type Demand<'a> = &'a dyn Fn(bool, String, String, &'static str) -> Result<(), RecipeError>;

fn check_optimizer(demand: Demand<'_>, training: &Training) -> Result<(), RecipeError> {
    if let Optimizer::Sgd { momentum, .. } = training.optimizer {
        let usable = (0.0..1.0).contains(&momentum);
        demand(usable, "training.optimizer: momentum".into(), momentum.to_string(), "at least 0 and below 1")?;
    }
    let field = |name: &str| format!("training.schedule: {name}");
    match training.schedule {
        Schedule::Constant | Schedule::Cosine => Ok(()),
        Schedule::Step { every, factor } => {
            demand(every > 0, field("every"), every.to_string(), "at least 1 epoch")?;
            let usable = factor > 0.0 && factor <= 1.0;
            demand(usable, field("factor"), factor.to_string(), "above 0 and at most 1")
        }
        Schedule::InverseTime { decay } => {
            let usable = decay.is_finite() && decay >= 0.0;
            demand(usable, field("decay"), decay.to_string(), "0 or a positive number")
        }
    }
}

fn check_augmentation(demand: Demand<'_>, augment: &Augmentation) -> Result<(), RecipeError> {
    let field = |name: &str| format!("training.augment: {name}");
    let shares = [
        ("shift", augment.shift),
        ("brightness", augment.brightness),
        ("contrast", augment.contrast),
        ("noise", augment.noise),
    ];
    for (name, value) in shares {
        demand((0.0..=1.0).contains(&value), field(name), value.to_string(), "0 to 1")?;
    }
    let blur = augment.blur;
    demand((0.0..=10.0).contains(&blur), field("blur"), blur.to_string(), "0 to 10 pixels")?;
    let zoom = augment.zoom;
    demand((0.0..1.0).contains(&zoom), field("zoom"), zoom.to_string(), "at least 0 and below 1")?;
    let rotation = augment.rotation;
    demand((0.0..=180.0).contains(&rotation), field("rotation"), rotation.to_string(), "0 to 180 degrees")
}

fn check_bits(demand: Demand<'_>, field: &impl Fn(&str) -> String, bits: u8) -> Result<(), RecipeError> {
    demand(WEIGHT_BITS.contains(&bits), field("weight_bits"), bits.to_string(), "8, 7 or 4")
}

fn check_penalties(demand: Demand<'_>, field: &impl Fn(&str) -> String, l1: f32, l2: f32) -> Result<(), RecipeError> {
    for (name, value) in [("l1", l1), ("l2", l2)] {
        demand(value.is_finite() && value >= 0.0, field(name), value.to_string(), "0 or a positive number")?;
    }
    Ok(())
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
        let layers: Vec<_> = recipe.layers.iter().map(|l| (l.outputs, l.activation, l.dropout)).collect();
        assert_eq!(layers, [(128, ActivationName::Sigmoid, 0.25), (16, ActivationName::Sigmoid, 0.0)]);
        assert_eq!((recipe.input_side, recipe.training.epochs, recipe.training.batch), (50, 400, 32));
        assert_eq!(recipe.training.learning_rate, 0.001);
        assert_eq!(recipe.weight_count(2), 2500 * 128 + 128 * 16 + 16 * 2);
    }

    #[test]
    fn wrong_recipes_name_what_is_wrong() {
        let good = Recipe::find(DEFAULT).unwrap().to_toml();
        for (from, to, complaint) in [
            ("epochs = 400", "epochs = 0", "training.epochs"),
            ("batch = 32", "batch = 0", "training.batch"),
            ("dropout = 0.25", "dropout = 1.0", "layer 1: dropout"),
            ("outputs = 16", "outputs = 0", "layer 2: outputs"),
            ("outputs = 128", "outputs = 65536", "weights"),
            ("outputs = 128", "outputs = 128\nweight_bits = 5", "layer 1: weight_bits"),
            ("input_side = 50", "input_side = 0", "input_side"),
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
