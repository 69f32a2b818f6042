//! The commands that follow a training, by how good the network is.

use std::path::{Path, PathBuf};

use pinhole_lab::verdict::{NetworkVerdict, NextStep, VerdictWarning};
use pinhole_train::runs::{RunSummary, bundled, files};

/// Photos to try on an emulated board, which is slower than the PC.
const TRIED: usize = 10;
/// Fewest photos of a class that training should have.
const FEW: usize = 20;
/// Most steps that are named: with more, none is read.
const STEPS: usize = 3;

/// Returns the steps that follow a training whose run is in `folder`, at most three.
///
/// A network that is better than guessing goes to boards. Otherwise the steps are what may make it better: a trained network to
/// continue from, more photos, right labels.
pub fn next_steps(run: &RunSummary, verdict: &NetworkVerdict, folder: &Path) -> Vec<NextStep> {
    let mut steps = if verdict.better_than_guessing { Vec::new() } else { improvements(run, verdict, folder) };
    let has_wrong_labels = !verdict.doubted.is_empty() || !verdict.contradictory.is_empty();
    if has_wrong_labels {
        let report = folder.join(files::REPORT);
        let why =
            format!("look at the labels that may be wrong, in {}; correct them, and train again", report.display());
        steps.push(NextStep { why, command: None });
    }
    let photos = run.validation.as_ref().unwrap_or(&run.photos);
    if verdict.better_than_guessing {
        let limit = TRIED.to_string();
        steps.push(step(
            "run it on an emulated board",
            &["simulate", &shown(folder), &shown(photos), "--limit", &limit],
        ));
        steps.push(step(
            "see whether it fits a board, and how long it takes there",
            &["inspect", &shown(folder), "--board", BOARD],
        ));
        let image = shown(&folder.join(format!("{BOARD}.uf2")));
        steps.push(step(
            "write the board's firmware with this model to a file",
            &["flash", &shown(folder), "--board", BOARD, "--out", &image],
        ));
    } else {
        steps.push(step("see which pixels decided", &["explain", &shown(folder), &shown(photos)]));
    }
    steps.truncate(STEPS);
    steps
}

/// The board in examples; its files need no tool to be flashed.
const BOARD: &str = "pico";

fn improvements(run: &RunSummary, verdict: &NetworkVerdict, folder: &Path) -> Vec<NextStep> {
    let mut steps = Vec::new();
    if run.from.is_none() {
        let (photos, out) = (shown(&run.photos), shown(&beside(folder)));
        let mut command = vec!["train", &photos];
        let validation = run.validation.as_deref().map(shown);
        if let Some(validation) = &validation {
            command.extend(["--validation", validation]);
        }
        command.extend(["--from", bundled::DEFAULT, "--out", &out]);
        steps.push(step("continue from a network that was trained on many photos", &command));
    }
    let fewest = verdict.classes.iter().min_by_key(|class| class.training_photos.unwrap_or(usize::MAX));
    if let Some(fewest) = fewest
        && let Some(count) = fewest.training_photos
        && count < FEW
    {
        let why = format!("add photos, at least {FEW} of each class: {} has {count}", fewest.class);
        steps.push(NextStep { why, command: None });
    } else if let Some(enough) = verdict.warnings.iter().find_map(enough_photos) {
        let why = format!("judge it by more photos: about {enough} that it was not trained on");
        steps.push(NextStep { why, command: None });
    }
    steps
}

fn enough_photos(warning: &VerdictWarning) -> Option<usize> {
    match warning {
        VerdictWarning::TooFewPhotos { enough, .. } => Some(*enough),
        _ => None,
    }
}

/// Returns a run folder for another try: `run-2` for `run`.
fn beside(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push("-2");
    folder.with_file_name(name)
}

fn step(why: &str, arguments: &[&str]) -> NextStep {
    // Paths are quoted already.
    NextStep { why: why.to_owned(), command: Some(format!("pinhole {}", arguments.join(" "))) }
}

/// Returns a path as an argument of a shell, quoted if it needs that.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "/\\._-+:=@%,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    if cfg!(windows) { format!("\"{text}\"") } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(shown(Path::new("runs/first-1.2")), "runs/first-1.2");
        assert_eq!(shown(Path::new("fünf/パン")), "fünf/パン");
        if cfg!(unix) {
            assert_eq!(shown(Path::new("my photos")), "'my photos'");
            assert_eq!(shown(Path::new("it's")), r"'it'\''s'");
            assert_eq!(shown(Path::new("a;b")), "'a;b'");
        }
    }

    #[test]
    fn another_try_is_beside_the_first() {
        assert_eq!(beside(Path::new("runs/first")), Path::new("runs/first-2"));
    }
}
