//! Errors of quantizing a network.

use std::path::PathBuf;

use miette::Diagnostic;
use pinhole_core::artifacts::WriteError;
use pinhole_core::photos::PhotoError;
use pinhole_core::recipe::RecipeError;
use pinhole_lab::threshold::ThresholdError;
use pinhole_shared::policy::PolicyError;
use pinhole_train::NetworkError;
use pinhole_train::finetune::FineTuneError;
use pinhole_train::quantize::QuantizeError;
use pinhole_train::runs::bundled::UnknownModel;
use pinhole_train::runs::{JobError, RunError};
use thiserror::Error;

/// Advice on choosing the least probability.
const OTHER_PHOTOS: &str = "with --validation give labeled photos that the network was not trained on, or set the least \
                            probability yourself with --min-confidence";

/// Error of quantizing a network. Existing files stay unchanged, except in one case: if a run's report cannot be
/// rewritten, its model is already new.
#[derive(Debug, Error, Diagnostic)]
pub enum QuantizationError {
    /// The bundled model has no float weights.
    #[error("the bundled model {} has no float weights, from which quantization starts", model.display())]
    #[diagnostic(help("give a run folder of `pinhole train`, or another bundled model: `pinhole models`"))]
    NoWeights {
        /// Name of the model.
        model: PathBuf,
    },
    /// The file is a quantized model.
    #[error("{} is a quantized model without float weights, from which quantization starts", model.display())]
    #[diagnostic(help("give the run folder that it was made in, or the weights.safetensors there"))]
    IsQuantized {
        /// The file.
        model: PathBuf,
    },
    /// A bundled model was given, and no file to write.
    #[error("{} is a bundled model, which cannot be overwritten", model.display())]
    #[diagnostic(help("give the file to write with --out"))]
    NoPlace {
        /// Name of the model.
        model: PathBuf,
    },
    /// The network cannot have weights of these widths.
    #[error("--weights {} is not valid for a network of {layers} layers with weights", listed(bits))]
    #[diagnostic(help("give 8, 7 or 4 for all layers, or {layers} of them separated by commas, one per layer"))]
    Weights {
        /// The widths.
        bits: Vec<u8>,
        /// Number of layers that have weights.
        layers: usize,
    },
    /// An error rate was given, but no photos to choose the least probability on.
    #[error(
        "--error-rate needs --validation: the network is surer of the photos that it was trained on than of others, so \
         a threshold chosen on those would let too many errors through"
    )]
    #[diagnostic(help("{OTHER_PHOTOS}"))]
    NoValidation,
    /// The validation photos are the training photos.
    #[error("--validation {} is the folder of photos that the network was trained on", folder.display())]
    #[diagnostic(help("{OTHER_PHOTOS}"))]
    TrainedOn {
        /// Folder of the photos.
        folder: PathBuf,
    },
    /// The policy is not valid.
    #[error("{0}")]
    Policy(PolicyError),
    /// No model has this name.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unknown(#[from] UnknownModel),
    /// The network cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Network(#[from] NetworkError),
    /// The run folder has files of two runs, or its weights cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Run(#[from] RunError),
    /// The network's recipe cannot have such weights.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recipe(#[from] RecipeError),
    /// Photos cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Photos(#[from] PhotoError),
    /// Quantization failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Quantize(#[from] QuantizeError),
    /// Fine-tuning failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    FineTune(#[from] FineTuneError),
    /// No threshold can be chosen for the error rate.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Threshold(#[from] ThresholdError),
    /// The model or the run's summary cannot be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Write(#[from] WriteError),
    /// The run's report cannot be rewritten.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Report(#[from] JobError),
    /// Error of candle.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

fn listed(bits: &[u8]) -> String {
    bits.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
}
