//! `pinhole train`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use miette::Result;
use pinhole_shared::pixels::{Color, Fit};
use pinhole_train::quantize::ActivationBits;
use pinhole_train::runs::files;
use pinhole_train::{Accelerator, Stopped};

use super::INTERRUPTED;
use super::completions;
use super::output::{duration, json, say, scores};
use super::terminal::Terminal;
use super::values::at_least;
use crate::app::train::{Checkpoints, TrainRequest, TrainedRun, train};

/// `pinhole train`.
#[derive(Debug, Args)]
pub(super) struct Train {
    /// Folder of training photos: one folder per class, or files named by class (muffin-1.jpg)
    photos: PathBuf,
    /// Folder of validation photos [default: a fifth of the training photos is held out, by the seed]
    #[arg(long, value_name = "FOLDER")]
    validation: Option<PathBuf>,
    /// Name of a recipe (see `pinhole recipes`) or path of a .toml file [default: baseline-dropout; with --from, the
    /// recipe of that network]
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
    /// How pictures of another shape than the network's input are fitted in, instead of the recipe's way
    #[arg(long, value_enum)]
    fit: Option<Fits>,
    /// Seed of all random numbers: the same seed gives the same bytes
    #[arg(long, default_value_t = 1, value_parser = at_least::<u64>(0))]
    seed: u64,
    /// Number of epochs, instead of the recipe's
    #[arg(long, value_name = "COUNT", value_parser = at_least::<u32>(1))]
    epochs: Option<u32>,
    /// Stop after this many epochs without a better validation loss, instead of the recipe's patience
    #[arg(long, value_name = "EPOCHS", value_parser = at_least::<u32>(1))]
    patience: Option<u32>,
    /// Bits of the activations between layers on the device
    #[arg(long, value_enum, default_value_t)]
    activations: Activations,
    /// Run folder to write: model, weights, metrics, report. An earlier run in it is replaced
    #[arg(long, value_name = "FOLDER", default_value = "run")]
    out: PathBuf,
    /// Continue the training in --out that Ctrl-C or a crash ended. Give the same photos and settings: the result is
    /// then the same as without the interruption
    #[arg(long)]
    resume: bool,
    /// Device to train on. A graphics card needs a Pinhole that was built with support for it. The network is then
    /// nearly the same, but not byte for byte
    #[arg(long, value_enum, default_value_t)]
    device: TrainingDevice,
    /// Number of threads to train with [default: all cores]; the result does not depend on it
    #[arg(long, value_parser = at_least::<u16>(1))]
    threads: Option<u16>,
    /// Print the run's summary as JSON
    #[arg(long)]
    json: bool,
}

/// Color modes of a network, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Colors {
    /// Gray: brightness only
    Gray,
    /// Red, green and blue
    Rgb,
}

/// Fits of pictures into a network's input, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fits {
    /// The largest part of the input's shape is seen, in the middle
    Crop,
    /// The whole picture is seen, distorted to the input's shape
    Stretch,
    /// The whole picture is seen in its own shape, black beside it
    Letterbox,
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
        let job = self.request().job(&mut Terminal::new())?;
        if let Some(threads) = self.threads {
            // This can only fail if a pool already exists. Then it is the default pool, which is also suitable.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global();
        }
        let kept = if self.resume { Checkpoints::Resume } else { Checkpoints::Keep };
        let TrainedRun { finished, took, before } = train(&job, &self.out, kept, &mut Terminal::new())?;
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

    fn request(&self) -> TrainRequest {
        TrainRequest {
            photos: self.photos.clone(),
            validation: self.validation.clone(),
            recipe: self.recipe.clone(),
            from: self.from.clone(),
            freeze: self.freeze,
            color: self.color.map(|color| match color {
                Colors::Gray => Color::Gray,
                Colors::Rgb => Color::Rgb,
            }),
            fit: self.fit.map(|fit| match fit {
                Fits::Crop => Fit::Crop,
                Fits::Stretch => Fit::Stretch,
                Fits::Letterbox => Fit::Letterbox,
            }),
            seed: self.seed,
            epochs: self.epochs,
            patience: self.patience,
            bits: self.activations.into(),
            accelerator: match self.device {
                TrainingDevice::Cpu => Accelerator::Cpu,
                TrainingDevice::Gpu => Accelerator::Gpu,
            },
        }
    }
}
