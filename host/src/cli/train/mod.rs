//! `pinhole train`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use miette::{IntoDiagnostic as _, Result};
use pinhole_boards::board::Board;
use pinhole_core::artifacts::check_outside;
use pinhole_train::quantize::ActivationBits;
use pinhole_train::runs::files;
use pinhole_train::{Accelerator, Stopped};

mod changes;

use self::changes::Changes;
use super::INTERRUPTED;
use super::choice::choice;
use super::completions;
use super::output::{duration, json, say, scores};
use super::photo_options::PhotoArguments;
use super::terminal::Terminal;
use super::values::{at_least, between};
use super::verdict::{print_next_steps, print_verdict};
use crate::app::next_steps;
use crate::app::train::{Checkpoints, EarlierRun, TestResults, TrainRequest, TrainedRun, train};

/// `pinhole train`.
#[derive(Debug, Args)]
pub(super) struct Train {
    /// Folder of training photos: one folder per class, or files named by class (muffin-1.jpg). Or a list of photos: a .csv,
    /// .tsv or .txt file with a path and a class on each line
    photos: PathBuf,
    /// Folder or list of validation photos [default: a fifth of the training photos is held out, by the seed]
    #[arg(long, value_name = "FOLDER")]
    validation: Option<PathBuf>,
    /// Folder or list of test photos, which are used once, to judge the trained model [default: the folder test, in a folder
    /// that also has train and validation]
    #[arg(long, value_name = "FOLDER")]
    test: Option<PathBuf>,
    #[command(flatten)]
    options: PhotoArguments,
    /// Name of a recipe (see `pinhole recipes`), path of a .toml file, or auto: chooses a bundled network to continue from, and
    /// settings, by the photos [default: auto; with --from, the recipe of that network]
    #[arg(long, add = completions::recipes())]
    recipe: Option<String>,
    /// Continue from a trained network, on the same classes or others: a run folder, a weights.safetensors, a .pinhole
    /// file, or the name of a bundled model
    #[arg(long, value_name = "MODEL", add = completions::models())]
    from: Option<PathBuf>,
    /// Train only the last layer; the layers before it stay as they are
    #[arg(long, requires = "from")]
    freeze: bool,
    /// Board that the model is for: auto keeps to its memory, and to a second for a picture
    #[arg(long, value_name = "NAME", value_parser = choice::<Board>())]
    board: Option<Board>,
    /// Seed of all random numbers: the same seed gives the same bytes
    #[arg(long, default_value_t = 1, value_parser = at_least::<u64>(0))]
    seed: u64,
    /// Bits of the activations between layers on the device
    #[arg(long, value_enum, default_value_t)]
    activations: Activations,
    /// Run folder to write: model, weights, metrics, report. An earlier run in it is kept beside it: for the folder run
    /// that is run-1, then run-2 and so on
    #[arg(long, value_name = "FOLDER", default_value = "run")]
    out: PathBuf,
    /// Replace an earlier run or an unfinished training in --out, instead of keeping it
    #[arg(long)]
    replace: bool,
    /// Continue the training in --out that Ctrl-C or a crash ended. Give the same photos and settings: the result is
    /// then the same as without the interruption
    #[arg(long)]
    resume: bool,
    /// Device to train on. A graphics card needs a Pinhole that was built with support for it. The network is then
    /// nearly the same, but not byte for byte
    #[arg(long, value_enum, default_value_t)]
    device: TrainingDevice,
    /// Number of threads to train with [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "COUNT", value_parser = between::<u16>(1, 1024))]
    threads: Option<u16>,
    /// Print the run's summary as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    changes: Changes,
}

/// Devices to compute on, as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum TrainingDevice {
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
        let photos = [Some(self.photos.as_path()), self.validation.as_deref(), self.test.as_deref()];
        check_outside(&self.out, photos.into_iter().flatten())?;
        if let Some(threads) = self.threads {
            // Before anything uses the pool.
            rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global().into_diagnostic()?;
        }
        let job = self.request().job(&mut Terminal::new())?;
        let kept = if self.resume { Checkpoints::Resume } else { Checkpoints::Keep };
        let earlier = if self.replace { EarlierRun::Replace } else { EarlierRun::KeepAside };
        let TrainedRun { finished, took, before } = train(&job, &self.out, kept, earlier, &mut Terminal::new())?;
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
            print_verdict(&finished.verdict);
            if let Some(TestResults { folder, verdict, .. }) = &finished.test {
                say!("test      {} ({})", verdict.sentence, folder.display());
                for warning in &verdict.warnings {
                    say!("warning   of the test photos: {warning}");
                }
            }
            let part = before.map(|before| format!(", after epoch {before}")).unwrap_or_default();
            say!("time      {}{part}", duration(took));
            say!("model     {}", self.out.join(files::MODEL).display());
            say!("report    {}", self.out.join(files::REPORT).display());
            print_next_steps(&next_steps(&finished.summary, &finished.verdict, &self.out));
        }
        Ok(match finished.outcome.stopped {
            Stopped::Interrupted => ExitCode::from(INTERRUPTED),
            Stopped::Finished | Stopped::Patience | Stopped::Diverged => ExitCode::SUCCESS,
        })
    }

    fn request(&self) -> TrainRequest {
        TrainRequest {
            photos: self.photos.clone(),
            validation: self.validation.clone(),
            test: self.test.clone(),
            options: self.options.options(None),
            recipe: self.recipe.clone(),
            from: self.from.clone(),
            freeze: self.freeze,
            board: self.board,
            changes: self.changes.to_changes(),
            seed: self.seed,
            bits: self.activations.into(),
            accelerator: match self.device {
                TrainingDevice::Cpu => Accelerator::Cpu,
                TrainingDevice::Gpu => Accelerator::Gpu,
            },
        }
    }
}
