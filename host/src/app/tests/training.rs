//! Tests of trainings that end, are stopped, and are resumed.

use std::path::Path;

use pinhole_core::artifacts::{ClaimedFolder, WriteError, create_folder, write_file};
use pinhole_core::data;
use pinhole_core::recipe::{DEFAULT, Recipe};
use pinhole_train::runs::{self, JobError, files};
use pinhole_train::{CheckpointError, LastLayer, Stopped};

use super::super::train::{Checkpoints, EarlierRun, TrainRequest, TrainedRun, TrainingError, train};
use super::*;

fn again(
    request: &TrainRequest,
    out: &Path,
    checkpoints: Checkpoints,
    events: &mut dyn Events,
) -> Result<TrainedRun, TrainingError> {
    train(&request.job(&mut ()).unwrap(), out, checkpoints, EarlierRun::KeepAside, events)
}

#[test]
fn a_training_tells_of_every_epoch_and_asks_after_it() {
    let temp = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::default();
    // So fast that the loss rises at times: the best epoch is then an earlier one.
    let mut recipe = Recipe::find(DEFAULT).unwrap();
    recipe.training.learning_rate *= 20.0;
    let path = temp.path().join("fast.toml");
    std::fs::write(&path, recipe.to_toml()).unwrap();
    let request = TrainRequest { recipe: Some(path.to_str().unwrap().to_owned()), ..request(temp.path()) };
    let run = trained(&request, &temp.path().join("run"), Checkpoints::Keep, &mut recorder);
    assert_eq!((run.finished.outcome.stopped, run.before), (Stopped::Finished, None));

    let mut expected = vec![begins(0)];
    let mut best = run.finished.outcome.epochs[0];
    let mut worse = 0;
    for &epoch in &run.finished.outcome.epochs {
        if epoch.validation_loss < best.validation_loss {
            best = epoch;
        }
        worse += usize::from(epoch.validation_loss > best.validation_loss);
        expected.extend([Told::Progress(Progress::Epoch { epoch, best }), Told::Asked]);
    }
    expected.push(ENDS);
    assert!(worse > 0, "every epoch is the best so far");
    assert_eq!(recorder.told, expected);
    assert_eq!(recorder.epochs(), (1..=EPOCHS).collect::<Vec<_>>());
}

#[test]
fn a_training_that_was_stopped_is_resumed_to_the_same_bytes() {
    let temp = tempfile::tempdir().unwrap();
    let request = request(temp.path());
    let [whole, out] = ["whole", "out"].map(|name| temp.path().join(name));
    trained(&request, &whole, Checkpoints::Keep, &mut ());

    let mut stopped = Recorder::stopping_after(3);
    let run = trained(&request, &out, Checkpoints::Keep, &mut stopped);
    assert_eq!(run.finished.outcome.stopped, Stopped::Interrupted);
    assert_eq!(stopped.epochs(), [1, 2, 3]);
    assert_eq!(stopped.around_epochs(), [begins(0), ENDS, Told::Note(Note::Interrupted { can_resume: true })]);
    assert_eq!(runs::summary(&out).unwrap().stopped, "interrupted");

    // An unfinished training is not replaced by mistake.
    let refused = again(&request, &out, Checkpoints::Keep, &mut ());
    assert!(matches!(refused, Err(TrainingError::Unfinished { out: folder }) if folder == out));
    let other = TrainRequest { seed: 2, ..request.clone() };
    let mut silent = Recorder::default();
    let refused = again(&other, &out, Checkpoints::Resume, &mut silent);
    assert!(matches!(refused, Err(TrainingError::Checkpoint(CheckpointError::Other { .. }))));
    assert_eq!(silent.told, []);

    let mut resumed = Recorder::default();
    let run = trained(&request, &out, Checkpoints::Resume, &mut resumed);
    assert_eq!((run.finished.outcome.stopped, run.before), (Stopped::Finished, Some(3)));
    assert_eq!(resumed.epochs(), [4, 5, 6]);
    // The run of the first epochs is part of this one, so it is replaced without a word.
    let resuming = Told::Note(Note::Resuming { after: 3, epochs: EPOCHS });
    assert_eq!(resumed.around_epochs(), [resuming, begins(3), ENDS]);
    assert!(!temp.path().join("out-1").exists());

    let mut names: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names.len(), 6, "{names:?}");
    for name in names {
        // The report names the run folder.
        let read = |folder: &Path| {
            let bytes = std::fs::read(folder.join(&name)).unwrap();
            let text = String::from_utf8(bytes).map(|text| text.replace(folder.to_str().unwrap(), "RUN").into_bytes());
            text.unwrap_or_else(std::string::FromUtf8Error::into_bytes)
        };
        assert!(read(&out) == read(&whole), "another {}", name.display());
    }
}

fn bytes(folder: &Path) -> Vec<Vec<u8>> {
    files::RUN.map(|name| std::fs::read(folder.join(name)).unwrap()).to_vec()
}

#[test]
fn an_earlier_run_is_kept_unless_it_is_to_be_replaced() {
    let temp = tempfile::tempdir().unwrap();
    let first = request_of_an_epoch(temp.path());
    let [out, kept, second] = ["run", "run-1", "run-2"].map(|name| temp.path().join(name));
    trained(&first, &out, Checkpoints::Keep, &mut ());
    let before = bytes(&out);
    std::fs::write(out.join("notes.txt"), "mine").unwrap();

    let other = TrainRequest { seed: 2, ..first };
    let mut recorder = Recorder::default();
    trained(&other, &out, Checkpoints::Keep, &mut recorder);
    assert_eq!(recorder.around_epochs()[2..], [Told::Note(Note::KeptAside { folder: kept.clone() })]);
    assert_eq!((bytes(&kept), runs::summary(&out).unwrap().seed), (before, 2));
    assert!(runs::open(&kept).unwrap().network.is_some());
    assert_eq!(std::fs::read(out.join("notes.txt")).unwrap(), b"mine");

    let third = TrainRequest { seed: 3, ..other };
    let mut recorder = Recorder::default();
    let job = third.job(&mut ()).unwrap();
    train(&job, &out, Checkpoints::Keep, EarlierRun::Replace, &mut recorder).unwrap();
    assert_eq!(recorder.around_epochs()[2..], [Told::Note(Note::ReplacingRun { folder: out.clone() })]);
    assert_eq!(runs::summary(&out).unwrap().seed, 3);
    assert!(!second.exists() && out.join("notes.txt").exists());
}

/// A training that crashed had not replaced the earlier run, so that one is another run, and is kept. A training that is replaced
/// starts anew.
#[test]
fn a_training_that_crashed_leaves_the_earlier_run() {
    let temp = tempfile::tempdir().unwrap();
    let request = request(temp.path());
    let [crashed, out] = ["crashed", "run"].map(|name| temp.path().join(name));
    trained(&request, &crashed, Checkpoints::Keep, &mut Recorder::stopping_after(3));
    let other = TrainRequest { seed: 2, ..request.clone() };
    trained(&other, &out, Checkpoints::None, &mut Recorder::stopping_after(2));
    std::fs::copy(crashed.join(files::CHECKPOINT), out.join(files::CHECKPOINT)).unwrap();
    let mut recorder = Recorder::default();
    trained(&request, &out, Checkpoints::Resume, &mut recorder);
    let kept = temp.path().join("run-1");
    assert_eq!(recorder.around_epochs()[3..], [Told::Note(Note::KeptAside { folder: kept.clone() })]);
    assert_eq!([&out, &kept].map(|folder| runs::summary(folder).unwrap().seed), [1, 2]);

    std::fs::copy(crashed.join(files::CHECKPOINT), out.join(files::CHECKPOINT)).unwrap();
    let refused = again(&request, &out, Checkpoints::Keep, &mut ());
    assert!(matches!(refused, Err(TrainingError::Unfinished { .. })));
    let mut recorder = Recorder::default();
    train(&request.job(&mut ()).unwrap(), &out, Checkpoints::Keep, EarlierRun::Replace, &mut recorder).unwrap();
    assert_eq!(recorder.epochs(), (1..=EPOCHS).collect::<Vec<_>>());
    assert!(!out.join(files::CHECKPOINT).exists());
}

/// A run whose writing was interrupted half-way is complete once it is opened.
#[test]
fn a_half_written_run_is_completed() {
    let temp = tempfile::tempdir().unwrap();
    let first = request_of_an_epoch(temp.path());
    let [out, new] = ["run", "new"].map(|name| temp.path().join(name));
    trained(&first, &out, Checkpoints::None, &mut ());
    trained(&TrainRequest { seed: 2, ..first }, &new, Checkpoints::None, &mut ());
    let expected = bytes(&new);
    // The state after a crash: complete, and one of the files moved to its place.
    std::fs::rename(&new, out.join(".pinhole-new")).unwrap();
    std::fs::rename(out.join(".pinhole-new").join(files::MODEL), out.join(files::MODEL)).unwrap();
    assert!(runs::open(&out).unwrap().network.is_some());
    assert_eq!(bytes(&out), expected);
    assert!(!out.join(".pinhole-new").exists());
}

#[test]
fn output_among_photos_and_in_use_is_refused_before_anything_is_read() {
    let temp = tempfile::tempdir().unwrap();
    let request = request(temp.path());
    let mut recorder = Recorder::default();
    let validation = request.validation.clone().unwrap();
    for out in [request.photos.clone(), request.photos.join("run"), validation.join("deep/run")] {
        let refused = again(&request, &out, Checkpoints::Keep, &mut recorder);
        let Err(TrainingError::Job(JobError::Write(WriteError::AmongPhotos { .. }))) = refused else {
            panic!("{} is not refused", out.display());
        };
    }
    let out = temp.path().join("run");
    create_folder(&out).unwrap();
    let claim = ClaimedFolder::take(&out).unwrap();
    for checkpoints in [Checkpoints::Keep, Checkpoints::Resume, Checkpoints::None] {
        let refused = again(&request, &out, checkpoints, &mut recorder);
        let Err(TrainingError::Job(JobError::Write(WriteError::InUse { folder }))) = refused else {
            panic!("not refused");
        };
        assert_eq!(folder, out);
    }
    drop(claim);
    assert_eq!((recorder.told.len(), std::fs::read_dir(&out).unwrap().count()), (0, 0));
}

/// Only a training with an existing checkpoint can be resumed.
#[test]
fn what_keeps_no_checkpoint_cannot_be_resumed() {
    let temp = tempfile::tempdir().unwrap();
    let (request, out) = (request(temp.path()), temp.path().join("run"));
    let mut stopped = Recorder::stopping_after(1);
    trained(&request, &out, Checkpoints::None, &mut stopped);
    assert_eq!(stopped.around_epochs(), [begins(0), ENDS, Told::Note(Note::Interrupted { can_resume: false })]);
    assert!(!out.join(files::CHECKPOINT).exists());
    let missing = again(&request, &out, Checkpoints::Resume, &mut ());
    assert!(matches!(missing, Err(TrainingError::Checkpoint(CheckpointError::Missing { .. }))));
}

/// Notes about photos and the network to continue from come before the first epoch.
#[test]
fn what_a_training_starts_with_is_told_first() {
    let temp = tempfile::tempdir().unwrap();
    let (mut request, out) = (request(temp.path()), temp.path().join("run"));
    let [damaged, copy] = ["muffin-damaged.jpg", "chihuahua-copy.jpg"].map(|name| request.photos.join(name));
    write_file(&damaged, b"no picture").unwrap();
    let (name, bytes) = data::pictures("train").swap_remove(0);
    write_file(&copy, bytes).unwrap();
    request.from = Some("drawn".into());
    request.changes.epochs = Some(1);
    let mut recorder = Recorder::default();
    trained(&request, &out, Checkpoints::None, &mut recorder);

    let told = recorder.around_epochs();
    let [Told::Note(Note::LeftOut(left_out)), Told::Note(Note::NearDuplicates(pairs)), Told::Note(from), rest @ ..] =
        &told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!(left_out.iter().map(|warning| &warning.path).collect::<Vec<_>>(), [&damaged]);
    assert!(pairs.iter().any(|pair| [&pair.first, &pair.second].contains(&&request.photos.join(name))), "{pairs:?}");
    let Note::FromPretrained { dequantized: true, last_layer: LastLayer::Kept, classes, trained_on, .. } = from else {
        panic!("{from:?}");
    };
    assert_eq!(classes, trained_on);
    assert!(matches!(rest[0], Told::Progress(Progress::Begins(_))), "{rest:?}");
    // The network to continue from counts as epoch 0.
    assert_eq!(recorder.epochs(), [0, 1]);
}
