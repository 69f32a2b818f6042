//! `pinhole classify`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use serde::Serialize;

use super::output::{json, say, warn};
use crate::photos::{self, Unlabeled};
use crate::run_folder;

/// `pinhole classify`.
#[derive(Debug, Args)]
pub(super) struct Classify {
    /// A .pinhole file, or a run folder of `pinhole train`
    model: PathBuf,
    /// Photos, or folders of photos
    #[arg(required = true)]
    photos: Vec<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// One photo's decision.
#[derive(Debug, Serialize)]
struct Classified {
    path: PathBuf,
    class: String,
    probability: f64,
}

impl Classify {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = run_folder::open(&self.model)?;
        let mut engine = trained.model.engine();
        let (photos, warnings) = photos::read_unlabeled(&self.photos, engine.model().input_side())?;
        warn(&warnings);
        let names: Vec<&str> = engine.model().class_names().collect();
        let mut all = Vec::with_capacity(photos.len());
        for Unlabeled { path, pixels } in photos {
            let decision = engine.run(&pixels);
            let class = names.get(usize::from(decision.class)).copied().unwrap_or_default().to_owned();
            let classified = Classified { path, class, probability: decision.probability.to_f64() };
            if !self.json {
                say!("{}: {} {:.3}", classified.path.display(), classified.class, classified.probability);
            }
            all.push(classified);
        }
        if self.json {
            json(&all)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
