//! The table of all systems.

use pinhole_core::statistics::{Interval, Spread};

use super::super::markup::{counted, escape, percent, put};
use crate::study::Results;
use crate::study::results::{Paired, SystemResult};

pub(super) fn systems(body: &mut String, results: &Results) {
    let (given, crossed) = (results.given_photos > 0, results.folds > 0);
    put!(body, "<h2>Systems</h2><div class=\"scroll\"><table class=\"systems\"><thead><tr>");
    put!(body, "<th rowspan=\"2\">system</th><th rowspan=\"2\">weights</th>");
    if given {
        put!(body, "<th colspan=\"3\">at the least validation loss</th><th colspan=\"2\">after the last epoch</th>");
    }
    if crossed {
        put!(body, "<th colspan=\"3\">cross-validation, after the last epoch</th>");
    }
    put!(body, "<th colspan=\"2\">against {}</th></tr><tr>", escape(&results.reference));
    if given {
        put!(body, "<th>accuracy</th><th>loss</th><th>epoch</th><th>accuracy</th><th>loss</th>");
    }
    if crossed {
        put!(body, "<th>accuracy</th><th>95 % interval</th><th>calibration error</th>");
    }
    put!(
        body,
        "<th class=\"wide\">photos only it / only the other gets right</th><th>verdict</th></tr></thead><tbody>"
    );
    for system in &results.systems {
        row(body, results, system);
    }
    put!(body, "</tbody></table></div><p>{}</p>", how_to_read(results));
}

fn row(body: &mut String, results: &Results, system: &SystemResult) {
    put!(
        body,
        "<tr><th scope=\"row\">{}{}</th><td>{}</td>",
        escape(&system.name),
        flags(system),
        thousands(system.weights)
    );
    let of_seeds = |scores: Spread, digits: usize| spread(scores, digits, results.seeds);
    if results.given_photos > 0 {
        match &system.given {
            Some(scores) => put!(
                body,
                "<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>",
                of_seeds(scores.best_accuracy, 3),
                of_seeds(scores.best_loss, 3),
                of_seeds(scores.best_epoch, 0),
                of_seeds(scores.last_accuracy, 3),
                scores.last_loss.map_or_else(|| "diverged".to_owned(), |loss| of_seeds(loss, 3))
            ),
            None => put!(body, "<td colspan=\"5\">diverged in every run</td>"),
        }
    }
    if let Some(scores) = &system.crossed {
        let Interval { low, high } = scores.interval;
        put!(
            body,
            "<td>{}</td><td>{low:.2}\u{a0}to\u{a0}{high:.2}</td><td>{:.3}</td>",
            spread(scores.accuracy, 3, results.repeats),
            scores.calibration_error
        );
    }
    match &system.against_reference {
        None => put!(body, "<td colspan=\"2\">the reference</td></tr>"),
        Some(paired) => put!(
            body,
            "<td>{}\u{a0}/\u{a0}{}</td><td class=\"verdict\">{}</td></tr>",
            paired.only_this,
            paired.only_other,
            verdict(paired)
        ),
    }
}

/// Formats a count like `322 k`; the exact number is in the table for spreadsheets.
fn thousands(count: usize) -> String {
    if count < 10_000 { count.to_string() } else { format!("{}\u{a0}k", (count + 500) / 1000) }
}

fn flags(system: &SystemResult) -> String {
    let flag = |count: usize, what: &str| match count {
        0 => String::new(),
        _ => format!("<br><small class=\"flag\">{count} of {} {what}</small>", counted(system.runs, "run")),
    };
    flag(system.not_converged, "not converged")
        + &flag(system.spoiled, "spoiled late")
        + &flag(system.diverged, "diverged")
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
    if p < 0.001 { "p\u{a0}&lt;\u{a0}0.001".to_owned() } else { format!("p\u{a0}=\u{a0}{p:.3}") }
}

/// Formats mean and deviation; a single value has no known deviation.
fn spread(spread: Spread, digits: usize, values: u32) -> String {
    let mean = format!("{:.digits$}", spread.mean);
    if values > 1 { format!("{mean}\u{a0}±\u{a0}{:.digits$}", spread.deviation) } else { mean }
}

fn how_to_read(results: &Results) -> String {
    let mut text = "Mean ± standard deviation".to_owned();
    if results.given_photos > 0 {
        text += &format!(
            " over {} on {} held-out photos, of which one is {}. The epoch with the least validation loss was \
             chosen by these very photos, so the scores there flatter; nobody chose the last epoch (a recipe's patience \
             is not used)",
            counted(results.seeds as usize, "seed"),
            results.given_photos,
            percent(1.0 / results.given_photos as f64)
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
    if results.systems.iter().any(|system| system.spoiled > 0) {
        text += ". A run is spoiled late when it had learned and yet ends with a training loss above that of a guess, as \
                 Adam can do when gradients have become tiny";
    }
    text + ". Verdicts: McNemar's exact test on photos that more than half of a system's networks decide rightly without \
            having seen them (of an even number of seeds the last has no vote), corrected by Holm for all rows; below 0.05 is called a difference. \u{201c}Not \
            distinguishable\u{201d} does not mean equal: so few photos cannot tell."
}
