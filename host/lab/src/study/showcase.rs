//! One network of the study in detail: its decision on each held-out photo, the reasons, and its first layer.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use pinhole_train::quantize::{ActivationBits, QuantizeError, quantize};
use pinhole_train::runs::JobError;
use pinhole_train::{Epoch, Stopped, TrainError, train};
use serde::{Deserialize, Serialize};

use super::plan::{Split, StudyPlan, Trial};
use super::{StudyError, StudyPhotos, System, systems};
use crate::explain::explain;
use crate::report::pictures;

/// Most photos shown; each takes a few kilobytes of the report.
const SHOWN: usize = 60;

/// The reference system's network with seed 1, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Showcase {
    /// Key of the trial that it was made from.
    pub key: String,
    /// Name of the system.
    pub system: String,
    /// The network, or the reason if it diverged or cannot be quantized, which is a result too.
    pub shown: Result<ShownNetwork, String>,
}

/// A quantized network and its results on the photos that it was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShownNetwork {
    /// Best epoch, whose weights these are.
    pub epoch: u32,
    /// Number of held-out photos.
    pub held_out: usize,
    /// Number of them decided correctly.
    pub right: usize,
    /// Some of them, mistakes first.
    pub photos: Vec<ShownPhoto>,
    /// The first layer's weights, a PNG as a data URI.
    pub weights: String,
    /// Number of neurons shown there.
    pub neurons_shown: usize,
    /// Number of neurons of the layer.
    pub neurons: usize,
}

/// A photo, the device's decision on it, and the explanation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShownPhoto {
    /// Index of the photo in the plan.
    pub photo: usize,
    /// Decided class.
    pub decision: u16,
    /// Its probability.
    pub probability: f64,
    /// The network's input, a PNG as a data URI.
    pub input: String,
    /// The input, tinted by the contributions of the pixels.
    pub explained: String,
}

/// Returns the trial whose network is shown: the reference system's first.
pub(super) fn trial(plan: &StudyPlan, reference: usize) -> Trial {
    let split = if plan.given_split { Split::Given } else { Split::Fold(0) };
    Trial { system: reference, seed: 1, split }
}

impl Showcase {
    /// Returns true if the plan contains all photos shown, and if all pictures are ones: the report contains them, and must not
    /// ask a network for anything.
    pub(super) fn is_sound(&self, plan: &StudyPlan) -> bool {
        let is_sound = |photo: &ShownPhoto| {
            photo.photo < plan.photos.len()
                && usize::from(photo.decision) < plan.classes.len()
                && (0.0..=1.0).contains(&photo.probability)
                && pictures::is_picture(&photo.input)
                && pictures::is_picture(&photo.explained)
        };
        self.shown.as_ref().map_or(true, |shown| {
            shown.photos.len() <= SHOWN && shown.photos.iter().all(is_sound) && pictures::is_picture(&shown.weights)
        })
    }
}

/// Trains the reference system once more, keeps its network, and explains it. Returns `None` if `stop` was set meanwhile.
///
/// # Errors
/// [`StudyError::Job`] if memory cannot be allocated.
pub(super) fn make(
    plan: &StudyPlan,
    photos: &StudyPhotos,
    all: &[System],
    stop: &AtomicBool,
) -> Result<Option<Showcase>, StudyError> {
    let reference = systems::reference(all);
    let trial = trial(plan, reference);
    let system = &all[reference];
    let of = |shown| Showcase { key: key(plan, reference), system: system.name.clone(), shown };
    let (training, validation) = plan.data(trial, photos, system);
    let mut network = system.network(&training.classes, trial.seed)?;
    // All epochs, like the trials.
    network.recipe.training.patience = None;
    let observe = |_: &Epoch| {
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let outcome = match train(network, &training, &validation, trial.seed, observe) {
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
    let decided = model.engine().map(&validation.examples, |engine, example| engine.run(&example.pixels));
    let held_out = plan.validation(trial);
    let is_right = |index: usize| decided[index].class == validation.examples[index].class;
    let mut order: Vec<usize> = (0..decided.len()).collect();
    order.sort_by_key(|&index| is_right(index));
    let mut photos = Vec::new();
    for &index in order.iter().take(SHOWN) {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let pixels = &validation.examples[index].pixels;
        photos.push(ShownPhoto {
            photo: held_out[index],
            decision: decided[index].class,
            probability: decided[index].probability.to_f64(),
            input: pictures::input(pixels, validation.input.size()),
            explained: pictures::overlay(pixels, &explain(&model, pixels)),
        });
    }
    let layers = outcome.network.float_layers().map_err(JobError::from)?;
    let tiles = pictures::weights(&layers, validation.input);
    Ok(Some(of(Ok(ShownNetwork {
        epoch: outcome.best.epoch,
        held_out: decided.len(),
        right: (0..decided.len()).filter(|&index| is_right(index)).count(),
        photos,
        neurons_shown: tiles.as_ref().map_or(0, |tiles| tiles.shown.len()),
        neurons: tiles.as_ref().map_or(0, |tiles| tiles.neurons),
        weights: tiles.map(|tiles| tiles.picture).unwrap_or_default(),
    }))))
}

/// Returns the key of a plan's showcase.
pub(super) fn key(plan: &StudyPlan, reference: usize) -> String {
    plan.key(trial(plan, reference))
}
