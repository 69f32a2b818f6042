//! The table for spreadsheets.

use serde::Serialize;

use super::StudyResults;

/// Returns the systems' scores as CSV, a line for each system.
pub(super) fn csv(results: &StudyResults) -> Vec<u8> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for system in &results.systems {
        let given_split = system.given_split.as_ref();
        let cross_validation = system.cross_validation.as_ref();
        let paired = system.against_reference.as_ref();
        let row = TableRow {
            system: &system.name,
            weights: system.weights,
            runs: system.runs,
            not_converged: system.not_converged,
            collapsed: system.collapsed,
            diverged: system.diverged,
            best_accuracy: given_split.map(|given_split| given_split.best_accuracy.mean),
            best_accuracy_deviation: given_split
                .filter(|_| results.seeds > 1)
                .map(|given_split| given_split.best_accuracy.deviation),
            best_loss: given_split.map(|given_split| given_split.best_loss.mean),
            best_loss_deviation: given_split
                .filter(|_| results.seeds > 1)
                .map(|given_split| given_split.best_loss.deviation),
            best_epoch: given_split.map(|given_split| given_split.best_epoch.mean),
            best_epoch_deviation: given_split
                .filter(|_| results.seeds > 1)
                .map(|given_split| given_split.best_epoch.deviation),
            last_accuracy: given_split.map(|given_split| given_split.last_accuracy.mean),
            last_accuracy_deviation: given_split
                .filter(|_| results.seeds > 1)
                .map(|given_split| given_split.last_accuracy.deviation),
            last_loss: given_split.and_then(|given_split| given_split.last_loss).map(|loss| loss.mean),
            last_loss_deviation: given_split
                .filter(|_| results.seeds > 1)
                .and_then(|given_split| given_split.last_loss)
                .map(|loss| loss.deviation),
            cross_validation_accuracy: cross_validation.map(|cross_validation| cross_validation.accuracy.mean),
            cross_validation_accuracy_deviation: cross_validation
                .filter(|_| results.repeats > 1)
                .map(|cross_validation| cross_validation.accuracy.deviation),
            cross_validation_low: cross_validation.map(|cross_validation| cross_validation.interval.low),
            cross_validation_high: cross_validation.map(|cross_validation| cross_validation.interval.high),
            calibration_error: cross_validation.map(|cross_validation| cross_validation.calibration_error),
            only_this: paired.map(|paired| paired.only_this),
            only_reference: paired.map(|paired| paired.only_other),
            p: paired.map(|paired| paired.p),
            p_corrected: paired.map(|paired| paired.p_corrected),
        };
        writer.serialize(row).expect("numbers and a name have CSV forms");
    }
    writer.into_inner().expect("writing to memory does not fail")
}

/// A line of the table. Fields are those of [`super::results::SystemResult`]; missing values are empty.
#[derive(Serialize)]
struct TableRow<'a> {
    system: &'a str,
    weights: usize,
    runs: usize,
    not_converged: usize,
    #[serde(rename = "spoiled")]
    collapsed: usize,
    diverged: usize,
    best_accuracy: Option<f64>,
    best_accuracy_deviation: Option<f64>,
    best_loss: Option<f64>,
    best_loss_deviation: Option<f64>,
    best_epoch: Option<f64>,
    best_epoch_deviation: Option<f64>,
    last_accuracy: Option<f64>,
    last_accuracy_deviation: Option<f64>,
    last_loss: Option<f64>,
    last_loss_deviation: Option<f64>,
    #[serde(rename = "crossed_accuracy")]
    cross_validation_accuracy: Option<f64>,
    #[serde(rename = "crossed_accuracy_deviation")]
    cross_validation_accuracy_deviation: Option<f64>,
    #[serde(rename = "crossed_low")]
    cross_validation_low: Option<f64>,
    #[serde(rename = "crossed_high")]
    cross_validation_high: Option<f64>,
    calibration_error: Option<f64>,
    only_this: Option<usize>,
    only_reference: Option<usize>,
    p: Option<f64>,
    p_corrected: Option<f64>,
}
