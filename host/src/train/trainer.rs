//! The training loop.

use std::ops::ControlFlow;

use miette::Diagnostic;
use serde::Serialize;
use thiserror::Error;

use super::adam::{AdamSettings, AdamStep, LayerAdam};
use super::loss::{CrossEntropy, cross_entropy};
use super::network::{FloatLayer, Network, batch};
use crate::photos::Dataset;
use crate::random::{Purpose, Random};
use crate::recipe::Recipe;

/// One epoch's measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: u32,
    /// Mean cross-entropy of the training batches as they were trained on (dropout on, weights changing), nats.
    /// Weight penalties are not in it.
    pub training_loss: f64,
    /// Fraction of training inputs classified rightly, likewise.
    pub training_accuracy: f64,
    /// Mean cross-entropy of the validation inputs after the epoch, nats.
    pub validation_loss: f64,
    /// Fraction of validation inputs classified rightly.
    pub validation_accuracy: f64,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stopped {
    /// All epochs were run.
    Finished,
    /// No better validation loss for as long as the recipe's patience.
    Patience,
    /// The caller asked for it.
    Interrupted,
}

/// A finished training.
pub struct Outcome {
    /// The network as it was after the best epoch.
    pub network: Network,
    /// All epochs.
    pub epochs: Vec<Epoch>,
    /// The epoch with the least validation loss (the first of equal ones).
    pub best: Epoch,
    /// Why it ended.
    pub stopped: Stopped,
}

/// Why training failed.
#[derive(Debug, Error, Diagnostic)]
pub enum TrainError {
    /// candle failed.
    #[error("training failed: {0}")]
    Candle(#[from] candle_core::Error),
    /// The numbers ran away.
    #[error("the loss was no longer a number in epoch {0}")]
    #[diagnostic(help("lower the learning rate or the penalties of the recipe"))]
    Diverged(u32),
    /// Stopped before anything was learned.
    #[error("training was interrupted before the first epoch was over")]
    #[diagnostic(help("nothing was written"))]
    Nothing,
}

/// Trains a network by a recipe; all randomness from `seed`. After each epoch `observe` sees its measurements and may
/// end the training.
///
/// The recipe's copies must have been added to `training` already.
///
/// # Errors
/// [`TrainError`].
pub fn train(
    recipe: &Recipe,
    training: &Dataset,
    validation: &Dataset,
    seed: u64,
    mut observe: impl FnMut(&Epoch) -> ControlFlow<()>,
) -> Result<Outcome, TrainError> {
    let network = Network::new(recipe, &training.classes, seed)?;
    let mut trainer = Trainer::new(network, training, validation, seed)?;
    let mut epochs: Vec<Epoch> = Vec::new();
    let mut best: Option<(Epoch, Vec<FloatLayer>)> = None;
    let mut stopped = Stopped::Finished;
    for number in 1..=recipe.training.epochs {
        let epoch = trainer.epoch(number)?;
        if !(epoch.training_loss.is_finite() && epoch.validation_loss.is_finite()) {
            return Err(TrainError::Diverged(number));
        }
        epochs.push(epoch);
        if best.as_ref().is_none_or(|(best, _)| epoch.validation_loss < best.validation_loss) {
            best = Some((epoch, trainer.network.float_layers()?));
        }
        if observe(&epoch).is_break() {
            stopped = Stopped::Interrupted;
            break;
        }
        let since_best = number - best.as_ref().map_or(0, |(best, _)| best.epoch);
        if recipe.training.patience.is_some_and(|patience| since_best >= patience) {
            stopped = Stopped::Patience;
            break;
        }
    }
    let (best, parameters) = best.ok_or(TrainError::Nothing)?;
    trainer.network.restore(&parameters)?;
    Ok(Outcome { network: trainer.network, epochs, best, stopped })
}

/// A network in training.
struct Trainer<'d> {
    network: Network,
    training: &'d Dataset,
    validation: candle_core::Tensor,
    validation_labels: Vec<u16>,
    optimizer: Vec<LayerAdam>,
    settings: AdamSettings,
    updates: u32,
    order: Vec<usize>,
    shuffle: Random,
    dropout: Random,
}

impl<'d> Trainer<'d> {
    fn new(network: Network, training: &'d Dataset, validation: &Dataset, seed: u64) -> candle_core::Result<Self> {
        let optimizer = network
            .layers
            .iter()
            .map(|layer| layer.weights.dims2().map(|(i, o)| LayerAdam::new(i, o, layer.penalty)))
            .collect::<candle_core::Result<_>>()?;
        let pixels: Vec<&[u8]> = validation.examples.iter().map(|example| &example.pixels[..]).collect();
        Ok(Self {
            training,
            validation: batch(&pixels)?,
            validation_labels: validation.examples.iter().map(|example| example.class).collect(),
            optimizer,
            settings: AdamSettings::keras(network.recipe.training.learning_rate),
            updates: 0,
            order: (0..training.examples.len()).collect(),
            shuffle: Random::stream(seed, Purpose::Shuffle),
            dropout: Random::stream(seed, Purpose::Dropout),
            network,
        })
    }

    /// One pass over the training inputs in a new order, then a look at the validation inputs.
    fn epoch(&mut self, number: u32) -> candle_core::Result<Epoch> {
        self.shuffle.shuffle(&mut self.order);
        let (mut loss, mut right) = (0.0, 0);
        let order = std::mem::take(&mut self.order);
        for chosen in order.chunks(self.network.recipe.training.batch) {
            let score = self.update(chosen)?;
            loss += score.loss * chosen.len() as f64;
            right += score.right;
        }
        self.order = order;
        let count = self.order.len() as f64;
        let logits = self.network.forward(&self.validation, None)?.logits;
        let validation = score(&logits, &self.validation_labels)?;
        Ok(Epoch {
            epoch: number,
            training_loss: loss / count,
            training_accuracy: right as f64 / count,
            validation_loss: validation.loss,
            validation_accuracy: validation.right as f64 / self.validation_labels.len() as f64,
        })
    }

    /// One step of the optimizer on the chosen training inputs.
    fn update(&mut self, chosen: &[usize]) -> candle_core::Result<Score> {
        let examples = chosen.iter().map(|&index| &self.training.examples[index]);
        let (pixels, labels): (Vec<&[u8]>, Vec<u16>) =
            examples.map(|example| (&example.pixels[..], example.class)).unzip();
        let forward = self.network.forward(&batch(&pixels)?, Some(&mut self.dropout))?;
        let score = score(&forward.logits, &labels)?;
        forward.logits.apply_op1(CrossEntropy { labels })?.backward()?;

        self.updates += 1;
        let step = AdamStep::new(self.settings, self.updates);
        for ((layer, optimizer), factors) in self.network.layers.iter().zip(&self.optimizer).zip(&forward.factors) {
            let factors = factors.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
            let Some((inputs, delta)) = factors else { candle_core::bail!("a layer got no gradient") };
            optimizer.step(step, (&layer.weights, &layer.biases), &inputs, &delta)?;
        }
        Ok(score)
    }
}

/// Mean cross-entropy and number of right answers.
struct Score {
    loss: f64,
    right: usize,
}

fn score(logits: &candle_core::Tensor, labels: &[u16]) -> candle_core::Result<Score> {
    let rows = logits.to_vec2::<f32>()?;
    let (mut loss, mut right) = (0.0, 0);
    for (row, &label) in rows.iter().zip(labels) {
        loss += cross_entropy(row, usize::from(label));
        right += usize::from(arg_max(row) == usize::from(label));
    }
    Ok(Score { loss: loss / labels.len() as f64, right })
}

/// Index of the largest logit; of equal ones the first, as on the device.
pub(crate) fn arg_max(logits: &[f32]) -> usize {
    let mut best = 0;
    for (index, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = index;
        }
    }
    best
}
