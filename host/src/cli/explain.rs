//! `pinhole explain`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_core::artifacts::{check_place, write_file};
use pinhole_core::photos::Unlabeled;
use pinhole_lab::explain::{Explanation, explain};
use pinhole_lab::report::{ExplainedPhoto, explanation_page};
use serde::Serialize;

use super::model_and_photos::ModelAndPhotos;
use super::output::{answer, json, note, progress, say};

/// `pinhole explain`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Explain {
    #[command(flatten)]
    on: ModelAndPhotos,
    /// HTML page to write
    #[arg(long, value_name = "FILE", default_value = "explain.html")]
    out: PathBuf,
    /// Print each pixel's contribution as JSON
    #[arg(long)]
    json: bool,
}

/// Explanation of one photo.
#[derive(Debug, Serialize)]
struct Explained {
    #[serde(serialize_with = "pinhole_core::path_text::serialize")]
    path: PathBuf,
    class: String,
    probability: f64,
    #[serde(skip)]
    pixels: Vec<u8>,
    #[serde(flatten)]
    explanation: Explanation,
}

impl Explain {
    pub(super) fn run(&self) -> Result<ExitCode> {
        check_place(&self.out)?;
        let trained = self.on.trained()?;
        let model = trained.model.model();
        let photos = self.on.read(model.input())?;
        let classes: Vec<String> = model.class_names().map(str::to_owned).collect();
        let bar = progress(photos.len() as u64, "explaining");
        let mut all = Vec::with_capacity(photos.len());
        for Unlabeled { path, pixels, .. } in photos {
            let explanation = explain(&trained.model, &pixels);
            let class = classes.get(usize::from(explanation.decision.class)).cloned().unwrap_or_default();
            let probability = explanation.decision.probability.to_f64();
            all.push(Explained { path, class, probability, pixels, explanation });
            bar.inc(1);
        }
        bar.finish_and_clear();
        let photos: Vec<ExplainedPhoto<'_>> = all
            .iter()
            .map(|Explained { path, pixels, explanation, .. }| ExplainedPhoto {
                path,
                pixels,
                explanation,
                label: None,
            })
            .collect();
        let page = explanation_page(&trained.model_path.display().to_string(), &classes, &photos);
        write_file(&self.out, page.as_bytes())?;
        if self.json {
            json(&all)?;
        } else {
            let (names, policy): (Vec<&str>, _) = (model.class_names().collect(), model.policy());
            for one in &all {
                let decision = one.explanation.decision;
                say!("{}: {}", one.path.display(), answer(&names, decision, policy.judge(decision)));
            }
        }
        note(&format!("page {}", self.out.display()));
        Ok(ExitCode::SUCCESS)
    }
}
