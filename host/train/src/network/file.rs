//! Weights file of the float network.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::artifacts::{limits, read_regular};
use pinhole_core::recipe::{Recipe, RecipeError};
use safetensors::SafeTensors;
use thiserror::Error;

use super::Network;
use crate::layers::{BatchNorm, ParameterRequest, Parameters};

/// Error: a weights file cannot be used.
#[derive(Debug, Error, Diagnostic)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum NetworkError {
    /// The file is missing or cannot be read.
    #[error("the weights {} cannot be read: {reason}", path.display())]
    #[diagnostic(help("give the weights.safetensors that `pinhole train` wrote to its run folder"))]
    Unreadable { path: PathBuf, reason: std::io::Error },
    /// The file does not hold a Pinhole network's weights.
    #[error("{} does not contain the weights of a Pinhole network: {reason}", path.display())]
    #[diagnostic(help("use the weights.safetensors of a run folder, or train again"))]
    Malformed { path: PathBuf, reason: String },
    /// The recipe in the file is invalid.
    #[error("{} contains a recipe that this Pinhole does not understand", path.display())]
    Recipe {
        path: PathBuf,
        #[source]
        #[diagnostic_source]
        reason: RecipeError,
    },
}

impl Network {
    /// Returns the bytes of a safetensors file. `layer.N.weights` is inputs x outputs for dense layers. For others it
    /// is outputs x inputs under the window, by kernel row, kernel column and input channel. A layer also has
    /// `layer.N.biases`, or with batch normalization `.gamma`, `.beta`, `.mean` and `.variance` instead. Recipe and
    /// class names are metadata, so no other file is required to use it. The same network gives the same bytes.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    pub fn to_safetensors(&self) -> candle_core::Result<Vec<u8>> {
        let mut tensors = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for (name, variable) in layer.kind.variables() {
                tensors.push((format!("layer.{index}.{name}"), variable.as_tensor().clone()));
            }
        }
        // One metadata entry only: the library keeps entries in a hash map, whose order would differ from run to run.
        let description = serde_json::json!({ "classes": self.classes, "recipe": self.recipe.to_toml() });
        let metadata = [(METADATA.to_owned(), description.to_string())].into_iter().collect();
        safetensors::serialize(tensors.iter().map(|(name, tensor)| (name, tensor)), Some(metadata))
            .map_err(|error| candle_core::Error::Msg(error.to_string()))
    }

    /// Reads a file written by [`Network::to_safetensors`].
    ///
    /// # Errors
    /// [`NetworkError`] with the path.
    pub fn read(path: &Path) -> Result<Self, NetworkError> {
        let bytes = read_regular(path, limits::WEIGHTS)
            .map_err(|reason| NetworkError::Unreadable { path: path.to_owned(), reason })?;
        Self::from_safetensors(&bytes, path)
    }

    /// Reads a network from the bytes of a weights file; errors name `path`.
    ///
    /// # Errors
    /// [`NetworkError`] with the path.
    pub fn from_safetensors(bytes: &[u8], path: &Path) -> Result<Self, NetworkError> {
        let malformed = |reason: String| NetworkError::Malformed { path: path.to_owned(), reason };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| malformed(error.to_string()))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| malformed(error.to_string()))?;
        let description = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(METADATA))
            .ok_or_else(|| malformed("it has no recipe".into()))?;
        let description: Description =
            serde_json::from_str(description).map_err(|error| malformed(error.to_string()))?;
        let recipe = Recipe::parse(&description.recipe, "inside the file")
            .map_err(|reason| NetworkError::Recipe { path: path.to_owned(), reason })?;
        Self::build(&recipe, &description.classes, |index, asked| {
            let ParameterRequest { outputs, has_norm, .. } = *asked;
            let named = |name: &str, shape: &[usize]| values(&tensors, &format!("layer.{index}.{name}"), shape);
            let channels = |name: &str| named(name, &[outputs]);
            let weights = named("weights", &asked.weights())?;
            if !has_norm {
                return Ok(Parameters { weights, biases: channels("biases")?, norm: None });
            }
            let (gamma, beta) = (channels("gamma")?, channels("beta")?);
            let norm = BatchNorm { gamma, beta, mean: channels("mean")?, variance: channels("variance")? };
            if norm.variance.iter().any(|&variance| variance < 0.0) {
                candle_core::bail!("layer.{index}.variance is negative");
            }
            Ok(Parameters { weights, biases: vec![0.0; outputs], norm: Some(norm) })
        })
        .map_err(|error| malformed(error.to_string()))
    }
}

/// Key of the one metadata entry.
const METADATA: &str = "pinhole";

#[derive(serde::Deserialize)]
struct Description {
    classes: Vec<String>,
    recipe: String,
}

fn values(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> candle_core::Result<Vec<f32>> {
    let view = tensors.tensor(name).map_err(|error| candle_core::Error::Msg(error.to_string()))?;
    if view.shape() != shape || view.dtype() != safetensors::Dtype::F32 {
        candle_core::bail!("{name} is {:?} {:?}, not {shape:?} in f32", view.dtype(), view.shape());
    }
    let values: Vec<f32> =
        view.data().chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect();
    if values.iter().all(|value| value.is_finite()) { Ok(values) } else { candle_core::bail!("{name} is not finite") }
}
