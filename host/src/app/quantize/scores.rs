//! Scores of several models of one network, for comparison.

use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::Dataset;
use pinhole_lab::evaluate::{Scores, evaluate};
use pinhole_train::Network;
use pinhole_train::quantize::{ActivationBits, quantize};
use serde::Serialize;

use super::QuantizationError;

/// Scores of the written model, and of the same network with other widths or before fine-tuning.
#[derive(Clone, Debug, Serialize)]
pub struct ScoreTable {
    /// Number of photos that were scored on.
    pub photos: usize,
    /// Bits of each layer's weights, separated by commas.
    pub bits: String,
    /// The given float network.
    pub float: Option<ModelScore>,
    /// The model with weights of 8 bits, if the written one has others. It was not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub int8: Option<ModelScore>,
    /// The model before fine-tuning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<ModelScore>,
    /// The written model.
    pub written: ModelScore,
}

/// Scores of one model.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ModelScore {
    /// Fraction of photos with the right decision.
    pub accuracy: f64,
    /// Mean cross-entropy, nats.
    pub loss: f64,
    /// Fraction of photos with the same decision as the float network; absent for that network itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
}

impl ModelScore {
    fn new(scores: &Scores, agreement: Option<f64>) -> Self {
        Self { accuracy: scores.accuracy, loss: scores.loss, agreement }
    }
}

/// Models to score.
#[derive(Clone, Copy)]
pub(super) struct ScoredModels<'a> {
    pub(super) written: &'a ModelFile,
    pub(super) before: Option<&'a ModelFile>,
    pub(super) int8: Option<&'a ModelFile>,
}

impl ScoreTable {
    /// Scores the models on these photos. `network` is the given float network.
    pub(super) fn of(network: &Network, models: ScoredModels<'_>, photos: &Dataset) -> candle_core::Result<Self> {
        let score = |model: &ModelFile| -> candle_core::Result<(Option<ModelScore>, ModelScore)> {
            let scored = evaluate(Some(network), model, photos)?;
            let float = scored.float.as_ref().map(|scores| ModelScore::new(scores, None));
            Ok((float, ModelScore::new(&scored.int8, scored.agreement)))
        };
        let integer = |model: Option<&ModelFile>| -> candle_core::Result<Option<ModelScore>> {
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
}

/// Quantizes the same network with weights of 8 bits, for comparison; `None` if it already has 8 bits.
pub(super) fn int8(
    network: &Network,
    photos: &Dataset,
    activations: ActivationBits,
) -> Result<Option<ModelFile>, QuantizationError> {
    if network.recipe.weight_bits().all(|bits| bits == 8) {
        return Ok(None);
    }
    let mut eight = network.folded()?;
    eight.recipe.set_weight_bits(&[8])?;
    Ok(Some(quantize(&eight, photos, activations)?))
}
