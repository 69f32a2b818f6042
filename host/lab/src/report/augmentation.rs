//! Samples of the augmentation: training photos as the network was shown them.

use maud::{Markup, html};
use pinhole_core::photos::{Example, thinned};
use pinhole_train::augmented;

use super::RunReport;
use super::markup::file_name;
use super::pictures::input;

/// Most photos shown.
const PHOTOS: usize = 4;
/// Variations of each.
const VARIATIONS: usize = 6;

pub(super) fn section(report: &RunReport<'_>) -> Markup {
    let settings = &report.settings.augment;
    let photos = report.training;
    let first = |class: usize| photos.examples.iter().find(|example| usize::from(example.class) == class);
    let shown: Vec<&Example> = thinned((0..photos.classes.len()).filter_map(first).collect(), Some(PHOTOS));
    html! {
        @if !settings.is_none() {
            h2 { "Augmentation" }
            p { "Training photos as the network sees them, and variations such as each epoch has new ones of." }
            div.sheet {
                @for (number, example) in (0..).zip(shown) {
                    @let name = file_name(&example.path);
                    div.strip.inputs {
                        img.first src=(input(&example.pixels, photos.input.size())) alt=(name) loading="lazy";
                        @for varied in augmented(settings, &example.pixels, photos.input, report.run.seed + number, VARIATIONS) {
                            img src=(input(&varied, photos.input.size())) alt={ (name) ", varied" } loading="lazy";
                        }
                    }
                }
            }
        }
    }
}
