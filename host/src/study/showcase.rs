//! One network of the study, to look at: what it decides of each held-out photo, why, and what its first layer is.

use serde::{Deserialize, Serialize};

use super::plan::{Cell, Plan, Split};
use super::{StudyError, StudyPhotos, System, systems};
use crate::explain::explain;
use crate::photos::Dataset;
use crate::quantize::{ActivationBits, quantize};
use crate::report::pictures;
use crate::train::{Network, train};
use crate::workflow::JobError;

/// Most photos shown; each is a few kilobytes of the report.
const SHOWN: usize = 60;

/// The reference system's network of seed 1, quantized, on the photos it has not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Showcase {
    /// What it was made from, as a cell's key.
    pub key: String,
    /// Name of the system.
    pub system: String,
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

/// Trains the reference system once more, keeping its network, and looks at it.
///
/// # Errors
/// [`StudyError::Job`].
pub(super) fn make(plan: &Plan, photos: &StudyPhotos, all: &[System]) -> Result<Showcase, StudyError> {
    let reference = systems::reference(all);
    let cell = cell(plan, reference);
    let system = &all[reference];
    let (training, validation) = plan.data(cell, photos, system);
    let job = |error: JobError| StudyError::from(error);
    let network = Network::new(&system.recipe, &training.classes, cell.seed).map_err(|error| job(error.into()))?;
    let outcome = train(network, &training, &validation, cell.seed, |_| std::ops::ControlFlow::Continue(()))
        .map_err(|error| job(error.into()))?;
    let model = quantize(&outcome.network, &training, ActivationBits::default()).map_err(|error| job(error.into()))?;
    let mut engine = model.engine();
    let decided: Vec<_> = validation.examples.iter().map(|example| engine.run(&example.pixels)).collect();
    let held_out = plan.validation(cell);
    let mut order: Vec<usize> = (0..decided.len()).collect();
    order.sort_by_key(|&index| decided[index].class == validation.examples[index].class);
    let right = order.iter().filter(|&&index| decided[index].class == validation.examples[index].class).count();
    let shown = order.iter().take(SHOWN).map(|&index| {
        let Dataset { side, examples, .. } = &validation;
        let pixels = &examples[index].pixels;
        ShownPhoto {
            photo: held_out[index],
            decision: decided[index].class,
            probability: decided[index].probability.to_f64(),
            input: pictures::gray(pixels, *side),
            explained: pictures::overlay(pixels, &explain(&model, pixels)),
        }
    });
    let layers = outcome.network.float_layers().map_err(|error| job(error.into()))?;
    let tiles = pictures::weights(&layers, validation.side);
    Ok(Showcase {
        key: key(plan, reference),
        system: system.name.clone(),
        epoch: outcome.best.epoch,
        held_out: decided.len(),
        right,
        photos: shown.collect(),
        weights: tiles.picture,
        neurons_shown: tiles.shown.len(),
        neurons: tiles.neurons,
    })
}

/// Key of the showcase of a plan.
pub(super) fn key(plan: &Plan, reference: usize) -> String {
    plan.key(cell(plan, reference))
}
