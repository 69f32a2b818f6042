//! Scores by class: recall and precision, and the confusion matrix with rates.

use maud::{Markup, html};
use pinhole_core::statistics::Interval;

use super::RunReport;
use super::markup::{percent, percents};
use crate::verdict::ClassVerdict;

/// Most classes with a matrix that has rates in its cells: wider ones have counts only.
const WITH_RATES: usize = 6;
/// Most classes with a matrix.
const WITH_MATRIX: usize = 24;
/// Confusions listed if there are more classes.
const LISTED: usize = 24;

pub(super) fn section(report: &RunReport<'_>) -> Markup {
    let count = report.verdict.classes.len();
    html! {
        h2 #classes { "Classes" }
        (scores(&report.verdict.classes, "validation photos"))
        @if count <= WITH_MATRIX { (matrix(report)) } @else { (largest(report)) }
    }
}

/// Returns the table of scores by class: `kind` says which photos they are of.
pub(super) fn scores(classes: &[ClassVerdict], kind: &str) -> Markup {
    html! {
        table.classes {
            thead { tr { th { "class" } th { "photos" } th { "recall" } th { "precision" } } }
            tbody {
                @for class in classes {
                    tr {
                        th scope="row" { (class.class) }
                        td { (class.photos) }
                        (rate(class.recall, class.recall_interval, class.right, class.photos))
                        (rate(class.precision, class.precision_interval, class.right, class.decided))
                    }
                }
            }
        }
        p.note {
            "Recall: of the " (kind) " of a class, the part that is decided rightly. Precision: of the decisions for a class, \
             the part that is right. Bars are 95 % intervals."
        }
    }
}

fn rate(fraction: Option<f64>, interval: Interval, right: usize, count: usize) -> Markup {
    html! {
        @if let Some(fraction) = fraction {
            td.rate.bad[fraction < 0.5] {
                b { (percent(fraction)) } " " small { (right) " of " (count) }
                div.scale {
                    span.interval style={
                        "left:" (format_args!("{:.2}%", 100.0 * interval.low)) ";width:"
                        (format_args!("{:.2}%", 100.0 * (interval.high - interval.low)))
                    } {}
                    span.at style={ "left:" (format_args!("{:.2}%", 100.0 * fraction)) } {}
                }
                small { (percents(interval)) }
            }
        } @else {
            td.rate.bad { b { "\u{2013}" } " " small { "none" } }
        }
    }
}

fn matrix(report: &RunReport<'_>) -> Markup {
    let (evaluation, count) = (report.evaluation, report.evaluation.classes.len());
    let has_rates = count <= WITH_RATES;
    html! {
        h3 { "Confusion matrix" }
        p {
            "Validation photos by class (rows) and decision of the " (evaluation.integer_name()) " network (columns)"
            @if has_rates { ", with their part of the row" }
            ". The darker a cell, the larger its part of the row."
        }
        div.scroll { table.confusion.dense[!has_rates] {
            thead {
                tr {
                    th {}
                    @for (number, class) in (1..).zip(&evaluation.classes) {
                        th scope="col" title=(class) {
                            @if has_rates { (class) } @else { (number) }
                        }
                    }
                }
            }
            tbody {
                @for (row, (class, counts)) in evaluation.classes.iter().zip(&evaluation.int8.confusion).enumerate() {
                    tr {
                        th scope="row" {
                            @if !has_rates { small { (row + 1) } " " }
                            (class)
                        }
                        @let of_class: usize = counts.iter().sum();
                        @for (column, &count) in counts.iter().enumerate() {
                            (cell(row == column, count, of_class, has_rates))
                        }
                    }
                }
            }
        } }
    }
}

/// Returns a cell: its color says right or wrong, and how strong it is says the part of the row. A zero has no color of its own,
/// except where photos should be.
fn cell(is_right: bool, count: usize, of_class: usize, has_rate: bool) -> Markup {
    let part = count as f64 / of_class.max(1) as f64;
    let kind = match (is_right, count, of_class) {
        (_, 0, 0) | (false, 0, _) => "none",
        (true, 0, _) => "missed",
        (true, ..) => "right",
        (false, ..) => "wrong",
    };
    html! {
        td class=(kind) style={ "--part:" (format_args!("{:.0}%", 8.0 + 62.0 * part)) } {
            (count)
            @if has_rate && of_class > 0 { small { (percent(part)) } }
        }
    }
}

/// Lists the most frequent confusions, where a matrix would be too large to read.
fn largest(report: &RunReport<'_>) -> Markup {
    let classes = &report.evaluation.classes;
    let confusion = report.evaluation.int8.confusion.iter().enumerate();
    let mut all: Vec<(usize, usize, usize)> = confusion
        .flat_map(|(class, row)| row.iter().enumerate().map(move |(decided, &count)| (count, class, decided)))
        .filter(|&(count, class, decided)| count > 0 && class != decided)
        .collect();
    // Stable: of equal counts, the first class.
    all.sort_by_key(|&(count, ..)| std::cmp::Reverse(count));
    html! {
        h3 { "Most frequent confusions" }
        table {
            thead { tr { th { "class" } th { "taken for" } th { "photos" } } }
            tbody {
                @for (count, class, decided) in all.into_iter().take(LISTED) {
                    tr { th scope="row" { (classes[class]) } td { (classes[decided]) } td { (count) } }
                }
            }
        }
    }
}
