//! Request for a training in the user's terms: names and paths, and only the differences from a recipe.

use std::path::PathBuf;

use miette::Diagnostic;
use pinhole_core::photos::SplitFolders;
use pinhole_core::recipe::{DEFAULT, Recipe, RecipeError};
use pinhole_shared::pixels::{Color, Fit};
use pinhole_train::quantize::ActivationBits;
use pinhole_train::runs::pretrained::{PretrainedSource, PretrainedSourceError};
use pinhole_train::{Accelerator, AcceleratorError, TransferError};
use thiserror::Error;

use super::super::events::{Events, Note};
use super::super::job::{Job, PretrainedInit};

/// Request that becomes a [`Job`].
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// Folder of training photos.
    pub photos: PathBuf,
    /// Folder of validation photos.
    pub validation: Option<PathBuf>,
    /// Name or path of the recipe. If absent, the recipe of the network to continue from, otherwise the default recipe.
    pub recipe: Option<String>,
    /// Trained network to continue from, as [`PretrainedSource::read`] takes it.
    pub from: Option<PathBuf>,
    /// True to train only its last layer.
    pub freeze: bool,
    /// Color mode, instead of the recipe's.
    pub color: Option<Color>,
    /// Fit of pictures into the input, instead of the recipe's.
    pub fit: Option<Fit>,
    /// Seed of all randomness.
    pub seed: u64,
    /// Epochs, instead of the recipe's.
    pub epochs: Option<u32>,
    /// Patience, instead of the recipe's.
    pub patience: Option<u32>,
    /// Quantization of activations.
    pub bits: ActivationBits,
    /// Device that computes the gradients.
    pub accelerator: Accelerator,
}

/// Error of turning a request into a job.
#[derive(Debug, Error, Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
#[allow(missing_docs, reason = "each variant is the part of the request that it is about")]
pub enum RequestError {
    Source(#[from] PretrainedSourceError),
    Recipe(#[from] RecipeError),
    Transfer(#[from] TransferError),
    Accelerator(#[from] AcceleratorError),
}

impl TrainRequest {
    /// Reads the recipe and the network to continue from, and checks that they fit together. Photos are not read, but their folders
    /// are found: a folder that is split into `train` and `test` or `validation` is used so.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn job(&self, events: &mut dyn Events) -> Result<Job, RequestError> {
        let source = self.from.as_deref().map(PretrainedSource::read).transpose()?;
        let (recipe_name, mut recipe) = match (&self.recipe, &source) {
            (None, Some(source)) => (source.recipe_name.clone(), source.pretrained.recipe.clone()),
            (name, _) => {
                let name = name.as_deref().unwrap_or(DEFAULT);
                (name.to_owned(), Recipe::find(name)?)
            }
        };
        if let Some(color) = self.color {
            recipe.set_color(color)?;
        }
        if let Some(fit) = self.fit {
            recipe.set_fit(fit);
        }
        recipe.training.epochs = self.epochs.unwrap_or(recipe.training.epochs);
        recipe.training.patience = self.patience.or(recipe.training.patience);
        if let Some(source) = &source {
            source.pretrained.check(&recipe)?;
        }
        self.accelerator.check()?;
        let mut folders = SplitFolders::find(&self.photos);
        // The user may have named it for validation.
        let named = self.validation.as_ref().and_then(|path| path.canonicalize().ok());
        folders.test = folders.test.filter(|test| named.is_none() || test.canonicalize().ok() != named);
        let validation = self.validation.clone().or_else(|| folders.validation.clone());
        if folders.training != self.photos {
            events.note(&Note::SplitFolders { folders: folders.clone(), validation: validation.clone() });
        }
        Ok(Job {
            photos: folders.training,
            validation,
            recipe_name,
            recipe,
            from: source.map(|source| PretrainedInit { source, freeze: self.freeze }),
            seed: self.seed,
            bits: self.bits,
            accelerator: self.accelerator,
        })
    }
}
