//! `pinhole classify`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use serde::Serialize;

use super::output::{json, say, warn};
use crate::photos::{self, decode};
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
        let (paths, warnings) = photos::expand(&self.photos)?;
        warn(&warnings);
        let mut engine = trained.model.engine();
        let side = engine.model().input_side();
        let names: Vec<&str> = engine.model().class_names().collect();
        let mut all = Vec::with_capacity(paths.len());
        for path in paths {
            let decision = engine.run(&decode::read_input(&path, side)?);
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
