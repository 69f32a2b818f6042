//! `pinhole train`.

mod observer;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use miette::{Diagnostic, Result};
use pinhole_shared::pixels::Color;
use thiserror::Error;

pub(super) use self::observer::{Interrupt, Observer};
use pinhole_core::artifacts::create_folder;
use pinhole_core::recipe::{DEFAULT, Recipe};
use pinhole_train::quantize::ActivationBits;
use pinhole_train::runs::JobError;
use pinhole_train::runs::source::Source;
use pinhole_train::runs::{self, files};
use pinhole_train::{Accelerator, Checkpoint, Identity, LastLayer, Stopped, TrainError};

use super::INTERRUPTED;
use super::completions;
use super::output::{duration, json, note, say, scores, warn, warn_of_duplicates};
use super::values::at_least;
use crate::app::{Continuation, Finished, Job, JobData};

/// `pinhole train`.
#[derive(Debug, Args)]
pub(super) struct Train {
    /// Folder of training photos: one folder a class, or files named by class (muffin-1.jpg)
    photos: PathBuf,
    /// Folder of validation photos; without it a fifth of the training photos is held out, by the seed
    #[arg(long, value_name = "FOLDER")]
    validation: Option<PathBuf>,
    /// Name of a recipe (see `pinhole recipes`) or path of a .toml file [default: baseline-dropout; with --from the
    /// settings that network was trained by]
    #[arg(long, add = completions::recipes())]
    recipe: Option<String>,
    /// Continue from a trained network, on the same classes or others: a run folder, a weights.safetensors, a .pinhole
    /// file, or the name of a bundled model
    #[arg(long, value_name = "MODEL", add = completions::models())]
    from: Option<PathBuf>,
    /// Train only the last layer; the layers before it stay as they are
    #[arg(long, requires = "from")]
    freeze: bool,
    /// Colors that the network sees, instead of the recipe's
    #[arg(long, value_enum)]
    color: Option<Colors>,
    /// Seed of all randomness: the same seed gives the same bytes
    #[arg(long, default_value_t = 1, value_parser = at_least::<u64>(0))]
    seed: u64,
    /// Epochs to train, instead of the recipe's
    #[arg(long, value_name = "COUNT", value_parser = at_least::<u32>(1))]
    epochs: Option<u32>,
    /// Stop after so many epochs without a better validation loss, instead of the recipe's patience
    #[arg(long, value_name = "EPOCHS", value_parser = at_least::<u32>(1))]
    patience: Option<u32>,
    /// Bits of the activations between layers on the device
    #[arg(long, value_enum, default_value_t)]
    activations: Activations,
    /// Run folder to write: model, weights, metrics, report. An earlier run in it is replaced
    #[arg(long, value_name = "FOLDER", default_value = "run")]
    out: PathBuf,
    /// Continue the training in --out that a crash or Ctrl-C ended, with the same photos and settings: the result is the
    /// same as without the interruption
    #[arg(long)]
    resume: bool,
    /// Processor to compute on. A graphics card needs a program built with support for it, and gives nearly the same
    /// network, not the same bytes
    #[arg(long, value_enum, default_value_t)]
    device: Device,
    /// Threads to train with [default: all cores]; the result does not depend on it
    #[arg(long, value_parser = at_least::<u16>(1))]
    threads: Option<u16>,
    /// Print the run's summary as JSON
    #[arg(long)]
    json: bool,
}

/// What a network sees, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Colors {
    /// Brightness alone
    Gray,
    /// Red, green and blue
    Rgb,
}

/// What to compute on, as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Device {
    /// The processor
    #[default]
    Cpu,
    /// The first graphics card
    Gpu,
}

/// Bits of activations, as arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Activations {
    /// 8 bits
    #[value(name = "8")]
    Eight,
    /// 16 bits
    #[default]
    #[value(name = "16")]
    Sixteen,
}

impl From<Activations> for ActivationBits {
    fn from(bits: Activations) -> Self {
        match bits {
            Activations::Eight => Self::Eight,
            Activations::Sixteen => Self::Sixteen,
        }
    }
}

impl Train {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let source = self.from.as_deref().map(Source::read).transpose()?;
        let (recipe_name, mut recipe) = match (&self.recipe, &source) {
            (None, Some(source)) => (source.recipe_name.clone(), source.pretrained.recipe.clone()),
            (name, _) => {
                let name = name.as_deref().unwrap_or(DEFAULT);
                (name.to_owned(), Recipe::find(name)?)
            }
        };
        if let Some(color) = self.color {
            recipe.set_color(match color {
                Colors::Gray => Color::Gray,
                Colors::Rgb => Color::Rgb,
            })?;
        }
        recipe.training.epochs = self.epochs.unwrap_or(recipe.training.epochs);
        recipe.training.patience = self.patience.or(recipe.training.patience);
        if let Some(source) = &source {
            source.pretrained.check(&recipe)?;
        }
        let job = Job {
            photos: self.photos.clone(),
            validation: self.validation.clone(),
            recipe_name,
            recipe,
            from: source.map(|source| Continuation { source, freeze: self.freeze }),
            seed: self.seed,
            bits: self.activations.into(),
            accelerator: match self.device {
                Device::Cpu => Accelerator::Cpu,
                Device::Gpu => Accelerator::Gpu,
            },
        };
        job.accelerator.check()?;
        if let Some(threads) = self.threads {
            // Can only fail when a pool exists already, and then it is the default one, which serves as well.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global();
        }
        let kept = if self.resume { Checkpoints::Resume } else { Checkpoints::Keep };
        let Trained { finished, took, before } = train_and_write(&job, &self.out, kept)?;
        if self.json {
            json(&finished.summary)?;
        } else {
            let best = finished.outcome.best;
            say!(
                "best epoch {} of {}: validation loss {:.4}",
                best.epoch,
                finished.summary.epochs,
                best.validation_loss
            );
            scores(&finished.evaluation);
            let part = before.map(|before| format!(", after epoch {before}")).unwrap_or_default();
            say!("time      {}{part}", duration(took));
            say!("model     {}", self.out.join(files::MODEL).display());
            say!("report    {}", self.out.join(files::REPORT).display());
        }
        Ok(match finished.outcome.stopped {
            Stopped::Interrupted => ExitCode::from(INTERRUPTED),
            Stopped::Finished | Stopped::Patience => ExitCode::SUCCESS,
        })
    }
}

/// What a training has to do with the checkpoint in its run folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checkpoints {
    /// It keeps none, being short.
    None,
    /// It starts from nothing and keeps one.
    Keep,
    /// It goes on from the one that is there, and keeps it.
    Resume,
}

/// A training would replace one that could be resumed.
#[derive(Debug, Error, Diagnostic)]
#[error("a training in {} has not ended: its checkpoint is there", out.display())]
#[diagnostic(help(
    "add --resume to go on with it; to train from the start instead, give another --out or remove {}",
    out.join(files::CHECKPOINT).display()
))]
struct Unfinished {
    out: PathBuf,
}

/// What has been trained, and how long it took.
pub(super) struct Trained {
    pub finished: Finished,
    /// Of the training alone, in this process.
    pub took: Duration,
    /// The last epoch before it was resumed; `None` if it was not.
    pub before: Option<u32>,
}

/// Trains with a progress bar, ends cleanly on Ctrl-C, and writes the run folder.
pub(super) fn train_and_write(job: &Job, out: &Path, checkpoints: Checkpoints) -> Result<Trained> {
    let path = out.join(files::CHECKPOINT);
    let checkpoint = match checkpoints {
        Checkpoints::Resume => Some(Checkpoint::read(&path)?),
        Checkpoints::Keep if path.exists() => return Err(Unfinished { out: out.to_owned() }.into()),
        Checkpoints::Keep | Checkpoints::None => None,
    };
    let data = job.load()?;
    warn(&data.warnings);
    warn_of_duplicates(&data.duplicates);
    if let Some(from) = &job.from {
        note(&beginning(&from.source, &data.training.classes));
    }
    let identity = job.identity(&data)?;
    if let Some(checkpoint) = &checkpoint {
        checkpoint.check(&identity, &path)?;
    }
    // Before training, so that an hour of it is not lost to a read-only disk; but for the checkpoint, nothing else is
    // written until the end.
    let existed = out.exists();
    create_folder(out)?;
    let kept = (checkpoints != Checkpoints::None).then_some((path.as_path(), identity));
    let result = train_observed(job, &data, checkpoint, kept).and_then(|trained| {
        let finished = &trained.finished;
        if runs::summary(out).is_some() {
            note(&format!("replacing the earlier run in {}", out.display()));
        }
        finished.write(out, &data)?;
        if finished.outcome.stopped != Stopped::Interrupted {
            runs::remove_checkpoint(out)?;
        }
        Ok(trained)
    });
    if result.is_err() && !existed {
        // Removes only an empty folder, which is what a failure before writing leaves.
        let _ = std::fs::remove_dir(out);
    }
    result
}

/// What a training continues from, and with which last layer.
fn beginning(source: &Source, classes: &[String]) -> String {
    let path = source.path.display();
    let weights = if source.dequantized {
        format!("the int8 weights of {path}, turned back to float: no float weights of it are at hand")
    } else {
        path.to_string()
    };
    match source.pretrained.last_layer(classes) {
        LastLayer::Kept => format!("continuing from {weights}\nthe classes are the same: the last layer is kept"),
        LastLayer::Replaced => format!(
            "continuing from {weights}\nthe classes are {} and were {}: the last layer starts anew",
            classes.join(", "),
            source.pretrained.classes.join(", ")
        ),
    }
}

/// Trains, from a checkpoint on where one is given. One with the identity is kept in the file `kept`.
fn train_observed(
    job: &Job,
    data: &JobData,
    checkpoint: Option<Checkpoint>,
    kept: Option<(&Path, Identity)>,
) -> Result<Trained> {
    let path = kept.as_ref().map(|(path, _)| *path);
    let state = checkpoint.map(|checkpoint| checkpoint.state);
    let before = state.as_ref().and_then(|state| state.epochs().last()).map(|epoch| epoch.epoch);
    if let Some(before) = before {
        note(&format!("going on after epoch {before} of {}", job.recipe.training.epochs));
    }
    let interrupt = Interrupt::catch()?;
    let begun = Instant::now();
    let mut observer = Observer::new(&job.recipe.training, before.unwrap_or(0), kept, &interrupt);
    let finished = job.resume(data, state, |training, epoch| observer.observe(training, epoch));
    interrupt.release();
    let took = begun.elapsed();
    let can_resume = observer.end();
    if let (Err(JobError::Train(TrainError::Diverged(_))), Some(path)) = (&finished, path) {
        // To go on from it would end likewise, and with other settings it is of no use.
        let _ = std::fs::remove_file(path);
    }
    let finished = finished?;
    if finished.outcome.best.epoch == 0 {
        note("no epoch was better than the network it continued from, which is kept");
    }
    match finished.outcome.stopped {
        Stopped::Finished => {}
        Stopped::Interrupted => {
            note("interrupted; keeping the best epoch so far");
            if can_resume {
                note("the same command with --resume goes on from here");
            }
        }
        Stopped::Patience => note(&format!("stopped after epoch {}: no better since", finished.summary.epochs)),
    }
    Ok(Trained { finished, took, before })
}
