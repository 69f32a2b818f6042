//! Rewrites the report of a run whose model was quantized again.

use std::path::Path;

use pinhole_core::artifacts::{limits, read_regular_text, write_file, write_files};
use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::PhotoOptions;
use pinhole_lab::evaluate::evaluate;
use pinhole_lab::report::describes_an_earlier_model;
use pinhole_lab::verdict::NetworkVerdict;
use pinhole_train::Network;
use pinhole_train::quantize::measure;
use pinhole_train::runs::{self, JobError, RunSummary, files, summary_bytes};

use super::job::{load, serialized};
use super::labels::recorded_doubts;
use super::report_page::ReportPage;

/// Result of rewriting a run's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewritten {
    /// The report describes the new model.
    Whole,
    /// The report still describes the earlier model, and says so: the training photos have moved or changed.
    Marked,
    /// There is no report.
    NoReport,
}

/// Returns a run's report, marked as describing an earlier model than that of the run's new summary; `None` if there is no report.
/// It is written together with the new model, so that the report is not wrong until [`rewrite_report`] has made a new one.
pub(super) fn marked_report(folder: &Path, run: &RunSummary) -> Option<String> {
    let before = read_regular_text(&folder.join(files::REPORT), limits::REPORT).ok()?;
    Some(describes_an_earlier_model(&before, run.model_checksum))
}

/// Rewrites a run's report and the verdict in its summary for its new model, as [`super::FinishedTraining::write`] would. If the
/// training photos are not available, marks the existing report as describing an earlier model. `run` is the run's new summary.
///
/// # Errors
/// [`JobError::Write`] if the report or the run's float network cannot be read or written, and the errors of
/// [`evaluate`] and [`measure`].
pub fn rewrite_report(folder: &Path, run: &RunSummary, model: &ModelFile) -> Result<Rewritten, JobError> {
    let path = folder.join(files::REPORT);
    let Some(marked) = marked_report(folder, run) else { return Ok(Rewritten::NoReport) };
    let network = runs::network(folder, Some(run))?;
    // This comes first, so that the report is not wrong during the work or after an interruption.
    write_file(&path, marked.as_bytes())?;
    let Some((page, verdict)) = page(folder, run, &network, model)? else { return Ok(Rewritten::Marked) };
    let summary = RunSummary { verdict: serialized(&verdict), ..run.clone() };
    write_files(folder, &[(files::REPORT, page.into_bytes()), (files::SUMMARY, summary_bytes(&summary))])?;
    Ok(Rewritten::Whole)
}

/// Creates the report, and the verdict in it; `None` if its sources are not available.
fn page(
    folder: &Path,
    run: &RunSummary,
    network: &Network,
    model: &ModelFile,
) -> Result<Option<(String, NetworkVerdict)>, JobError> {
    let classes = Some(&network.classes[..]);
    let options = PhotoOptions { class_from: run.class_from(), duplicate_search: !run.no_duplicate_search };
    let folders = (run.photos.as_path(), run.validation.as_deref());
    let data = load(folders, &options, network.recipe.input(), classes, run.seed, &mut ());
    let (Ok(data), Some(epochs)) = (data, runs::metrics(folder, run)?) else { return Ok(None) };
    let Ok(recipe) = read_regular_text(&folder.join(files::RECIPE), limits::RECIPE) else { return Ok(None) };
    if [data.training.examples.len(), data.validation.examples.len()] != [run.training_photos, run.validation_photos] {
        return Ok(None);
    }
    let evaluation = evaluate(Some(network), model, &data.validation)?;
    let doubted = recorded_doubts(run, &data.training);
    let verdict = data.verdict(&evaluation, &doubted, run.best_epoch, run.epochs);
    let page = ReportPage {
        run,
        recipe: &recipe,
        network,
        model,
        data: &data,
        evaluation: &evaluation,
        verdict: &verdict,
        // Only a training reads test photos. Of an unchanged model, the page keeps the verdict by them, which is in the summary.
        test: None,
        epochs: &epochs,
        layers: &measure(network, model, &data.validation)?,
    };
    Ok(Some((page.to_html(folder)?, verdict)))
}
