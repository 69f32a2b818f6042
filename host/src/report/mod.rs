//! The report of a training: one HTML file that needs nothing else, on screen, phone or paper.

mod curves;
mod html;

use crate::evaluate::Evaluation;
use crate::photos::{Dataset, DuplicatePhotos, Warning};
use crate::quantize::LayerError;
use crate::run_folder::RunSummary;
use crate::train::Epoch;

/// All a report shows.
pub struct Report<'a> {
    /// What was trained and how it went.
    pub run: &'a RunSummary,
    /// The recipe, TOML.
    pub recipe: &'a str,
    /// All epochs.
    pub epochs: &'a [Epoch],
    /// The validation photos.
    pub validation: &'a Dataset,
    /// What both networks say of them.
    pub evaluation: &'a Evaluation,
    /// The integer layers' distance from the float ones, on the validation photos.
    pub layers: &'a [LayerError],
    /// Bytes of the model file.
    pub model_bytes: usize,
    /// Photos that were left out.
    pub warnings: &'a [Warning],
    /// Photos that are nearly the same picture.
    pub duplicates: &'a [DuplicatePhotos],
}

impl Report<'_> {
    /// The HTML page.
    pub fn to_html(&self) -> String {
        html::page(self)
    }
}
