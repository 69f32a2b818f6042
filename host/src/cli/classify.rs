//! `pinhole classify`.

use std::path::PathBuf;
use std::process::ExitCode;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use miette::Result;
use pinhole_core::photos::Unlabeled;
use pinhole_shared::fixed::Q16_ONE;
use serde::Serialize;

use super::model_and_photos::ModelAndPhotos;
use super::output::{answer, answered_class, json, name, say};

/// `pinhole classify`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Classify {
    #[command(flatten)]
    on: ModelAndPhotos,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// With --json: print each photo's pixels too, as the network sees them (base64, row by row; 1 byte per pixel in
    /// gray, 3 in RGB)
    #[arg(long, requires = "json")]
    pixels: bool,
}

/// Decision on one photo.
#[derive(Debug, Serialize)]
struct Classified {
    #[serde(serialize_with = "pinhole_core::path_text::serialize")]
    path: PathBuf,
    /// The most likely class.
    class: String,
    probability: f64,
    /// True if the photo is smaller than the network's input and was enlarged.
    enlarged: bool,
    /// The answered class; `None` for "unknown".
    answer: Option<String>,
    /// Logit of each class, in the model's order.
    logits: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixels: Option<String>,
}

impl Classify {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = self.on.trained()?;
        let mut engine = trained.model.engine();
        let photos = self.on.read(engine.model().input())?;
        let names: Vec<&str> = engine.model().class_names().collect();
        let policy = engine.model().policy();
        let mut all = Vec::with_capacity(photos.len());
        for Unlabeled { path, pixels, enlarged } in photos {
            let inference = engine.run_all(&pixels);
            let decision = inference.decision;
            let verdict = policy.judge(decision);
            if !self.json {
                say!("{}: {}", path.display(), answer(&names, decision, verdict));
            }
            let (class, answer) = (name(&names, decision.class).to_owned(), answered_class(&names, verdict));
            // Logits are in Q16.
            let logits = inference.stages.last().map_or(&[][..], |logits| logits);
            let logits = logits.iter().map(|&logit| f64::from(logit) / f64::from(Q16_ONE)).collect();
            let pixels = self.pixels.then(|| BASE64_STANDARD.encode(&pixels));
            let probability = decision.probability.to_f64();
            all.push(Classified { path, class, probability, enlarged, answer, logits, pixels });
        }
        if self.json {
            json(&all)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
