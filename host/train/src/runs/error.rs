//! Errors of training a network and writing its run folder.

use miette::Diagnostic;
use pinhole_core::artifacts::WriteError;
use pinhole_core::photos::PhotoError;
use thiserror::Error;

use super::RunError;
use crate::quantize::QuantizeError;
use crate::{AcceleratorError, TrainError, TransferError};

/// Error of a training job.
#[derive(Debug, Error, Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
#[allow(missing_docs, reason = "each variant is the stage it is named after")]
pub enum JobError {
    Photos(#[from] PhotoError),
    Transfer(#[from] TransferError),
    Train(#[from] TrainError),
    Accelerator(#[from] AcceleratorError),
    Quantize(#[from] QuantizeError),
    Write(#[from] WriteError),
    Run(#[from] RunError),
}

impl From<candle_core::Error> for JobError {
    fn from(error: candle_core::Error) -> Self {
        Self::Train(error.into())
    }
}
