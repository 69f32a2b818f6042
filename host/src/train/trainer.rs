//! The training loop.

use std::ops::ControlFlow;

use candle_core::Tensor;
use miette::Diagnostic;
use rayon::prelude::*;
use serde::Serialize;
use thiserror::Error;

use super::augment::{Variation, apply};
use super::grain::{Grain, add_grain};
use super::layer_state::LayerState;
use super::loss::{CrossEntropy, Targets, cross_entropy};
use super::network::{Network, batch};
use super::optimizer::Optimizer;
use super::schedule::learning_rate;
use crate::photos::{Dataset, Example};
use crate::random::{Purpose, Random};

/// One epoch's measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Epoch {
    /// Counted from 1. 0 stands for the network the training started with, where that was trained on these classes
    /// before; its training loss and accuracy are those of the training inputs as they are, without dropout.
    pub epoch: u32,
    /// Mean cross-entropy of the training batches as they were trained on (dropout on, weights changing), nats.
    /// Weight penalties are not in it, nor class weights and label smoothing: it compares with the validation loss.
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
    /// All epochs, and before them the network that was continued from, where that was measured.
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

/// Trains a network, new or trained before, by the recipe it carries; all randomness from `seed`. After each epoch
/// `observe` sees its measurements and may end the training.
///
/// A network that [`super::transfer`] made with all its layers kept is measured first, as epoch 0: if no epoch is
/// better, the network comes out as it went in. So continuing never gives a greater validation loss than before.
///
/// The recipe's copies must have been added to `training` already.
///
/// # Errors
/// [`TrainError`].
pub fn train(
    network: Network,
    training: &Dataset,
    validation: &Dataset,
    seed: u64,
    mut observe: impl FnMut(&Epoch) -> ControlFlow<()>,
) -> Result<Outcome, TrainError> {
    let settings = network.recipe.training.clone();
    let mut trainer = Trainer::new(network, training, validation, seed)?;
    let mut epochs: Vec<Epoch> = Vec::new();
    let mut best: Option<Epoch> = None;
    // Filled again and again: a fresh copy of a large network's weights for every better epoch would cost more than
    // the training itself.
    let mut kept = Vec::new();
    let mut stopped = Stopped::Finished;
    let first = u32::from(!trainer.network.pretrained);
    for number in first..=settings.epochs {
        let epoch = if number == 0 { trainer.start()? } else { trainer.epoch()? };
        epochs.push(epoch);
        if best.is_none_or(|best| epoch.validation_loss < best.validation_loss) {
            best = Some(epoch);
            trainer.network.save_into(&mut kept)?;
        }
        if observe(&epoch).is_break() {
            stopped = Stopped::Interrupted;
            break;
        }
        let since_best = number - best.map_or(0, |best| best.epoch);
        if settings.patience.is_some_and(|patience| since_best >= patience) {
            stopped = Stopped::Patience;
            break;
        }
    }
    let best = best.ok_or(TrainError::Nothing)?;
    trainer.network.restore(kept)?;
    Ok(Outcome { network: trainer.network, epochs, best, stopped })
}

/// A network in training, one epoch at a time.
pub struct Trainer<'d> {
    network: Network,
    training: &'d Dataset,
    validation: Tensor,
    validation_labels: Vec<u16>,
    validation_logits: Vec<Vec<f32>>,
    targets: Targets,
    optimizer: Optimizer,
    states: Vec<LayerState>,
    epochs: u32,
    updates: u32,
    order: Vec<usize>,
    shuffle: Random,
    dropout: Random,
    augment: Random,
    grain: Random,
}

impl<'d> Trainer<'d> {
    /// A training of `network` by the recipe it carries, before its first epoch. The recipe's copies must have been
    /// added to `training` already.
    ///
    /// # Errors
    /// A candle error when memory cannot be had.
    pub fn new(network: Network, training: &'d Dataset, validation: &Dataset, seed: u64) -> candle_core::Result<Self> {
        let states = network.layers.iter().map(LayerState::new).collect::<candle_core::Result<_>>()?;
        let pixels: Vec<&[u8]> = validation.examples.iter().map(|example| &example.pixels[..]).collect();
        Ok(Self {
            training,
            validation: batch(&pixels)?,
            validation_labels: validation.examples.iter().map(|example| example.class).collect(),
            validation_logits: Vec::new(),
            targets: Targets::new(
                &network.recipe.training,
                training.examples.iter().map(|example| example.class),
                network.classes.len(),
            ),
            optimizer: Optimizer::new(network.recipe.training.optimizer),
            states,
            epochs: 0,
            updates: 0,
            order: (0..training.examples.len()).collect(),
            shuffle: Random::stream(seed, Purpose::Shuffle),
            dropout: Random::stream(seed, Purpose::Dropout),
            augment: Random::stream(seed, Purpose::Augment),
            grain: Random::stream(seed, Purpose::Grain),
            network,
        })
    }

    /// Measures the network as it is, before anything is learned: epoch 0.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when a loss is not a number, [`TrainError::Candle`].
    pub fn start(&mut self) -> Result<Epoch, TrainError> {
        let inputs: Vec<&[u8]> = self.training.examples.iter().map(|example| &example.pixels[..]).collect();
        let labels: Vec<u16> = self.training.examples.iter().map(|example| example.class).collect();
        let training = score(&self.network.logits(&inputs)?, &labels);
        self.measured(0, training.loss, training.right)
    }

    /// One pass over the training inputs in a new order, then a look at the validation inputs.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when a loss is no longer a number, [`TrainError::Candle`].
    pub fn epoch(&mut self) -> Result<Epoch, TrainError> {
        self.shuffle.shuffle(&mut self.order);
        let augmented = self.augmented();
        let (mut loss, mut right) = (0.0, 0);
        let order = std::mem::take(&mut self.order);
        for chosen in order.chunks(self.network.recipe.training.batch) {
            let pixels: Vec<&[u8]> = chosen.iter().map(|&index| self.pixels(&augmented, index)).collect();
            let score = self.update(chosen, &batch(&pixels)?)?;
            loss += score.loss * chosen.len() as f64;
            right += score.right;
        }
        self.order = order;
        self.epochs += 1;
        let loss = loss / self.order.len() as f64;
        self.measured(self.epochs, loss, right)
    }

    /// An epoch's measurements: those of the training inputs as they are given, and a look at the validation inputs.
    fn measured(&mut self, epoch: u32, training_loss: f64, right: usize) -> Result<Epoch, TrainError> {
        self.validation_logits = self.network.infer(&self.validation)?;
        let validation = score(&self.validation_logits, &self.validation_labels);
        let epoch = Epoch {
            epoch,
            training_loss,
            training_accuracy: right as f64 / self.order.len() as f64,
            validation_loss: validation.loss,
            validation_accuracy: validation.right as f64 / self.validation_labels.len() as f64,
        };
        if !(epoch.training_loss.is_finite() && epoch.validation_loss.is_finite()) {
            return Err(TrainError::Diverged(epoch.epoch));
        }
        Ok(epoch)
    }

    /// Logits of every validation input after the last epoch, in the dataset's order; empty before the first.
    pub fn validation_logits(&self) -> &[Vec<f32>] {
        &self.validation_logits
    }

    /// This epoch's variations of all training photos, in the dataset's order; nothing if the recipe asks for none. They
    /// are drawn one after another and made on all threads: those do not change what is drawn.
    fn augmented(&mut self) -> Vec<Vec<u8>> {
        let settings = self.network.recipe.training.augment;
        if settings.is_none() {
            return Vec::new();
        }
        let (side, has_grain) = (self.training.side, settings.has_grain());
        let draw = |_: &Example| {
            let grain = has_grain.then(|| Grain::draw(&settings, &mut self.grain));
            (Variation::draw(&settings, side, &mut self.augment), grain)
        };
        let drawn: Vec<(Variation, Option<Grain>)> = self.training.examples.iter().map(draw).collect();
        let side = usize::from(side);
        let vary = |(example, (variation, grain)): (&Example, (Variation, Option<Grain>))| {
            let mut varied = apply(&variation, &example.pixels, side);
            if let Some(grain) = grain {
                add_grain(grain, &mut varied, side);
            }
            varied
        };
        self.training.examples.par_iter().zip(drawn).map(vary).collect()
    }

    fn pixels<'a>(&'a self, augmented: &'a [Vec<u8>], index: usize) -> &'a [u8] {
        augmented.get(index).unwrap_or(&self.training.examples[index].pixels)
    }

    /// One step of the optimizer on the chosen training inputs.
    fn update(&mut self, chosen: &[usize], inputs: &Tensor) -> candle_core::Result<Score> {
        let labels: Vec<u16> = chosen.iter().map(|&index| self.training.examples[index].class).collect();
        let forward = self.network.forward(inputs, Some(&mut self.dropout))?;
        let score = score(&forward.logits.to_vec2::<f32>()?, &labels);
        let gradients = forward.logits.apply_op1(CrossEntropy { labels, targets: self.targets.clone() })?.backward()?;

        let training = &self.network.recipe.training;
        let updates_an_epoch = self.training.examples.len().div_ceil(training.batch) as u32;
        let rate = learning_rate(training, self.epochs, self.updates, updates_an_epoch);
        let step = self.optimizer.next(rate);
        self.updates += 1;
        let layers = self.network.layers.iter().zip(&self.states).zip(&forward.traces);
        for ((layer, state), trace) in layers.skip(self.network.frozen) {
            state.update(step, layer, trace, &gradients)?;
        }
        Ok(score)
    }
}

/// Mean cross-entropy and number of right answers.
struct Score {
    loss: f64,
    right: usize,
}

fn score(logits: &[Vec<f32>], labels: &[u16]) -> Score {
    let (mut loss, mut right) = (0.0, 0);
    for (row, &label) in logits.iter().zip(labels) {
        loss += cross_entropy(row, usize::from(label));
        right += usize::from(arg_max(row) == usize::from(label));
    }
    Score { loss: loss / labels.len() as f64, right }
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
