//! Photos that were decided wrongly, the surest first, and the least sure of the others: the photo beside what the network sees
//! of it.

use std::path::Path;

use maud::{Markup, html};
use pinhole_core::photos::{Dataset, Example};
use pinhole_shared::decision::Decision;

use super::markup::{counted, file_name, percent};
use super::pictures;
use super::thumbnail::Thumbnails;
use crate::evaluate::Evaluation;

/// Most mistakes shown.
const MISTAKES: usize = 48;
/// Most right decisions shown.
const LEAST_SURE: usize = 12;

/// A photo and the integer network's decision.
type Decided<'a> = (&'a Example, Decision);

/// Photos and their decisions.
pub(super) struct Shown<'a> {
    photos: &'a Dataset,
    /// The integer network's name.
    network: String,
    /// Wrong decisions, the surest first.
    wrong: Vec<Decided<'a>>,
    /// Right decisions, the least sure first.
    right: Vec<Decided<'a>>,
}

impl<'a> Shown<'a> {
    /// Sorts evaluated photos.
    pub(super) fn of(photos: &'a Dataset, evaluation: &Evaluation) -> Self {
        let all = photos.examples.iter().zip(&evaluation.results);
        let all = all.map(|(example, result)| (example, result.int8));
        let (mut right, mut wrong): (Vec<_>, Vec<_>) =
            all.partition(|(example, decided)| example.class == decided.class);
        // Stable: of equal ones, the first photo.
        wrong.sort_by_key(|(_, decided)| std::cmp::Reverse(decided.probability));
        right.sort_by_key(|(_, decided)| decided.probability);
        Self { photos, network: evaluation.integer_name(), wrong, right }
    }

    /// Returns the photos that have pictures.
    pub(super) fn paths(&self) -> impl Iterator<Item = &'a Path> {
        let shown = self.wrong.iter().take(MISTAKES).chain(self.right.iter().take(LEAST_SURE));
        shown.map(|(example, _)| example.path.as_path())
    }
}

pub(super) fn section(shown: &Shown<'_>, thumbnails: &Thumbnails<'_>) -> Markup {
    html! {
        h2 #mistakes { "Mistakes" }
        (galleries(shown, "validation photo", thumbnails))
    }
}

/// Shows the photos: `kind` says which they are.
pub(super) fn galleries(shown: &Shown<'_>, kind: &str, thumbnails: &Thumbnails<'_>) -> Markup {
    let Shown { photos, network, wrong, right } = shown;
    html! {
        p {
            (counted(wrong.len(), "mistake")) " of the " (network) " network on " (counted(photos.examples.len(), kind))
            @if wrong.len() > MISTAKES { "; the " (MISTAKES) " surest are shown, the surest of all first" }
            @else if !wrong.is_empty() { ", the surest first" }
            @if !wrong.is_empty() { ". Beside each photo is what the network sees of it" }
            "."
        }
        div.gallery.pairs {
            @for one in wrong.iter().take(MISTAKES) { (card(photos, one, thumbnails)) }
        }
        @if !right.is_empty() {
            h3 { "Right, but least sure" }
            div.gallery.pairs {
                @for one in right.iter().take(LEAST_SURE) { (card(photos, one, thumbnails)) }
            }
        }
    }
}

fn card(photos: &Dataset, &(example, decision): &Decided<'_>, thumbnails: &Thumbnails<'_>) -> Markup {
    let name = |class: u16| &photos.classes[usize::from(class)];
    let is_right = example.class == decision.class;
    let file = file_name(&example.path);
    html! {
        figure class=(if is_right { "right" } else { "wrong" }) {
            div.pair {
                @if let Some(picture) = thumbnails.get(&example.path) {
                    img.photo src=(picture) alt=(file) loading="lazy";
                }
                img src=(pictures::input(&example.pixels, photos.input.size()))
                    alt={ (file) ", as the network sees it" } loading="lazy";
            }
            figcaption {
                b { (name(decision.class)) } " " (percent(decision.probability.to_f64()))
                @if !is_right { br; "labeled " b { (name(example.class)) } }
                br;
                small { (file) }
            }
        }
    }
}
