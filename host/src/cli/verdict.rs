//! Output of a verdict and of the steps that follow it.

use pinhole_core::statistics::Interval;
use pinhole_lab::verdict::{ClassVerdict, NetworkVerdict, NextStep, percent};

use super::output::say;

/// Most labels that are printed: the report has more.
const DOUBTED_SHOWN: usize = 5;

/// Prints a verdict: the sentence, the warnings, the scores of each class, and the labels that may be wrong.
pub(super) fn print_verdict(verdict: &NetworkVerdict) {
    say!("verdict   {}", verdict.sentence);
    for warning in &verdict.warnings {
        say!("warning   {warning}");
    }
    let Interval { low, high } = verdict.balanced_interval;
    say!("balanced  accuracy {:.4} (95 % interval {low:.2} to {high:.2})", verdict.balanced_accuracy);
    say!(
        "certainty mean probability {:.3}, accuracy {:.3}, calibration error {:.3}",
        verdict.calibration.mean_probability,
        verdict.accuracy,
        verdict.calibration.expected_calibration_error
    );
    table(&verdict.classes);
    for pair in verdict.contradictory.iter().take(DOUBTED_SHOWN) {
        say!(
            "two labels: {} ({}) and {} ({}) are {} picture",
            pair.first.display(),
            pair.first_class,
            pair.second.display(),
            pair.second_class,
            if pair.identical { "the same" } else { "nearly the same" }
        );
    }
    for label in verdict.doubted.iter().take(DOUBTED_SHOWN) {
        say!(
            "doubted label: {} is {}, decided {} {:.3}",
            label.path.display(),
            label.class,
            label.decided,
            label.probability
        );
    }
}

fn table(classes: &[ClassVerdict]) {
    let width = classes.iter().map(|class| class.class.chars().count()).max().unwrap_or(0).max(5);
    let has_training = classes.iter().any(|class| class.training_photos.is_some());
    let training = if has_training { "  training" } else { "" };
    let photos = if has_training { "validation" } else { "photos" };
    say!("{:width$}{training}  {photos:>10}  {:>22}  {:>22}", "class", "recall, 95 % interval", "precision");
    for class in classes {
        let training = class.training_photos.map_or(String::new(), |count| format!("  {count:>8}"));
        let recall = scored(class.recall, class.recall_interval);
        let precision = scored(class.precision, class.precision_interval);
        say!("{:<width$}{training}  {:>10}  {recall:>22}  {precision:>22}", class.class, class.photos);
    }
}

fn scored(fraction: Option<f64>, interval: Interval) -> String {
    let ends = |interval: Interval| format!("{:.0} to {:.0} %", 100.0 * interval.low, 100.0 * interval.high);
    fraction.map_or("-".to_owned(), |fraction| format!("{} ({})", percent(fraction), ends(interval)))
}

/// Prints the steps that follow.
pub(super) fn print_next_steps(steps: &[NextStep]) {
    for (number, step) in (1..).zip(steps) {
        let label = if number == 1 { "next" } else { "" };
        say!("{label:<9} {number}. {}", step.why);
        if let Some(command) = &step.command {
            say!("             {command}");
        }
    }
}
