//! `pinhole evaluate`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::{IntoDiagnostic, Result};

use super::output::{confusion, json, say, scores, warn};
use crate::{evaluate, photos, run_folder};

/// `pinhole evaluate`.
#[derive(Debug, Args)]
pub(super) struct Evaluate {
    /// Run folder of `pinhole train`, or a .pinhole file
    model: PathBuf,
    /// Folder of labeled photos
    photos: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = run_folder::open(&self.model)?;
        let model = trained.model.model();
        let classes: Vec<String> = model.class_names().map(str::to_owned).collect();
        let photos = photos::load(&self.photos, model.input_side(), Some(&classes))?;
        warn(&photos.warnings);
        let evaluation = evaluate::evaluate(trained.network.as_ref(), &trained.model, &photos).into_diagnostic()?;
        if self.json {
            json(&evaluation)?;
            return Ok(ExitCode::SUCCESS);
        }
        scores(&evaluation);
        confusion(&evaluation);
        for disagreement in &evaluation.disagreements {
            say!(
                "differs: {}: float {} {:.3}, int8 {} {:.3}",
                disagreement.path.display(),
                disagreement.float.class,
                disagreement.float.probability,
                disagreement.int8.class,
                disagreement.int8.probability
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
