//! Test photos, which neither trained the network nor chose its epoch: scores by class, and mistakes.

use maud::{Markup, html};
use pinhole_core::photos::Dataset;

use super::classes;
use super::mistakes::{self, Shown};
use super::thumbnail::Thumbnails;
use crate::evaluate::Evaluation;
use crate::verdict::NetworkVerdict;

/// The section's anchor.
pub(super) const ANCHOR: &str = "test";

/// A model's results on test photos.
#[derive(Clone, Copy, Debug)]
pub struct TestedPhotos<'a> {
    /// The photos.
    pub photos: &'a Dataset,
    /// Results of both networks on them.
    pub evaluation: &'a Evaluation,
    /// Verdict by them.
    pub verdict: &'a NetworkVerdict,
}

pub(super) fn section(tested: &TestedPhotos<'_>, shown: &Shown<'_>, thumbnails: &Thumbnails<'_>) -> Markup {
    html! {
        h2 id=(ANCHOR) { "Test photos" }
        (classes::scores(&tested.verdict.classes, "test photos"))
        (mistakes::galleries(shown, "test photo", thumbnails))
    }
}
