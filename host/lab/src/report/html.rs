//! The page of a training's report.

use maud::{Markup, html};
use pinhole_core::photos::{Dataset, Example};
use pinhole_shared::decision::Decision;
use pinhole_train::runs::PretrainedSummary;
use pinhole_train::{Epoch, LastLayer};
use plotters::chart::SeriesLabelPosition;

use super::curves::{Figure, svg};
use super::markup::{self, file_name, percent};
use super::{OVERFITTING, RunReport, coverage, explained, pictures};

pub(super) fn page(report: &RunReport<'_>) -> Markup {
    let classes = &report.evaluation.classes;
    let body = html! {
        (headline(report))
        (curves(report))
        (confusion(report))
        (coverage::section(report.validation, report.evaluation))
        (gallery(report))
        (explained::section(classes, report.explained, report.validation.examples.len()))
        (explained::first_layer(report.network, classes, report.validation.input))
        (quantization(report))
        (near_duplicates(report))
        (left_out(report))
        (recipe(report))
    };
    markup::page(&format!("Pinhole: {}, seed {}", report.run.recipe, report.run.seed), &body)
}

fn headline(report: &RunReport<'_>) -> Markup {
    let run = report.run;
    let evaluation = report.evaluation;
    let integer = evaluation.integer_name();
    let number = |name: &str, value: &str| {
        html! {
            div {
                dt { (name) }
                dd { (value) }
            }
        }
    };
    html! {
        h1 { (run.recipe) " " small { "seed " (run.seed) } }
        p {
            (run.training_photos) " training and " (run.validation_photos) " validation photos of "
            (evaluation.classes.join(", ")) "; " (run.epochs) " epochs (" (run.stopped) "). Kept: epoch "
            (run.best_epoch) ", the one with the least validation loss."
        }
        @if run.enlarged_photos > 0 {
            p {
                (run.enlarged_photos) " of these pictures are smaller than the network's input and were enlarged."
            }
        }
        @if let Some(from) = &run.from { p { (pretrained_text(from, run.frozen)) } }
        dl.numbers {
            @if let Some(float) = &evaluation.float {
                (number("float accuracy", &percent(float.accuracy)))
                (number("float loss", &format!("{:.4}", float.loss)))
            }
            (number(&format!("{integer} accuracy"), &percent(evaluation.int8.accuracy)))
            (number(&format!("{integer} loss"), &format!("{:.4}", evaluation.int8.loss)))
            (number("model file", &format!("{} bytes", report.model_bytes)))
            (number("checksum", &format!("{:08x}", run.model_checksum)))
        }
    }
}

fn pretrained_text(from: &PretrainedSummary, frozen: bool) -> String {
    let path = from.path.display();
    let weights = if from.dequantized { "the int8 weights of " } else { "" };
    let last_layer = match from.last_layer {
        LastLayer::Kept => "same classes, so the last layer was kept; epoch 0 is that network",
        LastLayer::Replaced => "other classes, so the last layer started anew",
    };
    let frozen = if frozen { "; only the last layer was trained" } else { "" };
    format!("Continued from {weights}{path} (checksum {:08x}): {last_layer}{frozen}.", from.checksum)
}

fn curves(report: &RunReport<'_>) -> Markup {
    let best = report.run.best_epoch;
    let larger = |epoch: &Epoch| epoch.training_loss.max(epoch.validation_loss);
    let rises =
        report.epochs.first().zip(report.epochs.last()).is_some_and(|(first, last)| larger(last) > larger(first));
    let loss = Figure {
        y_title: "cross-entropy, nats",
        training: |epoch| epoch.training_loss,
        validation: |epoch| epoch.validation_loss,
        top: None,
        best,
        // Losses fall, so the upper corner is free, except when a trained network is continued.
        legend: if rises { SeriesLabelPosition::MiddleRight } else { SeriesLabelPosition::UpperRight },
    };
    let accuracy = Figure {
        y_title: "accuracy",
        training: |epoch| epoch.training_accuracy,
        validation: |epoch| epoch.validation_accuracy,
        top: Some(1.02),
        best,
        legend: SeriesLabelPosition::LowerRight,
    };
    html! {
        h2 { "Curves" }
        @for (figure, reading) in [(loss, loss_reading(report)), (accuracy, accuracy_reading(report))] {
            figure.chart {
                (svg(report.epochs, &figure))
                figcaption { (reading) }
            }
        }
    }
}

fn loss_reading(report: &RunReport<'_>) -> String {
    let (least, at) = (report.run.validation_loss, report.run.best_epoch);
    let last = report.epochs.last().map_or(least, |epoch: &Epoch| epoch.validation_loss);
    let end = report.run.epochs;
    if at == 0 {
        format!("No epoch was better than the network it started from, epoch 0 ({least:.3}): that one was kept.")
    } else if at == end {
        format!("Validation loss was still falling at the last epoch ({least:.3}): more epochs may help.")
    } else if last > least * (1.0 + OVERFITTING) {
        format!(
            "Overfitting: validation loss is least at epoch {at} ({least:.3}) and has risen to {last:.3} by epoch {end}."
        )
    } else {
        format!("Validation loss is least at epoch {at} ({least:.3}) and about the same at epoch {end} ({last:.3}).")
    }
}

fn accuracy_reading(report: &RunReport<'_>) -> String {
    let photos = report.run.validation_photos;
    let accuracy = report.run.validation_accuracy;
    let right = (accuracy * photos as f64).round() as usize;
    format!(
        "At epoch {} the float network is right on {right} of {photos} validation photos; one photo is {}.",
        report.run.best_epoch,
        percent(1.0 / photos as f64)
    )
}

fn confusion(report: &RunReport<'_>) -> Markup {
    let evaluation = report.evaluation;
    let kind = |row: usize, column: usize, count: usize| match (row == column, count) {
        (true, _) => "right",
        (false, 0) => "none",
        (false, _) => "wrong",
    };
    html! {
        h2 { "Confusion matrix" }
        p {
            "Validation photos by class (rows) and decision of the " (evaluation.integer_name()) " network (columns)."
        }
        div.scroll {
            table.confusion {
                tr {
                    th {}
                    @for class in &evaluation.classes { th scope="col" { (class) } }
                }
                @for (row, (class, counts)) in evaluation.classes.iter().zip(&evaluation.int8.confusion).enumerate() {
                    tr {
                        th scope="row" { (class) }
                        @for (column, &count) in counts.iter().enumerate() {
                            td class=(kind(row, column, count)) { (count) }
                        }
                    }
                }
            }
        }
    }
}

/// Most photos in the gallery: each takes a few kilobytes of the page.
const GALLERY_LIMIT: usize = 500;

fn gallery(report: &RunReport<'_>) -> Markup {
    let dataset = report.validation;
    let all = dataset.examples.iter().zip(&report.evaluation.results);
    // Mistakes first: readers look for them.
    let (right, wrong): (Vec<_>, Vec<_>) = all.partition(|(example, result)| example.class == result.int8.class);
    let shown = (wrong.len() + right.len()).min(GALLERY_LIMIT);
    html! {
        h2 { "Validation photos, as the network sees them" }
        p {
            (wrong.len()) " wrong, " (right.len()) " right; decided by the " (report.evaluation.integer_name())
            " network, " (shown) " shown, mistakes first."
        }
        div.gallery {
            @for (example, result) in wrong.iter().chain(&right).take(GALLERY_LIMIT) {
                (photo(dataset, example, result.int8))
            }
        }
    }
}

fn photo(dataset: &Dataset, example: &Example, decision: Decision) -> Markup {
    let name = |class: u16| &dataset.classes[usize::from(class)];
    let is_right = example.class == decision.class;
    let file = file_name(&example.path);
    html! {
        figure class=(if is_right { "right" } else { "wrong" }) {
            img src=(pictures::input(&example.pixels, dataset.input.size())) alt=(file) width="100"
                height=(100 * u32::from(dataset.input.height) / u32::from(dataset.input.width));
            figcaption {
                (name(decision.class)) " " (percent(decision.probability.to_f64()))
                @if !is_right { br; "is " (name(example.class)) }
                br;
                small { (file) }
            }
        }
    }
}

fn quantization(report: &RunReport<'_>) -> Markup {
    html! {
        h2 { "Quantization" }
        @if let Some(agreement) = report.evaluation.agreement {
            p {
                "Float and " (report.evaluation.integer_name()) " network decide the same on " (percent(agreement))
                " of the validation photos. Errors below are distances of the integer network's values from the float \
                 network's after each layer, in real units."
            }
        }
        div.scroll {
            table {
                tr {
                    th { "layer" }
                    th { "bytes" }
                    th { "mean error" }
                    th { "largest error" }
                    th { "accumulator bound" }
                    th { "of 32 bits" }
                }
                @for (index, layer) in report.layers.iter().enumerate() {
                    tr {
                        td { (index) }
                        td { (layer.bytes) }
                        td { (format_args!("{:.5}", layer.mean_error)) }
                        td { (format_args!("{:.5}", layer.max_error)) }
                        td { (layer.accumulator_bound) }
                        td { (percent(f64::from(layer.accumulator_bound) / f64::from(i32::MAX))) }
                    }
                }
            }
        }
    }
}

/// Most pairs listed: a hundred copies of one photo make thousands.
const DUPLICATES_LIMIT: usize = 500;

fn near_duplicates(report: &RunReport<'_>) -> Markup {
    // Pairs on both sides first: they make the scores above optimistic.
    let (across, within): (Vec<_>, Vec<_>) = report.duplicates.iter().partition(|pair| pair.across);
    html! {
        @if !report.duplicates.is_empty() {
            h2 { "Near-duplicates" }
            @if !across.is_empty() {
                p {
                    (across.len()) " pairs of a training and a validation photo show nearly the same picture. Being \
                    right on such a validation photo says nothing about photos never seen: remove them from one side."
                }
            }
            ul {
                @for pair in across.iter().chain(&within).take(DUPLICATES_LIMIT) {
                    li {
                        @if pair.across { "in training and validation: " }
                        (pair.first.display()) " and " (pair.second.display())
                        @if pair.mirrored { ", mirrored" }
                    }
                }
            }
            @if report.duplicates.len() > DUPLICATES_LIMIT {
                p { "And " (report.duplicates.len() - DUPLICATES_LIMIT) " more pairs." }
            }
        }
    }
}

fn left_out(report: &RunReport<'_>) -> Markup {
    html! {
        @if !report.warnings.is_empty() {
            h2 { "Left out" }
            ul {
                @for warning in report.warnings { li { (warning.path.display()) ": " (warning.reason) } }
            }
        }
    }
}

fn recipe(report: &RunReport<'_>) -> Markup {
    html! {
        h2 { "Recipe" }
        pre { (report.recipe) }
        footer { "Pinhole " (report.run.pinhole) }
    }
}
