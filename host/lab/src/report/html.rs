//! The page of a training's report.

use maud::{Markup, html};
use pinhole_train::{Epoch, learning_rates};
use plotters::chart::SeriesLabelPosition;

use super::curves::{Figure, cut, rate, robust_top, svg};
use super::markup::{self, percent};
use super::mistakes::Shown;
use super::thumbnail::Thumbnails;
use super::{
    OVERFITTING, PAGE_SIZE, RunReport, augmentation, boards, classes, coverage, data, explained, headline, made,
    mistakes, reliability, test_photos,
};

pub(super) fn page(report: &RunReport<'_>) -> Markup {
    let classes = &report.evaluation.classes;
    let shown = Shown::of(report.validation, report.evaluation);
    let tested = report.test.as_ref().map(|test| (test, Shown::of(test.photos, test.evaluation)));
    let test_paths = tested.iter().flat_map(|(_, shown)| shown.paths());
    // Each photo is read once, in whatever sections it is.
    let thumbnails = Thumbnails::of(data::shown(report).into_iter().chain(shown.paths()).chain(test_paths));
    let body = html! {
        (headline::section(report))
        (data::section(report, &thumbnails))
        (curves(report))
        (classes::section(report))
        h2 #certainty { "Certainty" }
        (reliability::figure(report))
        (coverage::section(report.validation, report.evaluation))
        (mistakes::section(&shown, &thumbnails))
        @if let Some((test, shown)) = &tested { (test_photos::section(test, shown, &thumbnails)) }
        (explained::section(classes, report.explained, report.validation.examples.len()))
        (explained::first_layer(report.network, classes, report.validation.input))
        (augmentation::section(report))
        (boards::section(report.boards))
        (made::section(report))
        footer { "Pinhole " (report.run.pinhole) ". This page is one file of " (PAGE_SIZE) ", which needs no other and no network." }
    };
    markup::page(&format!("Pinhole: {}, seed {}", report.run.recipe, report.run.seed), &body)
}

fn curves(report: &RunReport<'_>) -> Markup {
    let best = report.run.best_epoch;
    let guess = (report.evaluation.classes.len() as f64).ln();
    let larger = |epoch: &Epoch| epoch.training_loss.max(epoch.validation_loss);
    let rises =
        report.epochs.first().zip(report.epochs.last()).is_some_and(|(first, last)| larger(last) > larger(first));
    let losses = report.epochs.iter().flat_map(|epoch| [epoch.training_loss, epoch.validation_loss]);
    let top = robust_top(losses, guess);
    let cut = cut(report.epochs, top);
    let stays_high = report.epochs.last().is_some_and(|last| larger(last) > 0.6 * top);
    let loss = Figure {
        y_title: "cross-entropy, nats",
        training: |epoch| epoch.training_loss,
        validation: |epoch| epoch.validation_loss,
        top,
        reference: Some((guess, "a guess")),
        best,
        // Losses fall, so the upper corner is free, except when a trained network is continued, or hardly anything is learned.
        legend: if rises {
            SeriesLabelPosition::MiddleRight
        } else if stays_high {
            SeriesLabelPosition::LowerLeft
        } else {
            SeriesLabelPosition::UpperRight
        },
    };
    let accuracy = Figure {
        y_title: "accuracy",
        training: |epoch| epoch.training_accuracy,
        validation: |epoch| epoch.validation_accuracy,
        top: 1.02,
        reference: Some((report.verdict.guess.accuracy, "a constant answer")),
        best,
        legend: SeriesLabelPosition::LowerRight,
    };
    let (rates, rate_reading) = rates(report);
    html! {
        h2 #curves { "Curves" }
        div.charts {
            figure.chart {
                (svg(report.epochs, &loss))
                figcaption {
                    (loss_reading(report))
                    @if cut > 0 { " Triangles: " (cut) " of the epochs are above the axis." }
                }
            }
            figure.chart {
                (svg(report.epochs, &accuracy))
                figcaption { (accuracy_reading(report)) }
            }
            @if let Some(rates) = &rates {
                figure.chart {
                    (rate(report.epochs, rates))
                    figcaption { (rate_reading) }
                }
            }
        }
        @if rates.is_none() { p.note { (rate_reading) } }
    }
}

/// Returns the learning rates by epoch, unless they are all the same, and a description.
fn rates(report: &RunReport<'_>) -> (Option<Vec<f64>>, String) {
    let settings = report.settings;
    let photos = report.run.training_photos * (1 + settings.copies.len());
    let rates = learning_rates(settings, photos, report.run.epochs);
    let first = rates.first().copied().unwrap_or_default();
    if rates.iter().all(|rate| *rate == first) {
        return (None, format!("The learning rate was {} in every epoch.", first as f32));
    }
    let text =
        format!("Learning rate of each epoch's first update, by the recipe's schedule of {} epochs.", settings.epochs);
    (Some(rates), text)
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
