//! Checks the values of a recipe.

use pinhole_shared::model::MAX_LAYERS;
use pinhole_shared::pixels::InputShape;

use super::shapes::Impossible;
use super::{
    Augmentation, Copies, OptimizerSettings, OutputLayer, Recipe, RecipeError, Schedule, TrainingSettings, WEIGHT_BITS,
};

/// Most weights of a network, all layers together: with the optimizer's state, 1.5 GiB.
const MAX_WEIGHTS: usize = 1 << 27;

/// A part of a recipe whose values are checked.
pub(super) struct CheckedPart<'a> {
    /// Name or path of the recipe.
    origin: &'a str,
    /// Text before the names of the part's fields.
    prefix: String,
}

impl<'a> CheckedPart<'a> {
    fn new(origin: &'a str, prefix: impl Into<String>) -> Self {
        Self { origin, prefix: prefix.into() }
    }

    /// Returns an error that names the field, its value and what is expected, if it does not hold.
    pub(super) fn demand(
        &self,
        holds: bool,
        field: &str,
        value: impl ToString,
        expected: &'static str,
    ) -> Result<(), RecipeError> {
        if holds {
            return Ok(());
        }
        let (origin, field) = (self.origin.to_owned(), format!("{}{field}", self.prefix));
        Err(RecipeError::Value { origin, field, value: value.to_string(), expected })
    }

    /// Demands a value of 0 <= value < 1.
    pub(super) fn demand_share(&self, field: &str, value: f32) -> Result<(), RecipeError> {
        self.demand((0.0..1.0).contains(&value), field, value, "at least 0 and below 1")
    }

    fn demand_not_negative(&self, field: &str, value: f32) -> Result<(), RecipeError> {
        self.demand(value.is_finite() && value >= 0.0, field, value, "0 or a positive number")
    }

    /// Demands possible penalties and bits of a layer's weights.
    pub(super) fn demand_weights(&self, l1: f32, l2: f32, bits: u8) -> Result<(), RecipeError> {
        self.demand_not_negative("l1", l1)?;
        self.demand_not_negative("l2", l2)?;
        self.demand(WEIGHT_BITS.contains(&bits), "weight_bits", bits, "8, 7 or 4")
    }
}

/// Checks a recipe and refuses it if no network or training can have its values. Errors name its `origin`.
pub(super) fn check(recipe: &Recipe, origin: &str) -> Result<(), RecipeError> {
    let whole = CheckedPart::new(origin, "");
    let InputShape { height, width, .. } = recipe.input;
    let fits = [height, width].iter().all(|side| (1..=1024).contains(side));
    match recipe.input.side() {
        Some(side) => whole.demand(fits, "input_side", side, "1 to 1024 pixels")?,
        None => whole.demand(fits, "input_size", format!("[{height}, {width}]"), "1 to 1024 pixels each")?,
    }
    check_training(origin, &recipe.training)?;
    let turns = recipe.training.copies.contains(&Copies::Rotated);
    let expected = "without \"rotated\" if the input is not square";
    whole.demand(!turns || height == width, "training.copies", "[.. \"rotated\"]", expected)?;
    let count = recipe.layers.len();
    whole.demand(count < MAX_LAYERS, "number of layers", count, "at most 31")?;
    for (index, layer) in recipe.layers.iter().enumerate() {
        layer.check(&CheckedPart::new(origin, format!("layer {}: ", index + 1)))?;
    }
    let shapes = recipe.try_shapes(1).map_err(|Impossible { layer, reason }| RecipeError::Layer {
        origin: origin.to_owned(),
        layer,
        reason,
    })?;
    // Checked after the layers' outputs are known to be few enough, so that their products do not overflow.
    let weights: usize = shapes.iter().map(|shape| shape.weights).sum();
    whole.demand(weights <= MAX_WEIGHTS, "weights", weights, "at most 134217728 in all layers")?;
    let OutputLayer { l1, l2, weight_bits } = recipe.output;
    CheckedPart::new(origin, "output: ").demand_weights(l1, l2, weight_bits)
}

fn check_training(origin: &str, training: &TrainingSettings) -> Result<(), RecipeError> {
    let part = CheckedPart::new(origin, "training.");
    part.demand(training.epochs > 0, "epochs", training.epochs, "at least 1")?;
    part.demand(training.batch > 0, "batch", training.batch, "at least 1")?;
    let rate = training.learning_rate;
    part.demand(rate.is_finite() && rate > 0.0, "learning_rate", rate, "a positive number")?;
    part.demand_share("label_smoothing", training.label_smoothing)?;
    part.demand(training.patience != Some(0), "patience", 0, "at least 1")?;
    check_optimizer(&CheckedPart::new(origin, "training.optimizer: "), &training.optimizer)?;
    check_schedule(&CheckedPart::new(origin, "training.schedule: "), training)?;
    check_augmentation(&CheckedPart::new(origin, "training.augment: "), &training.augment)
}

fn check_optimizer(part: &CheckedPart<'_>, optimizer: &OptimizerSettings) -> Result<(), RecipeError> {
    match *optimizer {
        OptimizerSettings::Adam {} => Ok(()),
        OptimizerSettings::AdamW { weight_decay } => part.demand_not_negative("weight_decay", weight_decay),
        OptimizerSettings::Sgd { momentum, .. } => part.demand_share("momentum", momentum),
    }
}

fn check_schedule(part: &CheckedPart<'_>, training: &TrainingSettings) -> Result<(), RecipeError> {
    match training.schedule {
        Schedule::Constant {} => Ok(()),
        Schedule::Cosine { warmup, .. } => {
            part.demand(warmup < training.epochs, "warmup", warmup, "fewer epochs than training.epochs")
        }
        Schedule::Step { every, factor } => {
            part.demand(every > 0, "every", every, "at least 1 epoch")?;
            part.demand(factor > 0.0 && factor <= 1.0, "factor", factor, "above 0 and at most 1")
        }
        Schedule::InverseTime { decay } => part.demand_not_negative("decay", decay),
    }
}

fn check_augmentation(part: &CheckedPart<'_>, augment: &Augmentation) -> Result<(), RecipeError> {
    let shares = [
        ("shift", augment.shift),
        ("brightness", augment.brightness),
        ("contrast", augment.contrast),
        ("noise", augment.noise),
    ];
    for (name, value) in shares {
        part.demand((0.0..=1.0).contains(&value), name, value, "0 to 1")?;
    }
    part.demand((0.0..=10.0).contains(&augment.blur), "blur", augment.blur, "0 to 10 pixels")?;
    part.demand_share("zoom", augment.zoom)?;
    part.demand((0.0..=180.0).contains(&augment.rotation), "rotation", augment.rotation, "0 to 180 degrees")
}
