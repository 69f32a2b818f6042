//! Tests of use cases without a terminal: their events, the order of the events, and their files.

mod hostile;
mod quantizing;
mod training;

use std::path::{Path, PathBuf};

use pinhole_core::artifacts::{create_folder, write_file};
use pinhole_core::data;
use pinhole_core::photos::PhotoOptions;
use pinhole_core::recipe::DEFAULT;
use pinhole_train::Accelerator;
use pinhole_train::quantize::ActivationBits;

use super::train::{Checkpoints, EarlierRun, RecipeChanges, TrainRequest, TrainedRun, train};
use super::*;

/// Number of epochs of a complete training.
const EPOCHS: u32 = 6;

/// Records all events, and stops a training after some epoch.
#[derive(Default)]
struct Recorder {
    stop_after: Option<u32>,
    told: Vec<Told>,
}

/// A recorded event.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Note(Note),
    Progress(Progress),
    /// A call of `should_stop`.
    Asked,
}

impl Recorder {
    fn stopping_after(epoch: u32) -> Self {
        Self { stop_after: Some(epoch), told: Vec::new() }
    }

    /// Returns the numbers of the reported epochs.
    fn epochs(&self) -> Vec<u32> {
        let number = |told: &Told| match told {
            Told::Progress(Progress::Epoch { epoch, .. }) => Some(epoch.epoch),
            _ => None,
        };
        self.told.iter().filter_map(number).collect()
    }

    /// Returns all events but the epochs and the calls of `should_stop`.
    fn around_epochs(&self) -> Vec<Told> {
        let is_other = |told: &&Told| !matches!(told, Told::Progress(Progress::Epoch { .. }) | Told::Asked);
        self.told.iter().filter(is_other).cloned().collect()
    }
}

impl Events for Recorder {
    fn note(&mut self, note: &Note) {
        self.told.push(Told::Note(note.clone()));
    }

    fn progress(&mut self, progress: &Progress) {
        self.told.push(Told::Progress(progress.clone()));
    }

    fn should_stop(&mut self) -> bool {
        let last = self.epochs().last().copied();
        self.told.push(Told::Asked);
        self.stop_after.is_some() && last >= self.stop_after
    }
}

/// Writes the bundled pictures of a set into a folder.
fn pictures(set: &str, beside: &Path) -> PathBuf {
    let folder = beside.join(set);
    create_folder(&folder).unwrap();
    for (name, bytes) in data::pictures(set) {
        write_file(&folder.join(name), bytes).unwrap();
    }
    folder
}

fn request(folder: &Path) -> TrainRequest {
    TrainRequest {
        photos: pictures("train", folder),
        validation: Some(pictures("validation", folder)),
        test: None,
        options: PhotoOptions::default(),
        recipe: Some(DEFAULT.to_owned()),
        from: None,
        freeze: false,
        board: None,
        changes: RecipeChanges { epochs: Some(EPOCHS), ..RecipeChanges::default() },
        seed: 1,
        bits: ActivationBits::default(),
        accelerator: Accelerator::Cpu,
    }
}

fn request_of_an_epoch(folder: &Path) -> TrainRequest {
    TrainRequest { changes: RecipeChanges { epochs: Some(1), ..RecipeChanges::default() }, ..request(folder) }
}

fn trained(request: &TrainRequest, out: &Path, checkpoints: Checkpoints, events: &mut dyn Events) -> TrainedRun {
    train(&request.job(&mut ()).unwrap(), out, checkpoints, EarlierRun::KeepAside, events).unwrap()
}

fn begins(after: u32) -> Told {
    Told::Progress(Progress::Begins(Task::Training { epochs: EPOCHS, after, patience: None }))
}

const ENDS: Told = Told::Progress(Progress::Ends);
