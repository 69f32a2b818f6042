//! Searches for a network within a budget of flash and RAM.
//!
//! Networks are drawn from a space (`space`): dense ones around the article's, and convolutional ones. Those over the budget
//! are left out before anything is trained ([`Cost`]). The others are halved from round to round (successive halving: Jamieson
//! and Talwalkar, 2016): every network is scored in one cross-validation, the better half in two, the better half of these in
//! four, and so on. The search uses only scores of cross-validation. The held-out photos of a given split are used only after
//! the search, for a score that the search did not choose. The report of a search is [`crate::report::search_page`].

mod budget;
mod cost;
mod error;
mod front;
mod output;
mod space;

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

pub use budget::SearchBudget;
pub use cost::{Cost, Measured};
pub use error::TuneError;
pub use output::WrittenSearch;
pub use space::SearchedKinds;

use pinhole_core::photos::{self, DuplicatePhotos, Series, Warning};
use pinhole_core::recipe::{Augmentation, Recipe, RecipeLayer};
use pinhole_core::statistics::{Interval, Spread};
use pinhole_shared::pixels::Color;

use crate::study::results::{Paired, results};
use crate::study::{
    self, Compared, PhotoFolders, StudyError, StudyFolder, StudyOptions, StudyPhotos, StudyPlan, StudyProgress,
    StudySize, System,
};

/// Settings of a search.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Budget of the device.
    pub budget: SearchBudget,
    /// Kinds of networks to try.
    pub kinds: SearchedKinds,
    /// Color of the networks' inputs.
    pub color: Color,
    /// Number of networks at the beginning.
    pub candidates: usize,
    /// Folds of each cross-validation, at least 2.
    pub folds: u32,
    /// Number of rounds, at least 1; each after the first keeps half of the networks.
    pub rounds: u32,
    /// Epochs, instead of each recipe's.
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
    /// Number of folds of each cross-validation.
    pub folds: u32,
    /// Seed of the order in which networks were drawn.
    pub seed: u64,
    /// Class names.
    pub classes: Vec<String>,
    /// Share of the largest class: the accuracy of always deciding for it.
    pub largest_share: f64,
    /// Number of networks in each round.
    pub rounds: Vec<usize>,
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

/// Runs a search. `compared` sees the progress of comparing photos with each other, and `observe` the round and its progress.
/// Rounds are counted from 1; the held-out photos are one more. Returns `None` if stopped: finished trials are kept in the folder
/// `out`, where the same search continues.
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
    let mut space = space::all(search.kinds, search.color, search.seed)?;
    if let Some(epochs) = search.epochs {
        space.iter_mut().for_each(|system| system.recipe.training.epochs = epochs);
    }
    let classes = photos::scan(source.options.of(&source.training)).map_err(StudyError::from)?.classes;
    if classes.len() < 2 {
        // Its error says what is wrong.
        StudyPhotos::load(source, &space[..1])?;
    }
    let (mut left, costs) = within(&space, &classes, search.budget)?;
    let within_budget = left.len();
    left.truncate(search.candidates);
    let candidates = left.len();
    // Held-out photos are read now, so that errors in them are reported now; they are not used yet.
    let all_photos = StudyPhotos::load_telling(source, &left, compared)?;
    let photos = all_photos.training_only();
    // Impossible folds are found before anything is written.
    StudyPlan::new(&photos, &left, StudySize { seeds: 0, folds: search.folds, repeats: 1 })?;
    let store = &StudyFolder::create(out)?;
    let _claim = store.claim()?;

    let (mut round, mut rounds) = (1, Vec::new());
    let (networks, (repeats, largest_share)) = loop {
        let repeats = 1 << (round - 1);
        rounds.push(left.len());
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
            break (networks, (repeats, plan.largest_share()));
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
        folds: search.folds,
        seed: search.seed,
        classes,
        largest_share,
        rounds,
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

/// Returns the recipe without the settings that do not change its cost.
fn shape(recipe: &Recipe) -> String {
    let mut recipe = recipe.clone();
    recipe.training.epochs = 1;
    recipe.training.augment = Augmentation::default();
    for layer in &mut recipe.layers {
        if let RecipeLayer::Dense(layer) = layer {
            layer.dropout = 0.0;
        }
    }
    recipe.to_toml()
}

/// Returns the systems within the budget, in their order, and their costs.
fn within(
    space: &[System],
    classes: &[String],
    budget: SearchBudget,
) -> Result<(Vec<System>, HashMap<String, Cost>), TuneError> {
    // The cost depends on the shape only, and many networks of the space share one.
    let shapes: Vec<String> = space.iter().map(|system| shape(&system.recipe)).collect();
    let first_of: HashMap<&str, &System> = shapes.iter().map(String::as_str).zip(space).rev().collect();
    let measured = first_of
        .par_iter()
        .map(|(&shape, system)| Ok((shape, Measured::of(&system.recipe, classes, budget.board)?)))
        .collect::<Result<HashMap<&str, Measured>, TuneError>>()?;
    let mut costs = HashMap::new();
    let mut fitting = Vec::new();
    let mut smallest: Option<Cost> = None;
    for (system, shape) in space.iter().zip(&shapes) {
        let one = &measured[shape.as_str()];
        if smallest.is_none_or(|smallest| one.cost.flash_bytes < smallest.flash_bytes) {
            smallest = Some(one.cost);
        }
        if budget.allows(one) {
            costs.insert(system.name.clone(), one.cost);
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
