//! A trained network to continue from: a run folder, weights file, model file or bundled model.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::artifacts::{self, limits, read_regular};
use pinhole_core::model_file::{ModelFile, ModelFileError};
use pinhole_core::recipe::{DEFAULT, Recipe, RecipeError};
use pinhole_shared::model::{MAGIC, Model};
use thiserror::Error;

use crate::quantize::dequantize;
use crate::runs::bundled::{Bundled, UnknownModel};
use crate::runs::{self, RunError, files};
use crate::{Network, NetworkError, Pretrained};

/// A trained network and its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct PretrainedSource {
    /// File that its parameters were read from: the float weights if available.
    pub path: PathBuf,
    /// CRC-32 (ISO-HDLC) of a weights file, or a model file's own checksum.
    pub checksum: u32,
    /// Name of its recipe: that in its run's summary, else the file's path.
    pub recipe_name: String,
    /// True if the parameters are a model file's integers converted to floating point.
    pub dequantized: bool,
    /// The network. If dequantized, its training settings are the default recipe's.
    pub pretrained: Pretrained,
}

/// Help text of the errors: what training can continue from.
const HOW: &str = "give a run folder that `pinhole train` made, its weights.safetensors, a .pinhole file, or the name of a \
                   bundled model (`pinhole models`)";

/// Error: a network to continue from cannot be read.
#[derive(Debug, Error, Diagnostic)]
pub enum PretrainedSourceError {
    /// The file is missing or cannot be read.
    #[error("training cannot continue from {}: {reason}", path.display())]
    #[diagnostic(help("{HOW}"))]
    Unreadable {
        /// The given path.
        path: PathBuf,
        /// Error of the operating system.
        reason: std::io::Error,
    },
    /// The folder holds no network.
    #[error("{} is not a run folder: it has neither {} nor {}", path.display(), files::WEIGHTS, files::MODEL)]
    #[diagnostic(help("{HOW}"))]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// No model has this name.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unknown(#[from] UnknownModel),
    /// The model file cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Model(#[from] ModelFileError),
    /// The weights file cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Network(#[from] NetworkError),
    /// The folder has files of two runs, or its weights cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Run(#[from] RunError),
    /// The default recipe, for training settings, could not be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recipe(#[from] RecipeError),
    /// candle failed.
    #[error("reading the network failed: {0}")]
    #[diagnostic(help("memory may be too small; nothing was written"))]
    Candle(#[from] candle_core::Error),
}

impl PretrainedSource {
    /// Reads a trained network.
    ///
    /// | path | what is read |
    /// |---|---|
    /// | a run folder | its float weights; without them its model |
    /// | a weights file | itself |
    /// | the name of a bundled model, where nothing else has that name | its float weights; without them the model, dequantized |
    /// | a model file | the float weights beside it if its run says it was made from them; else itself, dequantized |
    ///
    /// # Errors
    /// [`PretrainedSourceError`] with the path.
    pub fn read(path: &Path) -> Result<Self, PretrainedSourceError> {
        if let Some(bundled_model) = Bundled::lookup(path)? {
            return Self::from_bundled(&bundled_model);
        }
        let unreadable = |reason| PretrainedSourceError::Unreadable { path: path.to_owned(), reason };
        runs::finish(if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) });
        if path.metadata().map_err(unreadable)?.is_dir() {
            let (weights, model) = (path.join(files::WEIGHTS), path.join(files::MODEL));
            return match (weights.exists(), model.exists()) {
                (true, _) => Self::from_run(path),
                (false, true) => Self::from_run_model(path, &model),
                (false, false) => Err(PretrainedSourceError::NoRun { path: path.to_owned() }),
            };
        }
        if artifacts::starts_with(path, &MAGIC) || path.extension().is_some_and(|extension| extension == "pinhole") {
            Self::from_model(path)
        } else {
            Self::from_weights(path)
        }
    }

    /// Reads the float weights of a run folder.
    fn from_run(folder: &Path) -> Result<Self, PretrainedSourceError> {
        let path = folder.join(files::WEIGHTS);
        let bytes = runs::parts::weights(folder, runs::summary(folder).as_ref())?;
        Self::from_safetensors(&bytes, &path, recipe_name(&path))
    }

    fn from_weights(path: &Path) -> Result<Self, PretrainedSourceError> {
        let bytes = read_regular(path, limits::WEIGHTS)
            .map_err(|reason| PretrainedSourceError::Unreadable { path: path.to_owned(), reason })?;
        Self::from_safetensors(&bytes, path, recipe_name(path))
    }

    /// Reads a bundled model by its name, even if a file or folder has that name.
    ///
    /// # Errors
    /// [`PretrainedSourceError::Unknown`] if there is no such model, [`PretrainedSourceError::Candle`].
    pub fn bundled(name: &str) -> Result<Self, PretrainedSourceError> {
        let found = Bundled::all().into_iter().find(|bundled_model| bundled_model.name == name);
        Self::from_bundled(&found.ok_or_else(|| UnknownModel::Name(name.to_owned()))?)
    }

    /// Reads a bundled model: its float weights, or else the model alone.
    fn from_bundled(bundled_model: &Bundled) -> Result<Self, PretrainedSourceError> {
        match bundled_model.weights() {
            Some(bytes) => Self::from_safetensors(bytes, &bundled_model.path(), bundled_model.name.to_owned()),
            None => Self::from_parsed(&bundled_model.model().model(), &bundled_model.path()),
        }
    }

    fn from_safetensors(bytes: &[u8], path: &Path, recipe_name: String) -> Result<Self, PretrainedSourceError> {
        let network = Network::from_safetensors(bytes, path)?;
        Ok(Self {
            path: path.to_owned(),
            checksum: crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(bytes),
            recipe_name,
            dequantized: false,
            pretrained: Pretrained::of(&network)?,
        })
    }

    fn from_model(path: &Path) -> Result<Self, PretrainedSourceError> {
        let file = ModelFile::read(path)?;
        let model = file.model();
        let folder = path.parent().unwrap_or(Path::new(""));
        let made_from_them = runs::summary(folder).is_some_and(|run| run.model_checksum == model.checksum());
        if made_from_them && folder.join(files::WEIGHTS).exists() {
            return Self::from_run(folder);
        }
        Self::from_parsed(&model, path)
    }

    /// Reads the model of a run folder without weights.
    fn from_run_model(folder: &Path, path: &Path) -> Result<Self, PretrainedSourceError> {
        let file = ModelFile::read(path)?;
        let model = file.model();
        if let Some(run) = runs::summary(folder) {
            runs::parts::check_model(folder, &run, model.checksum())?;
        }
        Self::from_parsed(&model, path)
    }

    fn from_parsed(model: &Model<'_>, path: &Path) -> Result<Self, PretrainedSourceError> {
        Ok(Self {
            path: path.to_owned(),
            checksum: model.checksum(),
            recipe_name: path.display().to_string(),
            dequantized: true,
            pretrained: dequantize(model, &Recipe::find(DEFAULT)?),
        })
    }
}

fn recipe_name(weights: &Path) -> String {
    let folder = weights.parent().unwrap_or(Path::new(""));
    runs::summary(folder).map_or_else(|| weights.display().to_string(), |run| run.recipe)
}
