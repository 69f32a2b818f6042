//! The automatic choice as a system of a study.

use std::path::Path;
use std::sync::Arc;

use pinhole_core::photos::PhotoOptions;
use pinhole_core::recipe::AUTO;
use pinhole_lab::study::System;

use super::auto;
use super::changes::RecipeChanges;
use super::request::RequestError;

/// Seed of the choice: the one that `pinhole train` has by default.
const SEED: u64 = 1;

/// Chooses a network to continue from and its recipe by the training photos in a folder, as `train --recipe auto` does. Returns
/// them as a system of a study, and says in a sentence what was chosen. A study chooses once, by all of these photos, and not
/// anew for each fold. `epochs`, if given, are those of the training.
///
/// # Errors
/// [`RequestError`]: the photos cannot be found or read.
pub fn auto_system(
    folder: &Path,
    options: &PhotoOptions,
    epochs: Option<u32>,
) -> Result<(System, String), RequestError> {
    let choice =
        auto::choose(folder, options, None, None, &RecipeChanges { epochs, ..RecipeChanges::default() }, SEED)?;
    let recipe = choice.changes.apply(&choice.source.pretrained.recipe, AUTO)?;
    Ok((System { name: AUTO.to_owned(), recipe, from: Some(Arc::new(choice.source)) }, choice.sentence))
}
