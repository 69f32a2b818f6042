//! `pinhole quantize`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::{IntoDiagnostic as _, Result, miette};
use pinhole_shared::policy::Policy;
use serde::Serialize;

use super::output::{json, note, say, warn};
use super::policy::{PolicyArguments, PolicyFields, same_place};
use super::train::Activations;
use crate::evaluate;
use crate::model_file::ModelFile;
use crate::photos::{self, Dataset};
use crate::quantize::{LayerError, measure, quantize};
use crate::run_folder::{self, files};
use crate::threshold::Coverage;
use crate::train::Network;

/// `pinhole quantize`.
#[derive(Debug, Args)]
pub(super) struct Quantize {
    /// Run folder of `pinhole train`, or a weights.safetensors file
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
    policy: PolicyArguments,
}

impl Quantize {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let weights = if self.run.is_dir() { self.run.join(files::WEIGHTS) } else { self.run.clone() };
        let mut network = Network::read(&weights)?;
        if !self.weights.is_empty() {
            let layers = network.recipe.weight_bits().count();
            network.recipe.set_weight_bits(&self.weights).map_err(|_| {
                miette!(
                    help = "give 8, 7 or 4 for all layers, or {layers} of them with commas between, one for each layer",
                    "--weights {} is no width of weights for a network of {layers} layers",
                    self.weights.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
                )
            })?;
        }
        self.policy.check(&self.photos)?;
        let photos = photos::load(&self.photos, network.recipe.input(), Some(&network.classes))?;
        warn(&photos.warnings);
        let model = quantize(&network, &photos, self.activations.into())?;
        let folder = weights.parent().unwrap_or(Path::new("")).to_owned();
        let chose_epoch = run_folder::summary(&folder).and_then(|run| run.validation);
        let chosen = self.policy.choose(&model, &photos, chose_epoch.as_deref())?;
        let model = model.with_policy(chosen.policy);
        let layers = measure(&network, &model, &photos)?;
        let own = folder.join(files::MODEL);
        let out = self.out.clone().unwrap_or_else(|| own.clone());
        let before = ModelFile::read(&out).map_or(Policy::NONE, |replaced| replaced.model().policy());
        run_folder::write_model(&out, model.bytes())?;
        if same_place(&out, &own)
            && let Some(mut summary) = run_folder::summary(&folder)
        {
            summary.model_checksum = model.model().checksum();
            run_folder::write_summary(&folder, &summary)?;
        }
        if chosen.policy == Policy::NONE && before != Policy::NONE {
            note(&format!(
                "the model it replaces had a policy, this one has none; it was: {}",
                PolicyFields::from(before)
            ));
        }
        let fewer = network.recipe.weight_bits().any(|bits| bits != 8);
        let beside = if fewer { Some(self.beside_int8(network, &photos, &model)?) } else { None };
        if self.json {
            json(&Written {
                model: out,
                bytes: model.bytes().len(),
                layers,
                policy: chosen.policy.into(),
                vouched: chosen.threshold.as_ref().and_then(|threshold| threshold.vouched),
                threshold: chosen.threshold.map(|threshold| threshold.left),
                on_calibration_photos: beside,
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
            if let Some(beside) = &beside {
                beside.print();
                let also = self.out.as_ref().map(|out| format!(" --beside {}", out.display())).unwrap_or_default();
                say!("photos it was not trained on say more: pinhole evaluate {} PHOTOS{also}", self.run.display());
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What fewer bits cost, on the photos at hand.
    fn beside_int8(&self, mut network: Network, photos: &Dataset, model: &ModelFile) -> Result<BesideInt8> {
        let bits = network.recipe.weight_bits().map(|bits| bits.to_string()).collect::<Vec<_>>().join(",");
        network.recipe.set_weight_bits(&[8])?;
        let int8 = quantize(&network, photos, self.activations.into())?;
        let [few, eight] = [model, &int8].map(|model| evaluate::evaluate(Some(&network), model, photos));
        let (few, eight) = (few.into_diagnostic()?, eight.into_diagnostic()?);
        let score = |scores: &evaluate::Scores, agreement: Option<f64>| Score {
            accuracy: scores.accuracy,
            loss: scores.loss,
            agreement,
        };
        Ok(BesideInt8 {
            photos: few.photos,
            bits,
            float: few.float.as_ref().map(|scores| score(scores, None)),
            int8: score(&eight.int8, eight.agreement),
            written: score(&few.int8, few.agreement),
        })
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
    on_calibration_photos: Option<BesideInt8>,
}

/// Scores of the model that was written, beside one of 8-bit weights that was not.
#[derive(Debug, Serialize)]
struct BesideInt8 {
    photos: usize,
    /// Of each layer's weights, with commas between.
    bits: String,
    float: Option<Score>,
    int8: Score,
    written: Score,
}

#[derive(Debug, Serialize)]
struct Score {
    accuracy: f64,
    loss: f64,
    /// Fraction of photos decided as the float network does; absent for that itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<f64>,
}

impl BesideInt8 {
    fn print(&self) {
        say!("on these {} photos    accuracy    loss   decides as float", self.photos);
        if let Some(float) = &self.float {
            say!("  {:<20} {:>8.3} {:>7.3}", "float", float.accuracy, float.loss);
        }
        for (name, score) in [("int8", &self.int8), (&*format!("int, bits {}", self.bits), &self.written)] {
            let agreement = score.agreement.unwrap_or_default();
            say!("  {name:<20} {:>8.3} {:>7.3} {agreement:>18.3}", score.accuracy, score.loss);
        }
    }
}
