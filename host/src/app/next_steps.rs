//! The commands that follow a training, by how good the network is.

use std::path::Path;

use pinhole_boards::board::Board;
use pinhole_core::choice::Choice;
use pinhole_lab::verdict::{ClassVerdict, NetworkVerdict, NextStep, VerdictWarning};
use pinhole_train::runs::{RunSummary, files};

use super::command::quoted;

/// Photos to try on an emulated board, which is slower than the PC.
const TRIED: usize = 10;
/// Fewest photos of a class that training should have.
const FEW: usize = 20;
/// Most steps that are named: with more, none is read.
const STEPS: usize = 4;

/// Returns the steps that follow a training whose run is in `folder`, at most four.
///
/// A network that recognizes all classes goes to boards. Otherwise the steps that may make it better come first: a trained
/// network to continue from, more photos.
pub fn next_steps(run: &RunSummary, verdict: &NetworkVerdict, folder: &Path) -> Vec<NextStep> {
    let is_good = verdict.better_than_guessing && verdict.classes.iter().all(ClassVerdict::is_recognized);
    let mut steps = if is_good { Vec::new() } else { improvements(run, verdict, folder) };
    let (run_folder, photos) = (quoted(folder), quoted(run.validation.as_ref().unwrap_or(&run.photos)));
    if !verdict.contradictory.is_empty() {
        steps.push(check_labels(folder));
    }
    if verdict.better_than_guessing {
        let board = run.board.as_deref().and_then(Board::named).unwrap_or(BOARD);
        // A board that shows itself as a drive takes UF2 files.
        let ending = if board.uf2_loader().is_some() { "uf2" } else { "hex" };
        let (board, image) = (board.name(), quoted(&folder.join(format!("{}.{ending}", board.name()))));
        let limit = TRIED.to_string();
        steps.extend([
            step("run it on an emulated board", &["simulate", &run_folder, &photos, "--limit", &limit]),
            step(
                "see whether it fits a board, and how long it takes there",
                &["inspect", &run_folder, "--board", board],
            ),
            step(
                "write the board's firmware with this model to a file",
                &["flash", &run_folder, "--board", board, "--out", &image],
            ),
        ]);
    } else {
        steps.push(step("see which pixels decided", &["explain", &run_folder, &photos]));
    }
    if verdict.contradictory.is_empty() && !verdict.doubted.is_empty() {
        steps.push(check_labels(folder));
    }
    steps.truncate(STEPS);
    steps
}

fn check_labels(folder: &Path) -> NextStep {
    let report = folder.join(files::REPORT);
    let why = format!("look at the labels that may be wrong, in {}; correct them, and train again", report.display());
    NextStep { why, command: None }
}

/// The board of users who have named none; its files need no tool to be flashed.
const BOARD: Board = Board::Pico;

fn improvements(run: &RunSummary, verdict: &NetworkVerdict, folder: &Path) -> Vec<NextStep> {
    let mut steps = Vec::new();
    if run.from.is_none() {
        let (photos, out) = (quoted(&run.photos), quoted(folder));
        let mut command = vec!["train", &photos];
        let test = run.test.as_ref().map(|test| quoted(&test.photos));
        let [validation, class_from] = [
            run.validation.as_deref().map(quoted),
            run.class_from.as_ref().map(|class_from| quoted(Path::new(class_from))),
        ];
        for (option, value) in [("--validation", &validation), ("--test", &test), ("--class-from", &class_from)] {
            command.extend(value.iter().flat_map(|value| [option, value]));
        }
        command.extend(run.no_duplicate_search.then_some("--no-duplicate-search"));
        command.extend(run.board.iter().flat_map(|board| ["--board", board]));
        // The earlier run is kept beside the new one.
        command.extend(["--out", &out]);
        steps.push(step(
            "continue from a network that was trained on many photos: without --recipe, train chooses one",
            &command,
        ));
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

fn step(why: &str, arguments: &[&str]) -> NextStep {
    // Paths are quoted already.
    NextStep { why: why.to_owned(), command: Some(format!("pinhole {}", arguments.join(" "))) }
}
