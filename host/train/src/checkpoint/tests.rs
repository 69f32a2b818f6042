//! A training that was stopped, saved and resumed gives the same result as one that was never stopped.

use std::ops::ControlFlow;
use std::path::Path;

use pinhole_core::photos::Dataset;
use pinhole_core::recipe::Recipe;
use pinhole_core::testing;
use pinhole_shared::pixels::InputShape;

use super::*;
use crate::{Accelerator, Network, Pretrained, Stopped, Training, TrainingOutcome, transfer};

const SEED: u64 = 5;

/// Synthetic pictures: noise, a little darker in one class.
fn photos(side: u16, count: usize, seed: u64) -> Dataset {
    let level = |class: u16, _| 110.0 + 20.0 * f32::from(class);
    testing::noise_around(level, 90.0, InputShape::gray(side), &["dark", "light"], testing::in_turn(count, 2), seed)
}

const DENSE: &str = "[[layer]]\noutputs = 9\nactivation = \"sigmoid\"\ndropout = 0.3\nl2 = 0.001\n";
const CONVOLUTIONS: &str = "[[layer]]\nkind = \"conv\"\nchannels = 4\nkernel = 3\nbatch_norm = true\n\
    activation = \"relu\"\npool = 2\ndropout = 0.2\n\
    [[layer]]\nkind = \"conv\"\nchannels = 3\nkernel = 2\nactivation = \"linear\"\nl1 = 0.001\n\
    [[layer]]\nkind = \"global-average\"\n";

/// `training` goes before the layers: settings, and tables after them.
fn recipe(training: &str, layers: &str) -> Recipe {
    testing::recipe(&format!(
        "input_side = 12\n[training]\nepochs = 6\nbatch = 8\nlearning_rate = 0.01\n{training}{layers}"
    ))
}

/// Inputs of a training.
struct Subject {
    recipe: Recipe,
    /// True to train only the last layer.
    freeze: bool,
    /// A network trained before on the same classes.
    from: Option<Pretrained>,
    training: Dataset,
    validation: Dataset,
}

impl Subject {
    fn of(recipe: Recipe) -> Self {
        // 21: the last batch is smaller.
        Self { recipe, freeze: false, from: None, training: photos(12, 21, 1), validation: photos(12, 10, 2) }
    }

    fn network(&self) -> Network {
        let mut network = match &self.from {
            None => Network::new(&self.recipe, &self.training.classes, SEED).unwrap(),
            Some(from) => transfer(from, &self.recipe, &self.training.classes, SEED).unwrap(),
        };
        if self.freeze {
            network.freeze_hidden();
        }
        network
    }

    fn training(&self) -> Training<'_> {
        Training::new(self.network(), &self.training, &self.validation, SEED).unwrap()
    }

    fn identity(&self) -> TrainingIdentity {
        TrainingIdentity::of(&self.network(), &self.training, &self.validation, SEED).unwrap()
    }

    /// Returns the checkpoint after epoch `last`, and the outcome of a training that ends there.
    fn stopped_after(&self, last: u32) -> (Checkpoint, TrainingOutcome) {
        let mut state = None;
        let outcome = self.training().run(|training, epoch| {
            if epoch.epoch < last {
                return ControlFlow::Continue(());
            }
            state = Some(training.state().unwrap());
            ControlFlow::Break(())
        });
        let checkpoint = Checkpoint { identity: self.identity(), state: state.expect("it ran so far") };
        (checkpoint, outcome.unwrap())
    }

    fn whole(&self) -> TrainingOutcome {
        self.training().run(|_, _| ControlFlow::Continue(())).unwrap()
    }
}

fn through_a_file(checkpoint: &Checkpoint) -> Checkpoint {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    std::fs::write(&path, checkpoint.to_bytes()).unwrap();
    let read = Checkpoint::read(&path).unwrap();
    assert!(read == *checkpoint);
    read
}

/// Stops after every epoch in turn, resumes from the file, and compares with a training that was never stopped.
fn goes_on(subject: &Subject) {
    let whole = subject.whole();
    let first = whole.epochs[0].epoch;
    let last = whole.epochs.last().unwrap().epoch;
    for stop in first..=last {
        let (checkpoint, stopped) = subject.stopped_after(stop);
        assert_eq!(stopped.stopped, Stopped::Interrupted);
        let mut training = subject.training();
        training.restore(through_a_file(&checkpoint).state).unwrap();
        assert_eq!(training.best(), Some(&stopped.best));
        let mut seen = Vec::new();
        let resumed = training
            .run(|_, epoch| {
                seen.push(epoch.epoch);
                ControlFlow::Continue(())
            })
            .unwrap();
        assert!(seen.into_iter().eq(stop + 1..=last), "stopped after {stop}");
        assert_eq!(resumed.epochs, whole.epochs, "stopped after {stop}");
        assert_eq!((resumed.best, resumed.stopped), (whole.best, whole.stopped), "stopped after {stop}");
        let bytes = |outcome: &TrainingOutcome| outcome.network.to_safetensors().unwrap();
        assert!(bytes(&resumed) == bytes(&whole), "stopped after {stop}, it gives other weights");
    }
}

#[test]
fn every_optimizer_goes_on() {
    for optimizer in [
        "",
        "[training.optimizer]\nkind = \"sgd\"\n",
        "[training.optimizer]\nkind = \"sgd\"\nmomentum = 0.9\n",
        "[training.optimizer]\nkind = \"sgd\"\nmomentum = 0.9\nnesterov = true\n",
        "[training.optimizer]\nkind = \"adamw\"\nweight_decay = 0.1\n",
    ] {
        for layers in [DENSE, CONVOLUTIONS] {
            goes_on(&Subject::of(recipe(optimizer, layers)));
        }
    }
}

#[test]
fn schedules_and_variations_go_on() {
    let variations = "[training.augment]\nflip = true\nrotation = 10.0\nbrightness = 0.2\nblur = 0.5\nnoise = 0.05\n";
    let schedule = "[training.schedule]\nkind = \"cosine\"\nwarmup = 2\n";
    goes_on(&Subject::of(recipe(&format!("{schedule}{variations}"), DENSE)));
    goes_on(&Subject::of(recipe(&format!("label_smoothing = 0.1\n{variations}"), CONVOLUTIONS)));
}

/// The learning rate is so high that no epoch is better than an early one.
#[test]
fn patience_goes_on() {
    let text = recipe("patience = 2\n", DENSE).to_toml().replace("learning_rate = 0.01", "learning_rate = 1.0");
    let subject = Subject::of(testing::recipe(&text));
    let whole = subject.whole();
    assert_eq!((whole.stopped, whole.epochs.len() < 6), (Stopped::Patience, true), "{:?}", whole.epochs);
    goes_on(&subject);
}

/// Before, at and after the epoch from which all layers are trained and the optimizer begins anew.
#[test]
fn frozen_epochs_go_on() {
    for optimizer in ["", "[training.optimizer]\nkind = \"sgd\"\nmomentum = 0.9\n"] {
        let recipe = recipe(&format!("frozen_epochs = 3\n{optimizer}"), CONVOLUTIONS);
        goes_on(&Subject::of(recipe.clone()));
        // All epochs are frozen, so the optimizer never begins anew.
        goes_on(&Subject { freeze: true, ..Subject::of(recipe) });
    }
}

/// Resumes from epoch 0, the network as it was given.
#[test]
fn what_continues_a_network_goes_on() {
    let mut subject = Subject::of(recipe("", DENSE));
    subject.from = Some(Pretrained::of(&subject.whole().network).unwrap());
    assert_eq!(subject.whole().epochs[0].epoch, 0);
    goes_on(&subject);
}

#[test]
fn another_training_is_told_by_what_differs() {
    let subject = || Subject::of(recipe("", DENSE));
    let (checkpoint, _) = subject().stopped_after(1);
    let refused = |identity: &TrainingIdentity| checkpoint.check(identity, Path::new("here")).unwrap_err().to_string();
    checkpoint.check(&subject().identity(), Path::new("here")).unwrap();

    let mut other = subject();
    other.recipe.training.epochs = 7;
    let told = refused(&other.identity());
    assert!(told.starts_with("here is ") && told.contains("`epochs = 6` where this one has `epochs = 7`"), "{told}");
    let mut other = subject();
    other.training.examples[3].pixels[5] ^= 1;
    assert!(refused(&other.identity()).contains("training photos"));
    let mut other = subject();
    other.training.examples[3].class ^= 1;
    assert!(refused(&other.identity()).contains("training photos"));
    let mut other = subject();
    other.validation.examples.swap(0, 1);
    assert!(refused(&other.identity()).contains("validation photos"));
    let mut other = subject();
    other.from = Some(Pretrained::of(&other.whole().network).unwrap());
    assert!(refused(&other.identity()).contains("--from"));
    let mut frozen = subject().network();
    frozen.freeze_hidden();
    let subject = subject();
    let of =
        |network: &Network, seed| TrainingIdentity::of(network, &subject.training, &subject.validation, seed).unwrap();
    assert!(refused(&of(&frozen, SEED)).contains("--freeze"));
    assert!(refused(&of(&subject.network(), 6)).contains("its seed is 5, and this one's 6"));
    let on_card = of(&subject.network(), SEED).on(Accelerator::Gpu);
    assert!(refused(&on_card).contains("--device"));
    let mut older = of(&subject.network(), SEED);
    older.pinhole = "0.0.9".to_owned();
    assert!(refused(&older).contains("and this is 0.0.9"));
}

#[test]
fn damaged_files_are_refused() {
    let (checkpoint, _) = Subject::of(recipe("", DENSE)).stopped_after(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Checkpoint::read(&path).unwrap_err()
    };
    assert!(matches!(Checkpoint::read(&path), Err(CheckpointError::Missing { .. })));
    let bytes = checkpoint.to_bytes();
    for length in [0, 5, MAGIC.len(), MAGIC.len() + DIGEST - 1, MAGIC.len() + DIGEST, bytes.len() / 2, bytes.len() - 1]
    {
        let error = read(&bytes[..length]);
        assert!(matches!(error, CheckpointError::Damaged { .. }), "{length} bytes: {error}");
    }
    for place in [0, MAGIC.len() - 2, MAGIC.len() + 1, MAGIC.len() + DIGEST + 3, bytes.len() - 1] {
        let mut bytes = bytes.clone();
        bytes[place] ^= 4;
        let error = read(&bytes);
        assert!(matches!(error, CheckpointError::Damaged { .. }), "byte {place}: {error}");
    }
    // A correct checksum is no reason to trust the content.
    let sealed = |content: &[u8]| [MAGIC, &Sha256::digest(content), content].concat();
    assert!(matches!(read(&sealed(&[0xff; 40])), CheckpointError::Damaged { .. }));
}

/// States of other sizes are errors, whatever their origin.
#[test]
fn states_that_do_not_fit_are_refused() {
    let subject = Subject::of(recipe("", CONVOLUTIONS));
    let (Checkpoint { state, .. }, _) = subject.stopped_after(2);
    subject.training().restore(state.clone()).unwrap();
    let changes: [fn(&mut TrainingState); 8] = [
        |state| state.epochs[1].epoch = 3,
        |state| state.epochs.insert(0, state.epochs[0]),
        |state| state.best.clear(),
        |state| state.best[0].push(0.0),
        |state| drop(state.trainer.network.pop()),
        |state| drop(state.trainer.optimizer.pop()),
        |state| state.trainer.optimizer.swap(0, 1),
        |state| state.trainer.order[0] = state.trainer.order[1],
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut state = state.clone();
        change(&mut state);
        assert!(subject.training().restore(state).is_err(), "change {number}");
    }
}
