//! The automatic choice: a bundled network to continue from, and settings, by the photos and the board.

mod choose;
mod trunk;

use std::path::Path;

use pinhole_boards::board::Board;
use pinhole_core::photos::{self, PhotoOptions, Survey};
use pinhole_core::recipe::Recipe;
use pinhole_train::runs::pretrained::PretrainedSource;
use pinhole_train::{MirrorTest, transfer};

use self::choose::Facts;
use self::trunk::Trunk;
use super::changes::RecipeChanges;
use super::request::{CandleError, RequestError};

/// Name of the automatic choice, in place of a recipe's.
pub const AUTO: &str = "auto";

/// Most photos that are tested for whether a mirror changes the classes.
const MIRROR_PHOTOS: usize = 400;

/// An automatic choice.
pub(super) struct AutoChoice {
    /// The network to continue from.
    pub source: PretrainedSource,
    /// Changes of its recipe, with those that the user asked for.
    pub changes: RecipeChanges,
    /// The choice and its reasons, without a full stop.
    pub sentence: String,
}

/// Chooses for the training photos in a folder. The user's changes are taken as they are.
///
/// # Errors
/// [`RequestError`]: the photos cannot be found, or no bundled network fits the board.
pub(super) fn choose(
    folder: &Path,
    options: &PhotoOptions,
    from: Option<PretrainedSource>,
    board: Option<Board>,
    asked: &RecipeChanges,
    seed: u64,
) -> Result<AutoChoice, RequestError> {
    let survey = Survey::of(options.of(folder))?;
    let Trunk { source, color, is_given } = match from {
        Some(source) => Trunk::given(source),
        None => Trunk::find(&survey, board, asked)?,
    };
    let mut facts = Facts::of(&survey, &source.pretrained.recipe, color);
    facts.side = facts.smaller_side().filter(|&side| {
        let recipe = Recipe { input_side: side, ..source.pretrained.recipe.clone() };
        asked.input_side.is_none() && source.pretrained.check(&recipe).is_ok() && recipe.check("").is_ok()
    });
    let recipe = asked.clone().or(facts.changes()).apply(&source.pretrained.recipe, &source.recipe_name)?;
    if asked.flip.is_none() && recipe.training.augment.flip {
        let sample = photos::load_some(options.of(folder), recipe.input(), None, Some(MIRROR_PHOTOS))?;
        let pairs = if options.duplicate_search {
            photos::near_duplicates(&sample.examples.iter().collect::<Vec<_>>(), sample.input)
        } else {
            Vec::new()
        };
        let groups = photos::groups(sample.examples.len(), &pairs);
        let network = transfer(&source.pretrained, &recipe, &sample.classes, seed)?;
        facts.mirror = MirrorTest::of(&network, &sample, &groups, seed).map_err(CandleError::from)?;
    }
    let sentence = facts.sentence(&source.recipe_name, is_given);
    Ok(AutoChoice { changes: asked.clone().or(facts.changes()), source, sentence })
}
