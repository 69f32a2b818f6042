//! Errors of searches.

use miette::Diagnostic;
use pinhole_core::recipe::RecipeError;
use pinhole_train::quantize::QuantizeError;
use thiserror::Error;

use super::{Cost, SearchBudget};
use crate::study::StudyError;

/// Error of a search.
#[derive(Debug, Error, Diagnostic)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum TuneError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Study(Box<StudyError>),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Quantize(#[from] QuantizeError),
    #[error("no network of the search fits {budget}")]
    #[diagnostic(help(
        "the smallest needs {} bytes of flash and {} bytes of RAM{}: allow more, or train your own recipe",
        smallest.flash_bytes,
        smallest.ram_bytes,
        smallest.time_ms.map(|time| format!(", and takes {time:.1} ms")).unwrap_or_default()
    ))]
    NothingFits { budget: SearchBudget, smallest: Cost },
}

impl From<StudyError> for TuneError {
    fn from(error: StudyError) -> Self {
        Self::Study(Box::new(error))
    }
}
