//! What a training leaves behind, and writing files so that nothing is ever half there.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_shared::model::MAGIC;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::model_file::{ModelFile, ModelFileError};
use crate::quantize::ActivationBits;
use crate::recipe::Recipe;
use crate::shipped::{Shipped, UnknownModel};
use crate::train::{Accelerator, Epoch, LastLayer, Network, NetworkError, Stopped};

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
    pub const SUMMARY: &str = "run.json";
    /// Where a training that has not ended is: [`crate::train::Checkpoint`]. Gone when it has.
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
    /// Writing failed.
    #[error("{} cannot be written: {reason}", path.display())]
    #[diagnostic(help("{}", help_for_writing(path, reason)))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A folder was to be where a file is.
    #[error("{} cannot be a folder: {} is a file", path.display(), file.display())]
    #[diagnostic(help("give another --out; the file is kept"))]
    FileInTheWay {
        /// The folder.
        path: PathBuf,
        /// The file: the same, or above it.
        file: PathBuf,
    },
    /// A model was to be written over something that is none.
    #[error("{} is there and is no model; it is kept", path.display())]
    #[diagnostic(help("give another --out"))]
    NoModel {
        /// The file.
        path: PathBuf,
    },
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

fn help_for_writing(path: &Path, reason: &std::io::Error) -> String {
    let folder = folder_of(path);
    if reason.kind() == std::io::ErrorKind::NotFound && !folder.exists() {
        return format!("create the folder {} first, or give another --out; nothing was written", folder.display());
    }
    "check that the folder can be written to and the disk has room; nothing was half-written".to_owned()
}

/// A temporary file in a folder. Its errors, unlike those of the `tempfile` crate's own files, do not name it: that file means
/// nothing to anyone.
fn temporary_in(folder: &Path) -> std::io::Result<NamedTempFile<File>> {
    tempfile::Builder::new().make_in(folder, |path| File::create_new(path))
}

/// Writes a file whole or not at all: to a temporary file beside it, which then takes its name.
///
/// # Errors
/// [`RunError::Write`] with the path.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    let wrong = |reason| RunError::Write { path: path.to_owned(), reason };
    if is_special(path) {
        return std::fs::write(path, bytes).map_err(wrong);
    }
    let mut file = temporary_in(folder_of(path)).map_err(wrong)?;
    file.as_file_mut().write_all(bytes).map_err(wrong)?;
    file.as_file().sync_all().map_err(wrong)?;
    file.persist(path).map_err(|error| wrong(error.error))?;
    Ok(())
}

/// [`write_file`] for a model: over another model or over nothing, but never over weights, photos or anything else.
///
/// # Errors
/// [`RunError::NoModel`] or [`RunError::Write`], with the path.
pub fn write_model(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    check_model_place(path)?;
    write_file(path, bytes)
}

/// Whether [`write_model`] may and can write there: to be asked before long work whose result is a model.
///
/// # Errors
/// Those of [`write_model`].
pub fn check_model_place(path: &Path) -> Result<(), RunError> {
    if path.is_file() {
        let there = std::fs::read(path).unwrap_or_default();
        if !there.is_empty() && !there.starts_with(&MAGIC) {
            return Err(RunError::NoModel { path: path.to_owned() });
        }
    }
    check_place(path)
}

/// Whether a file may be written there: to be asked before long work whose result it is.
///
/// # Errors
/// [`RunError::Write`] with the path.
pub fn check_place(path: &Path) -> Result<(), RunError> {
    if is_special(path) {
        return Ok(());
    }
    temporary_in(folder_of(path)).map(drop).map_err(|reason| RunError::Write { path: path.to_owned(), reason })
}

/// Whether a folder may be created there, as far as that is known without doing it.
///
/// # Errors
/// [`RunError::FileInTheWay`].
pub fn check_folder_place(path: &Path) -> Result<(), RunError> {
    match path.ancestors().find(|above| above.is_file()) {
        Some(file) => Err(RunError::FileInTheWay { path: path.to_owned(), file: file.to_owned() }),
        None => Ok(()),
    }
}

/// Whether a path is a device or a pipe (`--out /dev/null`), which is written to: a file renamed over it would take its place.
fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir())
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a folder, and its parents, if it is not there, and makes sure that files can be written into it.
///
/// # Errors
/// [`RunError::FileInTheWay`] or [`RunError::Write`], with the path.
pub fn create_folder(path: &Path) -> Result<(), RunError> {
    check_folder_place(path)?;
    let wrong = |reason| RunError::Write { path: path.to_owned(), reason };
    std::fs::create_dir_all(path).map_err(wrong)?;
    temporary_in(path).map(drop).map_err(wrong)
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
    if let Some(shipped) = Shipped::lookup(path)? {
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
/// [`RunError::Write`] with the path.
pub fn write_summary(folder: &Path, summary: &RunSummary) -> Result<(), RunError> {
    let text = serde_json::to_string_pretty(summary).expect("a summary's fields all have JSON forms");
    write_file(&folder.join(files::SUMMARY), format!("{text}\n").as_bytes())
}

/// Removes a run folder's summary, if there is one: what is in the folder then counts as no run.
///
/// # Errors
/// [`RunError::Write`] with the path.
pub fn remove_summary(folder: &Path) -> Result<(), RunError> {
    remove(folder.join(files::SUMMARY))
}

/// Removes the checkpoint of a training that has ended, if there is one.
///
/// # Errors
/// [`RunError::Write`] with the path.
pub fn remove_checkpoint(folder: &Path) -> Result<(), RunError> {
    remove(folder.join(files::CHECKPOINT))
}

fn remove(path: PathBuf) -> Result<(), RunError> {
    match std::fs::remove_file(&path) {
        Err(reason) if reason.kind() != std::io::ErrorKind::NotFound => Err(RunError::Write { path, reason }),
        _ => Ok(()),
    }
}

/// Whether a folder is a run folder, of this version or another: its summary names a version of Pinhole.
pub fn is_run(folder: &Path) -> bool {
    let text = std::fs::read(folder.join(files::SUMMARY)).unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(&text).is_ok_and(|summary| summary["pinhole"].is_string())
}

/// The summary of a run folder, if it is one.
pub fn summary(folder: &Path) -> Option<RunSummary> {
    serde_json::from_slice(&std::fs::read(folder.join(files::SUMMARY)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_whole_and_failures_leave_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_file(&path, b"one").unwrap();
        write_file(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
        let missing = folder.path().join("no/such/folder/a.txt");
        let complaint = write_file(&missing, b"x").unwrap_err().to_string();
        let expected = format!("{} cannot be written: ", missing.display());
        // Nothing of the temporary file; the folder of this test is one, too.
        let reason = complaint.strip_prefix(&expected).unwrap_or_else(|| panic!("{complaint}"));
        assert!(reason.contains("os error 2") && !reason.contains(".tmp"), "{complaint}");
    }

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
