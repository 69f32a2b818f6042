//! The report of a search: one page that needs no other file and no network.

use maud::{Markup, html};
use plotters::prelude::*;

use super::chart::{Axis, GRID, chart};
use super::markup::{self, counted, percent};
use crate::tune::{FoundNetwork, SearchResult};

const SIZE: (u32, u32) = (760, 380);
/// Colors of networks on the front and of the others, as in a study's figures.
const FRONT: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
const OTHER: RGBColor = RGBColor(0x1f, 0x86, 0xd0);

/// Most near-duplicates, and most left-out files, named on the page.
const NAMED_PHOTOS: usize = 100;

/// Returns the page of a finished search.
pub fn search_page(found: &SearchResult) -> String {
    let body = html! {
        h1 { "A search " small { (found.classes.join(", ")) } }
        p.verdict { (verdict(found)) }
        (limits(found))
        (networks(found))
        (figure(found))
        (rounds(found))
        (photos(found))
        (recipes(found))
        footer { "Pinhole " (env!("CARGO_PKG_VERSION")) ". The same photos and settings give this very page." }
    };
    markup::page("Pinhole: a search", &body).into_string()
}

/// Says which network is the most accurate one, and which is the smallest that cannot be told apart from it.
fn verdict(found: &SearchResult) -> String {
    let Some(best) = found.networks.first() else { return "Every network diverged.".to_owned() };
    let mut text = format!(
        "The most accurate network is {}: {} in the cross-validation (95 % interval {:.2} to {:.2}), {} bytes of flash{}.",
        best.name,
        percent(best.accuracy.mean),
        best.interval.low,
        best.interval.high,
        best.cost.flash_bytes,
        best.cost.time_ms.map(|time| format!(", {time:.1} ms an inference (modeled)")).unwrap_or_default()
    );
    let alike =
        found.networks.iter().skip(1).filter(|network| network.against_best.is_some_and(|paired| !paired.differ()));
    let smaller = alike.filter(|network| network.cost.flash_bytes < best.cost.flash_bytes);
    if let Some(small) = smaller.min_by_key(|network| network.cost.flash_bytes) {
        text += &format!(
            " {} needs {} bytes of flash and cannot be told apart from it on these photos ({}).",
            small.name,
            small.cost.flash_bytes,
            percent(small.accuracy.mean)
        );
    }
    if best.interval.low <= found.largest_share {
        text += " It is not clearly better than always deciding for the largest class: more photos are needed.";
    }
    text
}

fn limits(found: &SearchResult) -> Markup {
    html! {
        p {
            (found.within_budget) " networks of the search fit " (found.budget.to_string()) "; "
            (found.candidates) " were tried, " (found.networks.len()) " are left after the last round. "
            "Always deciding for the largest class would be right on " (percent(found.largest_share)) " of the photos. "
            @if found.budget.board.is_none() { "Costs are those on the board where they are highest. " }
            @if found.budget.board.is_some() { "Times are modeled from the core's timing table, not measured on silicon. " }
        }
    }
}

fn networks(found: &SearchResult) -> Markup {
    let (held_out, times) = (found.held_out > 0, found.networks.iter().any(|one| one.cost.time_ms.is_some()));
    html! {
        h2 { "Networks" }
        div.scroll {
            table.systems {
                thead {
                    tr {
                        th { "network" }
                        th { "cross-validation" }
                        th { "95 % interval" }
                        @if held_out {
                            th { "held out" }
                            th { "95 % interval" }
                        }
                        th { "flash, bytes" }
                        th { "RAM, bytes" }
                        th { "MACs" }
                        @if times { th { "time, ms" } }
                        th { "front" }
                        th { "against the first" }
                    }
                }
                tbody {
                    @for network in &found.networks { (row(network, held_out, times)) }
                }
            }
        }
        p {
            "Mean ± standard deviation over " (counted(found.repeats as usize, "repeat")) " of a " (found.folds)
            "-fold cross-validation on " (found.photos) " photos, after the last epoch; the interval is Wilson's. The search chose \
            by these scores, so they are too high for the first networks. "
            @if held_out { "Held out: " (found.held_out) " photos that the search did not use. " }
            "A network is on the front if no other one of the table is at least as good in accuracy, flash and \
            multiply-accumulates (MACs), and better in one. Verdicts: McNemar's exact test, corrected by Holm; \u{201c}not \
            distinguishable\u{201d} does not mean equal."
        }
    }
}

fn row(network: &FoundNetwork, held_out: bool, times: bool) -> Markup {
    let interval = |low: f64, high: f64| format!("{low:.2}\u{a0}to\u{a0}{high:.2}");
    let spread = |mean: f64, deviation: f64| format!("{mean:.3}\u{a0}±\u{a0}{deviation:.3}");
    html! {
        tr {
            th scope="row" { (network.name) }
            td { (spread(network.accuracy.mean, network.accuracy.deviation)) }
            td { (interval(network.interval.low, network.interval.high)) }
            @if held_out {
                @if let Some(scores) = &network.held_out {
                    td { (spread(scores.accuracy.mean, scores.accuracy.deviation)) }
                    td { (interval(scores.interval.low, scores.interval.high)) }
                } @else {
                    td colspan="2" { "diverged" }
                }
            }
            td { (network.cost.flash_bytes) }
            td { (network.cost.ram_bytes) }
            td { (network.cost.macs) }
            @if times { td { (network.cost.time_ms.map_or_else(|| "not known".to_owned(), |time| format!("{time:.1}"))) } }
            td { @if network.on_front { "yes" } }
            td.verdict {
                @match &network.against_best {
                    None => "the first",
                    Some(paired) if !paired.differ() => "not distinguishable",
                    Some(paired) if paired.only_this > paired.only_other => "better (paired test)",
                    Some(_) => "worse",
                }
            }
        }
    }
}

/// Draws accuracy against flash, with intervals.
fn figure(found: &SearchResult) -> Markup {
    let most = found.networks.iter().map(|network| network.cost.flash_bytes).max().unwrap_or(1) as f64 / 1024.0;
    let lowest = found.networks.iter().fold(found.largest_share, |low, network| low.min(network.interval.low));
    let accuracies = (lowest - 0.03).max(0.0)..1.01;
    let (x, y) = (Axis::new(0.0..most * 1.08, "flash, KiB"), Axis::new(accuracies, "accuracy"));
    let chart = chart(SIZE, x, y, None, |chart| {
        let guess = [(0.0, found.largest_share), (most * 1.08, found.largest_share)];
        chart.draw_series(DashedLineSeries::new(guess, 2, 4, GRID.stroke_width(2)))?;
        for network in &found.networks {
            let x = network.cost.flash_bytes as f64 / 1024.0;
            let color = if network.on_front { FRONT } else { OTHER };
            let interval = [(x, network.interval.low), (x, network.interval.high)];
            chart.draw_series(std::iter::once(PathElement::new(interval, color.stroke_width(2))))?;
            let dot = Circle::new((x, network.accuracy.mean), 5, color.filled());
            chart.draw_series(std::iter::once(dot))?;
        }
        Ok(())
    });
    html! {
        figure.chart {
            (chart)
            figcaption {
                "A dot is a network of the last round, with the 95 % interval of its accuracy; " b.for { "orange" } " ones are on the \
                front. The dotted line is the share of the largest class."
            }
        }
    }
}

fn rounds(found: &SearchResult) -> Markup {
    html! {
        h2 { "Rounds" }
        ul {
            @for (index, &count) in found.rounds.iter().enumerate() {
                li {
                    "Round " (index + 1) ": " (counted(count, "network")) ", each in "
                    (counted(1 << index, "cross-validation")) " of " (found.folds) " folds."
                }
            }
        }
        p { "Each round keeps the better half for the next one. Networks were drawn with seed " (found.seed) "." }
    }
}

fn photos(found: &SearchResult) -> Markup {
    let (left_out, pairs) = (&found.warnings, &found.duplicates);
    html! {
        h2 { "Photos" }
        p {
            (counted(found.photos, "photo")) " to search on"
            @if found.held_out > 0 { ", " (found.held_out) " held out" }
            ". " (counted(pairs.len(), "pair")) " of near-duplicates, " (counted(left_out.len(), "file")) " left out."
        }
        @if !pairs.is_empty() || !left_out.is_empty() {
            ul {
                @for pair in pairs.iter().take(NAMED_PHOTOS) {
                    li {
                        (markup::file_name(&pair.first)) " and " (markup::file_name(&pair.second)) " are nearly the same."
                        @if pair.across { " " b { "One was searched on, the other held out: the score there is too high." } }
                    }
                }
                @for warning in left_out.iter().take(NAMED_PHOTOS) {
                    li { (markup::file_name(&warning.path)) " was left out: " (warning.reason) }
                }
            }
        }
    }
}

fn recipes(found: &SearchResult) -> Markup {
    html! {
        h2 { "Recipes" }
        p { "To train one of them: " code { "pinhole train PHOTOS --recipe FILE" } ", with a file of the folder recipes beside this page." }
        @for network in found.front() {
            details {
                summary { (network.name) }
                pre { (network.recipe) }
            }
        }
    }
}
