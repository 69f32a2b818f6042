//! A run folder: what a training leaves on disk.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::artifacts::{self, WriteError, write_file};
use pinhole_core::model_file::{ModelFile, ModelFileError};
use pinhole_core::recipe::Recipe;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::quantize::ActivationBits;
use crate::runs::bundled::{Bundled, UnknownModel};
use crate::{Accelerator, Epoch, LastLayer, Network, NetworkError, Stopped};

/// Names of the files in a run folder.
pub mod files {
    /// The recipe trained by, TOML.
    pub const RECIPE: &str = "recipe.toml";
    /// Each epoch's losses and accuracies, CSV.
    pub const METRICS: &str = "metrics.csv";
    /// The float network, safetensors; holds the recipe and class names too.
    pub const WEIGHTS: &str = "weights.safetensors";
    /// The quantized model.
    pub const MODEL: &str = "model.pinhole";
    /// What a person looks at.
    pub const REPORT: &str = "report.html";
    /// What a script reads: [`super::RunSummary`].
    pub const SUMMARY: &str = pinhole_core::artifacts::RUN_SUMMARY;
    /// Where a training that has not ended is: [`crate::Checkpoint`]. Gone when it has.
    pub const CHECKPOINT: &str = "checkpoint";
}

/// What was trained, on what, and how it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Pinhole's version.
    pub pinhole: String,
    /// Name or path the recipe was given by.
    pub recipe: String,
    /// What the training continued from; absent when the network was new.
    #[serde(default)]
    pub from: Option<ContinuedFrom>,
    /// Whether only the layer that decides was trained.
    #[serde(default)]
    pub frozen: bool,
    /// Seed of all randomness.
    pub seed: u64,
    /// What gradients were computed on: on a graphics card the seed does not give the same bytes again.
    #[serde(default, skip_serializing_if = "Accelerator::is_cpu")]
    pub accelerator: Accelerator,
    /// Folder of the training photos.
    #[serde(serialize_with = "lossy")]
    pub photos: PathBuf,
    /// Folder of the validation photos; absent when they were held out of the training folder.
    #[serde(serialize_with = "lossy_option")]
    pub validation: Option<PathBuf>,
    /// Photos trained on, without copies.
    pub training_photos: usize,
    /// Photos validated on.
    pub validation_photos: usize,
    /// Epochs run. Where the best is 0, the network continued from was better than all of them.
    pub epochs: u32,
    /// Why training ended.
    pub stopped: String,
    /// Epoch whose weights were kept.
    pub best_epoch: u32,
    /// Validation loss there, nats.
    pub validation_loss: f64,
    /// Validation accuracy there.
    pub validation_accuracy: f64,
    /// CRC-32 of the model file made from those weights.
    pub model_checksum: u32,
    /// How it was made from them; absent in summaries of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantization: Option<Quantization>,
}

/// How a model was made from float weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantization {
    /// Bits of the weights of every layer that has weights, in order.
    pub weight_bits: Vec<u8>,
    /// Bits of the activations between dense layers: 8 or 16.
    pub activation_bits: u8,
    /// Whether the weights were trained on by the device's integers, so that the float weights beside it do not give it again.
    #[serde(default)]
    pub fine_tuned: bool,
}

impl Quantization {
    /// Of a network of this recipe, without fine-tuning.
    pub fn new(recipe: &Recipe, activations: ActivationBits) -> Self {
        let activation_bits = match activations {
            ActivationBits::Eight => 8,
            ActivationBits::Sixteen => 16,
        };
        Self { weight_bits: recipe.weight_bits().collect(), activation_bits, fine_tuned: false }
    }

    /// How activations are held.
    pub fn activations(&self) -> ActivationBits {
        if self.activation_bits == 8 { ActivationBits::Eight } else { ActivationBits::Sixteen }
    }
}

/// What a training continued from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContinuedFrom {
    /// The file the parameters came from.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// CRC-32 (ISO-HDLC) of a weights file, a model file's own checksum.
    pub checksum: u32,
    /// Whether they were int8 ones, turned back to floating point.
    pub dequantized: bool,
    /// What became of the layer that decides.
    pub last_layer: LastLayer,
}

/// A path as text for people: JSON has no form for one that is not Unicode.
fn lossy<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

fn lossy_option<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

/// Why a run folder or file could not be written or read.
#[derive(Debug, Error, Diagnostic)]
pub enum RunError {
    /// A file or folder could not be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Write(#[from] WriteError),
    /// A name that no model has.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unknown(#[from] UnknownModel),
    /// The model in it cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Model(#[from] ModelFileError),
    /// The weights in it cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Network(#[from] NetworkError),
}

/// The per-epoch metrics as CSV.
pub fn metrics_csv(epochs: &[Epoch]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for epoch in epochs {
        writer.serialize(epoch).expect("five numbers have a CSV form");
    }
    writer.into_inner().expect("writing to memory does not fail")
}

/// A run folder's metrics; `None` where they cannot be read.
pub fn read_metrics(folder: &Path) -> Option<Vec<Epoch>> {
    csv::Reader::from_path(folder.join(files::METRICS)).ok()?.deserialize().collect::<Result<_, _>>().ok()
}

/// How [`RunSummary::stopped`] says it.
pub fn stopped_name(stopped: Stopped) -> String {
    match stopped {
        Stopped::Finished => "finished",
        Stopped::Patience => "patience",
        Stopped::Interrupted => "interrupted",
    }
    .to_owned()
}

/// A quantized model, and the float network it was made from where that is at hand.
pub struct Trained {
    /// Path of the model file.
    pub model_path: PathBuf,
    /// The model.
    pub model: ModelFile,
    /// The float network.
    pub network: Option<Network>,
}

/// Opens a run folder or a model file; where there is neither, a name is that of a bundled model.
///
/// The float network beside a model file is taken along when the folder's summary says the model was made from it.
///
/// # Errors
/// [`RunError::Unknown`], [`RunError::Model`], or [`RunError::Network`] when weights are there but cannot be used.
pub fn open(path: &Path) -> Result<Trained, RunError> {
    if let Some(shipped) = Bundled::lookup(path)? {
        return Ok(shipped.open());
    }
    let model_path = if path.is_dir() { path.join(files::MODEL) } else { path.to_owned() };
    let model = ModelFile::read(&model_path)?;
    let folder = model_path.parent().unwrap_or(Path::new(""));
    let weights = folder.join(files::WEIGHTS);
    let made_from_them = summary(folder).is_some_and(|run| run.model_checksum == model.model().checksum());
    let network = if made_from_them && weights.exists() { Some(Network::read(&weights)?) } else { None };
    Ok(Trained { model_path, model, network })
}

/// Writes a run folder's summary.
///
/// # Errors
/// [`WriteError::Write`] with the path.
pub fn write_summary(folder: &Path, summary: &RunSummary) -> Result<(), WriteError> {
    let text = serde_json::to_string_pretty(summary).expect("a summary's fields all have JSON forms");
    write_file(&folder.join(files::SUMMARY), format!("{text}\n").as_bytes())
}

/// Removes a run folder's summary, if there is one: what is in the folder then counts as no run.
///
/// # Errors
/// [`WriteError::Write`] with the path.
pub fn remove_summary(folder: &Path) -> Result<(), WriteError> {
    artifacts::remove(folder.join(files::SUMMARY))
}

/// Removes the checkpoint of a training that has ended, if there is one.
///
/// # Errors
/// [`WriteError::Write`] with the path.
pub fn remove_checkpoint(folder: &Path) -> Result<(), WriteError> {
    artifacts::remove(folder.join(files::CHECKPOINT))
}

/// The summary of a run folder, if it is one.
pub fn summary(folder: &Path) -> Option<RunSummary> {
    serde_json::from_slice(&std::fs::read(folder.join(files::SUMMARY)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_summary_takes_paths_that_are_not_unicode() {
        use std::os::unix::ffi::OsStrExt;
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(b"p\xFF"));
        let summary = RunSummary {
            pinhole: String::new(),
            recipe: String::new(),
            from: None,
            frozen: false,
            seed: 1,
            accelerator: Accelerator::Cpu,
            photos: path.clone(),
            validation: Some(path),
            training_photos: 2,
            validation_photos: 2,
            epochs: 1,
            stopped: stopped_name(Stopped::Finished),
            best_epoch: 1,
            validation_loss: 0.5,
            validation_accuracy: 0.5,
            model_checksum: 1,
            quantization: None,
        };
        let folder = tempfile::tempdir().unwrap();
        write_summary(folder.path(), &summary).unwrap();
        let read = self::summary(folder.path()).unwrap();
        assert_eq!(read.photos, Path::new("p\u{FFFD}"));
        assert_eq!(read.validation, Some(read.photos));
    }
}
