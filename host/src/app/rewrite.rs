//! The report of a run whose model was quantized again.

use std::path::Path;

use pinhole_core::artifacts::write_file;
use pinhole_core::model_file::ModelFile;
use pinhole_lab::evaluate::evaluate;
use pinhole_lab::report::{ExplainedPhoto, Report, describes_an_earlier_model};
use pinhole_train::Network;
use pinhole_train::quantize::measure;
use pinhole_train::runs::{JobError, RunError, RunSummary, files, read_metrics};

use super::job::{explain_some, load};

/// What became of a run's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewritten {
    /// It describes the new model.
    Whole,
    /// The photos of the training are not where they were, or not the same: it describes the earlier model still, and says so.
    Marked,
    /// There is none.
    NoReport,
}

/// Makes a run's report describe its new model, as [`super::Finished::write`] would; where the photos of the training are not at
/// hand, makes the report that is there say that it describes an earlier model. `run` is the run's new summary.
///
/// # Errors
/// [`JobError::Write`] when the report or the run's float network cannot be read or written, and what [`evaluate`] and
/// [`measure`] fail with.
pub fn rewrite_report(folder: &Path, run: &RunSummary, model: &ModelFile) -> Result<Rewritten, JobError> {
    let path = folder.join(files::REPORT);
    let Ok(before) = std::fs::read_to_string(&path) else { return Ok(Rewritten::NoReport) };
    let network = Network::read(&folder.join(files::WEIGHTS)).map_err(RunError::from)?;
    // First, so that it is not wrong while the new one is made, nor when that is interrupted.
    write_file(&path, describes_an_earlier_model(&before, run.model_checksum).as_bytes())?;
    let Some(page) = page(folder, run, &network, model)? else { return Ok(Rewritten::Marked) };
    write_file(&path, page.as_bytes())?;
    Ok(Rewritten::Whole)
}

/// The report; `None` where what it is made of is not at hand.
fn page(folder: &Path, run: &RunSummary, network: &Network, model: &ModelFile) -> Result<Option<String>, JobError> {
    let classes = Some(&network.classes[..]);
    let data = load(&run.photos, run.validation.as_deref(), network.recipe.input(), classes, run.seed);
    let (Ok(data), Some(epochs)) = (data, read_metrics(folder)) else { return Ok(None) };
    let Ok(recipe) = std::fs::read_to_string(folder.join(files::RECIPE)) else { return Ok(None) };
    if [data.training.examples.len(), data.validation.examples.len()] != [run.training_photos, run.validation_photos] {
        return Ok(None);
    }
    let evaluation = evaluate(Some(network), model, &data.validation)?;
    let explanations = explain_some(model, &data.validation, &evaluation);
    let explained: Vec<ExplainedPhoto<'_>> = explanations
        .iter()
        .map(|(index, explanation)| ExplainedPhoto::of(&data.validation.examples[*index], explanation))
        .collect();
    let report = Report {
        run,
        recipe: &recipe,
        epochs: &epochs,
        validation: &data.validation,
        evaluation: &evaluation,
        explained: &explained,
        network: &network.float_layers()?,
        layers: &measure(network, model, &data.validation)?,
        model_bytes: model.bytes().len(),
        warnings: &data.warnings,
        duplicates: &data.duplicates,
    };
    Ok(Some(report.to_html()))
}
