//! The table of all systems.

use maud::{Markup, html};
use pinhole_core::statistics::{Interval, Spread};

use super::super::markup::{counted, percent};
use crate::study::StudyResults;
use crate::study::results::{Paired, SystemResult};

pub(super) fn systems(results: &StudyResults) -> Markup {
    let (given_split, cross_validation) = (results.given_split_photos > 0, results.folds > 0);
    html! {
        h2 { "Systems" }
        div {
            table.systems {
                thead {
                    tr {
                        th rowspan="2" { "system" }
                        th rowspan="2" { "weights" }
                        @if given_split {
                            th colspan="3" { "at the least validation loss" }
                            th colspan="2" { "after the last epoch" }
                        }
                        @if cross_validation { th colspan="3" { "cross-validation, after the last epoch" } }
                        th colspan="2" { "against " (results.reference) }
                    }
                    tr {
                        @if given_split {
                            th { "accuracy" }
                            th { "loss" }
                            th { "epoch" }
                            th { "accuracy" }
                            th { "loss" }
                        }
                        @if cross_validation {
                            th { "accuracy" }
                            th { "95 % interval" }
                            th { "calibration error" }
                        }
                        th.wide { "photos only it / only the other gets right" }
                        th { "verdict" }
                    }
                }
                tbody {
                    @for system in &results.systems { (row(results, system)) }
                }
            }
        }
        p { (how_to_read(results)) }
    }
}

fn row(results: &StudyResults, system: &SystemResult) -> Markup {
    let of_seeds = |scores: Spread, digits: usize| spread(scores, digits, results.seeds);
    html! {
        tr {
            th scope="row" { (system.name) (flags(system)) }
            td data-label="weights" { (thousands(system.weights)) }
            @if results.given_split_photos > 0 {
                @if let Some(scores) = &system.given_split {
                    td data-label="best accuracy" { (of_seeds(scores.best_accuracy, 3)) }
                    td data-label="least loss" { (of_seeds(scores.best_loss, 3)) }
                    td data-label="its epoch" { (of_seeds(scores.best_epoch, 0)) }
                    td data-label="last accuracy" { (of_seeds(scores.last_accuracy, 3)) }
                    td data-label="last loss" { (scores.last_loss.map_or_else(|| "diverged".to_owned(), |loss| of_seeds(loss, 3))) }
                } @else {
                    td colspan="5" data-label="given split" { "diverged in every run" }
                }
            }
            @if let Some(scores) = &system.cross_validation {
                @let Interval { low, high } = scores.interval;
                td data-label="cross-validation" { (spread(scores.accuracy, 3, results.repeats)) }
                td data-label="95 % interval" { (format_args!("{low:.2}\u{a0}to\u{a0}{high:.2}")) }
                td data-label="calibration error" { (format_args!("{:.3}", scores.calibration_error)) }
            }
            @if let Some(paired) = &system.against_reference {
                td data-label="only it / other" { (paired.only_this) "\u{a0}/\u{a0}" (paired.only_other) }
                td.verdict data-label="verdict" { (verdict(paired)) }
            } @else {
                td colspan="2" data-label="verdict" { "the reference" }
            }
        }
    }
}

/// Formats a count like `322 k`; the exact number is in the table for spreadsheets.
fn thousands(count: usize) -> String {
    if count < 10_000 { count.to_string() } else { format!("{}\u{a0}k", (count + 500) / 1000) }
}

fn flags(system: &SystemResult) -> Markup {
    let flags =
        [(system.not_converged, "not converged"), (system.collapsed, "spoiled late"), (system.diverged, "diverged")];
    html! {
        @for (count, what) in flags.into_iter().filter(|(count, _)| *count > 0) {
            br;
            small.flag { (count) " of " (counted(system.runs, "run")) " " (what) }
        }
    }
}

/// Returns the result of McNemar's test in words.
pub(super) fn verdict(paired: &Paired) -> String {
    let p = probability(paired.p_corrected);
    match (paired.differ(), paired.only_this > paired.only_other) {
        (false, _) => format!("not distinguishable ({p})"),
        (true, true) => format!("better ({p})"),
        (true, false) => format!("worse ({p})"),
    }
}

fn probability(p: f64) -> String {
    if p < 0.001 { "p\u{a0}<\u{a0}0.001".to_owned() } else { format!("p\u{a0}=\u{a0}{p:.3}") }
}

/// Formats mean and deviation; a single value has no known deviation.
fn spread(spread: Spread, digits: usize, values: u32) -> String {
    let mean = format!("{:.digits$}", spread.mean);
    if values > 1 { format!("{mean}\u{a0}±\u{a0}{:.digits$}", spread.deviation) } else { mean }
}

fn how_to_read(results: &StudyResults) -> String {
    let mut text = "Mean ± standard deviation".to_owned();
    if results.given_split_photos > 0 {
        text += &format!(
            " over {} on {} held-out photos, of which one is {}. The epoch with the least validation loss was \
             chosen by these very photos, so the scores there flatter; nobody chose the last epoch (a recipe's patience \
             is not used)",
            counted(results.seeds as usize, "seed"),
            results.given_split_photos,
            percent(1.0 / results.given_split_photos as f64)
        );
    }
    if results.folds > 0 {
        text += &format!(
            ". Cross-validation: over {}; the interval is Wilson's, from the {} photos there are (repeats and seeds add \
             none)",
            counted(results.repeats as usize, "repeat"),
            results.photos
        );
    }
    if results.systems.iter().any(|system| system.collapsed > 0) {
        text += ". A run is spoiled late when it had learned and yet ends with a training loss above that of a guess, as \
                 Adam can do when gradients have become tiny";
    }
    text + ". Verdicts: McNemar's exact test on photos that more than half of a system's networks decide rightly without \
            having seen them (of an even number of seeds the last has no vote), corrected by Holm for all rows; below 0.05 is called a difference. \u{201c}Not \
            distinguishable\u{201d} does not mean equal: so few photos cannot tell."
}
