//! One network of the study, to look at: what it decides of each held-out photo, why, and what its first layer is.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use pinhole_train::quantize::{ActivationBits, QuantizeError, quantize};
use pinhole_train::runs::JobError;
use pinhole_train::{Epoch, Network, Stopped, TrainError, train};
use serde::{Deserialize, Serialize};

use super::plan::{Cell, Plan, Split};
use super::{StudyError, StudyPhotos, System, systems};
use crate::explain::explain;
use crate::report::pictures;

/// Most photos shown; each is a few kilobytes of the report.
const SHOWN: usize = 60;

/// The reference system's network of seed 1, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Showcase {
    /// What it was made from, as a cell's key.
    pub key: String,
    /// Name of the system.
    pub system: String,
    /// The network; or, when it diverged or cannot be quantized, the reason. A result like any other.
    pub shown: Result<Shown, String>,
}

/// A quantized network on the photos it has not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// Its best epoch, whose weights these are.
    pub epoch: u32,
    /// Held-out photos there are.
    pub held_out: usize,
    /// Held-out photos decided rightly.
    pub right: usize,
    /// Some of them, mistakes first.
    pub photos: Vec<ShownPhoto>,
    /// The first layer's weights, a PNG as a data URI.
    pub weights: String,
    /// Neurons shown there.
    pub neurons_shown: usize,
    /// Neurons there are.
    pub neurons: usize,
}

/// A photo, what the device would decide, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShownPhoto {
    /// Index in the plan.
    pub photo: usize,
    /// Decided class.
    pub decision: u16,
    /// Its probability.
    pub probability: f64,
    /// The network's input, a PNG as a data URI.
    pub input: String,
    /// The same, tinted by which pixels decided.
    pub explained: String,
}

/// The cell whose network is shown: the reference system's first.
pub(super) fn cell(plan: &Plan, reference: usize) -> Cell {
    let split = if plan.given_split { Split::Given } else { Split::Fold(0) };
    Cell { system: reference, seed: 1, split }
}

impl Showcase {
    /// Whether what it shows is in the plan.
    pub(super) fn is_sound(&self, plan: &Plan) -> bool {
        self.shown.as_ref().map_or(true, |shown| shown.photos.iter().all(|photo| photo.photo < plan.photos.len()))
    }
}

/// Trains the reference system once more, keeping its network, and looks at it. `None` when `stop` was set meanwhile.
///
/// # Errors
/// [`StudyError::Job`] when memory cannot be had.
pub(super) fn make(
    plan: &Plan,
    photos: &StudyPhotos,
    all: &[System],
    stop: &AtomicBool,
) -> Result<Option<Showcase>, StudyError> {
    let reference = systems::reference(all);
    let cell = cell(plan, reference);
    let system = &all[reference];
    let of = |shown| Showcase { key: key(plan, reference), system: system.name.clone(), shown };
    let (training, validation) = plan.data(cell, photos, system);
    let mut recipe = system.recipe.clone();
    // As the cells are trained: to the end.
    recipe.training.patience = None;
    let network = Network::new(&recipe, &training.classes, cell.seed).map_err(JobError::from)?;
    let observe = |_: &Epoch| {
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let outcome = match train(network, &training, &validation, cell.seed, observe) {
        Ok(outcome) => outcome,
        Err(error @ TrainError::Diverged(_)) => return Ok(Some(of(Err(error.to_string())))),
        Err(error) => return Err(JobError::from(error).into()),
    };
    if outcome.stopped == Stopped::Interrupted {
        return Ok(None);
    }
    let model = match quantize(&outcome.network, &training, ActivationBits::default()) {
        Ok(model) => model,
        Err(QuantizeError::Candle(error)) => return Err(JobError::from(error).into()),
        Err(error) => return Ok(Some(of(Err(error.to_string())))),
    };
    let mut engine = model.engine();
    let decided: Vec<_> = validation.examples.iter().map(|example| engine.run(&example.pixels)).collect();
    let held_out = plan.validation(cell);
    let is_right = |index: usize| decided[index].class == validation.examples[index].class;
    let mut order: Vec<usize> = (0..decided.len()).collect();
    order.sort_by_key(|&index| is_right(index));
    let photos = order.iter().take(SHOWN).map(|&index| {
        let pixels = &validation.examples[index].pixels;
        ShownPhoto {
            photo: held_out[index],
            decision: decided[index].class,
            probability: decided[index].probability.to_f64(),
            input: pictures::input(pixels, validation.input.side),
            explained: pictures::overlay(pixels, &explain(&model, pixels)),
        }
    });
    let layers = outcome.network.float_layers().map_err(JobError::from)?;
    let tiles = pictures::weights(&layers, validation.input);
    Ok(Some(of(Ok(Shown {
        epoch: outcome.best.epoch,
        held_out: decided.len(),
        right: (0..decided.len()).filter(|&index| is_right(index)).count(),
        photos: photos.collect(),
        neurons_shown: tiles.as_ref().map_or(0, |tiles| tiles.shown.len()),
        neurons: tiles.as_ref().map_or(0, |tiles| tiles.neurons),
        weights: tiles.map(|tiles| tiles.picture).unwrap_or_default(),
    }))))
}

/// Key of the showcase of a plan.
pub(super) fn key(plan: &Plan, reference: usize) -> String {
    plan.key(cell(plan, reference))
}
