//! `pinhole models`.

use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_shared::pixels::{Color, Fit, InputShape};
use pinhole_train::runs::bundled::Bundled;
use serde::Serialize;

use super::output::{json, say};

/// `pinhole models`.
#[derive(Debug, Args)]
pub(super) struct ModelsCommand {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Facts about a bundled model.
#[derive(Debug, Serialize)]
struct ModelFacts {
    name: &'static str,
    classes: Vec<String>,
    /// Side of a square input; absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    input_side: Option<u16>,
    input_height: u16,
    input_width: u16,
    color: Color,
    fit: Fit,
    bytes: usize,
    macs: u64,
    arena_bytes: usize,
    /// Accuracy of the float network on its validation photos, which also decided which epoch was kept.
    validation_accuracy: Option<f64>,
    validation_photos: Option<usize>,
    training_photos: Option<usize>,
}

impl ModelsCommand {
    #[allow(clippy::unnecessary_wraps, reason = "all commands have this form")]
    pub(super) fn run(&self) -> Result<ExitCode> {
        let all: Vec<ModelFacts> = Bundled::all().into_iter().map(told).collect();
        if self.json {
            json(&all)?;
            return Ok(ExitCode::SUCCESS);
        }
        say!("{:<14} {:>10} {:>9} {:>12} {:>9}  {:<9} classes", "name", "input", "bytes", "MACs", "arena", "accuracy");
        for model in all {
            let ModelFacts { input_height: height, input_width: width, color, fit, .. } = model;
            let accuracy =
                model.validation_accuracy.map_or_else(|| "-".to_owned(), |accuracy| format!("{accuracy:.3}"));
            say!(
                "{:<14} {:>10} {:>9} {:>12} {:>9}  {accuracy:<9} {}",
                model.name,
                InputShape { height, width, color, fit }.to_string(),
                model.bytes,
                model.macs,
                model.arena_bytes,
                model.classes.join(", ")
            );
        }
        say!("accuracy: on the validation photos, which also chose the epoch");
        Ok(ExitCode::SUCCESS)
    }
}

fn told(bundled_model: Bundled) -> ModelFacts {
    let (file, summary) = (bundled_model.model(), bundled_model.summary());
    let model = file.model();
    ModelFacts {
        name: bundled_model.name,
        classes: model.class_names().map(str::to_owned).collect(),
        input_side: model.input().side(),
        input_height: model.input().height,
        input_width: model.input().width,
        color: model.input().color,
        fit: model.input().fit,
        bytes: file.bytes().len(),
        macs: model.macs().into(),
        arena_bytes: model.arena_bytes(),
        validation_accuracy: summary.as_ref().map(|run| run.validation_accuracy),
        validation_photos: summary.as_ref().map(|run| run.validation_photos),
        training_photos: summary.map(|run| run.training_photos),
    }
}
