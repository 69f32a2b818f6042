//! `pinhole quantize`.

mod fine_tune;
mod scores;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use miette::Result;
use pinhole_lab::threshold::Coverage;
use pinhole_train::Stopped;
use pinhole_train::quantize::{ActivationBits, LayerError};
use pinhole_train::runs;
use serde::Serialize;

use self::fine_tune::{FineTuneArguments, print_fine_tuning};
use self::scores::print_table;
use super::INTERRUPTED;
use super::completions;
use super::model_and_photos::Limit;
use super::output::{json, say};
use super::photo_options::PhotoArguments;
use super::policy::{PolicyArguments, PolicyFields, print_chosen};
use super::terminal::Terminal;
use super::train::Activations;
use crate::app::quantize::{FineTuning, QuantizeRequest, Quantized, ScoreTable, quantize};

/// `pinhole quantize`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("validated").args(["error_rate", "fine_tune"]).multiple(true)))]
pub(super) struct Quantize {
    /// Run folder of `pinhole train`, its weights.safetensors, or the name of a bundled model
    #[arg(add = completions::models())]
    model: PathBuf,
    /// Folder or list of training photos to calibrate on
    photos: PathBuf,
    #[command(flatten)]
    options: PhotoArguments,
    #[command(flatten)]
    limit: Limit,
    /// Bits of the activations between layers on the device [default: those of the run's model; initially 16]
    #[arg(long, value_enum)]
    activations: Option<Activations>,
    /// Bits of the weights (8, 7 or 4): one number for all layers, or one per layer, as 4,8,8 [default: those of the
    /// run's model; initially the recipe's]
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

/// Parses a width. Invalid widths are refused later with the number of layers, which is not known here.
fn weight_bits(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| "give 8, 7 or 4".to_owned())
}

impl Quantize {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let quantized = quantize(&self.request(), &mut Terminal::new())?;
        let stopped = quantized.fine_tuning.as_ref().map(|tuning| tuning.stopped);
        if self.json {
            json(&Written::from(quantized))?;
        } else {
            self.print(&quantized);
        }
        Ok(match stopped {
            Some(Stopped::Interrupted) => ExitCode::from(INTERRUPTED),
            _ => ExitCode::SUCCESS,
        })
    }

    fn request(&self) -> QuantizeRequest {
        QuantizeRequest {
            model: self.model.clone(),
            photos: self.photos.clone(),
            options: self.options.options(runs::summary_of(&self.model).as_ref()),
            limit: self.limit.count(),
            activations: self.activations.map(ActivationBits::from),
            weights: self.weights.clone(),
            out: self.out.clone(),
            fine_tune: self.fine_tune.request(),
            policy: self.policy.request(),
        }
    }

    fn print(&self, Quantized { out, model, layers, chosen, table, fine_tuning }: &Quantized) {
        print_layers(layers);
        say!("model {} ({} bytes)", out.display(), model.bytes().len());
        print_chosen(chosen);
        if let Some(tuning) = fine_tuning {
            print_fine_tuning(tuning);
        }
        if let Some(table) = table {
            print_table(table);
            let also = self.out.as_ref().map(|out| format!(" --beside {}", out.display())).unwrap_or_default();
            let why = if fine_tuning.is_some() { "did not choose the epoch" } else { "it was not trained on" };
            say!("to measure on photos that {why}: pinhole evaluate {} PHOTOS{also}", self.model.display());
        }
    }
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

/// JSON output of `--json`.
#[derive(Debug, Serialize)]
struct Written {
    #[serde(serialize_with = "pinhole_core::path_text::serialize")]
    model: PathBuf,
    bytes: usize,
    layers: Vec<LayerError>,
    /// The model's policy.
    policy: PolicyFields,
    /// Results of the least probability on the validation photos, if it was chosen on some.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<Coverage>,
    /// Results of the threshold whose 95 % interval of the error rate stays within the wanted one, if there is one.
    #[serde(rename = "vouched", skip_serializing_if = "Option::is_none")]
    supported: Option<Coverage>,
    /// Scores on the calibration photos, if weights have fewer bits than 8.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_calibration_photos: Option<ScoreTable>,
    /// Scores on the validation photos, which chose the epoch, after fine-tuning.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_validation_photos: Option<ScoreTable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fine_tuning: Option<FineTuning>,
}

impl From<Quantized> for Written {
    fn from(Quantized { out, model, layers, chosen, table, fine_tuning }: Quantized) -> Self {
        let (on_calibration_photos, on_validation_photos) =
            if fine_tuning.is_some() { (None, table) } else { (table, None) };
        Self {
            model: out,
            bytes: model.bytes().len(),
            layers,
            policy: chosen.policy.into(),
            supported: chosen.threshold.as_ref().and_then(|threshold| threshold.supported),
            threshold: chosen.threshold.map(|threshold| threshold.left),
            on_calibration_photos,
            on_validation_photos,
            fine_tuning,
        }
    }
}
