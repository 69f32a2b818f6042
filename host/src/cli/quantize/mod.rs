//! `pinhole quantize`.

mod fine_tune;
mod scores;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use miette::{Result, miette};
use pinhole_shared::policy::Policy;
use serde::Serialize;

use self::fine_tune::{FineTuneArguments, Progress};
use self::scores::{Models, Table};
use super::INTERRUPTED;
use super::output::{json, note, say, warn};
use super::policy::{PolicyArguments, PolicyFields, same_place};
use super::train::Activations;
use crate::model_file::ModelFile;
use crate::photos::{self, Dataset};
use crate::quantize::{LayerError, measure, quantize};
use crate::run_folder::{self, RunSummary, files};
use crate::shipped::Shipped;
use crate::threshold::Coverage;
use crate::train::{Network, Stopped};

/// `pinhole quantize`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("validated").args(["error_rate", "fine_tune"]).multiple(true)))]
pub(super) struct Quantize {
    /// Run folder of `pinhole train`, a weights.safetensors file, or the name of a model that ships
    run: PathBuf,
    /// Folder of training photos to calibrate on
    photos: PathBuf,
    /// Bits of the activations between layers on the device
    #[arg(long, value_enum, default_value_t)]
    activations: Activations,
    /// Bits of the weights (8, 7 or 4): one number for all layers, or one for each, as 4,8,8; the recipe's if absent
    #[arg(long, value_delimiter = ',', value_name = "BITS")]
    weights: Vec<u8>,
    /// Model file to write (default: model.pinhole beside the weights)
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print each layer's errors as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    fine_tune: FineTuneArguments,
    #[command(flatten)]
    policy: PolicyArguments,
}

/// A trained network and where it lies.
struct Given {
    network: Network,
    /// Of a run, or of a weights file; `None` of a network that ships.
    folder: Option<PathBuf>,
    summary: Option<RunSummary>,
}

/// A network, quantized.
struct Made {
    model: ModelFile,
    /// The float network it was made of.
    network: Network,
    /// What it was calibrated on.
    photos: Dataset,
    /// Folder of photos that chose the epoch that was kept, where that is known.
    chose_epoch: Option<PathBuf>,
    /// What the width of weights costs, or fine-tuning brings.
    table: Option<Table>,
    /// Where it was fine-tuned.
    progress: Option<Progress>,
}

impl Quantize {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let Given { mut network, folder, summary } = self.given()?;
        self.set_bits(&mut network)?;
        self.policy.check(&self.photos)?;
        let own = folder.as_ref().map(|folder| folder.join(files::MODEL));
        let Some(out) = self.out.clone().or_else(|| own.clone()) else {
            return Err(miette!(
                help = "give the file to write with --out",
                "{} ships with Pinhole and is not written to",
                self.run.display()
            ));
        };
        run_folder::check_model_place(&out)?;
        let made = match self.fine_tune.epochs() {
            None => self.quantized(network, summary.as_ref())?,
            Some(epochs) => self.fine_tuned(&network, summary.as_ref(), epochs)?,
        };
        let chosen = self.policy.choose(&made.model, &made.photos, made.chose_epoch.as_deref())?;
        let model = made.model.with_policy(chosen.policy);
        let layers = measure(&made.network, &model, &made.photos)?;
        let before = ModelFile::read(&out).map_or(Policy::NONE, |replaced| replaced.model().policy());
        run_folder::write_model(&out, model.bytes())?;
        if let (Some(folder), Some(own), Some(mut summary)) = (&folder, &own, summary)
            && same_place(&out, own)
        {
            summary.model_checksum = model.model().checksum();
            run_folder::write_summary(folder, &summary)?;
        }
        if chosen.policy == Policy::NONE && before != Policy::NONE {
            note(&format!(
                "the model it replaces had a policy, this one has none; it was: {}",
                PolicyFields::from(before)
            ));
        }
        let stopped = made.progress.as_ref().map(|progress| progress.stopped);
        if self.json {
            let (on_calibration_photos, on_validation_photos) =
                if made.progress.is_some() { (None, made.table) } else { (made.table, None) };
            json(&Written {
                model: out,
                bytes: model.bytes().len(),
                layers,
                policy: chosen.policy.into(),
                vouched: chosen.threshold.as_ref().and_then(|threshold| threshold.vouched),
                threshold: chosen.threshold.map(|threshold| threshold.left),
                on_calibration_photos,
                on_validation_photos,
                fine_tuning: made.progress,
            })?;
        } else {
            say!("layer      bytes   mean error    max error   accumulator bound");
            for (index, layer) in layers.iter().enumerate() {
                say!(
                    "{index:>5} {:>10} {:>12.6} {:>12.6} {:>11} ({:>4.1} % of 32 bits)",
                    layer.bytes,
                    layer.mean_error,
                    layer.max_error,
                    layer.accumulator_bound,
                    100.0 * f64::from(layer.accumulator_bound) / f64::from(i32::MAX)
                );
            }
            say!("model {} ({} bytes)", out.display(), model.bytes().len());
            chosen.print();
            if let Some(progress) = &made.progress {
                progress.print();
            }
            if let Some(table) = &made.table {
                table.print();
                let also = self.out.as_ref().map(|out| format!(" --beside {}", out.display())).unwrap_or_default();
                let why = if made.progress.is_some() { "chose no epoch" } else { "it was not trained on" };
                say!("photos that {why} say more: pinhole evaluate {} PHOTOS{also}", self.run.display());
            }
        }
        Ok(match stopped {
            Some(Stopped::Interrupted) => ExitCode::from(INTERRUPTED),
            _ => ExitCode::SUCCESS,
        })
    }

    fn given(&self) -> Result<Given> {
        if let Some(shipped) = Shipped::named(&self.run) {
            let Some(network) = shipped.open().network else {
                return Err(miette!(
                    help = "take a run folder of `pinhole train`, or another that ships: `pinhole models`",
                    "{} ships without the float weights that quantization starts from",
                    self.run.display()
                ));
            };
            return Ok(Given { network, folder: None, summary: shipped.summary() });
        }
        let weights = if self.run.is_dir() { self.run.join(files::WEIGHTS) } else { self.run.clone() };
        let network = Network::read(&weights)?;
        let folder = weights.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Given { network, summary: run_folder::summary(&folder), folder: Some(folder) })
    }

    fn set_bits(&self, network: &mut Network) -> Result<()> {
        if self.weights.is_empty() {
            return Ok(());
        }
        let layers = network.recipe.weight_bits().count();
        network.recipe.set_weight_bits(&self.weights).map_err(|_| {
            miette!(
                help = "give 8, 7 or 4 for all layers, or {layers} of them with commas between, one for each layer",
                "--weights {} is no width of weights for a network of {layers} layers",
                self.weights.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
            )
        })
    }

    fn quantized(&self, network: Network, summary: Option<&RunSummary>) -> Result<Made> {
        let photos = photos::load(&self.photos, network.recipe.input_side, Some(&network.classes))?;
        warn(&photos.warnings);
        let model = quantize(&network, &photos, self.activations.into())?;
        let int8 = self.int8(&network, &photos)?;
        let models = Models { written: &model, before: None, int8: int8.as_ref() };
        let table = int8.is_some().then(|| Table::of(&network, models, &photos)).transpose()?;
        let chose_epoch = summary.and_then(|run| run.validation.clone());
        Ok(Made { model, network, photos, chose_epoch, table, progress: None })
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Written {
    model: PathBuf,
    bytes: usize,
    layers: Vec<LayerError>,
    /// When its decisions are answers.
    policy: PolicyFields,
    /// What the least probability leaves of the validation photos, where it was chosen on some.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<Coverage>,
    /// What one leaves that those photos can vouch for.
    #[serde(skip_serializing_if = "Option::is_none")]
    vouched: Option<Coverage>,
    /// Where weights have fewer bits than 8.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_calibration_photos: Option<Table>,
    /// Where it was fine-tuned: by photos that chose the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_validation_photos: Option<Table>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fine_tuning: Option<Progress>,
}
