//! Request for a training in the user's terms: names and paths, and only the differences from a recipe.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_boards::board::Board;
use pinhole_core::photos::{self, PhotoError, PhotoOptions, SplitFolders};
use pinhole_core::recipe::{AUTO, Recipe, RecipeError};
use pinhole_lab::tune::Measured;
use pinhole_train::quantize::{ActivationBits, QuantizeError};
use pinhole_train::runs::RecipeChoice;
use pinhole_train::runs::pretrained::{PretrainedSource, PretrainedSourceError};
use pinhole_train::{Accelerator, AcceleratorError, TransferError};
use thiserror::Error;

use super::super::command::command_of;
use super::super::events::{Events, Note};
use super::super::job::{Job, PretrainedInit};
use super::auto;
use super::changes::RecipeChanges;

/// Request that becomes a [`Job`].
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// Folder of training photos.
    pub photos: PathBuf,
    /// Folder of validation photos.
    pub validation: Option<PathBuf>,
    /// Folder of test photos, which are used once, after the training.
    pub test: Option<PathBuf>,
    /// Settings of reading and comparing the photos.
    pub options: PhotoOptions,
    /// Name or path of the recipe, or [`AUTO`]. If absent, the recipe of the network to continue from, otherwise [`AUTO`].
    pub recipe: Option<String>,
    /// Trained network to continue from, as [`PretrainedSource::read`] takes it.
    pub from: Option<PathBuf>,
    /// True to train only its last layer.
    pub freeze: bool,
    /// Board that the model is for; the automatic choice keeps to its memory and speed.
    pub board: Option<Board>,
    /// Changes of the recipe.
    pub changes: RecipeChanges,
    /// Seed of all randomness.
    pub seed: u64,
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
    Source(Box<PretrainedSourceError>),
    Recipe(#[from] RecipeError),
    Transfer(#[from] TransferError),
    Accelerator(#[from] AcceleratorError),
    Photos(#[from] PhotoError),
    Quantize(#[from] QuantizeError),
    Candle(#[from] CandleError),
    NoBaseModel(#[from] NoBaseModel),
    TooLargeForBoard(#[from] TooLargeForBoard),
    SameFolder(#[from] SameFolder),
}

impl From<PretrainedSourceError> for RequestError {
    fn from(error: PretrainedSourceError) -> Self {
        Self::Source(Box::new(error))
    }
}

/// Error of the automatic choice: candle failed.
#[derive(Debug, Error, Diagnostic)]
#[error("the automatic choice failed: {0}")]
#[diagnostic(help("memory may be too small; name a recipe with --recipe"))]
pub struct CandleError(#[from] candle_core::Error);

/// Error of the automatic choice: no bundled network fits the board.
#[derive(Debug, Error, Diagnostic)]
#[error("no bundled network with these classes and changes fits {board} and takes at most a second there")]
#[diagnostic(help(
    "leave out some changes of the recipe, or name a recipe with --recipe; `pinhole tune` searches for small networks"
))]
pub struct NoBaseModel {
    /// Name of the board.
    pub board: &'static str,
}

/// Error: a board has no room for the network that was asked for.
#[derive(Debug, Error, Diagnostic)]
#[error("a network of the recipe {recipe} does not fit {board}")]
#[diagnostic(help(
    "leave out --recipe and --from: train then chooses a network that fits; or leave out --board to train it for another board"
))]
pub struct TooLargeForBoard {
    /// Name or path of the recipe.
    pub recipe: String,
    /// Name of the board.
    pub board: &'static str,
}

/// Error: test photos are the training or validation photos.
#[derive(Debug, Error, Diagnostic)]
#[error("the test photos in {} are the {others} photos too", path.display())]
#[diagnostic(help(
    "give other photos with --test: those that a network was trained on, or that chose its epoch, do not test it"
))]
pub struct SameFolder {
    /// Folder of the test photos.
    pub path: PathBuf,
    /// The other photos: training or validation.
    pub others: &'static str,
}

impl TrainRequest {
    /// Reads the recipe and the network to continue from, and checks that they fit together. Photos are not read, but their
    /// folders are found: a folder that is split into `train` and `test` or `validation` is used so. The automatic choice reads
    /// some photos.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn job(&self, events: &mut dyn Events) -> Result<Job, RequestError> {
        self.accelerator.check()?;
        let source = self.from.as_deref().map(PretrainedSource::read).transpose()?;
        let mut folders = SplitFolders::find(&self.photos);
        let same =
            |path: &Path, other: &Path| path.canonicalize().is_ok_and(|path| Some(path) == other.canonicalize().ok());
        // The user may have named it for validation.
        folders.test = folders.test.filter(|test| self.validation.as_ref().is_none_or(|named| !same(test, named)));
        if let Some(test) = &self.test {
            // A wrong path is an error before the training, not a note.
            photos::scan(self.options.of(test))?;
        }
        folders.test = self.test.clone().or(folders.test);
        let validation = self.validation.clone().or_else(|| folders.validation.clone());
        if let Some(test) = &self.test {
            for (other, others) in [(Some(&folders.training), "training"), (validation.as_ref(), "validation")] {
                if other.is_some_and(|other| same(test, other)) {
                    return Err(SameFolder { path: test.clone(), others }.into());
                }
            }
        }
        if folders.training != self.photos {
            events.note(&Note::SplitFolders { folders: folders.clone(), validation: validation.clone() });
        }
        let is_auto = self.recipe.as_ref().map_or(source.is_none(), |name| name == AUTO);
        let source = self.from.as_deref().zip(source);
        let (source, changes, sentence) = if is_auto {
            let choice = auto::choose(&folders.training, &self.options, source, self.board, &self.changes, self.seed)?;
            (Some(choice.source), choice.changes, Some(choice.sentence))
        } else {
            (source.map(|(_, source)| source), self.changes.clone(), None)
        };
        let (recipe_name, recipe) = match (self.recipe.as_deref().filter(|_| !is_auto), &source) {
            (Some(name), _) => (name.to_owned(), Recipe::find(name)?),
            (None, Some(source)) => (source.recipe_name.clone(), source.pretrained.recipe.clone()),
            (None, None) => unreachable!("the automatic choice has a network to continue from"),
        };
        let recipe = changes.apply(&recipe, &recipe_name)?;
        if let Some(source) = &source {
            source.pretrained.check(&recipe)?;
        }
        if let Some(board) = self.board {
            let classes = photos::scan(self.options.of(&folders.training))?.classes;
            if !Measured::of(&recipe, &classes, Some(board))?.fits_board {
                return Err(TooLargeForBoard { recipe: recipe_name, board: board.name() }.into());
            }
        }
        let mut job = Job {
            photos: folders.training,
            validation,
            test: folders.test,
            options: self.options.clone(),
            recipe_name,
            recipe,
            choice: None,
            from: source.map(|source| PretrainedInit { source, freeze: self.freeze }),
            seed: self.seed,
            bits: self.bits,
            accelerator: self.accelerator,
            board: self.board,
        };
        if let Some(sentence) = sentence {
            let command = command_of(&job);
            events.note(&Note::Chosen { sentence: sentence.clone(), command: command.clone() });
            job.choice = Some(RecipeChoice { sentence, command });
        }
        Ok(job)
    }
}
