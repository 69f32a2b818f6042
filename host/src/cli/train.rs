//! `pinhole train`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};
use miette::{IntoDiagnostic, Result, WrapErr};

use super::INTERRUPTED;
use super::output::{json, note, progress, say, scores, warn, warn_of_duplicates};
use crate::quantize::ActivationBits;
use crate::recipe::{DEFAULT, Recipe};
use crate::run_folder::{self, create_folder, files};
use crate::source::Source;
use crate::train::{LastLayer, Stopped};
use crate::workflow::{Continuation, Finished, Job, JobData};

/// `pinhole train`.
#[derive(Debug, Args)]
pub(super) struct Train {
    /// Folder of training photos: one folder a class, or files named by class (muffin-1.jpg)
    photos: PathBuf,
    /// Folder of validation photos; without it a fifth of the training photos is held out, by the seed
    #[arg(long)]
    validation: Option<PathBuf>,
    /// Name of a recipe (see `pinhole recipes`) or path of a .toml file [default: baseline-dropout; with --from the
    /// settings that network was trained by]
    #[arg(long)]
    recipe: Option<String>,
    /// Continue from a trained network, on the same classes or others: a run folder, a weights.safetensors or a
    /// .pinhole file
    #[arg(long, value_name = "MODEL_OR_RUN")]
    from: Option<PathBuf>,
    /// Train only the last layer; those before it keep their bytes
    #[arg(long, requires = "from")]
    freeze: bool,
    /// Seed of all randomness: the same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Epochs to train, instead of the recipe's
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Stop after so many epochs without a better validation loss, instead of the recipe's patience
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    patience: Option<u32>,
    /// Bits of the activations between layers on the device
    #[arg(long, value_enum, default_value_t)]
    activations: Activations,
    /// Run folder to write: model, weights, metrics, report. An earlier run in it is replaced
    #[arg(long, default_value = "run")]
    out: PathBuf,
    /// Threads to train with (default: all cores); the result does not depend on it
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Print the run's summary as JSON
    #[arg(long)]
    json: bool,
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
        };
        if let Some(threads) = self.threads {
            // Can only fail when a pool exists already, and then it is the default one, which serves as well.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global();
        }
        let (finished, _) = train_and_write(&job, &self.out)?;
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
            say!("model     {}", self.out.join(files::MODEL).display());
            say!("report    {}", self.out.join(files::REPORT).display());
        }
        Ok(match finished.outcome.stopped {
            Stopped::Interrupted => ExitCode::from(INTERRUPTED),
            Stopped::Finished | Stopped::Patience => ExitCode::SUCCESS,
        })
    }
}

/// Trains with a progress bar, ends cleanly on Ctrl-C, and writes the run folder.
pub(super) fn train_and_write(job: &Job, out: &Path) -> Result<(Finished, JobData)> {
    let data = job.load()?;
    warn(&data.warnings);
    warn_of_duplicates(&data.duplicates);
    if let Some(from) = &job.from {
        note(&beginning(&from.source, &data.training.classes));
    }
    // Before training, so that an hour of it is not lost to a read-only disk; nothing else is written until the end.
    let existed = out.exists();
    create_folder(out)?;
    let result = train_observed(job, &data).and_then(|finished| {
        if run_folder::summary(out).is_some() {
            note(&format!("replacing the earlier run in {}", out.display()));
        }
        finished.write(out, &data)?;
        Ok(finished)
    });
    if result.is_err() && !existed {
        // Removes only an empty folder, which is what a failure before writing leaves.
        let _ = std::fs::remove_dir(out);
    }
    result.map(|finished| (finished, data))
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

fn train_observed(job: &Job, data: &JobData) -> Result<Finished> {
    // While training, the first Ctrl-C asks it to stop; a second one, or one at any other time, ends the process.
    static TRAINING: AtomicBool = AtomicBool::new(false);
    let handler = || {
        if !TRAINING.swap(false, Ordering::SeqCst) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    };
    ctrlc::set_handler(handler).into_diagnostic().wrap_err("Ctrl-C cannot be caught")?;
    TRAINING.store(true, Ordering::SeqCst);
    let bar = progress(u64::from(job.recipe.training.epochs), "training");
    let finished = job.run(data, |epoch| {
        bar.set_position(u64::from(epoch.epoch));
        bar.set_message(format!(
            "loss {:.3} accuracy {:.3}, validation {:.3} {:.3}",
            epoch.training_loss, epoch.training_accuracy, epoch.validation_loss, epoch.validation_accuracy
        ));
        if TRAINING.load(Ordering::SeqCst) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    TRAINING.store(false, Ordering::SeqCst);
    let finished = finished?;
    bar.finish_and_clear();
    if finished.outcome.best.epoch == 0 {
        note("no epoch was better than the network it continued from, which is kept");
    }
    match finished.outcome.stopped {
        Stopped::Finished => {}
        Stopped::Interrupted => note("interrupted; keeping the best epoch so far"),
        Stopped::Patience => note(&format!("stopped after epoch {}: no better since", finished.summary.epochs)),
    }
    Ok(finished)
}
