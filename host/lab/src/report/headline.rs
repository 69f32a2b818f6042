//! The top of a training's report: the verdict, what to know before trusting it, and what to do next.

use maud::{Markup, html};
use pinhole_core::statistics::Interval;
use pinhole_train::LastLayer;
use pinhole_train::runs::{PretrainedSummary, TestSummary};

use super::markup::{counted, percent, percents};
use super::{RunReport, test_photos};
use crate::verdict::{NetworkVerdict, NextStep};

/// Sections that the page links to at its top: anchor and title.
const SECTIONS: [(&str, &str); 9] = [
    ("data", "Data"),
    ("curves", "Curves"),
    ("classes", "Classes"),
    ("certainty", "Certainty"),
    ("mistakes", "Mistakes"),
    (test_photos::ANCHOR, "Test photos"),
    ("pixels", "Pixels"),
    ("boards", "Boards"),
    ("made", "How it was made"),
];

pub(super) fn section(report: &RunReport<'_>) -> Markup {
    let (run, verdict) = (report.run, report.verdict);
    let (classes, evaluation) = (&report.evaluation.classes, report.evaluation);
    html! {
        p.eyebrow { (run.recipe) ", seed " (run.seed) " \u{b7} " (classes.join(", ")) }
        h1 { (unbroken(&verdict.sentence)) }
        (score(verdict, &evaluation.integer_name()))
        @if !verdict.warnings.is_empty() {
            ul.warnings {
                @for warning in &verdict.warnings { li { (unbroken(&sentence(&warning.to_string()))) } }
            }
        }
        p {
            (counted(run.training_photos, "training photo")) ", " (counted(run.validation_photos, "validation photo")) "; "
            (counted(run.epochs as usize, "epoch")) " (" (run.stopped) "). Kept: epoch " (run.best_epoch)
            ", the one with the least validation loss. The validation photos chose that epoch, so the scores are slightly \
             better than on other photos."
        }
        @if run.enlarged_photos > 0 {
            p {
                (counted(run.enlarged_photos, "picture")) " smaller than the network's input "
                (if run.enlarged_photos == 1 { "was" } else { "were" }) " enlarged."
            }
        }
        @if let Some(test) = &run.test {
            p.test {
                "On test photos, which neither trained it nor chose its epoch: " (test_sentence(test))
                @if test.near_duplicates > 0 {
                    " " (counted(test.near_duplicates, "test photo")) " left out: near-duplicates of training or validation photos."
                }
            }
            @if !test.warnings.is_empty() {
                ul.warnings { @for warning in &test.warnings { li { (unbroken(&sentence(warning))) } } }
            }
        }
        @if let Some(choice) = &run.choice { p { "Chosen automatically: " (choice.sentence) "." } }
        @if let Some(from) = &run.from { p { (pretrained_text(from, run.frozen)) } }
        dl.numbers {
            (number("balanced accuracy", &percent(verdict.balanced_accuracy), Some(verdict.balanced_interval)))
            (number(&format!("{} loss", evaluation.integer_name()), &format!("{:.4}", evaluation.int8.loss), None))
            @if let Some(float) = &evaluation.float {
                (number("float accuracy", &percent(float.accuracy), None))
                (number("float loss", &format!("{:.4}", float.loss), None))
            }
            (number("calibration error", &percent(verdict.calibration.expected_calibration_error), None))
            (number("model file", &format!("{} bytes", report.model_bytes), None))
        }
        (next(report.next))
        nav {
            @for (anchor, title) in SECTIONS {
                @if anchor != test_photos::ANCHOR || report.test.is_some() { a href={ "#" (anchor) } { (title) } }
            }
        }
    }
}

/// Returns the accuracy as a number and on a scale, with its interval and the best constant answer.
fn score(verdict: &NetworkVerdict, integer: &str) -> Markup {
    let kind = match (verdict.better_than_guessing, verdict.warnings.is_empty()) {
        (false, _) => "bad",
        (true, false) => "fair",
        (true, true) => "good",
    };
    let Interval { low, high } = verdict.interval;
    let at = |fraction: f64| format!("left:{:.2}%", 100.0 * fraction);
    html! {
        div class={ "score " (kind) } {
            p {
                strong { (percent(verdict.accuracy)) }
                " " (integer) " accuracy, " (verdict.right) " of " (verdict.photos) " photos"
            }
            div.scale role="img" aria-label={ "95 % interval " (percents(verdict.interval)) } {
                span.interval style={ (at(low)) ";width:" (format_args!("{:.2}%", 100.0 * (high - low))) } {}
                span.guess style=(at(verdict.guess.accuracy)) {}
                span.at style=(at(verdict.accuracy)) {}
            }
            p.legend {
                "Bar: 95 % interval, " (percents(verdict.interval)) ". Dotted line: always answering "
                (verdict.guess.class) ", " (percent(verdict.guess.accuracy)) ". The scale is from 0 to 100 %."
            }
        }
    }
}

fn number(name: &str, value: &str, interval: Option<Interval>) -> Markup {
    html! {
        div {
            dt { (name) }
            dd {
                (value)
                @if let Some(interval) = interval { " " small { (percents(interval)) } }
            }
        }
    }
}

/// Returns the sentence of a test's verdict.
fn test_sentence(test: &TestSummary) -> &str {
    test.verdict.as_ref().and_then(|verdict| verdict["sentence"].as_str()).unwrap_or_default()
}

fn next(steps: &[NextStep]) -> Markup {
    html! {
        @if !steps.is_empty() {
            h2 { "Next" }
            ol.next {
                @for step in steps {
                    li {
                        (sentence(&step.why))
                        @if let Some(command) = &step.command { pre { (command) } }
                    }
                }
            }
        }
    }
}

/// Keeps numbers and their percent signs on one line.
fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

/// Returns a phrase as a sentence: with a capital and a full stop.
fn sentence(phrase: &str) -> String {
    let mut rest = phrase.chars();
    let first: String = rest.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", rest.as_str())
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
