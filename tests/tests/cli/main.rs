//! The `pinhole` program, run as a user runs it: the successes and errors of every command.

mod answers;
mod automatic_choice;
mod export;
mod fine_tune;
mod labels;
mod messages;
mod models_gone_wrong;
mod near_duplicates;
mod output_gone_wrong;
mod photo_classes;
mod photo_lists;
mod photos_gone_wrong;
mod process;
mod recipes_gone_wrong;
mod requantized;
mod resume;
mod shell;
mod small_pictures;
mod study_gone_wrong;
mod success;
mod terminal_text;
mod transfer;
mod widths;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use image::{Rgb, RgbImage};
use pinhole::board::Board;
use pinhole::firmware::{Firmware, FirmwareOrigin};
use pinhole::model_file::ModelFile;
use pinhole::photos;
use pinhole::recipe::{DEFAULT, NAMED};
use pinhole::runs::{self, files};
use pinhole::synthetic::encode_jpeg;
use pinhole_shared::model::seal;
use pinhole_shared::pixels::InputShape;
use pinhole_tests::{
    Ran, TrainedJob, bundled_model, contents, files_in, names_in, pinhole, read_json, repository, run_file, run_folder,
    synthetic, temporary, trained, verdict,
};
use serde_json::Value;

/// Integers of one photo with the default network: pixels, three layers, class, probability and verdict.
const VALUES: usize = 50 * 50 + 128 + 16 + 2 + 3;

fn run(arguments: &[&dyn AsRef<OsStr>]) -> Ran {
    Ran::of(&mut pinhole(arguments.iter().map(|argument| argument.as_ref())))
}

/// Runs a command that must fail with a proper error: exit status 1, nothing on stdout, and on stderr the cause, with
/// these words, and a way out. It must leave everything in `folder` unchanged.
fn refused(folder: &Path, arguments: &[&dyn AsRef<OsStr>], words: &[&dyn AsRef<OsStr>]) -> String {
    let before = contents(folder);
    let ran = run(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{}", ran.stderr);
    for word in words.iter().map(|word| word.as_ref().to_str().unwrap()).chain(["help: "]) {
        assert!(ran.stderr.contains(word), "no {word:?} in:\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    // A placeholder that was not filled in.
    let literal = ran.stderr.split('{').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
    assert!(!literal, "{}", ran.stderr);
    let after = contents(folder);
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "files came or went");
    assert!(after == before, "a file changed");
    ran.stderr
}

/// Asserts that `pinhole train` on this folder fails with these words.
fn train_refuses(folder: &Path, photos: &Path, words: &[&dyn AsRef<OsStr>]) -> String {
    refused(folder, &[&"train", &photos, &"--epochs", &"2", &"--out", &folder.join("run")], words)
}

/// Returns the warnings of a training of one epoch on these photos, and its summary.
fn trained_on(photos: &Path, out: &Path, more: &[&str]) -> (Vec<String>, Value) {
    let mut arguments: Vec<&dyn AsRef<OsStr>> =
        vec![&"train", &photos, &"--recipe", &DEFAULT, &"--epochs", &"1", &"--json", &"--out", &out];
    arguments.extend(more.iter().map(|argument| argument as &dyn AsRef<OsStr>));
    let ran = run(&arguments).ok();
    let warnings = ran.stderr.lines().filter(|line| line.starts_with("warning: ")).map(str::to_owned).collect();
    (warnings, ran.json())
}

/// Writes a JPEG of one color.
fn photo(path: &Path, side: u32, gray: u8) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, encode_jpeg(&RgbImage::from_pixel(side, side, Rgb([gray; 3])))).unwrap();
}

/// Writes photos named by class: dark cats, light dogs.
fn cats_and_dogs(folder: &Path) {
    for number in 1..=3 {
        photo(&folder.join(format!("cat-{number}.jpg")), 60, 40 + number);
        photo(&folder.join(format!("dog-{number}.jpg")), 60, 200 + number);
    }
}

const RUN_FILES: [&str; 6] =
    [files::METRICS, files::MODEL, files::RECIPE, files::REPORT, files::SUMMARY, files::WEIGHTS];

fn assert_whole_run(folder: &Path) {
    let mut expected = RUN_FILES;
    expected.sort_unstable();
    assert_eq!(names_in(folder), expected);
    let opened = runs::open(folder).unwrap();
    assert!(opened.network.is_some(), "the model was not made from the weights beside it");
}
