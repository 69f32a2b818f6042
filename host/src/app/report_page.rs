//! The page of a run's report, from the results of a training or of a quantization.

use std::path::Path;

use pinhole_core::model_file::ModelFile;
use pinhole_lab::evaluate::Evaluation;
use pinhole_lab::report::{ExplainedPhoto, RunReport, TestedPhotos};
use pinhole_lab::verdict::NetworkVerdict;
use pinhole_train::quantize::LayerError;
use pinhole_train::runs::{JobError, RunSummary};
use pinhole_train::{Epoch, Network};

use super::board_rows::board_rows;
use super::job::{JobData, explain_some};
use super::next_steps;
use super::train::TestResults;

/// Contents of a run's report.
pub(super) struct ReportPage<'a> {
    pub run: &'a RunSummary,
    /// Text of the recipe.
    pub recipe: &'a str,
    pub network: &'a Network,
    pub model: &'a ModelFile,
    pub data: &'a JobData,
    /// Evaluation of network and model on the validation photos, and the verdict by it.
    pub evaluation: &'a Evaluation,
    pub verdict: &'a NetworkVerdict,
    /// Results on test photos, if there are any.
    pub test: Option<&'a TestResults>,
    pub epochs: &'a [Epoch],
    /// The integer layers' errors on the validation photos.
    pub layers: &'a [LayerError],
}

impl ReportPage<'_> {
    /// Returns the page as HTML. `folder` is the run's: the next steps name it.
    ///
    /// # Errors
    /// [`JobError`] if candle fails.
    pub(super) fn to_html(&self, folder: &Path) -> Result<String, JobError> {
        let Self { run, recipe, network, model, data, evaluation, verdict, test, epochs, layers } = *self;
        let explanations = explain_some(model, &data.validation, evaluation);
        let explained: Vec<ExplainedPhoto<'_>> = explanations
            .iter()
            .map(|(index, explanation)| ExplainedPhoto::of(&data.validation.examples[*index], explanation))
            .collect();
        let report = RunReport {
            run,
            recipe,
            settings: &network.recipe.training,
            training: &data.training,
            verdict,
            test: test.map(|test| TestedPhotos {
                photos: &test.photos,
                evaluation: &test.evaluation,
                verdict: &test.verdict,
            }),
            next: &next_steps(run, verdict, folder),
            boards: &board_rows(model),
            epochs,
            validation: &data.validation,
            evaluation,
            explained: &explained,
            network: &network.float_layers()?,
            layers,
            model_bytes: model.bytes().len(),
            warnings: &data.warnings,
            duplicates: &data.duplicates,
        };
        Ok(report.to_html())
    }
}
