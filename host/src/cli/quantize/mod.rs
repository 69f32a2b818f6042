//! `pinhole quantize`.

mod fine_tune;
mod scores;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use miette::{Result, miette};
use pinhole_core::artifacts;
use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::{self, Dataset};
use pinhole_lab::threshold::Coverage;
use pinhole_shared::policy::Policy;
use pinhole_train::quantize::{ActivationBits, LayerError, measure, quantize};
use pinhole_train::runs::bundled::Bundled;
use pinhole_train::runs::{self, Quantization, RunSummary, files};
use pinhole_train::{Network, Stopped};
use serde::Serialize;

use self::fine_tune::{FineTuneArguments, Progress};
use self::scores::{Models, Table, int8};
use super::INTERRUPTED;
use super::completions;
use super::model_and_photos::Limit;
use super::output::{json, note, say, spinner, warn};
use super::policy::{PolicyArguments, PolicyFields, same_place};
use super::train::Activations;
use crate::app::{Rewritten, rewrite_report};

/// `pinhole quantize`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("validated").args(["error_rate", "fine_tune"]).multiple(true)))]
pub(super) struct Quantize {
    /// Run folder of `pinhole train`, its weights.safetensors, or the name of a bundled model
    #[arg(add = completions::models())]
    model: PathBuf,
    /// Folder of training photos to calibrate on
    photos: PathBuf,
    #[command(flatten)]
    limit: Limit,
    /// Bits of the activations between layers on the device [default: those of the run's model; at first 16]
    #[arg(long, value_enum)]
    activations: Option<Activations>,
    /// Bits of the weights (8, 7 or 4): one number for all layers, or one for each, as 4,8,8 [default: those of the run's model;
    /// at first the recipe's]
    #[arg(long, value_delimiter = ',', value_name = "BITS", value_parser = weight_bits)]
    weights: Vec<u8>,
    /// Model file to write [default: model.pinhole beside the weights]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print each layer's errors as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    fine_tune: FineTuneArguments,
    #[command(flatten)]
    policy: PolicyArguments,
}

/// Widths that there are none of are refused with the number of layers, which is not known here.
fn weight_bits(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| "give 8, 7 or 4".to_owned())
}

/// A trained network and where it lies.
struct Given {
    network: Network,
    /// Of a run, or of a weights file; `None` of a bundled network.
    folder: Option<PathBuf>,
    summary: Option<RunSummary>,
    /// The model that was made of it last.
    model: Option<ModelFile>,
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
    /// How it was quantized; `None` where the model was there before, and only its policy is new.
    quantization: Option<Quantization>,
    /// What the width of weights costs, or fine-tuning brings.
    table: Option<Table>,
    /// Where it was fine-tuned.
    progress: Option<Progress>,
}

impl Quantize {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let Given { mut network, folder, summary, model } = self.given()?;
        let own = folder.as_ref().map(|folder| folder.join(files::MODEL));
        let Some(out) = self.out.clone().or_else(|| own.clone()) else {
            return Err(miette!(
                help = "give the file to write with --out",
                "{} is a bundled model and is not written to",
                self.model.display()
            ));
        };
        let kept = model.filter(|_| self.sets_only_policy());
        if kept.is_none() {
            self.set_bits(&mut network, summary.as_ref())?;
        }
        self.policy.check(&self.photos)?;
        artifacts::check_model_place(&out)?;
        let made = match (kept, self.fine_tune.epochs()) {
            (Some(model), _) => self.with_new_policy(model, network, summary.as_ref())?,
            (None, None) => self.quantized(network, summary.as_ref())?,
            (None, Some(epochs)) => self.fine_tuned(&network, summary.as_ref(), epochs)?,
        };
        let chosen = self.policy.choose(&made.model, &made.photos, made.chose_epoch.as_deref())?;
        let model = made.model.with_policy(chosen.policy);
        let layers = measure(&made.network, &model, &made.photos)?;
        let before = ModelFile::read(&out).map_or(Policy::NONE, |replaced| replaced.model().policy());
        artifacts::write_model(&out, model.bytes())?;
        if let (Some(folder), Some(own), Some(mut summary)) = (&folder, &own, summary)
            && same_place(&out, own)
        {
            summary.model_checksum = model.model().checksum();
            summary.quantization = made.quantization.clone().or(summary.quantization);
            update_run(folder, &summary, &model)?;
        }
        if made.quantization.is_none() {
            note("the model keeps its weights: only when it answers \"unknown\" is new (--weights quantizes it again)");
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
            print_layers(&layers);
            say!("model {} ({} bytes)", out.display(), model.bytes().len());
            chosen.print();
            if let Some(progress) = &made.progress {
                progress.print();
            }
            if let Some(table) = &made.table {
                table.print();
                let also = self.out.as_ref().map(|out| format!(" --beside {}", out.display())).unwrap_or_default();
                let why = if made.progress.is_some() { "chose no epoch" } else { "it was not trained on" };
                say!("photos that {why} say more: pinhole evaluate {} PHOTOS{also}", self.model.display());
            }
        }
        Ok(match stopped {
            Some(Stopped::Interrupted) => ExitCode::from(INTERRUPTED),
            _ => ExitCode::SUCCESS,
        })
    }

    /// Whether nothing is asked for that changes the integers of a model that is there.
    fn sets_only_policy(&self) -> bool {
        self.policy.is_given()
            && self.weights.is_empty()
            && self.activations.is_none()
            && self.fine_tune.epochs().is_none()
    }

    fn given(&self) -> Result<Given> {
        if let Some(shipped) = Bundled::lookup(&self.model)? {
            let Some(network) = shipped.open().network else {
                return Err(miette!(
                    help = "take a run folder of `pinhole train`, or another bundled model: `pinhole models`",
                    "{} is bundled without the float weights that quantization starts from",
                    self.model.display()
                ));
            };
            return Ok(Given { network, folder: None, summary: shipped.summary(), model: Some(shipped.model()) });
        }
        let weights = if self.model.is_dir() { self.model.join(files::WEIGHTS) } else { self.model.clone() };
        if weights.extension().is_some_and(|extension| extension == "pinhole") && weights.exists() {
            return Err(miette!(
                help = "give the run folder it was made in, or the weights.safetensors there",
                "{} is a quantized model, without the float weights that quantization starts from",
                self.model.display()
            ));
        }
        let network = Network::read(&weights)?;
        let folder = weights.parent().unwrap_or(Path::new("")).to_owned();
        let summary = runs::summary(&folder);
        // Another model, or none, may lie there by now.
        let model = ModelFile::read(&folder.join(files::MODEL)).ok();
        let is_of_run =
            |model: &ModelFile| summary.as_ref().is_some_and(|run| run.model_checksum == model.model().checksum());
        Ok(Given { network, model: model.filter(is_of_run), summary, folder: Some(folder) })
    }

    /// The widths asked for; else those of the model that is there; else the recipe's.
    fn set_bits(&self, network: &mut Network, run: Option<&RunSummary>) -> Result<()> {
        let before = run.and_then(|run| run.quantization.as_ref());
        if before.is_some_and(|before| before.fine_tuned) && self.fine_tune.epochs().is_none() {
            note("warning: the run's model was fine-tuned, this one is not: --fine-tune does so again");
        }
        if self.activations.is_none() && before.is_some_and(|before| before.activations() != ActivationBits::default())
        {
            note("activations of 8 bits, as in the run's model; --activations 16 for others");
        }
        if self.weights.is_empty() {
            let Some(before) =
                before.filter(|before| !before.weight_bits.iter().copied().eq(network.recipe.weight_bits()))
            else {
                return Ok(());
            };
            note(&format!(
                "weights of {} bits, as in the run's model; --weights 8 for others",
                listed(&before.weight_bits)
            ));
            return Ok(network.recipe.set_weight_bits(&before.weight_bits)?);
        }
        let layers = network.recipe.weight_bits().count();
        network.recipe.set_weight_bits(&self.weights).map_err(|_| {
            miette!(
                help = format!(
                    "give 8, 7 or 4 for all layers, or {layers} of them with commas between, one for each layer"
                ),
                "--weights {} is no width of weights for a network of {layers} layers",
                listed(&self.weights)
            )
        })
    }

    /// How activations are held: as asked for; else as in the model that is there.
    fn activation_bits(&self, run: Option<&RunSummary>) -> ActivationBits {
        let before = run.and_then(|run| run.quantization.as_ref()).map(Quantization::activations);
        self.activations.map(ActivationBits::from).or(before).unwrap_or_default()
    }

    /// The model that is there, whose policy alone is to be new.
    fn with_new_policy(&self, model: ModelFile, network: Network, summary: Option<&RunSummary>) -> Result<Made> {
        let photos = self.load(&network)?;
        let chose_epoch = summary.and_then(|run| run.validation.clone());
        Ok(Made { model, network, photos, chose_epoch, quantization: None, table: None, progress: None })
    }

    fn load(&self, network: &Network) -> Result<Dataset> {
        let (input, classes) = (network.recipe.input(), Some(&network.classes[..]));
        let photos = photos::load_some(&self.photos, input, classes, self.limit.count())?;
        warn(&photos.warnings);
        Ok(photos)
    }

    fn quantized(&self, network: Network, summary: Option<&RunSummary>) -> Result<Made> {
        let photos = self.load(&network)?;
        let activations = self.activation_bits(summary);
        let model = quantize(&network, &photos, activations)?;
        let int8 = int8(&network, &photos, activations)?;
        let models = Models { written: &model, before: None, int8: int8.as_ref() };
        let table = int8.is_some().then(|| Table::of(&network, models, &photos)).transpose()?;
        let chose_epoch = summary.and_then(|run| run.validation.clone());
        let quantization = Some(Quantization::new(&network.recipe, activations));
        Ok(Made { model, network, photos, chose_epoch, quantization, table, progress: None })
    }
}

fn listed(bits: &[u8]) -> String {
    bits.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
}

fn print_layers(layers: &[LayerError]) {
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
}

/// Makes a run's summary and report describe its new model.
fn update_run(folder: &Path, summary: &RunSummary, model: &ModelFile) -> Result<()> {
    runs::write_summary(folder, summary)?;
    let waiting = spinner("rewriting the report");
    let rewritten = rewrite_report(folder, summary, model);
    waiting.finish_and_clear();
    if rewritten? == Rewritten::Marked {
        note(&format!(
            "{} describes the earlier model, and now says so: the photos of the training are not at {}",
            folder.join(files::REPORT).display(),
            summary.photos.display()
        ));
    }
    Ok(())
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
