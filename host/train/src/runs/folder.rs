//! Run folder: the files that a training writes.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::artifacts::{self, WriteError, finish_files};
use pinhole_core::model_file::{ModelFile, ModelFileError};
use pinhole_core::photos::ClassFrom;
use pinhole_core::recipe::Recipe;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::quantize::ActivationBits;
use crate::runs::bundled::{Bundled, UnknownModel};
use crate::runs::parts::{self, MixedRun, PartDigests};
use crate::{Accelerator, Epoch, LastLayer, Network, NetworkError, Stopped};

/// Names of the files in a run folder.
pub mod files {
    /// The recipe, TOML.
    pub const RECIPE: &str = "recipe.toml";
    /// Losses and accuracies of each epoch, CSV.
    pub const METRICS: &str = "metrics.csv";
    /// The float network, safetensors, with recipe and class names.
    pub const WEIGHTS: &str = "weights.safetensors";
    /// The quantized model.
    pub const MODEL: &str = "model.pinhole";
    /// The report for people.
    pub const REPORT: &str = "report.html";
    /// The summary for programs: [`super::RunSummary`].
    pub const SUMMARY: &str = pinhole_core::artifacts::RUN_SUMMARY;
    /// State of a training that has not ended: [`crate::Checkpoint`]. Removed at the end.
    pub const CHECKPOINT: &str = "checkpoint";
    /// The files of a run, which belong together. The summary comes last: a folder with a summary has all of them.
    pub const RUN: [&str; 6] = [RECIPE, METRICS, WEIGHTS, MODEL, REPORT, SUMMARY];
}

/// Summary of a run: inputs, settings and results of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Pinhole's version.
    pub pinhole: String,
    /// Name or path by which the recipe was given.
    pub recipe: String,
    /// The automatic choice of the recipe; absent if the user named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<RecipeChoice>,
    /// The network that training continued from; absent for a new network.
    #[serde(default)]
    pub from: Option<PretrainedSummary>,
    /// True if only the last layer was trained.
    #[serde(default)]
    pub frozen: bool,
    /// Seed of all randomness.
    pub seed: u64,
    /// Device of the gradients. On a graphics card, the seed does not give the same bytes again.
    #[serde(default, skip_serializing_if = "Accelerator::is_cpu")]
    pub accelerator: Accelerator,
    /// Name of the board that the model is for; absent if the user named none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
    /// Folder of the training photos.
    #[serde(serialize_with = "lossy")]
    pub photos: PathBuf,
    /// Folder of the validation photos; absent if they were held out of the training folder.
    #[serde(serialize_with = "lossy_option")]
    pub validation: Option<PathBuf>,
    /// Source of the photos' classes, as `--class-from` names it; absent if it is the folders' structure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_from: Option<String>,
    /// True if near-duplicates were not searched for, so that the held-out photos may be copies of training photos.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_duplicate_search: bool,
    /// Number of training photos, without copies.
    pub training_photos: usize,
    /// Number of validation photos.
    pub validation_photos: usize,
    /// Number of these photos that were enlarged, because they are smaller than the network's input.
    #[serde(default)]
    pub enlarged_photos: usize,
    /// Number of epochs. If the best is 0, the network continued from was better than all of them.
    pub epochs: u32,
    /// Reason why training ended, as [`stopped_name`] gives it.
    pub stopped: String,
    /// Epoch whose weights were kept.
    pub best_epoch: u32,
    /// Validation loss of that epoch, nats.
    pub validation_loss: f64,
    /// Validation accuracy of that epoch.
    pub validation_accuracy: f64,
    /// CRC-32 of the model file made from that epoch's weights.
    pub model_checksum: u32,
    /// Digests of the weights and the metrics; absent in summaries of earlier versions.
    #[serde(default, skip_serializing_if = "PartDigests::is_empty")]
    pub parts: PartDigests,
    /// Quantization of the model; absent in summaries of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantization: Option<Quantization>,
    /// A command that says the same as this training; absent in summaries of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Verdict on the model, as `pinhole_lab::verdict` serializes it; absent in summaries of earlier versions, and if the model was
    /// quantized again without the photos.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<serde_json::Value>,
    /// Test of the model on photos that neither trained it nor chose its epoch; absent without such photos, and if the model was
    /// quantized again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestSummary>,
    /// Training photos whose label is doubted, as `pinhole_lab::verdict` serializes them: they do not depend on the model's
    /// quantization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted_training: Option<serde_json::Value>,
}

/// Test of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestSummary {
    /// Folder of the test photos.
    #[serde(serialize_with = "lossy")]
    pub photos: PathBuf,
    /// Number of them that were left out: near-duplicates of training or validation photos.
    #[serde(default)]
    pub near_duplicates: usize,
    /// Warnings of the verdict, in words.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Verdict on the model by them, as `pinhole_lab::verdict` serializes it.
    pub verdict: Option<serde_json::Value>,
}

/// The automatic choice of a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeChoice {
    /// The choice and its reasons, without a full stop.
    pub sentence: String,
    /// The command that asks for the same.
    pub command: String,
}

/// Returns true for the usual value of a field, which is left out.
fn is_false(value: &bool) -> bool {
    !value
}

impl RunSummary {
    /// Returns where the classes of the run's photos are.
    pub fn class_from(&self) -> ClassFrom {
        self.class_from.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

/// Settings by which a model was quantized.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantization {
    /// Bits of the weights of each layer that has weights, in order.
    pub weight_bits: Vec<u8>,
    /// Bits of the activations between dense layers: 8 or 16.
    pub activation_bits: u8,
    /// True if the weights were fine-tuned with the device's integers: quantizing the float weights again then gives
    /// another model.
    #[serde(default)]
    pub fine_tuned: bool,
}

impl Quantization {
    /// Returns the quantization of a network with this recipe, without fine-tuning.
    pub fn new(recipe: &Recipe, activations: ActivationBits) -> Self {
        let activation_bits = match activations {
            ActivationBits::Eight => 8,
            ActivationBits::Sixteen => 16,
        };
        Self { weight_bits: recipe.weight_bits().collect(), activation_bits, fine_tuned: false }
    }

    /// Returns the bits of activations.
    pub fn activations(&self) -> ActivationBits {
        if self.activation_bits == 8 { ActivationBits::Eight } else { ActivationBits::Sixteen }
    }
}

/// The network that a training continued from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PretrainedSummary {
    /// File of the parameters.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// CRC-32 (ISO-HDLC) of a weights file, or a model file's own checksum.
    pub checksum: u32,
    /// True if they were integers of a model file, converted to floating point.
    pub dequantized: bool,
    /// Treatment of the last layer: kept or replaced.
    pub last_layer: LastLayer,
}

/// Writes a path as text for people: JSON cannot represent paths that are not Unicode.
fn lossy<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

fn lossy_option<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

/// Error: a run folder or file could not be written or read.
#[derive(Debug, Error, Diagnostic)]
pub enum RunError {
    /// A file or folder could not be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Write(#[from] WriteError),
    /// No model has this name.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unknown(#[from] UnknownModel),
    /// The model cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Model(#[from] ModelFileError),
    /// The weights cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Network(#[from] NetworkError),
    /// The folder has files of two runs.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Mixed(#[from] MixedRun),
}

/// Returns the metrics of each epoch as CSV.
pub fn metrics_csv(epochs: &[Epoch]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for epoch in epochs {
        writer.serialize(epoch).expect("five numbers have a CSV form");
    }
    writer.into_inner().expect("writing to memory does not fail")
}

/// Returns the epochs of a metrics file; `None` if it is none.
pub fn metrics_of(bytes: &[u8]) -> Option<Vec<Epoch>> {
    csv::Reader::from_reader(bytes).deserialize().collect::<Result<_, _>>().ok()
}

/// Returns the name of a reason, as in [`RunSummary::stopped`].
pub fn stopped_name(stopped: Stopped) -> String {
    match stopped {
        Stopped::Finished => "finished",
        Stopped::Patience => "patience",
        Stopped::Interrupted => "interrupted",
        Stopped::Diverged => "diverged",
    }
    .to_owned()
}

/// A quantized model, and the float network it was made from, if that is available.
pub struct Trained {
    /// Path of the model file.
    pub model_path: PathBuf,
    /// The model.
    pub model: ModelFile,
    /// The float network.
    pub network: Option<Network>,
}

/// Opens a run folder, a model file, or a bundled model by its name.
///
/// The float network beside a model file is included if the folder's summary says that the model was made from it.
///
/// # Errors
/// [`RunError::Unknown`], [`RunError::Model`], [`RunError::Network`] if weights exist but cannot be used, and [`RunError::Mixed`] if
/// a folder's model, or the weights, are not those that its summary was written with.
pub fn open(path: &Path) -> Result<Trained, RunError> {
    if let Some(bundled_model) = Bundled::lookup(path)? {
        return Ok(bundled_model.open());
    }
    let model_path = if path.is_dir() { path.join(files::MODEL) } else { path.to_owned() };
    let folder = model_path.parent().unwrap_or(Path::new(""));
    finish(folder);
    let model = ModelFile::read(&model_path)?;
    let (run, checksum) = (summary(folder), model.model().checksum());
    if let Some(run) = run.as_ref().filter(|_| path.is_dir()) {
        parts::check_model(folder, run, checksum)?;
    }
    let made_from_them = run.as_ref().is_some_and(|run| run.model_checksum == checksum);
    let has_network = made_from_them && folder.join(files::WEIGHTS).exists();
    let network = has_network.then(|| parts::network(folder, run.as_ref())).transpose()?;
    Ok(Trained { model_path, model, network })
}

/// Completes a run folder whose files a killed process had begun to replace. Call it before reading the folder. What cannot be
/// written (a disk that is read-only) stays as it is.
pub fn finish(folder: &Path) {
    let _ = finish_files(folder);
}

/// Returns the bytes of a run folder's summary.
///
/// # Panics
/// Never: all fields have JSON forms.
pub fn summary_bytes(summary: &RunSummary) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(summary).expect("a summary's fields all have JSON forms");
    text.push(b'\n');
    text
}

/// Removes the checkpoint of a training that has ended, if there is one.
///
/// # Errors
/// [`WriteError::Write`] with the path.
pub fn remove_checkpoint(folder: &Path) -> Result<(), WriteError> {
    artifacts::remove(folder.join(files::CHECKPOINT))
}

/// Reads the summary of the run that a model is of: its folder, or a file in it; `None` if it is not of a run.
pub fn summary_of(model: &Path) -> Option<RunSummary> {
    summary(if model.is_file() { model.parent()? } else { model })
}

/// Reads the summary of a run folder; `None` if there is none or it cannot be read.
pub fn summary(folder: &Path) -> Option<RunSummary> {
    artifacts::read_json(&folder.join(files::SUMMARY))
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
            choice: None,
            from: None,
            frozen: false,
            seed: 1,
            accelerator: Accelerator::Cpu,
            board: None,
            photos: path.clone(),
            validation: Some(path),
            class_from: None,
            no_duplicate_search: false,
            training_photos: 2,
            validation_photos: 2,
            enlarged_photos: 0,
            epochs: 1,
            stopped: stopped_name(Stopped::Finished),
            best_epoch: 1,
            validation_loss: 0.5,
            validation_accuracy: 0.5,
            model_checksum: 1,
            parts: PartDigests::default(),
            quantization: None,
            command: None,
            verdict: None,
            test: None,
            doubted_training: None,
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(files::SUMMARY), summary_bytes(&summary)).unwrap();
        let read = self::summary(folder.path()).unwrap();
        assert_eq!(read.photos, Path::new("p\u{FFFD}"));
        assert_eq!(read.validation, Some(read.photos));
    }
}
