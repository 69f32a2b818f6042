//! Reports for people: HTML files that need nothing else, on screen, phone or paper.

mod coverage;
mod curves;
mod explained;
mod html;
mod markup;
pub mod pictures;
mod study;

use pinhole_core::photos::{Dataset, DuplicatePhotos, Warning};
use pinhole_train::quantize::LayerError;
use pinhole_train::runs::RunSummary;
use pinhole_train::{Epoch, FloatLayer};

use crate::evaluate::Evaluation;

pub use explained::{ExplainedPhoto, explanation_page};
pub use study::study_page;

/// Share of the least validation loss by which the last must exceed it to be called overfitting.
const OVERFITTING: f64 = 0.05;

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
    /// Some of the validation photos, explained; mistakes first.
    pub explained: &'a [ExplainedPhoto<'a>],
    /// The float network's layers.
    pub network: &'a [FloatLayer],
    /// The integer layers' distance from the float ones, on the validation photos.
    pub layers: &'a [LayerError],
    /// Bytes of the model file.
    pub model_bytes: usize,
    /// Photos that were left out.
    pub warnings: &'a [Warning],
    /// Photos that are nearly the same picture.
    pub duplicates: &'a [DuplicatePhotos],
}

/// A report's page with a note at its top: that it describes an earlier model than the one with this checksum. A note that
/// was there before is replaced.
pub fn describes_an_earlier_model(page: &str, checksum: u32) -> String {
    const BODY: &str = "<body>\n";
    const NOTE: &str = "<p class=\"earlier\">";
    let Some((head, body)) = page.split_once(BODY) else { return page.to_owned() };
    let body = body.strip_prefix(NOTE).and_then(|rest| rest.split_once("</p>\n")).map_or(body, |(_, rest)| rest);
    format!(
        "{head}{BODY}{NOTE}<strong>This page describes an earlier model.</strong> The run was quantized again since: its model \
         now has the checksum {checksum:08x}.</p>\n{body}"
    )
}

impl Report<'_> {
    /// The HTML page.
    pub fn to_html(&self) -> String {
        html::page(self)
    }
}
