//! Reports for people: HTML files that need no other file, for screen, phone or paper.

//!
//! | file | section of a training's report |
//! |---|---|
//! | `html` | the page, and the curves of the training |
//! | `headline` | verdict, warnings, next steps |
//! | `data` | photos: counts, contact sheet, near-duplicates, doubted labels |
//! | `classes` | scores by class, confusion matrix |
//! | `reliability`, `coverage` | how much a probability says, and when to answer "unknown" |
//! | `mistakes`, `test_photos`, `explained` | photos, and the pixels that decided |
//! | `augmentation` | variations of training photos |
//! | `boards` | what the model takes on each board |
//! | `chart` | axes, grid and titles of every chart |
//! | `made` | command, version, seed, digests, recipe, quantization |

mod augmentation;
mod boards;
mod chart;
mod classes;
mod coverage;
mod curves;
mod data;
mod explained;
mod headline;
mod html;
mod made;
mod markup;
mod mistakes;
pub mod pictures;
mod reliability;
mod search;
mod study;
mod test_photos;
mod thumbnail;

use maud::html;
use pinhole_core::photos::{Dataset, DuplicatePhotos, Warning};
use pinhole_core::recipe::TrainingSettings;
use pinhole_train::quantize::LayerError;
use pinhole_train::runs::RunSummary;
use pinhole_train::{Epoch, FloatLayer};

use crate::evaluate::Evaluation;
use crate::verdict::{NetworkVerdict, NextStep};

pub use boards::BoardRow;
pub use explained::{ExplainedPhoto, explanation_page};
pub use search::search_page;
pub use study::study_page;
pub use test_photos::TestedPhotos;

/// Stands for the page's size until that is known: a private character.
const PAGE_SIZE: &str = "\u{f8ff}";

/// Overfitting: the last validation loss exceeds the least one by more than this share of it.
const OVERFITTING: f64 = 0.05;

/// Contents of a report.
pub struct RunReport<'a> {
    /// Summary of the training.
    pub run: &'a RunSummary,
    /// The recipe, TOML.
    pub recipe: &'a str,
    /// Its training settings.
    pub settings: &'a TrainingSettings,
    /// All epochs.
    pub epochs: &'a [Epoch],
    /// The training photos, without copies.
    pub training: &'a Dataset,
    /// The validation photos.
    pub validation: &'a Dataset,
    /// Results of both networks on them.
    pub evaluation: &'a Evaluation,
    /// Verdict on the model.
    pub verdict: &'a NetworkVerdict,
    /// Test photos, their evaluation and the verdict by them, if there are any.
    pub test: Option<TestedPhotos<'a>>,
    /// Steps that follow the training.
    pub next: &'a [NextStep],
    /// Some of the validation photos, explained; mistakes first.
    pub explained: &'a [ExplainedPhoto<'a>],
    /// The float network's layers.
    pub network: &'a [FloatLayer],
    /// Errors of the integer layers against the float ones, on the validation photos.
    pub layers: &'a [LayerError],
    /// Size of the model file, bytes.
    pub model_bytes: usize,
    /// Photos that were left out.
    pub warnings: &'a [Warning],
    /// Pairs of photos that are nearly the same picture.
    pub duplicates: &'a [DuplicatePhotos],
    /// Memory and time of the model on each board.
    pub boards: &'a [BoardRow],
}

/// Adds a note to the top of a report's page: that it describes an earlier model than the one with this checksum. An earlier
/// note is replaced.
pub fn describes_an_earlier_model(page: &str, checksum: u32) -> String {
    const BODY: &str = "<body>";
    const NOTE: &str = "<p class=\"earlier\">";
    let Some((head, body)) = page.split_once(BODY) else { return page.to_owned() };
    // Pages of earlier versions have a line break after the tag, and one after the note.
    let body = body.trim_start();
    let body = body.strip_prefix(NOTE).and_then(|rest| rest.split_once("</p>")).map_or(body, |(_, rest)| rest);
    let note = html! {
        p.earlier {
            strong { "This page describes an earlier model." }
            " The run was quantized again since: its model now has the checksum " (format_args!("{checksum:08x}")) "."
        }
    };
    format!("{head}{BODY}{}{body}", note.into_string())
}

impl RunReport<'_> {
    /// Returns the HTML page.
    pub fn to_html(&self) -> String {
        let page = html::page(self).into_string();
        // Rounded up: no page has 0.0 MB.
        let size = format!("{:.1}\u{a0}MB", page.len().div_ceil(100_000) as f64 / 10.0);
        // It is in the footer, so the last one: names may have the character too.
        match page.rsplit_once(PAGE_SIZE) {
            Some((before, after)) => format!("{before}{size}{after}"),
            None => page,
        }
    }
}

#[cfg(test)]
mod tests;
