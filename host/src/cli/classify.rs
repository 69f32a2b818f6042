//! `pinhole classify`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use miette::{Result, miette};
use pinhole_shared::model::MAGIC;
use serde::Serialize;

use super::output::{answer, answered_class, json, name, note, say, warn};
use crate::photos::{self, Unlabeled};
use crate::run_folder::{self, Trained};
use crate::shipped::{self, Shipped};

/// `pinhole classify`.
#[derive(Debug, Args)]
pub(super) struct Classify {
    /// Photos, or folders of photos; before them a .pinhole file, a run folder of `pinhole train` or the name of a model that
    /// ships, if it is to be another than conv-96
    #[arg(required = true, value_name = "[MODEL] PHOTOS")]
    paths: Vec<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// With --json: also each photo's pixels as the network sees them, row by row, in base64: a byte a pixel, or red, green and blue
    #[arg(long, requires = "json")]
    pixels: bool,
}

/// Whether a path is a model rather than photos: by its ending, its first bytes, what is in the folder, or a name that ships.
fn is_model(path: &Path) -> bool {
    let mut first = [0; MAGIC.len()];
    let read = |mut file: std::fs::File| file.read_exact(&mut first);
    path.extension().is_some_and(|extension| extension == "pinhole")
        || path.join(run_folder::files::MODEL).is_file()
        || run_folder::is_run(path)
        || Shipped::named(path).is_some()
        || (std::fs::File::open(path).and_then(read).is_ok() && first == MAGIC)
}

/// One photo's decision.
#[derive(Debug, Serialize)]
struct Classified {
    path: PathBuf,
    /// The likeliest class.
    class: String,
    probability: f64,
    /// The class answered; `None`: unknown.
    answer: Option<String>,
    /// Of each class, in the order of the model's.
    logits: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixels: Option<String>,
}

impl Classify {
    /// A first path that is a model, or looks like one, is the model.
    fn model_and_photos(&self) -> Result<(Trained, &[PathBuf])> {
        let Some((first, rest)) = self.paths.split_first().filter(|(first, _)| is_model(first)) else {
            let trained = shipped::default_model();
            let classes: Vec<&str> = trained.model.model().class_names().collect();
            note(&format!(
                "decided by {}, which ships with Pinhole and knows {}; put another model before the photos",
                shipped::DEFAULT,
                classes.join(" and ")
            ));
            return Ok((trained, &self.paths));
        };
        if rest.is_empty() {
            return Err(miette!(
                help = "name photos, or folders of them, after the model",
                "{} is a model: there are no photos to classify",
                first.display()
            ));
        }
        Ok((run_folder::open(first)?, rest))
    }

    pub(super) fn run(&self) -> Result<ExitCode> {
        let (trained, photos) = self.model_and_photos()?;
        let mut engine = trained.model.engine();
        let (photos, warnings) = photos::read_unlabeled(photos, engine.model().input())?;
        warn(&warnings);
        let names: Vec<&str> = engine.model().class_names().collect();
        let policy = engine.model().policy();
        let mut all = Vec::with_capacity(photos.len());
        for Unlabeled { path, pixels } in photos {
            let inference = engine.run_all(&pixels);
            let decision = inference.decision;
            let verdict = policy.judge(decision);
            if !self.json {
                say!("{}: {}", path.display(), answer(&names, decision, verdict));
            }
            let (class, answer) = (name(&names, decision.class).to_owned(), answered_class(&names, verdict));
            // In Q16.
            let logits = inference.stages.last().map_or(&[][..], |logits| logits);
            let logits = logits.iter().map(|&logit| f64::from(logit) / 65_536.0).collect();
            let pixels = self.pixels.then(|| BASE64_STANDARD.encode(&pixels));
            all.push(Classified { path, class, probability: decision.probability.to_f64(), answer, logits, pixels });
        }
        if self.json {
            json(&all)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
