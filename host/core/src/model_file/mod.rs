//! A model file in the host's memory, and the engine that runs it: the same code as on the device.
//!
//! | module | task |
//! |---|---|
//! | `layer` | the layers, and the record of each kind |
//! | `weights` | their weights, in the order of a layout |
//! | `encode` | layers -> the bytes of a file |
//! | `plan` | layers -> the offsets of their tensors in the arena |
//! | `pack` | a model file -> one packed for a board's kernel, and back |
//! | `engine` | a file -> decisions |
//! | [`scales`] | a model's integers -> their real values |
//! | `portable` | a packed file -> decisions, by the portable versions of the devices' kernels |

mod encode;
mod engine;
mod layer;
mod pack;
mod plan;
pub mod portable;
pub mod scales;
#[cfg(test)]
mod tests;
mod weights;

pub use encode::encode;
pub use engine::HostEngine;
pub use layer::{QuantizedLayer, QuantizedTensor};
pub use pack::{PackError, Packing};
pub use weights::QuantizedWeights;

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_shared::model::{Layer, Model, ModelError, put_policy, seal};
use pinhole_shared::policy::Policy;
use thiserror::Error;

use crate::artifacts::{limits, read_regular};
use crate::simd::Instructions;

/// A complete, checked model file with row-major weights, aligned as the format requires. A file packed for a board is
/// unpacked when it is loaded.
#[derive(Clone, Debug)]
pub struct ModelFile {
    words: Vec<u32>,
}

/// Accepted arguments for a model.
const GIVE: &str =
    "a .pinhole file, a run folder that `pinhole train` made, or the name of a bundled model (`pinhole models`)";

/// Error of loading a model file.
#[derive(Debug, Error, Diagnostic)]
pub enum ModelFileError {
    /// The file is missing or not readable.
    #[error("the model {} cannot be read: {reason}", path.display())]
    #[diagnostic(help("give {GIVE}"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Error from the operating system.
        reason: std::io::Error,
    },
    /// The file is not a model, of another version, or damaged.
    #[error("{} is not usable as a model: {reason}", path.display())]
    #[diagnostic(help("{}", help_for(reason)))]
    Refused {
        /// The file.
        path: PathBuf,
        /// Error from the parser.
        reason: ModelError,
    },
}

fn help_for(reason: &ModelError) -> &'static str {
    match reason {
        ModelError::Version { .. } | ModelError::Pipeline { .. } => {
            "write it anew with this Pinhole (`pinhole quantize` on its run folder), or use the Pinhole version that wrote it"
        }
        ModelError::NotAModel => {
            "give a .pinhole file, a run folder that `pinhole train` made, or the name of a bundled model (`pinhole models`)"
        }
        ModelError::Operations { .. } => {
            "train a network with a smaller input, fewer channels, or smaller windows of poolings; or get the file from somebody you trust"
        }
        _ => "the file is damaged: copy it again, or write it anew with `pinhole quantize`",
    }
}

impl ModelFile {
    /// Checks the bytes of a model file and copies them.
    ///
    /// # Errors
    /// Those of [`Model::parse`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        if !bytes.len().is_multiple_of(4) {
            // A model file is whole words. Parsing gives a more precise error, if there is one.
            Model::parse(bytes)?;
            return Err(ModelError::Truncated { expected: bytes.len().next_multiple_of(4), got: bytes.len() });
        }
        let file = Self::of_words(bytes);
        let Some(rows) = unpacked(&Model::parse(file.bytes())?) else { return Ok(file) };
        let file = Self::of_words(&rows);
        Model::parse(file.bytes())?;
        Ok(file)
    }

    fn of_words(bytes: &[u8]) -> Self {
        let words = bytes.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        Self { words: words.collect() }
    }

    /// Packs this model for a kernel.
    ///
    /// # Errors
    /// [`PackError`] if a row's weights do not fit the kernel's sums in chunks of any length. All weights fit chunks of 8
    /// columns, the shortest.
    pub fn packed(&self, packing: Packing) -> Result<PackedModel, PackError> {
        let bytes = pack::pack(&self.model(), packing)?;
        let packed = PackedModel { words: Self::of_words(&bytes).words };
        // A packed model is a model file too; `PackedModel::model` relies on it.
        if Model::parse(packed.bytes()).is_err() {
            return Err(PackError { layer: 0, packing });
        }
        Ok(packed)
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// [`ModelFileError`] with the path.
    pub fn read(path: &Path) -> Result<Self, ModelFileError> {
        let bytes = read_regular(path, limits::MODEL)
            .map_err(|reason| ModelFileError::Unreadable { path: path.to_owned(), reason })?;
        Self::from_bytes(&bytes).map_err(|reason| ModelFileError::Refused { path: path.to_owned(), reason })
    }

    /// Returns the file's bytes.
    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.words)
    }

    /// Returns the parsed model.
    pub fn model(&self) -> Model<'_> {
        Model::parse(self.bytes()).expect("checked when the file was taken")
    }

    /// Returns the same model with another policy, and therefore another checksum.
    pub fn with_policy(&self, policy: Policy) -> Self {
        let mut file = self.clone();
        let bytes = bytemuck::cast_slice_mut(&mut file.words);
        put_policy(bytes, policy);
        seal(bytes);
        file
    }

    /// Creates an engine for this model, with the best vector instructions of this machine.
    pub fn engine(&self) -> HostEngine<'_> {
        self.engine_with(Instructions::detect())
    }

    /// Creates an engine that uses these vector instructions. Results do not depend on them.
    ///
    /// # Panics
    /// If this machine does not have them.
    pub fn engine_with(&self, instructions: Instructions) -> HostEngine<'_> {
        HostEngine::new(self.model(), instructions)
    }
}

/// A model as it is flashed to a board.
#[derive(Clone, Debug)]
pub struct PackedModel {
    words: Vec<u32>,
}

impl PackedModel {
    /// Returns the packed bytes.
    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.words)
    }

    /// Returns the parsed model, as on the board.
    pub fn model(&self) -> Model<'_> {
        Model::parse(self.bytes()).expect("checked when it was packed")
    }
}

/// Unpacks a model to row-major weights. Returns `None` if they are row-major already.
fn unpacked(model: &Model<'_>) -> Option<Vec<u8>> {
    let is_packed =
        |layer: Layer<'_>| layer.weighted().is_some_and(|weighted| !weighted.operands.weights.layout().is_rows());
    // Row-major weights always fit.
    model.layers().any(is_packed).then(|| pack::pack(model, Packing::Rows).unwrap_or_default())
}
