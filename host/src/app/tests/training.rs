//! Tests of trainings that end, are stopped, and are resumed.

use std::path::Path;

use pinhole_core::artifacts::write_file;
use pinhole_core::data;
use pinhole_core::recipe::{DEFAULT, Recipe};
use pinhole_train::runs::{self, files};
use pinhole_train::{CheckpointError, LastLayer, Stopped};

use super::super::train::{Checkpoints, TrainRequest, TrainingError, train};
use super::*;

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
    let again = train(&request.job(&mut ()).unwrap(), &out, Checkpoints::Keep, &mut ());
    assert!(matches!(again, Err(TrainingError::Unfinished { out: folder }) if folder == out));
    let other = TrainRequest { seed: 2, ..request.clone() };
    let mut silent = Recorder::default();
    let again = train(&other.job(&mut ()).unwrap(), &out, Checkpoints::Resume, &mut silent);
    assert!(matches!(again, Err(TrainingError::Checkpoint(CheckpointError::Other { .. }))));
    assert_eq!(silent.told, []);

    let mut resumed = Recorder::default();
    let run = trained(&request, &out, Checkpoints::Resume, &mut resumed);
    assert_eq!((run.finished.outcome.stopped, run.before), (Stopped::Finished, Some(3)));
    assert_eq!(resumed.epochs(), [4, 5, 6]);
    let replacing = Told::Note(Note::ReplacingRun { folder: out.clone() });
    let resuming = Told::Note(Note::Resuming { after: 3, epochs: EPOCHS });
    assert_eq!(resumed.around_epochs(), [resuming, begins(3), ENDS, replacing]);

    let mut names: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names.len(), 6, "{names:?}");
    for name in names {
        let read = |folder: &Path| std::fs::read(folder.join(&name)).unwrap();
        assert!(read(&out) == read(&whole), "another {}", name.display());
    }
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
    let missing = train(&request.job(&mut ()).unwrap(), &out, Checkpoints::Resume, &mut ());
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
