//! The page of a training's report.

use std::path::Path;

use pinhole_train::runs::ContinuedFrom;
use pinhole_train::{Epoch, LastLayer};
use plotters::chart::SeriesLabelPosition;

use super::curves::{Figure, svg};
use super::markup::{self, escape, file_name, percent, put};
use super::{OVERFITTING, Report, coverage, explained, pictures};

pub(super) fn page(report: &Report<'_>) -> String {
    let mut body = String::new();
    headline(&mut body, report);
    curves(&mut body, report);
    confusion(&mut body, report);
    coverage::section(&mut body, report.validation, report.evaluation);
    gallery(&mut body, report);
    explained::section(&mut body, &report.evaluation.classes, report.explained, report.validation.examples.len());
    explained::first_layer(&mut body, report.network, &report.evaluation.classes, report.validation.input);
    quantization(&mut body, report);
    near_duplicates(&mut body, report);
    left_out(&mut body, report);
    recipe(&mut body, report);
    markup::page(&format!("Pinhole: {}, seed {}", report.run.recipe, report.run.seed), &body)
}

fn headline(body: &mut String, report: &Report<'_>) {
    let run = report.run;
    let evaluation = report.evaluation;
    put!(body, "<h1>{} <small>seed {}</small></h1>", escape(&run.recipe), run.seed);
    put!(
        body,
        "<p>{} training and {} validation photos of {}; {} epochs ({}). Kept: epoch {}, the one with the least \
         validation loss.</p>",
        run.training_photos,
        run.validation_photos,
        escape(&evaluation.classes.join(", ")),
        run.epochs,
        escape(&run.stopped),
        run.best_epoch
    );
    if let Some(from) = &run.from {
        put!(body, "<p>{}</p>", continued(from, run.frozen));
    }
    put!(body, "<dl class=\"numbers\">");
    let mut number = |name: &str, value: String| {
        put!(body, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    };
    if let Some(float) = &evaluation.float {
        number("float accuracy", percent(float.accuracy));
        number("float loss", format!("{:.4}", float.loss));
    }
    let integer = evaluation.integer_name();
    number(&format!("{integer} accuracy"), percent(evaluation.int8.accuracy));
    number(&format!("{integer} loss"), format!("{:.4}", evaluation.int8.loss));
    number("model file", format!("{} bytes", report.model_bytes));
    number("checksum", format!("{:08x}", run.model_checksum));
    put!(body, "</dl>");
}

fn continued(from: &ContinuedFrom, frozen: bool) -> String {
    let path = escape(&from.path.display().to_string());
    let weights = if from.dequantized { "the int8 weights of " } else { "" };
    let last_layer = match from.last_layer {
        LastLayer::Kept => "same classes, so the last layer was kept; epoch 0 is that network",
        LastLayer::Replaced => "other classes, so the last layer started anew",
    };
    let frozen = if frozen { "; only the last layer was trained" } else { "" };
    format!("Continued from {weights}{path} (checksum {:08x}): {last_layer}{frozen}.", from.checksum)
}

fn curves(body: &mut String, report: &Report<'_>) {
    put!(body, "<h2>Curves</h2>");
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
    for (figure, reading) in [(loss, loss_reading(report)), (accuracy, accuracy_reading(report))] {
        put!(
            body,
            "<figure class=\"chart\">{}<figcaption>{reading}</figcaption></figure>",
            svg(report.epochs, &figure)
        );
    }
}

fn loss_reading(report: &Report<'_>) -> String {
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

fn accuracy_reading(report: &Report<'_>) -> String {
    let photos = report.run.validation_photos;
    let accuracy = report.run.validation_accuracy;
    let right = (accuracy * photos as f64).round() as usize;
    format!(
        "At epoch {} the float network is right on {right} of {photos} validation photos; one photo is {}.",
        report.run.best_epoch,
        percent(1.0 / photos as f64)
    )
}

fn confusion(body: &mut String, report: &Report<'_>) {
    let evaluation = report.evaluation;
    put!(body, "<h2>Confusion matrix</h2>");
    put!(
        body,
        "<p>Validation photos by class (rows) and decision of the {} network (columns).</p>",
        evaluation.integer_name()
    );
    put!(body, "<div class=\"scroll\"><table class=\"confusion\"><tr><th></th>");
    for class in &evaluation.classes {
        put!(body, "<th scope=\"col\">{}</th>", escape(class));
    }
    put!(body, "</tr>");
    for (row, (class, counts)) in evaluation.classes.iter().zip(&evaluation.int8.confusion).enumerate() {
        put!(body, "<tr><th scope=\"row\">{}</th>", escape(class));
        for (column, count) in counts.iter().enumerate() {
            let kind = match (row == column, *count) {
                (true, _) => "right",
                (false, 0) => "none",
                (false, _) => "wrong",
            };
            put!(body, "<td class=\"{kind}\">{count}</td>");
        }
        put!(body, "</tr>");
    }
    put!(body, "</table></div>");
}

/// Most photos in the gallery: each takes a few kilobytes of the page.
const GALLERY_LIMIT: usize = 500;

fn gallery(body: &mut String, report: &Report<'_>) {
    let dataset = report.validation;
    put!(body, "<h2>Validation photos, as the network sees them</h2>");
    let all = dataset.examples.iter().zip(&report.evaluation.results);
    // Mistakes first: readers look for them.
    let (right, wrong): (Vec<_>, Vec<_>) = all.partition(|(example, result)| example.class == result.int8.class);
    let shown = (wrong.len() + right.len()).min(GALLERY_LIMIT);
    put!(
        body,
        "<p>{} wrong, {} right; decided by the {} network, {} shown, mistakes first.</p><div class=\"gallery\">",
        wrong.len(),
        right.len(),
        report.evaluation.integer_name(),
        shown
    );
    for (example, result) in wrong.iter().chain(&right).take(GALLERY_LIMIT) {
        let name = |class: u16| escape(&dataset.classes[usize::from(class)]);
        let (kind, verdict) = if example.class == result.int8.class {
            ("right", String::new())
        } else {
            ("wrong", format!("<br>is {}", name(example.class)))
        };
        let file = file_name(&example.path);
        put!(
            body,
            "<figure class=\"{kind}\"><img src=\"{}\" alt=\"{}\" width=\"100\" height=\"100\"><figcaption>{} \
             {}{verdict}<br><small>{}</small></figcaption></figure>",
            pictures::input(&example.pixels, dataset.input.side),
            escape(&file),
            name(result.int8.class),
            percent(result.int8.probability.to_f64()),
            escape(&file)
        );
    }
    put!(body, "</div>");
}

fn quantization(body: &mut String, report: &Report<'_>) {
    put!(body, "<h2>Quantization</h2>");
    if let Some(agreement) = report.evaluation.agreement {
        put!(
            body,
            "<p>Float and {} network decide the same on {} of the validation photos. Errors below are distances of \
             the integer network's values from the float network's after each layer, in real units.</p>",
            report.evaluation.integer_name(),
            percent(agreement)
        );
    }
    put!(
        body,
        "<div class=\"scroll\"><table><tr><th>layer</th><th>bytes</th><th>mean error</th><th>largest error</th>\
         <th>accumulator bound</th><th>of 32 bits</th></tr>"
    );
    for (index, layer) in report.layers.iter().enumerate() {
        put!(
            body,
            "<tr><td>{index}</td><td>{}</td><td>{:.5}</td><td>{:.5}</td><td>{}</td><td>{}</td></tr>",
            layer.bytes,
            layer.mean_error,
            layer.max_error,
            layer.accumulator_bound,
            percent(f64::from(layer.accumulator_bound) / f64::from(i32::MAX))
        );
    }
    put!(body, "</table></div>");
}

/// Most pairs listed: a hundred copies of one photo make thousands.
const DUPLICATES_LIMIT: usize = 500;

fn near_duplicates(body: &mut String, report: &Report<'_>) {
    // Pairs on both sides first: they make the scores above optimistic.
    let (across, within): (Vec<_>, Vec<_>) = report.duplicates.iter().partition(|pair| pair.across);
    if report.duplicates.is_empty() {
        return;
    }
    put!(body, "<h2>Near-duplicates</h2>");
    if !across.is_empty() {
        put!(
            body,
            "<p>{} pairs of a training and a validation photo show nearly the same picture. Being right on such a \
             validation photo says nothing about photos never seen: remove them from one side.</p>",
            across.len()
        );
    }
    put!(body, "<ul>");
    for pair in across.iter().chain(&within).take(DUPLICATES_LIMIT) {
        let path = |path: &Path| escape(&path.display().to_string());
        put!(
            body,
            "<li>{}{} and {}{}</li>",
            if pair.across { "in training and validation: " } else { "" },
            path(&pair.first),
            path(&pair.second),
            if pair.mirrored { ", mirrored" } else { "" }
        );
    }
    put!(body, "</ul>");
    if report.duplicates.len() > DUPLICATES_LIMIT {
        put!(body, "<p>And {} more pairs.</p>", report.duplicates.len() - DUPLICATES_LIMIT);
    }
}

fn left_out(body: &mut String, report: &Report<'_>) {
    if report.warnings.is_empty() {
        return;
    }
    put!(body, "<h2>Left out</h2><ul>");
    for warning in report.warnings {
        put!(body, "<li>{}: {}</li>", escape(&warning.path.display().to_string()), escape(&warning.reason));
    }
    put!(body, "</ul>");
}

fn recipe(body: &mut String, report: &Report<'_>) {
    put!(body, "<h2>Recipe</h2><pre>{}</pre>", escape(report.recipe));
    put!(body, "<footer>Pinhole {}</footer>", escape(&report.run.pinhole));
}
