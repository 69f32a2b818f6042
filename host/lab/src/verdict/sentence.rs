//! A verdict in one sentence.

use pinhole_core::words::counted;

use super::{ClassVerdict, NetworkVerdict};

/// Class sizes are called unequal if the largest class has more than this many times its even share.
const UNEQUAL: f64 = 1.5;
/// Most names in a list.
const NAMED: usize = 4;

/// Formats a fraction for a sentence: whole percents, and a decimal where whole ones would claim all or nothing.
pub fn percent(fraction: f64) -> String {
    let whole = format!("{:.0}", 100.0 * fraction);
    let claims_all_or_nothing = (whole == "100" && fraction < 1.0) || (whole == "0" && fraction > 0.0);
    // At most 99.9 and at least 0.1: a decimal could claim it again.
    if claims_all_or_nothing { format!("{:.1} %", (100.0 * fraction).clamp(0.1, 99.9)) } else { format!("{whole} %") }
}

/// Formats an interval: `77 to 98 %`.
fn range(low: f64, high: f64) -> String {
    format!("{} to {}", percent(low).trim_end_matches(" %"), percent(high))
}

/// Joins names: `a, b and c`. Long lists are cut.
pub(super) fn list(names: &[String]) -> String {
    let (shown, rest) = names.split_at(names.len().min(NAMED));
    match (shown, rest.len()) {
        ([], _) => String::new(),
        ([one], 0) => one.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (shown, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Returns the sentence.
pub(super) fn of(verdict: &NetworkVerdict) -> String {
    let of_photos = counted(verdict.photos, if verdict.of_training { "validation photo" } else { "photo" });
    let interval = range(verdict.interval.low, verdict.interval.high);
    let accuracy = percent(verdict.accuracy);
    let are = if verdict.photos == 1 { "is" } else { "are" };
    if verdict.present() < 2 {
        return format!(
            "There are only photos of {} to judge by, so nothing is known about telling classes apart: {accuracy} of \
             {of_photos} {are} right (95 % interval {interval}).",
            verdict.guess.class
        );
    }
    let mut text = format!("{}: {accuracy} of {of_photos}", recognized(verdict));
    if !verdict.better_than_guessing || verdict.classes.iter().any(|class| !class.is_recognized()) {
        text += &format!(" {are} right");
    }
    text += &format!(
        " (95 % interval {interval}); always answering {} would get {}",
        verdict.guess.class,
        percent(verdict.guess.accuracy)
    );
    if verdict.guess.accuracy > UNEQUAL * verdict.guess.balanced_accuracy {
        text += &format!(
            "; balanced accuracy {} ({}), of a constant answer {}",
            percent(verdict.balanced_accuracy),
            range(verdict.balanced_interval.low, verdict.balanced_interval.high),
            percent(verdict.guess.balanced_accuracy)
        );
    }
    text + "."
}

/// Returns the beginning of the sentence: what the network recognizes.
fn recognized(verdict: &NetworkVerdict) -> String {
    if !verdict.better_than_guessing {
        let is_above =
            verdict.accuracy > verdict.guess.accuracy && verdict.balanced_accuracy > verdict.guess.balanced_accuracy;
        return if is_above {
            "It cannot be told from guessing on so few photos".to_owned()
        } else {
            "It is no better than guessing".to_owned()
        };
    }
    let all = verdict.classes.len();
    let names = |which: fn(&ClassVerdict) -> bool| -> Vec<String> {
        verdict.classes.iter().filter(|class| which(class)).map(|class| class.class.clone()).collect()
    };
    let weak = names(|class| class.photos > 0 && !class.is_recognized());
    let missing = names(|class| class.photos == 0);
    match (all - weak.len() - missing.len(), weak.is_empty(), missing.is_empty()) {
        (2, true, true) => "It recognizes both classes".to_owned(),
        (_, true, true) => format!("It recognizes all {all} classes"),
        (count, false, _) => format!("It recognizes {count} of {all} classes, and not {}", list(&weak)),
        (count, true, false) => {
            format!("It recognizes {count} of {all} classes (there is no photo of {} to judge by)", list(&missing))
        }
    }
}
