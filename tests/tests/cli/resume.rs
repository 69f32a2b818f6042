//! `pinhole train --resume`: resuming after Ctrl-C or a crash, and what cannot be resumed.

#![cfg(target_os = "linux")]

use std::ops::ControlFlow;

use pinhole::app::Job;
use pinhole::photos::PhotoOptions;
use pinhole::quantize::ActivationBits;
use pinhole::recipe::{DEFAULT, Recipe};
use pinhole::train::{Accelerator, Checkpoint};

use super::process::interrupt_when_training;
use super::*;

/// Arguments of the training of [`interrupted`], for resuming it.
fn arguments(out: &Path) -> Vec<String> {
    let (photos, validation) = (synthetic("train"), synthetic("validation"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (photos, validation, out) = (text(&photos), text(&validation), text(out));
    ["train", &photos, "--validation", &validation, "--recipe", DEFAULT, "--epochs", "1500", "--out", &out]
        .map(str::to_owned)
        .to_vec()
}

fn with(out: &Path, more: &[&str]) -> Ran {
    Ran::of(&mut pinhole(arguments(out).iter().map(String::as_str).chain(more.iter().copied())))
}

/// Runs a training that Ctrl-C ends soon after its start.
fn interrupted(out: &Path) -> Ran {
    let mut command = pinhole(arguments(out));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    interrupt_when_training(&mut child);
    Ran::from(child.wait_with_output().unwrap())
}

fn refused_with(folder: &Path, out: &Path, more: &[&str], words: &[&str]) {
    let arguments: Vec<String> = arguments(out).into_iter().chain(more.iter().map(|&word| word.to_owned())).collect();
    let arguments: Vec<&dyn AsRef<OsStr>> = arguments.iter().map(|argument| argument as &dyn AsRef<OsStr>).collect();
    let words: Vec<&dyn AsRef<OsStr>> = words.iter().map(|word| word as &dyn AsRef<OsStr>).collect();
    refused(folder, &arguments, &words);
}

#[test]
fn a_resumed_training_is_the_one_never_stopped() {
    let temp = temporary();
    let [whole, out, crashed] = ["whole", "out", "crashed"].map(|name| temp.path().join(name));
    with(&whole, &[]).ok();
    assert_whole_run(&whole);

    let ran = interrupted(&out);
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert!(ran.stderr.contains("to go on from here, run the same command with --resume"), "{}", ran.stderr);
    assert_eq!(runs::summary(&out).unwrap().stopped, "interrupted");
    // A crash leaves only the checkpoint.
    std::fs::create_dir(&crashed).unwrap();
    std::fs::copy(out.join(files::CHECKPOINT), crashed.join(files::CHECKPOINT)).unwrap();

    for out in [&out, &crashed] {
        let ran = with(out, &["--resume"]).ok();
        assert!(ran.stderr.contains("resuming after epoch ") && ran.stderr.contains(" of 1500"), "{}", ran.stderr);
        assert!(ran.stdout.contains("time ") && ran.stdout.contains(", after epoch "), "{}", ran.stdout);
        // The checkpoint has been removed.
        assert_whole_run(out);
        for name in RUN_FILES {
            assert!(run_file(out, name) == run_file(&whole, name), "another {name} in {}", out.display());
        }
    }
    refused_with(temp.path(), &out, &["--resume"], &["no training to resume", "leave out --resume"]);
}

#[test]
fn what_cannot_be_resumed() {
    let temp = temporary();
    let (out, missing) = (temp.path().join("out"), temp.path().join("missing"));
    interrupted(&out);
    let checkpoint = out.join(files::CHECKPOINT);
    let others = temp.path().join("others");
    cats_and_dogs(&others);
    let from = bundled_model();
    let path = checkpoint.to_str().unwrap();

    let refused = |more: &[&str], words: &[&str]| refused_with(temp.path(), &out, more, words);
    refused(&[], &["has an unfinished training", "add --resume", "--replace", out.to_str().unwrap()]);
    refused(&["--resume", "--seed", "2"], &[path, "its seed is 1, and this one's 2"]);
    refused(&["--resume", "--patience", "3"], &[path, "`patience = 3`"]);
    refused(&["--resume", "--batch", "7"], &[path, "its recipe has"]);
    refused(&["--resume", "--from", from.to_str().unwrap()], &[path, "--from"]);
    let on_others: [&dyn AsRef<OsStr>; 9] =
        [&"train", &others, &"--recipe", &DEFAULT, &"--epochs", &"1500", &"--resume", &"--out", &out];
    super::refused(temp.path(), &on_others, &[&checkpoint, &"its training photos differ"]);
    refused_with(temp.path(), &missing, &["--resume"], &["no training to resume", "leave out --resume"]);

    let bytes = std::fs::read(&checkpoint).unwrap();
    std::fs::write(&checkpoint, &bytes[..bytes.len() / 2]).unwrap();
    refused(&["--resume"], &[path, "is damaged", "remove it"]);
    // After its removal, a training from the start is possible.
    std::fs::remove_file(&checkpoint).unwrap();
    let ran = run(&[&"train", &synthetic("train"), &"--epochs", &"2", &"--out", &out]).ok();
    assert!(ran.stderr.contains("the earlier run is kept in"), "{}", ran.stderr);
    assert_whole_run(&out);
}

/// A penalty that makes the weights grow with every update, until the loss is NaN.
const DIVERGES: &str = "input_side = 50\n[training]\nepochs = 50\nbatch = 32\nlearning_rate = 1.0\n\
     [training.optimizer]\nkind = \"sgd\"\n\
     [[layer]]\noutputs = 4\nactivation = \"linear\"\nl2 = 1000.0\n";

/// Resuming a diverging training would diverge again, so it must leave no checkpoint that blocks better settings.
#[test]
fn a_training_that_diverges_leaves_nothing_to_resume() {
    let temp = temporary();
    let (path, out) = (temp.path().join("wild.toml"), temp.path().join("out"));
    std::fs::write(&path, DIVERGES).unwrap();
    std::fs::create_dir(&out).unwrap();
    let job = Job {
        photos: synthetic("train"),
        validation: None,
        test: None,
        options: PhotoOptions::default(),
        recipe_name: String::new(),
        choice: None,
        recipe: Recipe::parse(DIVERGES, "wild").unwrap(),
        from: None,
        seed: 1,
        bits: ActivationBits::default(),
        accelerator: Accelerator::Cpu,
        board: None,
    };
    let data = job.load().unwrap();
    let mut state = None;
    let stopped = job.resume(&data, None, |training, epoch| {
        state = Some(training.state().unwrap());
        if epoch.epoch == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    stopped.unwrap();
    let checkpoint = Checkpoint { identity: job.identity(&data).unwrap(), state: state.unwrap() };
    std::fs::write(out.join(files::CHECKPOINT), checkpoint.to_bytes()).unwrap();

    let ran = run(&[&"train", &synthetic("train"), &"--recipe", &path, &"--out", &out, &"--resume"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for words in ["resuming after epoch 2 of 50", "diverged", "keeping the best epoch so far", "lower learning rate"] {
        assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.stderr);
    }
    assert_eq!(runs::summary(&out).unwrap().stopped, "diverged");
    assert!(!out.join(files::CHECKPOINT).exists());
}
