//! Text that explains the figures.

use maud::{Markup, html};
use pinhole_core::statistics::Interval;

use super::curves::{Least, MeanCurves};
use super::table::verdict as paired_verdict;
use crate::report::OVERFITTING;
use crate::report::markup::{counted, percent};
use crate::study::results::{ComparisonResult, SystemResult};
use crate::study::{StudyPlan, StudyResults};

/// Returns a summary of the study in a few sentences.
pub(super) fn verdict(results: &StudyResults) -> String {
    let score = |system: &SystemResult| match (&system.cross_validation, &system.given_split) {
        _ if system.diverged == system.runs => None,
        (Some(cross_validation), _) => Some((cross_validation.accuracy.mean, cross_validation.interval)),
        (None, Some(given_split)) => Some((given_split.last_accuracy.mean, given_split.interval)),
        (None, None) => None,
    };
    let mut best: Option<(&SystemResult, f64, Interval)> = None;
    for system in &results.systems {
        if let Some((accuracy, interval)) = score(system)
            && best.is_none_or(|(_, most, _)| accuracy > most)
        {
            best = Some((system, accuracy, interval));
        }
    }
    let Some((best, accuracy, interval)) = best else { return "Every run of every system diverged.".to_owned() };
    let how = if results.folds > 0 { "in the cross-validation" } else { "on the held-out photos" };
    let mut text = format!(
        "{} {how}: {} with {accuracy:.3} (95 % interval {:.2} to {:.2}).",
        if results.systems.len() > 1 { "Highest accuracy" } else { "Accuracy" },
        best.name,
        interval.low,
        interval.high
    );
    if results.systems.len() > 1 {
        text += &format!(" It is the highest of {}, so it flatters.", results.systems.len());
    }
    let reference = results.systems.iter().find(|system| system.name == results.reference);
    if let Some(SystemResult { given_split: Some(given_split), cross_validation: Some(cross_validation), .. }) =
        reference
    {
        text += &format!(
            " {} has {:.3} on the {} held-out photos of the given split ({:.2} to {:.2}) and {:.3} in the \
             cross-validation over all {} ({:.2} to {:.2}).",
            results.reference,
            given_split.last_accuracy.mean,
            results.given_split_photos,
            given_split.interval.low,
            given_split.interval.high,
            cross_validation.accuracy.mean,
            results.photos,
            cross_validation.interval.low,
            cross_validation.interval.high
        );
    }
    let compared: Vec<_> = results.systems.iter().filter_map(|system| system.against_reference).collect();
    let alike = compared.iter().filter(|paired| !paired.differ()).count();
    let reference = &results.reference;
    text + &match (alike, compared.len()) {
        (_, 0) => String::new(),
        (0, 1) => format!(" The other system can be told apart from {reference}."),
        (1, 1) => format!(" The other system cannot be told apart from {reference} on these photos."),
        (alike, all) => {
            format!(" Of {all} other systems, {alike} cannot be told apart from {reference} on these photos.")
        }
    }
}

/// Returns a comparison's one sentence, and a sentence about each system.
pub(super) fn comparison(
    plan: &StudyPlan,
    results: &StudyResults,
    comparison: &ComparisonResult,
    curves: &[MeanCurves],
) -> (String, Vec<Markup>) {
    let name = |system: usize| &plan.systems[system].name;
    let details = comparison.systems.iter().enumerate().map(|(place, &system)| {
        let tested = place.checked_sub(1).map(|place| &comparison.against_first[place]);
        html! {
            b { (name(system)) } ": " (curve(&curves[system])) (convergence(&results.systems[system]))
            @if let Some(paired) = tested { "; against " (name(comparison.systems[0])) ": " (paired_verdict(paired)) }
            "."
        }
    });
    if comparison.each_run {
        let stuck: Vec<String> = comparison
            .systems
            .iter()
            .map(|&system| {
                let result = &results.systems[system];
                format!("{} of {} of {}", result.not_converged, counted(result.runs, "run"), name(system))
            })
            .collect();
        let folds = if results.folds > 0 && results.seeds > 0 { ", those of the folds included" } else { "" };
        return (format!("Never below the loss of a guess for long{folds}: {}.", stuck.join(", ")), details.collect());
    }
    let least = comparison.systems.iter().filter_map(|&system| Some((system, curves[system].least()?)));
    let mut best: Option<(usize, Least)> = None;
    for (system, least) in least {
        if best.is_none_or(|(_, before)| least.loss < before.loss) {
            best = Some((system, least));
        }
    }
    let Some((system, Least { epoch, loss })) = best else {
        return ("No run got through an epoch.".into(), Vec::new());
    };
    let first = name(comparison.systems[0]);
    let mut different = Vec::new();
    for (&system, paired) in comparison.systems[1..].iter().zip(&comparison.against_first) {
        if paired.differ() {
            let how = if paired.only_this > paired.only_other { "better" } else { "worse" };
            different.push(format!("{} decides {how} than {first}", name(system)));
        }
    }
    let tested_on = if results.folds > 0 { "in the cross-validation" } else { "on the held-out photos" };
    let told_apart = match (comparison.against_first.len(), different.is_empty()) {
        (0, _) => String::new(),
        (1, true) => format!("; {tested_on} the decisions of the two cannot be told apart"),
        (_, true) => format!("; {tested_on} no other's decisions can be told apart from those of {first}"),
        (_, false) => format!("; {tested_on} {}", different.join(", ")),
    };
    let loss = format!("least mean validation loss, {loss:.3} at epoch {epoch}");
    let sentence = match comparison.systems.len() {
        1 => format!("{}: {loss}.", name(system)),
        _ => format!("{} has the {loss}{told_apart}.", name(system)),
    };
    (sentence, details.collect())
}

/// Describes a mean validation loss.
fn curve(curves: &MeanCurves) -> Markup {
    let (Some(Least { epoch, loss }), Some((training, end))) = (curves.least(), curves.end()) else {
        return html! { "no epoch to show" };
    };
    let last = curves.validation.len();
    let is_overfitted = end > loss * (1.0 + OVERFITTING);
    html! {
        @if epoch == last && last > 1 {
            (format_args!("validation loss still falls at the last epoch, {loss:.3}"))
        } @else if is_overfitted && training >= end {
            (format_args!("validation loss rises from {loss:.3} at epoch {epoch} to {end:.3} in the end"))
            ", and training loss is no less"
        } @else if is_overfitted {
            b { "overfits" }
            (format_args!(" after epoch {epoch}: validation loss rises from {loss:.3} to {end:.3}"))
            (format_args!(", training loss is {training:.3} in the end"))
        } @else {
            (format_args!("validation loss is least at epoch {epoch} ({loss:.3})"))
            (format_args!(" and about the same in the end ({end:.3})"))
        }
    }
}

fn convergence(system: &SystemResult) -> Markup {
    let said = |count: usize, what: Markup| {
        html! {
            @if count > 0 { "; " (count) " of " (counted(system.runs, "run")) " " (what) }
        }
    };
    html! {
        (said(system.not_converged, html! { "did " b { "not converge" } }))
        (said(system.collapsed, html! { "had learned and were " b { "spoiled" } " late" }))
        (said(system.diverged, html! { b { "diverged" } }))
    }
}

pub(super) fn reliability(results: &StudyResults) -> String {
    let of = &results.reliability;
    let photos: usize = of.bins.iter().map(|bin| bin.count).sum();
    let mean: f64 = of.bins.iter().map(|bin| bin.mean_probability * bin.count as f64).sum::<f64>() / photos as f64;
    let right: f64 = of.bins.iter().map(|bin| bin.fraction_right * bin.count as f64).sum::<f64>() / photos as f64;
    if photos == 0 {
        return format!("{} decided nothing: its runs diverged.", results.reference);
    }
    let tendency = if mean > right { "more sure of itself than" } else { "no more sure of itself than" };
    format!(
        "{} is {tendency} it is right: mean probability {}, right {}; calibration error {:.3}, Brier score {:.3}. A dot \
         is all decisions of a tenth of the range, with how many they are and the 95 % interval; on the dotted line a \
         probability means what it says. Of each of {photos} photos one decision, after the last epoch, by a network \
         that had not seen it.",
        results.reference,
        percent(mean),
        percent(right),
        of.expected_calibration_error,
        of.brier_score
    )
}
