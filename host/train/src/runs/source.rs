//! A trained network to continue from, however it is kept: run folder, weights file or model file.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::model_file::{ModelFile, ModelFileError};
use pinhole_core::recipe::{DEFAULT, Recipe, RecipeError};
use pinhole_shared::model::{MAGIC, Model};
use thiserror::Error;

use crate::quantize::dequantize;
use crate::runs::bundled::{Bundled, UnknownModel};
use crate::runs::{self, files};
use crate::{Network, NetworkError, Pretrained};

/// A trained network and where it came from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file its parameters were read from: float weights where they are at hand.
    pub path: PathBuf,
    /// CRC-32 (ISO-HDLC) of that file; of a model file, its own checksum.
    pub checksum: u32,
    /// What to call the recipe it was trained by: as in its run's summary, else the file's path.
    pub recipe_name: String,
    /// Whether the parameters are int8 ones turned back to floating point.
    pub dequantized: bool,
    /// The network. Of a dequantized one the training settings are those of the default recipe.
    pub pretrained: Pretrained,
}

/// What a network can be continued from.
const HOW: &str = "give a run folder that `pinhole train` made, its weights.safetensors, a .pinhole file, or the name of a \
                   bundled model (`pinhole models`)";

/// Why there is nothing to continue from.
#[derive(Debug, Error, Diagnostic)]
pub enum SourceError {
    /// Not there, or not readable.
    #[error("{} cannot be continued from: {reason}", path.display())]
    #[diagnostic(help("{HOW}"))]
    Unreadable {
        /// What was given.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A folder that holds no network.
    #[error("{} is no run folder: it has neither {} nor {}", path.display(), files::WEIGHTS, files::MODEL)]
    #[diagnostic(help("{HOW}"))]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// A name that no model has.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unknown(#[from] UnknownModel),
    /// A model file that cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Model(#[from] ModelFileError),
    /// A weights file that cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Network(#[from] NetworkError),
    /// The default recipe's training settings could not be had.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recipe(#[from] RecipeError),
    /// candle failed.
    #[error("reading the network failed: {0}")]
    #[diagnostic(help("there may be too little memory; nothing was written"))]
    Candle(#[from] candle_core::Error),
}

impl Source {
    /// Reads a trained network.
    ///
    /// | path | what is read |
    /// |---|---|
    /// | a run folder | its float weights; without them its model |
    /// | a weights file | itself |
    /// | the name of a bundled model, where there is nothing else of that name | its float weights; without them the model, dequantized |
    /// | a model file, known by its first bytes | the float weights beside it, if its run says it was made from them; else itself, dequantized |
    ///
    /// # Errors
    /// [`SourceError`] with the path.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        if let Some(shipped) = Bundled::lookup(path)? {
            return Self::from_shipped(&shipped);
        }
        let unreadable = |reason| SourceError::Unreadable { path: path.to_owned(), reason };
        if path.metadata().map_err(unreadable)?.is_dir() {
            let (weights, model) = (path.join(files::WEIGHTS), path.join(files::MODEL));
            return match (weights.exists(), model.exists()) {
                (true, _) => Self::from_weights(&weights),
                (false, true) => Self::from_model(&model),
                (false, false) => Err(SourceError::NoRun { path: path.to_owned() }),
            };
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        if bytes.starts_with(&MAGIC) || path.extension().is_some_and(|extension| extension == "pinhole") {
            Self::from_model(path)
        } else {
            Self::from_weights(path)
        }
    }

    fn from_weights(path: &Path) -> Result<Self, SourceError> {
        let bytes = std::fs::read(path).map_err(|reason| SourceError::Unreadable { path: path.to_owned(), reason })?;
        Self::from_safetensors(&bytes, path, recipe_name(path))
    }

    /// Of weights at hand, or of a model alone.
    fn from_shipped(shipped: &Bundled) -> Result<Self, SourceError> {
        match shipped.weights() {
            Some(bytes) => Self::from_safetensors(bytes, &shipped.path(), shipped.name.to_owned()),
            None => Self::from_parsed(&shipped.model().model(), &shipped.path()),
        }
    }

    fn from_safetensors(bytes: &[u8], path: &Path, recipe_name: String) -> Result<Self, SourceError> {
        let network = Network::from_safetensors(bytes, path)?;
        Ok(Self {
            path: path.to_owned(),
            checksum: crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(bytes),
            recipe_name,
            dequantized: false,
            pretrained: Pretrained::of(&network)?,
        })
    }

    fn from_model(path: &Path) -> Result<Self, SourceError> {
        let file = ModelFile::read(path)?;
        let model = file.model();
        let folder = path.parent().unwrap_or(Path::new(""));
        let weights = folder.join(files::WEIGHTS);
        let made_from_them = runs::summary(folder).is_some_and(|run| run.model_checksum == model.checksum());
        if made_from_them && weights.exists() {
            return Self::from_weights(&weights);
        }
        Self::from_parsed(&model, path)
    }

    fn from_parsed(model: &Model<'_>, path: &Path) -> Result<Self, SourceError> {
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
