//! The table for spreadsheets.

use serde::Serialize;

use super::Results;

/// Returns the systems' scores as CSV, a line for each system.
pub(super) fn csv(results: &Results) -> Vec<u8> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for system in &results.systems {
        let given = system.given.as_ref();
        let crossed = system.crossed.as_ref();
        let paired = system.against_reference.as_ref();
        let row = TableRow {
            system: &system.name,
            weights: system.weights,
            runs: system.runs,
            not_converged: system.not_converged,
            spoiled: system.spoiled,
            diverged: system.diverged,
            best_accuracy: given.map(|given| given.best_accuracy.mean),
            best_accuracy_deviation: given.filter(|_| results.seeds > 1).map(|given| given.best_accuracy.deviation),
            best_loss: given.map(|given| given.best_loss.mean),
            best_loss_deviation: given.filter(|_| results.seeds > 1).map(|given| given.best_loss.deviation),
            best_epoch: given.map(|given| given.best_epoch.mean),
            best_epoch_deviation: given.filter(|_| results.seeds > 1).map(|given| given.best_epoch.deviation),
            last_accuracy: given.map(|given| given.last_accuracy.mean),
            last_accuracy_deviation: given.filter(|_| results.seeds > 1).map(|given| given.last_accuracy.deviation),
            last_loss: given.and_then(|given| given.last_loss).map(|loss| loss.mean),
            last_loss_deviation: given
                .filter(|_| results.seeds > 1)
                .and_then(|given| given.last_loss)
                .map(|loss| loss.deviation),
            crossed_accuracy: crossed.map(|crossed| crossed.accuracy.mean),
            crossed_accuracy_deviation: crossed
                .filter(|_| results.repeats > 1)
                .map(|crossed| crossed.accuracy.deviation),
            crossed_low: crossed.map(|crossed| crossed.interval.low),
            crossed_high: crossed.map(|crossed| crossed.interval.high),
            calibration_error: crossed.map(|crossed| crossed.calibration_error),
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
    spoiled: usize,
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
    crossed_accuracy: Option<f64>,
    crossed_accuracy_deviation: Option<f64>,
    crossed_low: Option<f64>,
    crossed_high: Option<f64>,
    calibration_error: Option<f64>,
    only_this: Option<usize>,
    only_reference: Option<usize>,
    p: Option<f64>,
    p_corrected: Option<f64>,
}
