//! Checks the values of a recipe.

use pinhole_shared::model::MAX_LAYERS;

use super::layer::{ActivationName, ConvLayer, Layer};
use super::shapes::Impossible;
use super::{Augmentation, Optimizer, Recipe, RecipeError, Schedule, Training, WEIGHT_BITS};

/// Most weights of a network, all layers together: with the optimizer's state, 1.5 GiB.
const MAX_WEIGHTS: usize = 1 << 27;

/// `demand(holds, field, value, expected)` is an error if `holds` is false.
type Demand<'a> = &'a dyn Fn(bool, String, String, &'static str) -> Result<(), RecipeError>;

/// Checks a recipe and refuses it if no network or training can have its values. Errors name its `origin`.
pub(super) fn check(recipe: &Recipe, origin: &str) -> Result<(), RecipeError> {
    let demand = |holds: bool, field: String, value: String, expected: &'static str| {
        if holds { Ok(()) } else { Err(RecipeError::Value { origin: origin.to_owned(), field, value, expected }) }
    };
    let side = recipe.input_side;
    demand((1..=1024).contains(&side), "input_side".into(), side.to_string(), "1 to 1024 pixels")?;
    check_training(&demand, &recipe.training)?;
    let count = recipe.layers.len();
    demand(count < MAX_LAYERS, "number of layers".into(), count.to_string(), "at most 31")?;
    for (index, layer) in recipe.layers.iter().enumerate() {
        check_layer(&demand, &|name| format!("layer {}: {name}", index + 1), layer)?;
    }
    let shapes = recipe.try_shapes(1).map_err(|Impossible { layer, reason }| RecipeError::Layer {
        origin: origin.to_owned(),
        layer,
        reason,
    })?;
    // Checked after the layers' outputs are known to be few enough, so that their products do not overflow.
    let weights: usize = shapes.iter().map(|shape| shape.weights).sum();
    demand(weights <= MAX_WEIGHTS, "weights".into(), weights.to_string(), "at most 134217728 in all layers")?;
    let field = |name: &str| format!("output: {name}");
    check_bits(&demand, &field, recipe.output.weight_bits)?;
    check_penalties(&demand, &field, recipe.output.l1, recipe.output.l2)
}

fn check_layer(demand: Demand<'_>, field: &impl Fn(&str) -> String, layer: &Layer) -> Result<(), RecipeError> {
    let dropout = layer.dropout();
    match layer {
        Layer::Dense(layer) => {
            let outputs = layer.outputs;
            demand((1..=65_535).contains(&outputs), field("outputs"), outputs.to_string(), "1 to 65535")?;
            let usable = layer.activation.of_dense().is_some();
            let value = layer.activation.name().to_owned();
            demand(usable, field("activation"), value, "linear, relu or sigmoid in a dense layer")?;
        }
        Layer::Conv(ConvLayer { channels, .. }) => {
            demand(*channels > 0, field("channels"), channels.to_string(), "1 to 65535")?;
        }
        _ => {}
    }
    let activation = match layer {
        Layer::Add(add) => Some(add.activation),
        _ => layer.filter().map(|filter| filter.activation),
    };
    let usable = activation != Some(ActivationName::Sigmoid);
    demand(usable, field("activation"), "sigmoid".into(), "linear, relu or relu6 in a layer that is not dense")?;
    demand((0.0..1.0).contains(&dropout), field("dropout"), dropout.to_string(), "at least 0 and below 1")?;
    let (l1, l2) = match layer {
        Layer::Dense(layer) => (layer.l1, layer.l2),
        _ => layer.filter().map_or((0.0, 0.0), |filter| (filter.l1, filter.l2)),
    };
    check_penalties(demand, field, l1, l2)?;
    layer.weight_bits().map_or(Ok(()), |bits| check_bits(demand, field, bits))
}

fn check_training(demand: Demand<'_>, training: &Training) -> Result<(), RecipeError> {
    demand(training.epochs > 0, "training.epochs".into(), training.epochs.to_string(), "at least 1")?;
    demand(training.batch > 0, "training.batch".into(), training.batch.to_string(), "at least 1")?;
    let rate = training.learning_rate;
    let usable = rate.is_finite() && rate > 0.0;
    demand(usable, "training.learning_rate".into(), rate.to_string(), "a positive number")?;
    let smoothing = training.label_smoothing;
    let usable = (0.0..1.0).contains(&smoothing);
    demand(usable, "training.label_smoothing".into(), smoothing.to_string(), "at least 0 and below 1")?;
    demand(training.patience != Some(0), "training.patience".into(), "0".into(), "at least 1")?;
    check_optimizer(demand, training)?;
    check_augmentation(demand, &training.augment)
}

fn check_optimizer(demand: Demand<'_>, training: &Training) -> Result<(), RecipeError> {
    let field = |name: &str| format!("training.optimizer: {name}");
    match training.optimizer {
        Optimizer::Adam {} => {}
        Optimizer::AdamW { weight_decay } => {
            let usable = weight_decay.is_finite() && weight_decay >= 0.0;
            demand(usable, field("weight_decay"), weight_decay.to_string(), "0 or a positive number")?;
        }
        Optimizer::Sgd { momentum, .. } => {
            let usable = (0.0..1.0).contains(&momentum);
            demand(usable, field("momentum"), momentum.to_string(), "at least 0 and below 1")?;
        }
    }
    let field = |name: &str| format!("training.schedule: {name}");
    match training.schedule {
        Schedule::Constant {} => Ok(()),
        Schedule::Cosine { warmup, .. } => {
            demand(warmup < training.epochs, field("warmup"), warmup.to_string(), "fewer epochs than training.epochs")
        }
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
