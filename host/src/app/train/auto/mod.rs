//! The automatic choice: a bundled network to continue from, and settings, by the photos and the board.

mod base_model;
mod choose;
mod input;

use std::path::Path;

use pinhole_boards::board::Board;
use pinhole_core::photos::{self, PhotoOptions, Survey};
use pinhole_core::recipe::Recipe;
use pinhole_train::runs::pretrained::PretrainedSource;
use pinhole_train::{FlipTest, transfer};

use self::base_model::BaseModel;
use self::choose::Facts;
use self::input::InputChoice;
use super::changes::RecipeChanges;
use super::request::{CandleError, RequestError};

/// Most photos that are tested for whether a flip changes the classes.
const TESTED_PHOTOS: usize = 400;

/// An automatic choice.
pub(super) struct AutoChoice {
    /// The network to continue from.
    pub source: PretrainedSource,
    /// Changes of its recipe, with those that the user asked for.
    pub changes: RecipeChanges,
    /// The choice and its reasons, without a full stop.
    pub sentence: String,
}

/// Chooses for the training photos in a folder. `from` is the network that the user named, with the name. The user's changes
/// are taken as they are.
///
/// # Errors
/// [`RequestError`]: the photos cannot be found, or no bundled network fits the board.
pub(super) fn choose(
    folder: &Path,
    options: &PhotoOptions,
    from: Option<(&Path, PretrainedSource)>,
    board: Option<Board>,
    asked: &RecipeChanges,
    seed: u64,
) -> Result<AutoChoice, RequestError> {
    let survey = Survey::of(options.of(folder))?;
    let BaseModel { name, source, color, is_given } = match from {
        Some((path, source)) => BaseModel::given(path, source),
        None => BaseModel::find(&survey, board, asked)?,
    };
    let mut facts = Facts::of(&survey, &source.pretrained.recipe, color);
    let own = &source.pretrained.recipe;
    facts.input = InputChoice::of(&survey, own.input, asked.fit).filter(|choice| {
        let recipe = Recipe { input: choice.applied(own.input), ..own.clone() };
        asked.input_size.is_none() && source.pretrained.check(&recipe).is_ok() && recipe.check("").is_ok()
    });
    let recipe = facts.changes(asked).apply(&source.pretrained.recipe, &source.recipe_name)?;
    if asked.flip.is_none() && recipe.training.augment.flip {
        // The classes are given: a sample may have none of a class.
        let classes: Vec<String> = survey.classes.iter().map(|(class, _)| class.clone()).collect();
        let sample =
            photos::load_some(options.of(folder), recipe.input(), Some(&classes), Some(TESTED_PHOTOS), &|_| ())?;
        let pairs = if options.duplicate_search {
            photos::near_duplicates(&sample.examples.iter().collect::<Vec<_>>(), sample.input)
        } else {
            Vec::new()
        };
        let groups = photos::groups(sample.examples.len(), &pairs);
        let network = transfer(&source.pretrained, &recipe, &sample.classes, seed)?;
        facts.flips = FlipTest::of(&network, &sample, &groups, seed).map_err(CandleError::from)?;
    }
    let changes = facts.changes(asked);
    let sentence = facts.sentence(&name, is_given, &changes);
    Ok(AutoChoice { changes, source, sentence })
}
