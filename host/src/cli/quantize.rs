//! `pinhole quantize`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::{IntoDiagnostic as _, Result, miette};

use super::output::{json, say, warn};
use super::train::Activations;
use crate::evaluate;
use crate::model_file::ModelFile;
use crate::photos::{self, Dataset};
use crate::quantize::{measure, quantize};
use crate::run_folder::{self, files};
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
        let photos = photos::load(&self.photos, network.recipe.input_side, Some(&network.classes))?;
        warn(&photos.warnings);
        let model = quantize(&network, &photos, self.activations.into())?;
        let layers = measure(&network, &model, &photos)?;
        let folder = weights.parent().unwrap_or(Path::new("")).to_owned();
        let own = folder.join(files::MODEL);
        let out = self.out.clone().unwrap_or_else(|| own.clone());
        run_folder::write_model(&out, model.bytes())?;
        // However the same file was written.
        if out.canonicalize().is_ok_and(|out| own.canonicalize().is_ok_and(|own| own == out))
            && let Some(mut summary) = run_folder::summary(&folder)
        {
            summary.model_checksum = model.model().checksum();
            run_folder::write_summary(&folder, &summary)?;
        }
        if self.json {
            let bytes = model.bytes().len();
            json(&serde_json::json!({ "model": out, "bytes": bytes, "layers": layers }))?;
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
            if network.recipe.weight_bits().any(|bits| bits != 8) {
                self.say_beside_int8(network, &photos, &model)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What fewer bits cost, on the photos at hand.
    fn say_beside_int8(&self, mut network: Network, photos: &Dataset, model: &ModelFile) -> Result<()> {
        let bits = network.recipe.weight_bits().map(|bits| bits.to_string()).collect::<Vec<_>>().join(",");
        network.recipe.set_weight_bits(&[8])?;
        let int8 = quantize(&network, photos, self.activations.into())?;
        let [few, eight] = [model, &int8].map(|model| evaluate::evaluate(Some(&network), model, photos));
        let (few, eight) = (few.into_diagnostic()?, eight.into_diagnostic()?);
        say!("on these {} photos    accuracy    loss   decides as float", few.photos);
        if let Some(float) = &few.float {
            say!("  {:<20} {:>8.3} {:>7.3}", "float", float.accuracy, float.loss);
        }
        for (name, evaluation) in [("int8", &eight), (&*format!("int, bits {bits}"), &few)] {
            let (scores, agreement) = (&evaluation.int8, evaluation.agreement.unwrap_or_default());
            say!("  {name:<20} {:>8.3} {:>7.3} {agreement:>18.3}", scores.accuracy, scores.loss);
        }
        let beside = self.out.as_ref().map(|out| format!(" --beside {}", out.display())).unwrap_or_default();
        say!("photos it was not trained on say more: pinhole evaluate {} PHOTOS{beside}", self.run.display());
        Ok(())
    }
}
