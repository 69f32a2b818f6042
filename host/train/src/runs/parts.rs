//! The parts of a run folder that its summary vouches for.
//!
//! A run's files belong together: its weights and metrics are those of the training that the summary describes. The model has its
//! checksum in the summary, because it may be quantized again. The recipe is not vouched for: nothing is computed from it, and
//! people edit it for their next training. The weights contain the recipe that they were trained by.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::artifacts::{RUN_SUMMARY, limits, read_regular};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::folder::{RunError, RunSummary, files, metrics_of};
use crate::{Epoch, Network, NetworkError};

/// SHA-256 of some files of a run, in hexadecimal, by their names. Empty in summaries of earlier versions, which vouch for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartDigests(BTreeMap<String, String>);

/// Error: a file in a run folder is not that of the run.
#[derive(Debug, Error, Diagnostic)]
#[error("{} is not the file that {} was written with", part.display(), summary.display())]
#[diagnostic(help(
    "the folder has files of two trainings, or a changed file: copy the whole run folder again, or train again. To use {} by \
     itself, copy it to a folder of its own", part.display()
))]
pub struct MixedRun {
    /// The file.
    pub part: PathBuf,
    /// The summary of the run.
    pub summary: PathBuf,
}

impl PartDigests {
    /// Returns the digests of these files' bytes.
    pub fn of(parts: &[(&str, &[u8])]) -> Self {
        Self(parts.iter().map(|(name, bytes)| ((*name).to_owned(), digest(bytes))).collect())
    }

    /// Returns true if no file is vouched for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks the bytes of a run's file. A file that is not vouched for is accepted.
    fn check(&self, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), MixedRun> {
        match self.0.get(name) {
            Some(expected) if *expected != digest(bytes) => Err(mixed(folder, name)),
            _ => Ok(()),
        }
    }
}

/// Returns the error of a file that is not the run's.
fn mixed(folder: &Path, name: &str) -> MixedRun {
    MixedRun { part: folder.join(name), summary: folder.join(RUN_SUMMARY) }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the bytes of a run's weights, as its summary vouches for them.
///
/// # Errors
/// [`RunError::Network`] if the file cannot be read, [`RunError::Mixed`].
pub(super) fn weights(folder: &Path, run: Option<&RunSummary>) -> Result<Vec<u8>, RunError> {
    let path = folder.join(files::WEIGHTS);
    let bytes = read_regular(&path, limits::WEIGHTS).map_err(|reason| NetworkError::Unreadable { path, reason })?;
    run.map_or(Ok(()), |run| run.parts.check(folder, files::WEIGHTS, &bytes))?;
    Ok(bytes)
}

/// Reads the float network of a run, whose summary vouches for the file. `run` is the folder's summary, if there is one.
///
/// # Errors
/// [`RunError::Network`], [`RunError::Mixed`].
pub fn network(folder: &Path, run: Option<&RunSummary>) -> Result<Network, RunError> {
    Ok(Network::from_safetensors(&weights(folder, run)?, &folder.join(files::WEIGHTS))?)
}

/// Reads the metrics of a run, whose summary vouches for the file; `None` if they cannot be read.
///
/// # Errors
/// [`RunError::Mixed`].
pub fn metrics(folder: &Path, run: &RunSummary) -> Result<Option<Vec<Epoch>>, RunError> {
    let Ok(bytes) = read_regular(&folder.join(files::METRICS), limits::METRICS) else { return Ok(None) };
    run.parts.check(folder, files::METRICS, &bytes)?;
    Ok(metrics_of(&bytes))
}

/// Checks that a run's model is the one that its summary describes.
///
/// # Errors
/// [`RunError::Mixed`].
pub(super) fn check_model(folder: &Path, run: &RunSummary, checksum: u32) -> Result<(), RunError> {
    // Summaries of earlier versions, which have no digests, vouch for nothing.
    let is_mixed = !run.parts.is_empty() && run.model_checksum != checksum;
    if is_mixed { Err(mixed(folder, files::MODEL).into()) } else { Ok(()) }
}
