//! The report of a study: one page that needs no other file and no network.

mod curves;
mod figure;
mod reading;
mod table;

use maud::{Markup, html};

use super::markup::{self, counted, percent};
use super::reliability::diagram;
use crate::study::results::ComparisonResult;
use crate::study::{Showcase, ShownNetwork, ShownPhoto, StudyPlan, StudyResults, TrialRecords};
use curves::MeanCurves;

/// Returns the page of a whole study.
pub fn study_page(plan: &StudyPlan, records: &TrialRecords, results: &StudyResults, showcase: &Showcase) -> String {
    let curves: Vec<MeanCurves> =
        (0..plan.systems.len()).map(|system| MeanCurves::of(&records.curves_of(system))).collect();
    let body = html! {
        (headline(plan, results))
        (table::systems(results))
        (comparisons(plan, records, results, &curves))
        (reliability(results))
        (gallery(plan, showcase))
        (photos(plan))
        (recipes(plan))
        footer { "Pinhole " (results.pinhole) ". The same photos, systems and seeds give this very page." }
    };
    markup::page("Pinhole: a study", &body).into_string()
}

fn headline(plan: &StudyPlan, results: &StudyResults) -> Markup {
    let runs: usize = results.systems.iter().map(|system| system.runs).sum();
    html! {
        h1 { "A study " small { (plan.classes.join(", ")) } }
        p {
            (counted(results.systems.len(), "system")) ", " (counted(runs, "training")) ". "
            @if results.given_split_photos > 0 {
                "On the given split (" (plan.training_count) " training and " (results.given_split_photos)
                " held-out photos) each was trained with " (counted(results.seeds as usize, "seed")) ". "
            }
            @if results.folds > 0 {
                "In a stratified " (results.folds) "-fold cross-validation over all " (results.photos) " photos, done "
                (counted(results.repeats as usize, "time")) " with other folds each time, every photo is decided by \
                networks that have not seen it; near-duplicates stay in one fold. "
            }
            "Always deciding for the largest class would be right on " (percent(plan.largest_share()))
            " of all photos."
        }
        p.verdict { (reading::verdict(results)) }
    }
}

fn comparisons(plan: &StudyPlan, records: &TrialRecords, results: &StudyResults, curves: &[MeanCurves]) -> Markup {
    let where_from = if results.given_split_photos > 0 { "the given split" } else { "all folds" };
    let svg = |comparison: &ComparisonResult| {
        if comparison.each_run {
            figure::each_run(plan, records, &comparison.systems)
        } else {
            figure::means(plan, curves, &comparison.systems)
        }
    };
    html! {
        h2 { "Comparisons" }
        p {
            "Cross-entropy against epoch, on " (where_from) ": " b { "solid" } " is training (as the batches were \
            trained on: dropout on, copies and variations included, weight penalties not), " b { "dashed" }
            " is validation. A line is the mean over the runs, its band one standard deviation to either side; a dot \
            marks the least mean validation loss. Where every run is drawn, those that did not converge are bold. \
            Decisions are compared by McNemar's exact test as in the table above, corrected by Holm within each \
            comparison."
        }
        @for comparison in &results.comparisons {
            h3 { (comparison.title) }
            p { (comparison.question) }
            @let (sentence, details) = reading::comparison(plan, results, comparison, curves);
            figure.chart {
                (svg(comparison))
                figcaption { (sentence) }
            }
            ul.details {
                @for detail in details { li { (detail) } }
            }
        }
    }
}

fn reliability(results: &StudyResults) -> Markup {
    html! {
        h2 { "Reliability of the probability" }
        figure.chart {
            (diagram(&results.reliability, figure::SIZE))
            figcaption { (reading::reliability(results)) }
        }
    }
}

fn gallery(plan: &StudyPlan, showcase: &Showcase) -> Markup {
    html! {
        h2 { "Held-out photos, as the network sees them" }
        @match &showcase.shown {
            Ok(shown) => {
                p {
                    (showcase.system) ", seed 1, after epoch " (shown.epoch) " (the one with the least validation loss \
                    on these photos), quantized to int8: " (shown.right) " of " (shown.held_out) " right; "
                    (shown.photos.len()) " shown, mistakes first. Beside each photo, " b.for { "orange" } " pixels \
                    support the decision and " b.against { "blue" } " ones speak against it: the change of the decided \
                    class's lead when a gray patch covers them."
                }
                div.gallery.explained {
                    @for one in &shown.photos { (shown_photo(plan, one)) }
                }
                // Only dense first layers have a picture.
                @if shown.neurons > 0 { (first_layer(&showcase.system, shown)) }
            }
            Err(reason) => p { "There is no network of " (showcase.system) " to show: " (reason) "." }
        }
    }
}

fn shown_photo(plan: &StudyPlan, one: &ShownPhoto) -> Markup {
    let photo = &plan.photos[one.photo];
    let class = |class: u16| plan.classes.get(usize::from(class)).map_or("", |name| name);
    let is_right = photo.class == one.decision;
    let file = photo.path.rsplit('/').next().unwrap_or(&photo.path);
    html! {
        figure class=(if is_right { "right" } else { "wrong" }) {
            div.pair {
                img src=(one.input) alt=(file);
                img src=(one.explained) alt={ (file) ", tinted" };
            }
            figcaption {
                (class(one.decision)) " " (percent(one.probability))
                @if !is_right { ", is " (class(photo.class)) }
                br;
                small { (file) }
            }
        }
    }
}

fn first_layer(system: &str, shown: &ShownNetwork) -> Markup {
    html! {
        h2 { "What the first layer looks for" }
        figure.tiles {
            img src=(shown.weights) alt={ "Weights of " (shown.neurons_shown) " neurons" };
            figcaption {
                "A tile is a neuron of " (system) ": light on " b.for { "orange" } " pixels excites it, on "
                b.against { "blue" } " ones inhibits it; " (shown.neurons_shown) " of " (shown.neurons) " neurons, those \
                the next layer listens to most first. Tiles that look like noise have hardly moved from their random \
                start."
            }
        }
    }
}

/// Most near-duplicates, and most left-out files, named on the page; a large set may have thousands.
const NAMED_PHOTOS: usize = 100;

fn photos(plan: &StudyPlan) -> Markup {
    let counts = plan.classes.iter().enumerate().map(|(class, name)| {
        let count = plan.photos.iter().filter(|photo| usize::from(photo.class) == class).count();
        format!("{count} of {name}")
    });
    html! {
        h2 { "Photos" }
        p { (plan.photos.len()) " photos: " (counts.collect::<Vec<_>>().join(", ")) "." }
        @if plan.duplicates.is_empty() {
            p { "No two are nearly the same (perceptual hash, confirmed on the pixels)." }
        } @else {
            (near_duplicates(plan))
        }
        @if !plan.left_out.is_empty() {
            p { "Left out: " (counted(plan.left_out.len(), "file")) "." }
            ul {
                @for file in plan.left_out.iter().take(NAMED_PHOTOS) { li { (file) } }
                (more(plan.left_out.len(), NAMED_PHOTOS))
            }
        }
    }
}

fn near_duplicates(plan: &StudyPlan) -> Markup {
    // Pairs that make a score optimistic come first.
    let leaks = |&(first, second): &(usize, usize)| {
        plan.given_split && (first < plan.training_count) != (second < plan.training_count)
    };
    let (across, within): (Vec<_>, Vec<_>) = plan.duplicates.iter().copied().partition(leaks);
    let named = NAMED_PHOTOS.max(across.len());
    html! {
        p {
            "Nearly the same (perceptual hash, confirmed on the pixels): " (counted(plan.duplicates.len(), "pair")) "."
        }
        ul {
            @for pair in across.iter().chain(&within).take(named) {
                li {
                    (plan.photos[pair.0].path) " and " (plan.photos[pair.1].path) "."
                    @if leaks(pair) { " " b { "One is trained on, the other held out: its score is flattered." } }
                }
            }
            (more(plan.duplicates.len(), named))
        }
    }
}

/// Returns the list's item that says how many are not shown.
fn more(all: usize, shown: usize) -> Markup {
    html! {
        @if all > shown { li { "and " (all - shown) " more" } }
    }
}

fn recipes(plan: &StudyPlan) -> Markup {
    html! {
        h2 { "Recipes" }
        @for system in &plan.systems {
            details {
                summary { (system.name) }
                @if let Some(from) = &system.from {
                    p { "Training continues from the trained network " (from.name) ", checksum " (format_args!("{:08x}", from.checksum)) "." }
                }
                pre { (system.recipe) }
            }
        }
    }
}
