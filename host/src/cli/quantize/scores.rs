//! Models of one network beside each other.

use miette::{IntoDiagnostic as _, Result};
use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::Dataset;
use pinhole_lab::evaluate::{Scores, evaluate};
use pinhole_train::Network;
use pinhole_train::quantize::{ActivationBits, quantize};
use serde::Serialize;

use super::super::output::say;

/// Scores of the model that was written, beside those of the same network in other widths or before fine-tuning.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    photos: usize,
    /// Of each layer's weights, with commas between.
    bits: String,
    float: Option<Score>,
    /// With weights of 8 bits, where the model has others. It was not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    int8: Option<Score>,
    /// Before fine-tuning.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Score>,
    written: Score,
}

#[derive(Debug, Serialize)]
struct Score {
    accuracy: f64,
    loss: f64,
    /// Fraction of photos decided as the float network does; absent for that itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<f64>,
}

impl Score {
    fn new(scores: &Scores, agreement: Option<f64>) -> Self {
        Self { accuracy: scores.accuracy, loss: scores.loss, agreement }
    }
}

/// Models to be scored.
#[derive(Clone, Copy)]
pub(super) struct Models<'a> {
    pub(super) written: &'a ModelFile,
    pub(super) before: Option<&'a ModelFile>,
    pub(super) int8: Option<&'a ModelFile>,
}

impl Table {
    /// Scores on these photos. `network` is the float network that was given.
    pub(super) fn of(network: &Network, models: Models<'_>, photos: &Dataset) -> Result<Self> {
        let score = |model: &ModelFile| -> Result<(Option<Score>, Score)> {
            let scored = evaluate(Some(network), model, photos).into_diagnostic()?;
            let float = scored.float.as_ref().map(|scores| Score::new(scores, None));
            Ok((float, Score::new(&scored.int8, scored.agreement)))
        };
        let integer = |model: Option<&ModelFile>| -> Result<Option<Score>> {
            Ok(model.map(score).transpose()?.map(|(_, integer)| integer))
        };
        let (float, written) = score(models.written)?;
        Ok(Self {
            photos: photos.examples.len(),
            bits: network.recipe.weight_bits().map(|bits| bits.to_string()).collect::<Vec<_>>().join(","),
            float,
            int8: integer(models.int8)?,
            before: integer(models.before)?,
            written,
        })
    }

    pub(super) fn print(&self) {
        let photos = self.photos;
        let heading = if self.before.is_some() {
            format!("on the {photos} validation photos")
        } else {
            format!("on these {photos} photos")
        };
        say!("{heading:<34} accuracy    loss   decides as float");
        let name = format!("int, bits {}", self.bits);
        let tuned = format!("{name}, fine-tuned");
        let rows = [
            ("float", self.float.as_ref()),
            ("int8", self.int8.as_ref()),
            (&*name, self.before.as_ref()),
            (if self.before.is_some() { &*tuned } else { &*name }, Some(&self.written)),
        ];
        for (name, score) in rows.into_iter().filter_map(|(name, score)| Some((name, score?))) {
            let agreement = score.agreement.map(|agreement| format!("{agreement:>18.3}")).unwrap_or_default();
            say!("  {name:<32} {:>8.3} {:>7.3} {agreement}", score.accuracy, score.loss);
        }
    }
}

/// The same network with weights of 8 bits, to compare with, if its own have fewer.
pub(super) fn int8(network: &Network, photos: &Dataset, activations: ActivationBits) -> Result<Option<ModelFile>> {
    if network.recipe.weight_bits().all(|bits| bits == 8) {
        return Ok(None);
    }
    let mut eight = network.folded().into_diagnostic()?;
    eight.recipe.set_weight_bits(&[8])?;
    Ok(Some(quantize(&eight, photos, activations)?))
}
