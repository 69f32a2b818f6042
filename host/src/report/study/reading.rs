//! What figures show, in words.

use super::curves::{Least, MeanCurves};
use super::table::verdict as paired_verdict;
use crate::report::OVERFITTING;
use crate::report::markup::{escape, percent};
use crate::study::results::{ComparisonResult, SystemResult};
use crate::study::{Plan, Results};

/// The study in one sentence or two.
pub(super) fn verdict(results: &Results) -> String {
    let score = |system: &SystemResult| match (&system.crossed, &system.given) {
        (Some(crossed), _) => Some((crossed.accuracy.mean, crossed.interval)),
        (None, Some(given)) => Some((given.last_accuracy.mean, given.interval)),
        (None, None) => None,
    };
    let mut best: Option<(&SystemResult, f64)> = None;
    for system in &results.systems {
        if let Some((accuracy, _)) = score(system)
            && best.is_none_or(|(_, least)| accuracy > least)
        {
            best = Some((system, accuracy));
        }
    }
    let Some((best, accuracy)) = best else { return "No system got through its first epoch.".to_owned() };
    let interval = score(best).map_or_else(String::new, |(_, interval)| {
        format!(" (95 % interval {:.2} to {:.2})", interval.low, interval.high)
    });
    let compared: Vec<_> = results.systems.iter().filter_map(|system| system.against_reference).collect();
    let alike = compared.iter().filter(|paired| !paired.differ()).count();
    let how = if results.folds > 0 { "in the cross-validation" } else { "on the held-out photos" };
    let mut text = format!("Highest accuracy {how}: {} with {accuracy:.3}{interval}.", escape(&best.name));
    let reference = results.systems.iter().find(|system| system.name == results.reference);
    if let Some(SystemResult { given: Some(given), crossed: Some(crossed), .. }) = reference
        && given.last_accuracy.mean > crossed.interval.high
    {
        text += &format!(
            " The given split flatters: {} has {:.3} on its held-out photos, above the {:.2} to {:.2} of the \
             cross-validation over all photos.",
            escape(&results.reference),
            given.last_accuracy.mean,
            crossed.interval.low,
            crossed.interval.high
        );
    }
    if !compared.is_empty() {
        text += &format!(
            " Of {} other systems, {alike} cannot be told apart from {} on these photos.",
            compared.len(),
            escape(&results.reference)
        );
    }
    text
}

/// A comparison's one sentence, and what is to be said of each system.
pub(super) fn comparison(
    plan: &Plan,
    results: &Results,
    comparison: &ComparisonResult,
    curves: &[MeanCurves],
) -> (String, Vec<String>) {
    let name = |system: usize| escape(&plan.systems[system].name);
    let details = comparison.systems.iter().enumerate().map(|(place, &system)| {
        let tested = place.checked_sub(1).map(|place| {
            format!("; against {}: {}", name(comparison.systems[0]), paired_verdict(&comparison.against_first[place]))
        });
        format!(
            "<b>{}</b>: {}{}{}.",
            name(system),
            curve(&curves[system]),
            convergence(&results.systems[system]),
            tested.unwrap_or_default()
        )
    });
    if comparison.each_run {
        let stuck: Vec<String> = comparison
            .systems
            .iter()
            .map(|&system| {
                let result = &results.systems[system];
                format!("{} of {} runs of {}", result.not_converged, result.runs, name(system))
            })
            .collect();
        return (
            format!("Not converged, near the loss of a guess to the end: {}.", stuck.join(", ")),
            details.collect(),
        );
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
    let different = comparison.against_first.iter().filter(|paired| paired.differ()).count();
    let first = name(comparison.systems[0]);
    let told_apart = match (different, comparison.against_first.len()) {
        (_, 0) => String::new(),
        (0, 1) => format!("; on these photos its decisions cannot be told apart from those of {first}")
            .replace("its", if system == comparison.systems[0] { "the other's" } else { "its" }),
        (0, _) => format!("; on these photos nobody's decisions can be told apart from those of {first}"),
        (some, all) => format!("; on these photos {some} of {all} can be told apart from {first}"),
    };
    (
        format!("{} has the least mean validation loss, {loss:.3} at epoch {epoch}{told_apart}.", name(system)),
        details.collect(),
    )
}

/// How a mean validation loss goes.
fn curve(curves: &MeanCurves) -> String {
    let (Some(Least { epoch, loss }), Some((training, end))) = (curves.least(), curves.end()) else {
        return "no epoch to show".to_owned();
    };
    let last = curves.validation.len();
    if epoch == last {
        format!("validation loss still falls at the last epoch, {loss:.3}")
    } else if end > loss * (1.0 + OVERFITTING) && training < end {
        format!(
            "<b>overfits</b> after epoch {epoch}: validation loss rises from {loss:.3} to {end:.3}, training loss is \
             {training:.3} in the end"
        )
    } else {
        format!("validation loss is least at epoch {epoch} ({loss:.3}) and about the same in the end ({end:.3})")
    }
}

fn convergence(system: &SystemResult) -> String {
    let said = |count: usize, what: &str| match count {
        0 => String::new(),
        _ => format!("; {count} of {} runs {what}", system.runs),
    };
    said(system.not_converged, "did <b>not converge</b>")
        + &said(system.spoiled, "had learned and were <b>spoiled</b> late")
        + &said(system.diverged, "<b>diverged</b>")
}

pub(super) fn reliability(results: &Results) -> String {
    let of = &results.reliability;
    let photos: usize = of.bins.iter().map(|bin| bin.count).sum();
    let mean: f64 = of.bins.iter().map(|bin| bin.mean_probability * bin.count as f64).sum::<f64>() / photos as f64;
    let right: f64 = of.bins.iter().map(|bin| bin.fraction_right * bin.count as f64).sum::<f64>() / photos as f64;
    let tendency = if mean > right { "more" } else { "less" };
    format!(
        "{} is {tendency} sure of itself than it is right: mean probability {}, right {}; calibration error {:.3}, Brier \
         score {:.3}. A dot is all decisions of a tenth of the range, with how many they are and the 95 % interval; on the \
         dotted line a probability means what it says. Of each of {photos} photos one decision, after the last epoch, by \
         a network that had not seen it.",
        escape(&results.reference),
        percent(mean),
        percent(right),
        of.expected_calibration_error,
        of.brier_score
    )
}
