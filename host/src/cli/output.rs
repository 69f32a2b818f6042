//! Output functions that several commands share.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::{Diagnostic, IntoDiagnostic, Result};
use pinhole_core::photos::{DuplicatePhotos, Series, Warning};
use pinhole_core::shown::shown;
use pinhole_core::statistics::Interval;
use pinhole_core::words::counted;
use pinhole_lab::evaluate::Evaluation;
use pinhole_shared::decision::Decision;
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::Verdict;
use thiserror::Error;

/// Largest number of warnings that are printed individually; a large folder may have thousands.
const WARNINGS_SHOWN: usize = 10;

/// Prints a line to stdout, with what a terminal would obey [escaped](shown): the line may have names that others chose. A write
/// error is reported at the [end](finish) of the command. [`print_text`] prints texts of several lines.
macro_rules! say {
    () => {
        $crate::cli::output::print_line(format_args!(""))
    };
    ($($what:tt)*) => {
        $crate::cli::output::print_line(format_args!($($what)*))
    };
}
pub(super) use say;

/// The first error of writing to stdout.
static FAILURE: Mutex<Option<io::Error>> = Mutex::new(None);

pub(super) fn print_line(line: fmt::Arguments<'_>) {
    remember(writeln!(io::stdout(), "{}", shown(&line.to_string())));
}

/// Prints a text of Pinhole's own to stdout, unchanged, and a line feed: JSON, a script, a recipe.
pub(super) fn print_text(text: &str) {
    remember(writeln!(io::stdout(), "{text}"));
}

/// Keeps an error for [`finish`]. A closed pipe (`pinhole ... | head`) is not an error: nobody is left to read.
pub(super) fn remember(written: io::Result<()>) {
    if let Err(reason) = written
        && reason.kind() != io::ErrorKind::BrokenPipe
    {
        FAILURE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
    }
}

/// Error: standard output is not complete.
#[derive(Debug, Error, Diagnostic)]
#[error("standard output cannot be written: {0}")]
#[diagnostic(help("the printed output is incomplete: check where it is redirected to; files were written as usual"))]
pub(super) struct OutputError(io::Error);

/// Flushes stdout.
///
/// # Errors
/// The first error of writing since the process began.
pub(super) fn finish() -> Result<(), OutputError> {
    remember(io::stdout().flush());
    FAILURE.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), |reason| Err(OutputError(reason)))
}

/// Amount of output on stderr, beside errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verbosity {
    /// Nothing.
    Quiet,
    /// Notes, warnings and progress.
    #[default]
    Normal,
    /// Also origins of files, and the device's log.
    Verbose,
}

static VERBOSITY: OnceLock<Verbosity> = OnceLock::new();

/// Sets the process's verbosity. Only the first call has an effect.
pub(super) fn set_verbosity(verbosity: Verbosity) {
    let _ = VERBOSITY.set(verbosity);
}

fn verbosity() -> Verbosity {
    VERBOSITY.get().copied().unwrap_or_default()
}

/// Returns true if the device's log is shown: by its own option, or with `--verbose`.
pub(super) fn shows_log(option: bool) -> bool {
    option || verbosity() == Verbosity::Verbose
}

/// Prints a line to stderr if the verbosity is at least `least`, with what a terminal would obey [escaped](shown). A closed
/// stderr is not an error: nobody is left to read.
fn tell(least: Verbosity, line: fmt::Arguments<'_>) {
    if verbosity() >= least {
        let _ = writeln!(io::stderr(), "{}", shown(&line.to_string()));
    }
}

/// Prints a warning to stderr.
pub(super) fn warning(what: fmt::Arguments<'_>) {
    tell(Verbosity::Normal, format_args!("warning: {what}"));
}

/// Prints the files that were left out to stderr.
pub(super) fn warn(warnings: &[Warning]) {
    for Warning { path, reason } in warnings.iter().take(WARNINGS_SHOWN) {
        warning(format_args!("left out {}: {reason}", path.display()));
    }
    if warnings.len() > WARNINGS_SHOWN {
        warning(format_args!("left out {} more files", warnings.len() - WARNINGS_SHOWN));
    }
}

/// Prints the number of photos that were not compared with all others to stderr, if there are any.
pub(super) fn warn_of_unfinished(photos: usize) {
    if photos > 0 {
        warning(format_args!(
            "some near-duplicates may not be found: {} too many others to compare with all",
            if photos == 1 { "1 photo resembles".to_owned() } else { format!("{photos} photos resemble") }
        ));
    }
}

/// Prints series of photos to stderr.
pub(super) fn warn_of_series(series: &[Series]) {
    for Series { class, photos, of, .. } in series {
        let which = if photos.len() == *of { format!("its {of}") } else { format!("{} of its {of}", photos.len()) };
        warning(format_args!(
            "class {class}: {which} photos are nearly one picture (a fixed camera?). Where photos are held out, these are in blocks, by the \
             order of their names. The scores say little about other views"
        ));
    }
}

/// Prints to stderr how many pictures were enlarged for a network's input, if any.
pub(super) fn note_enlarged(count: usize, input: InputShape) {
    note_enlarged_for(count, &format!("the input of {}x{}", input.width, input.height));
}

/// Prints the number of photos that were enlarged for an input, in words, to stderr, if there are any.
pub(super) fn note_enlarged_for(count: usize, input: &str) {
    if count > 0 {
        let were = if count == 1 { "was" } else { "were" };
        note(&format!("{} smaller than {input} {were} enlarged", counted(count, "picture")));
    }
}

/// Prints near-duplicates of photos to stderr; first those between training and validation.
pub(super) fn warn_of_duplicates(duplicates: &[DuplicatePhotos]) {
    let (across, within): (Vec<_>, Vec<_>) = duplicates.iter().partition(|pair| pair.across);
    let (contradicting, other): (Vec<_>, Vec<_>) = within.into_iter().partition(|pair| pair.contradiction.is_some());
    let within = [contradicting, other].concat();
    let how = |pair: &DuplicatePhotos| {
        let mirrored = if pair.mirrored { ", mirrored" } else { "" };
        let classes = pair.contradiction.as_ref().map(|[first, second]| format!(", labeled {first} and {second}"));
        format!("{mirrored}{}", classes.unwrap_or_default())
    };
    let contradictions = duplicates.iter().filter(|pair| pair.contradiction.is_some()).count();
    if contradictions > 0 {
        let pairs = if contradictions == 1 { "pair of photos shows" } else { "pairs of photos show" };
        warning(format_args!("{contradictions} {pairs} nearly the same picture in two classes: correct the labels"));
    }
    for pair in across.iter().take(WARNINGS_SHOWN) {
        let (training, validation) = (pair.first.display(), pair.second.display());
        let mirrored = if pair.mirrored { ", mirrored" } else { "" };
        let effect = match &pair.contradiction {
            None => "the scores are better than they should be".to_owned(),
            Some([first, second]) => format!("but it is labeled {second}, and the other {first}"),
        };
        warning(format_args!(
            "the validation photo {validation} is a near-duplicate of the training photo {training}{mirrored}: {effect}"
        ));
    }
    if across.len() > WARNINGS_SHOWN {
        let rest = across.len() - WARNINGS_SHOWN;
        warning(format_args!("{rest} more validation photos are near-duplicates of training photos (see the report)"));
    }
    for pair in within.iter().take(WARNINGS_SHOWN) {
        let (first, second) = (pair.first.display(), pair.second.display());
        warning(format_args!("near-duplicates: {first} and {second}{}", how(pair)));
    }
    if within.len() > WARNINGS_SHOWN {
        let rest = within.len() - WARNINGS_SHOWN;
        warning(format_args!("{rest} more pairs of near-duplicates (see the report)"));
    }
}

/// Prints a value as JSON on stdout.
pub(super) fn json(value: &impl serde::Serialize) -> Result<()> {
    print_text(&serde_json::to_string_pretty(value).into_diagnostic()?);
    Ok(())
}

/// Formats the answer to a decision for people: the class and its probability. If the answer differs from the decision,
/// the decision follows in parentheses.
pub(super) fn answer(names: &[&str], decision: Decision, verdict: Verdict) -> String {
    let decided = format!("{} {:.3}", name(names, decision.class), decision.probability.to_f64());
    match verdict {
        Verdict::Class(class) if class == decision.class => decided,
        Verdict::Class(class) => format!("{} (this frame: {decided})", name(names, class)),
        Verdict::Unknown => format!("unknown ({decided})"),
    }
}

/// Returns the name of the answered class, for scripts; `None` for "unknown".
pub(super) fn answered_class(names: &[&str], verdict: Verdict) -> Option<String> {
    match verdict {
        Verdict::Class(class) => Some(name(names, class).to_owned()),
        Verdict::Unknown => None,
    }
}

/// Returns the name of a class.
pub(super) fn name<'n>(names: &[&'n str], class: u16) -> &'n str {
    names.get(usize::from(class)).copied().unwrap_or_default()
}

/// Creates a progress bar on stderr with the remaining time; hidden if stderr is not a terminal, or with `--quiet`.
pub(super) fn progress(length: u64, what: &str) -> ProgressBar {
    let quiet = verbosity() == Verbosity::Quiet;
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar.set_prefix(what.to_owned());
    bar
}

/// Creates a progress bar of comparing this number of pairs of photos.
pub(super) fn comparison_bar(pairs: u64) -> ProgressBar {
    let bar = progress(pairs, "comparing photos");
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {percent} %, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar
}

/// Prints a note, a line, to stderr.
pub(super) fn note(text: &str) {
    tell(Verbosity::Normal, format_args!("{text}"));
}

/// Prints a detail, a line such as the origin of a file, to stderr if the output is verbose.
pub(super) fn detail(text: &str) {
    tell(Verbosity::Verbose, format_args!("{text}"));
}

/// Creates a spinner with a text on stderr. If stderr is not a terminal, the text is printed once instead.
pub(super) fn spinner(text: &str) -> ProgressBar {
    if verbosity() == Verbosity::Quiet || !io::stderr().is_terminal() {
        note(text);
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(text.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Formats a duration for people, to about a hundredth: "0.42 s", "12 s", "4 min 32 s", "2 h 05 min".
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.2} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Prints the scores of an evaluation, for `evaluate` and `demo`.
pub(super) fn scores(evaluation: &Evaluation) {
    say!("photos    {}", evaluation.photos);
    let line = |name: &str, scores: &pinhole_lab::evaluate::Scores| {
        say!("{name:<9} accuracy {:.4}   loss {:.4}", scores.accuracy, scores.loss);
    };
    match &evaluation.float {
        Some(float) => line("float", float),
        None => say!("float     not available (give the run folder to compare with its float network)"),
    }
    line(&evaluation.integer_name(), &evaluation.int8);
    if let Some(answered) = &evaluation.answered {
        let least = answered.min_probability.to_f64();
        say!(
            "answered  {} of {} (coverage {:.4}): the others are \"unknown\", below {least:.3}",
            answered.answered,
            answered.photos,
            answered.coverage
        );
        if let Some(accuracy) = answered.accuracy {
            let Interval { low, high } = answered.error_interval;
            say!(
                "  accuracy of these {accuracy:.4}, {} wrong (error rate {:.4}, 95 % interval {low:.4} to {high:.4})",
                answered.wrong,
                1.0 - accuracy
            );
        }
    }
    if let Some(agreement) = evaluation.agreement {
        say!("agreement {:.4} ({} decided differently)", agreement, evaluation.disagreements.len());
    }
}

/// Prints the integer network's confusion matrix.
pub(super) fn confusion(evaluation: &Evaluation) {
    let width = evaluation.classes.iter().map(|class| class.chars().count()).max().unwrap_or(0).max(5);
    let mut header = format!("{:width$}", "");
    for class in &evaluation.classes {
        header += &format!("  {class:>width$}");
    }
    say!("confusion matrix of {} (rows: true class, columns: predicted class)", evaluation.integer_name());
    say!("{header}");
    for (class, counts) in evaluation.classes.iter().zip(&evaluation.int8.confusion) {
        let mut row = format!("{class:<width$}");
        for count in counts {
            row += &format!("  {count:>width$}");
        }
        say!("{row}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (seconds, text) in [
            (0.0, "0.00 s"),
            (9.994, "9.99 s"),
            (10.0, "10 s"),
            (59.9, "59 s"),
            (60.0, "1 min 00 s"),
            (272.0, "4 min 32 s"),
            (3599.0, "59 min 59 s"),
            (3600.0, "1 h 00 min"),
            (90_065.0, "25 h 01 min"),
        ] {
            assert_eq!(duration(Duration::from_secs_f64(seconds)), text);
        }
    }
}
