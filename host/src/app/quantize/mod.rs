//! Quantizes a trained network again, optionally with fine-tuning, and chooses when its model answers "unknown".

mod error;
mod fine_tune;
mod policy;
mod scores;
mod trained;

use std::path::{Path, PathBuf};

use pinhole_core::artifacts::{self, ClaimedFolder, write_files};
use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::{Dataset, PhotoOptions};
use pinhole_shared::policy::Policy;
use pinhole_train::Network;
use pinhole_train::quantize::{ActivationBits, LayerError, measure, quantize as quantize_network};
use pinhole_train::runs::{self, Quantization, RunSummary, files};

pub use self::error::QuantizationError;
pub use self::fine_tune::{FineTune, FineTuning};
pub use self::policy::{Chosen, PolicyRequest, Threshold, Votes};
pub use self::scores::{ModelScore, ScoreTable};

use self::policy::same_place;
use self::scores::{ScoredModels, int8};
use self::trained::TrainedNetwork;
use super::events::{Events, Note, Progress, Task, tell_of_enlarged, tell_of_photos};
use super::photos::read;
use super::rewrite::{Rewritten, marked_report, rewrite_report};

/// Network, photos and settings of a quantization.
#[derive(Clone, Debug)]
pub struct QuantizeRequest {
    /// Run folder, its weights, or the name of a bundled model.
    pub model: PathBuf,
    /// Folder of training photos to calibrate on.
    pub photos: PathBuf,
    /// Settings of reading and comparing photos.
    pub options: PhotoOptions,
    /// Number of photos to use, evenly spread; all if absent.
    pub limit: Option<usize>,
    /// Quantization of activations; if absent, that of the run's model.
    pub activations: Option<ActivationBits>,
    /// Bits of the weights, one number for all layers or one for each; if empty, those of the run's model.
    pub weights: Vec<u8>,
    /// Model file to write; if absent, the one beside the weights.
    pub out: Option<PathBuf>,
    /// Settings of fine-tuning; none if absent.
    pub fine_tune: Option<FineTune>,
    /// Settings that decide when the model answers "unknown".
    pub policy: PolicyRequest,
}

/// A written model.
pub struct Quantized {
    /// Its file.
    pub out: PathBuf,
    /// The model.
    pub model: ModelFile,
    /// Errors of its layers on the calibration photos.
    pub layers: Vec<LayerError>,
    /// Its policy, and the origin of its least probability.
    pub chosen: Chosen,
    /// Scores for comparison, if weights have fewer bits than 8 or the network was fine-tuned.
    pub table: Option<ScoreTable>,
    /// Results of fine-tuning, if any.
    pub fine_tuning: Option<FineTuning>,
}

/// A quantized network.
struct Made {
    model: ModelFile,
    /// The float network that it was made from.
    network: Network,
    /// Calibration photos.
    photos: Dataset,
    /// Folder of the photos that chose the kept epoch, if known.
    chose_epoch: Option<PathBuf>,
    /// Settings of the quantization; `None` if the model existed before, and only its policy is new.
    quantization: Option<Quantization>,
    table: Option<ScoreTable>,
    fine_tuning: Option<FineTuning>,
}

/// Quantizes a network and writes the model. If it is the run's own model, the run's summary and report are updated. If
/// only a policy is requested, an existing model keeps its integers. When [`Events::should_stop`] ends fine-tuning
/// early, the model is that of the epochs so far.
///
/// # Errors
/// [`QuantizationError`].
pub fn quantize(request: &QuantizeRequest, events: &mut dyn Events) -> Result<Quantized, QuantizationError> {
    let TrainedNetwork { mut network, folder, summary, model } = TrainedNetwork::read(&request.model)?;
    let own = folder.as_ref().map(|folder| folder.join(files::MODEL));
    let Some(out) = request.out.clone().or_else(|| own.clone()) else {
        return Err(QuantizationError::NoPlace { model: request.model.clone() });
    };
    let kept = model.filter(|_| request.sets_only_policy());
    if kept.is_none() {
        request.set_bits(&mut network, summary.as_ref(), events)?;
    }
    request.policy.check(&request.photos)?;
    artifacts::check_model_place(&out)?;
    let own = own.filter(|own| same_place(&out, own));
    // A training that replaces the run meanwhile would mix its files with these.
    let _claim = folder.as_deref().filter(|_| own.is_some()).map(ClaimedFolder::take).transpose()?;
    let made = match (kept, &request.fine_tune) {
        (Some(model), _) => request.with_new_policy(model, network, summary.as_ref(), events)?,
        (None, None) => request.quantized(network, summary.as_ref(), events)?,
        (None, Some(tuning)) => request.fine_tuned(&network, summary.as_ref(), *tuning, events)?,
    };
    let chosen =
        request.policy.choose(&made.model, &made.photos, made.chose_epoch.as_deref(), &request.options, events)?;
    let model = made.model.with_policy(chosen.policy);
    let layers = measure(&made.network, &model, &made.photos)?;
    let before = ModelFile::read(&out).map_or(Policy::NONE, |replaced| replaced.model().policy());
    match (&folder, &own, summary) {
        (Some(folder), Some(_), Some(mut summary)) => {
            artifacts::check_model_place(&out)?;
            let checksum = model.model().checksum();
            if std::mem::replace(&mut summary.model_checksum, checksum) != checksum {
                // It was of the earlier model; that of the new one comes with its report.
                summary.verdict = None;
                summary.test = None;
            }
            summary.quantization = made.quantization.clone().or(summary.quantization);
            update_run(folder, &summary, &model, events)?;
        }
        _ => artifacts::write_model(&out, model.bytes())?,
    }
    if made.quantization.is_none() {
        events.note(&Note::WeightsKept);
    }
    if chosen.policy == Policy::NONE && before != Policy::NONE {
        events.note(&Note::PolicyLost { policy: before });
    }
    let Made { table, fine_tuning, .. } = made;
    Ok(Quantized { out, model, layers, chosen, table, fine_tuning })
}

impl QuantizeRequest {
    /// Returns true if the request changes no integers of an existing model.
    fn sets_only_policy(&self) -> bool {
        self.policy.is_given() && self.weights.is_empty() && self.activations.is_none() && self.fine_tune.is_none()
    }

    /// Sets the requested widths; if there are none, those of the existing model; otherwise the recipe's.
    fn set_bits(
        &self,
        network: &mut Network,
        run: Option<&RunSummary>,
        events: &mut dyn Events,
    ) -> Result<(), QuantizationError> {
        let before = run.and_then(|run| run.quantization.as_ref());
        if before.is_some_and(|before| before.fine_tuned) && self.fine_tune.is_none() {
            events.note(&Note::FineTuningLost);
        }
        if self.activations.is_none() && before.is_some_and(|before| before.activations() != ActivationBits::default())
        {
            events.note(&Note::EightBitActivations);
        }
        if self.weights.is_empty() {
            let Some(before) =
                before.filter(|before| !before.weight_bits.iter().copied().eq(network.recipe.weight_bits()))
            else {
                return Ok(());
            };
            events.note(&Note::WeightBits { bits: before.weight_bits.clone() });
            return Ok(network.recipe.set_weight_bits(&before.weight_bits)?);
        }
        let layers = network.recipe.weight_bits().count();
        let set = network.recipe.set_weight_bits(&self.weights);
        set.map_err(|_| QuantizationError::Weights { bits: self.weights.clone(), layers })
    }

    /// Returns the requested activation bits; if there are none, those of the existing model.
    fn activation_bits(&self, run: Option<&RunSummary>) -> ActivationBits {
        let before = run.and_then(|run| run.quantization.as_ref()).map(Quantization::activations);
        self.activations.or(before).unwrap_or_default()
    }

    /// Takes the existing model, which only gets a new policy.
    fn with_new_policy(
        &self,
        model: ModelFile,
        network: Network,
        summary: Option<&RunSummary>,
        events: &mut dyn Events,
    ) -> Result<Made, QuantizationError> {
        let photos = self.load(&network, events)?;
        let chose_epoch = summary.and_then(|run| run.validation.clone());
        Ok(Made { model, network, photos, chose_epoch, quantization: None, table: None, fine_tuning: None })
    }

    fn load(&self, network: &Network, events: &mut dyn Events) -> Result<Dataset, QuantizationError> {
        let (input, classes) = (network.recipe.input(), Some(&network.classes[..]));
        let photos = read(self.options.of(&self.photos), input, classes, self.limit, events)?;
        tell_of_photos(&photos.warnings, &[], &[], events);
        tell_of_enlarged(photos.enlarged, input, events);
        Ok(photos)
    }

    fn quantized(
        &self,
        network: Network,
        summary: Option<&RunSummary>,
        events: &mut dyn Events,
    ) -> Result<Made, QuantizationError> {
        let photos = self.load(&network, events)?;
        let activations = self.activation_bits(summary);
        let model = quantize_network(&network, &photos, activations)?;
        let int8 = int8(&network, &photos, activations)?;
        let models = ScoredModels { written: &model, before: None, int8: int8.as_ref() };
        let table = int8.is_some().then(|| ScoreTable::of(&network, models, &photos)).transpose()?;
        let chose_epoch = summary.and_then(|run| run.validation.clone());
        let quantization = Some(Quantization::new(&network.recipe, activations));
        Ok(Made { model, network, photos, chose_epoch, quantization, table, fine_tuning: None })
    }
}

/// Writes a run's new model with the summary and the marked report, all together; then makes a new report.
fn update_run(
    folder: &Path,
    summary: &RunSummary,
    model: &ModelFile,
    events: &mut dyn Events,
) -> Result<(), QuantizationError> {
    let mut files = vec![(files::MODEL, model.bytes().to_owned()), (files::SUMMARY, runs::summary_bytes(summary))];
    files.extend(marked_report(folder, summary).map(|page| (files::REPORT, page.into_bytes())));
    write_files(folder, &files)?;
    events.progress(&Progress::Begins(Task::RewritingReport));
    let rewritten = rewrite_report(folder, summary, model);
    events.progress(&Progress::Ends);
    if rewritten? == Rewritten::Marked {
        events.note(&Note::ReportOfEarlierModel { report: folder.join(files::REPORT), photos: summary.photos.clone() });
    }
    Ok(())
}
