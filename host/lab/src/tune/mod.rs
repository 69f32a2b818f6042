//! Searches for a network within a budget of flash and RAM.
//!
//! Networks are drawn from a space around the article's (`space`). Those over the budget are left out before anything is
//! trained ([`Cost`]). The others are halved from round to round: every network is scored in one cross-validation, the
//! better half in two, the better half of these in four, and so on. The search uses only scores of cross-validation. The
//! held-out photos of a given split are used only after the search, for a score that the search did not choose.

mod cost;
mod error;
mod front;
mod space;

use std::path::Path;

use serde::Serialize;

pub use cost::{Cost, untrained};
pub use error::TuneError;

use pinhole_core::photos::{DuplicatePhotos, Series, Warning};
use pinhole_core::statistics::{Interval, Spread};
use pinhole_shared::pixels::InputShape;

use crate::study::results::{Paired, results};
use crate::study::{
    self, Compared, PhotoFolders, StudyFolder, StudyOptions, StudyPhotos, StudyPlan, StudyProgress, StudySize, System,
};

/// Flash and RAM that a device has for a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SearchBudget {
    /// Flash for the model file, bytes.
    pub flash_bytes: usize,
    /// RAM for one inference, bytes: see [`Cost::ram_bytes`].
    pub ram_bytes: usize,
}

/// Settings of a search.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Budget of the device.
    pub budget: SearchBudget,
    /// Number of networks at the beginning.
    pub candidates: usize,
    /// Folds of each cross-validation, at least 2.
    pub folds: u32,
    /// Number of rounds, at least 1; each after the first keeps half of the networks.
    pub rounds: u32,
    /// Epochs, instead of the default recipe's.
    pub epochs: Option<u32>,
    /// Seed of the order in which networks are drawn.
    pub seed: u64,
}

/// Number of seeds for the score on held-out photos.
const HELD_OUT_SEEDS: u32 = 3;

/// Results of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SearchResult {
    /// Budget of the device.
    pub budget: SearchBudget,
    /// Number of networks of the space within the budget.
    pub within_budget: usize,
    /// Number of networks trained.
    pub candidates: usize,
    /// Number of photos used in the search.
    pub photos: usize,
    /// Number of photos held out from the search; 0 without a given split.
    pub held_out: usize,
    /// Number of cross-validations of each network of the last round.
    pub repeats: u32,
    /// Photos that were left out.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
    /// Number of photos that were enlarged, because they are smaller than an input of the space.
    pub enlarged: usize,
    /// Photos that are nearly the same; pairs across the split make the score on held-out photos optimistic.
    #[serde(skip)]
    pub duplicates: Vec<DuplicatePhotos>,
    /// Classes whose photos are nearly one picture, which are cut into blocks for the folds.
    #[serde(skip)]
    pub series: Vec<Series>,
    /// Number of photos that were not compared with all others, because they resemble too many.
    #[serde(skip)]
    pub unfinished: usize,
    /// Networks of the last round, the most accurate first.
    pub networks: Vec<FoundNetwork>,
}

/// A network of the last round.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundNetwork {
    /// Name.
    pub name: String,
    /// Recipe, TOML.
    #[serde(skip)]
    pub recipe: String,
    /// Cost on a device.
    pub cost: Cost,
    /// True if no other network of the last round is at least as good in accuracy, flash and multiply-accumulates, and better in
    /// one. Networks that the search dropped before are not compared.
    pub on_front: bool,
    /// Accuracy in the cross-validation, after the last epoch. The search chose by it, so it is optimistic.
    pub accuracy: Spread,
    /// 95 % interval of the accuracy.
    pub interval: Interval,
    /// Accuracy on the held-out photos, which the search did not use.
    pub held_out: Option<HeldOut>,
    /// Test against the most accurate network; absent for that network itself.
    pub against_best: Option<Paired>,
}

/// Accuracy on held-out photos.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeldOut {
    /// Accuracy over the seeds, after the last epoch.
    pub accuracy: Spread,
    /// 95 % interval of the accuracy.
    pub interval: Interval,
}

/// Runs a search. `compared` sees the progress of comparing photos with each other, and `observe` the round and its progress. Rounds are counted from 1; the held-out photos are one more. Returns
/// `None` if stopped: finished trials are kept in the folder `out`, where the same search continues.
///
/// # Errors
/// [`TuneError`].
pub fn tune(
    source: &PhotoFolders,
    search: &Search,
    out: &Path,
    options: StudyOptions<'_>,
    compared: &(dyn Fn(Compared) + Sync),
    observe: &(dyn Fn(u32, StudyProgress) + Sync),
) -> Result<Option<SearchResult>, TuneError> {
    let mut space = space::all(search.seed)?;
    if let Some(epochs) = search.epochs {
        space.iter_mut().for_each(|system| system.recipe.training.epochs = epochs);
    }
    // Held-out photos are read now, so that errors in them are reported now; they are not used yet.
    let all_photos = StudyPhotos::load_telling(source, &space, compared)?;
    let photos = all_photos.training_only();
    let (mut left, costs) = within(&space, photos.classes(), search.budget)?;
    let within_budget = left.len();
    left.truncate(search.candidates);
    let candidates = left.len();
    // Impossible folds are found before anything is written.
    StudyPlan::new(&photos, &left, StudySize { seeds: 0, folds: search.folds, repeats: 1 })?;
    let store = &StudyFolder::create(out)?;
    let _claim = store.claim()?;

    let mut round = 1;
    let (networks, repeats) = loop {
        let repeats = 1 << (round - 1);
        let plan = StudyPlan::new(&photos, &left, StudySize { seeds: 0, folds: search.folds, repeats })?;
        let progress = |progress| observe(round, progress);
        if !study::train(&plan, &photos, &left, store, options, &progress)? {
            return Ok(None);
        }
        let records = study::read_records(&plan, store)?;
        let weights = vec![0; left.len()];
        // The first results only find the best network; the second compare with it.
        let scores = results(&plan, &records, &weights, 0);
        let order = by_accuracy(&scores);
        if round == search.rounds {
            let scores = results(&plan, &records, &weights, order[0]);
            let networks: Vec<FoundNetwork> = order
                .iter()
                .filter_map(|&index| {
                    let scored = &scores.systems[index];
                    let cross_validation = scored.cross_validation.as_ref()?;
                    Some(FoundNetwork {
                        name: scored.name.clone(),
                        recipe: left[index].recipe.to_toml(),
                        cost: costs[&left[index].name],
                        on_front: false,
                        accuracy: cross_validation.accuracy,
                        interval: cross_validation.interval,
                        held_out: None,
                        against_best: scored.against_reference,
                    })
                })
                .collect();
            break (networks, repeats);
        }
        let keep = left.len().div_ceil(2);
        // In the order of the draw, not of the scores: the plan and its trials then do not depend on it.
        let mut kept: Vec<usize> = order[..keep].to_vec();
        kept.sort_unstable();
        left = kept.into_iter().map(|index| left[index].clone()).collect();
        round += 1;
    };
    let mut found = SearchResult {
        budget: search.budget,
        within_budget,
        candidates,
        photos: photos.any().examples.len(),
        held_out: 0,
        repeats,
        warnings: all_photos.warnings.clone(),
        enlarged: all_photos.enlarged,
        duplicates: all_photos.duplicate_paths(),
        series: photos.series(search.folds),
        unfinished: all_photos.unfinished,
        networks,
    };
    let front = front::pareto(&found.networks.iter().map(|one| (one.accuracy.mean, one.cost)).collect::<Vec<_>>());
    found.networks.iter_mut().zip(front).for_each(|(network, on_front)| network.on_front = on_front);
    if source.validation.is_some() {
        let progress = |progress| observe(search.rounds + 1, progress);
        if !score_held_out(&all_photos, &left, &mut found, store, options, &progress)? {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

/// Returns the systems within the budget, in their order, and their costs.
fn within(
    space: &[System],
    classes: &[String],
    budget: SearchBudget,
) -> Result<(Vec<System>, std::collections::HashMap<String, Cost>), TuneError> {
    // The cost depends on the shape only, and many networks of the space share one.
    let mut shapes: std::collections::HashMap<(InputShape, Vec<usize>), Cost> = std::collections::HashMap::new();
    let mut costs = std::collections::HashMap::new();
    let mut fitting = Vec::new();
    let mut smallest: Option<Cost> = None;
    for system in space {
        let recipe = &system.recipe;
        let shape = (
            recipe.input,
            recipe
                .layers
                .iter()
                .filter_map(pinhole_core::recipe::RecipeLayer::as_dense)
                .map(|layer| layer.outputs)
                .collect(),
        );
        let cost = match shapes.get(&shape) {
            Some(cost) => *cost,
            None => *shapes.entry(shape).or_insert(Cost::of(recipe, classes)?),
        };
        if smallest.is_none_or(|smallest| cost.flash_bytes < smallest.flash_bytes) {
            smallest = Some(cost);
        }
        if cost.flash_bytes <= budget.flash_bytes && cost.ram_bytes <= budget.ram_bytes {
            costs.insert(system.name.clone(), cost);
            fitting.push(system.clone());
        }
    }
    match smallest {
        Some(smallest) if fitting.is_empty() => Err(TuneError::NothingFits { budget, smallest }),
        _ => Ok((fitting, costs)),
    }
}

/// Returns the indices of the systems, the most accurate first; of equal ones, the first drawn.
fn by_accuracy(scores: &study::StudyResults) -> Vec<usize> {
    let accuracy = |index: usize| {
        scores.systems[index].cross_validation.as_ref().map_or(0.0, |cross_validation| cross_validation.accuracy.mean)
    };
    let mut order: Vec<usize> = (0..scores.systems.len()).collect();
    order.sort_by(|&a, &b| accuracy(b).total_cmp(&accuracy(a)));
    order
}

fn score_held_out(
    photos: &StudyPhotos,
    systems: &[System],
    found: &mut SearchResult,
    store: &StudyFolder,
    options: StudyOptions<'_>,
    observe: &(dyn Fn(StudyProgress) + Sync),
) -> Result<bool, TuneError> {
    let plan = StudyPlan::new(photos, systems, StudySize { seeds: HELD_OUT_SEEDS, folds: 0, repeats: 0 })?;
    if !study::train(&plan, photos, systems, store, options, observe)? {
        return Ok(false);
    }
    let scores = results(&plan, &study::read_records(&plan, store)?, &vec![0; systems.len()], 0);
    found.held_out = scores.given_split_photos;
    for network in &mut found.networks {
        let scored = scores.systems.iter().find(|system| system.name == network.name);
        network.held_out = scored
            .and_then(|system| system.given_split.as_ref())
            .map(|given_split| HeldOut { accuracy: given_split.last_accuracy, interval: given_split.interval });
    }
    Ok(true)
}
