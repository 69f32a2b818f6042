//! `pinhole evaluate`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::{IntoDiagnostic, Result, miette};
use pinhole_core::photos::Source;
use pinhole_train::runs;
use serde::Serialize;

use super::completions;
use super::model_and_photos::{Limit, MODEL, open};
use super::output::{confusion, json, note_enlarged, say, scores, warn};
use super::photo_options::ClassFromArgument;
use super::terminal::Terminal;
use super::verdict::print_verdict;
use crate::app::read_photos;
use crate::evaluate;
use crate::verdict::NetworkVerdict;

/// `pinhole evaluate`.
#[derive(Debug, Args)]
pub(super) struct Evaluate {
    #[arg(help = MODEL, add = completions::models())]
    model: PathBuf,
    /// Folder or list of labeled photos
    photos: PathBuf,
    #[command(flatten)]
    class_from: ClassFromArgument,
    #[command(flatten)]
    limit: Limit,
    /// Another model to compare with, of the same classes and input, for example with weights of fewer bits; repeatable
    #[arg(long, value_name = "MODEL", add = completions::models())]
    beside: Vec<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// An evaluation with its verdict, and those of other models.
#[derive(Debug, Serialize)]
struct With {
    #[serde(flatten)]
    evaluation: evaluate::Evaluation,
    /// Number of photos that were enlarged, because they are smaller than the network's input.
    enlarged: usize,
    verdict: NetworkVerdict,
    beside: Vec<Beside>,
}

#[derive(Debug, Serialize)]
struct Beside {
    #[serde(serialize_with = "pinhole_core::path_text::serialize")]
    model: PathBuf,
    #[serde(flatten)]
    scores: evaluate::Scores,
    /// Fraction of photos with the same decision as the float network's, if that is available.
    agreement: Option<f64>,
}

impl Evaluate {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = open(&self.model)?;
        let model = trained.model.model();
        let classes: Vec<String> = model.class_names().map(str::to_owned).collect();
        let class_from = self.class_from.class_from(runs::summary_of(&self.model).as_ref());
        let source = Source { path: &self.photos, class_from: &class_from };
        let limit = self.limit.count();
        let photos = read_photos(source, model.input(), Some(&classes), limit, &mut Terminal::new())?;
        warn(&photos.warnings);
        note_enlarged(photos.enlarged, photos.input);
        let evaluation = evaluate::evaluate(trained.network.as_ref(), &trained.model, &photos).into_diagnostic()?;
        let verdict = NetworkVerdict::of(&evaluation, &photos, None);
        let mut beside = Vec::with_capacity(self.beside.len());
        for path in &self.beside {
            let other = open(path)?;
            let (input, names) = (other.model.model().input(), other.model.model());
            if input != model.input() || !names.class_names().eq(model.class_names()) {
                let wanted = format!("{} pixels and the classes {}", model.input(), classes.join(", "));
                return Err(miette!(
                    help = "compare models that take the same photos: the same input and the same classes",
                    "the model {} is not for {wanted}",
                    path.display()
                ));
            }
            let scores = evaluate::evaluate(trained.network.as_ref(), &other.model, &photos).into_diagnostic()?;
            beside.push(Beside { model: path.clone(), scores: scores.int8, agreement: scores.agreement });
        }
        if self.json {
            json(&With { evaluation, enlarged: photos.enlarged, verdict, beside })?;
            return Ok(ExitCode::SUCCESS);
        }
        scores(&evaluation);
        print_verdict(&verdict);
        for other in &beside {
            let agreement = other.agreement.map_or(String::new(), |part| format!(", decides as float {part:.3}"));
            let (accuracy, loss) = (other.scores.accuracy, other.scores.loss);
            say!("beside: accuracy {accuracy:.3}, loss {loss:.3}{agreement}: {}", other.model.display());
        }
        confusion(&evaluation);
        for disagreement in &evaluation.disagreements {
            say!(
                "differs: {}: float {} {:.3}, {} {} {:.3}",
                disagreement.path.display(),
                disagreement.float.class,
                disagreement.float.probability,
                evaluation.integer_name(),
                disagreement.int8.class,
                disagreement.int8.probability
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
