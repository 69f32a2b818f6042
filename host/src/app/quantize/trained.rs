//! The network to quantize, and the facts known about it.

use std::path::{Path, PathBuf};

use pinhole_core::model_file::ModelFile;
use pinhole_train::Network;
use pinhole_train::runs::bundled::Bundled;
use pinhole_train::runs::{self, RunSummary, files};

use super::QuantizationError;

/// A trained network and its location.
pub(super) struct TrainedNetwork {
    pub(super) network: Network,
    /// Folder of the run or of the weights file; `None` for a bundled network.
    pub(super) folder: Option<PathBuf>,
    pub(super) summary: Option<RunSummary>,
    /// The model that was made from it last.
    pub(super) model: Option<ModelFile>,
}

impl TrainedNetwork {
    pub(super) fn read(path: &Path) -> Result<Self, QuantizationError> {
        let model = path.to_owned();
        if let Some(bundled_model) = Bundled::lookup(path)? {
            let Some(network) = bundled_model.open().network else {
                return Err(QuantizationError::NoWeights { model });
            };
            return Ok(Self {
                network,
                folder: None,
                summary: bundled_model.summary(),
                model: Some(bundled_model.model()),
            });
        }
        let weights = if path.is_dir() { path.join(files::WEIGHTS) } else { path.to_owned() };
        if weights.extension().is_some_and(|extension| extension == "pinhole") && weights.exists() {
            return Err(QuantizationError::IsQuantized { model });
        }
        let folder = weights.parent().unwrap_or(Path::new("")).to_owned();
        runs::finish(&folder);
        let summary = runs::summary(&folder);
        let network = if path.is_dir() { runs::network(path, summary.as_ref())? } else { Network::read(&weights)? };
        // The folder may contain a different model by now, or none.
        let model = ModelFile::read(&folder.join(files::MODEL)).ok();
        let is_of_run =
            |model: &ModelFile| summary.as_ref().is_some_and(|run| run.model_checksum == model.model().checksum());
        Ok(Self { network, model: model.filter(is_of_run), summary, folder: Some(folder) })
    }
}
