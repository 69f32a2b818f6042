//! The epochs of a training: updates and measurements.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use candle_core::{Device, Tensor, Var, bail};
use miette::Diagnostic;
use pinhole_core::photos::{Dataset, Example};
use pinhole_core::random::{Purpose, Random};
use pinhole_core::recipe::{ClassWeights, Recipe};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::accelerator::Pass;
use super::augment::{Variation, varied};
use super::camera_noise::CameraNoise;
use super::checkpoint::TrainerState;
use super::layers::{Gradient, LayerState, Trace};
use super::loss::{CrossEntropy, Targets, cross_entropy};
use super::network::{Network, batch, values};
use super::optimizer::{Moments, Optimizer};
use super::quantization_aware::QuantizationAware;
use super::schedule::learning_rate;

/// Measurements of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Number, counted from 1. Epoch 0 is the network before training, if it was trained on these classes before. Its
    /// training loss and accuracy are those of the training inputs without dropout and augmentation.
    pub epoch: u32,
    /// Mean cross-entropy of the training batches as trained on (dropout on, weights changing), nats. It contains no
    /// weight penalties, class weights or label smoothing, so it can be compared with the validation loss.
    pub training_loss: f64,
    /// Fraction of training inputs classified correctly, measured in the same way.
    pub training_accuracy: f64,
    /// Mean cross-entropy of the validation inputs after the epoch, nats. If the recipe's class weights are balanced, each
    /// class has the same share of it, however few its inputs are.
    pub validation_loss: f64,
    /// Fraction of validation inputs classified correctly.
    pub validation_accuracy: f64,
}

/// Advice on a training that diverged.
pub const DIVERGED_ADVICE: &str = "train again with a lower learning rate, or smaller penalties (l1, l2) in the recipe";

/// Error of training.
#[derive(Debug, Error, Diagnostic)]
pub enum TrainError {
    /// candle failed.
    #[error("training failed: {0}")]
    Candle(#[from] candle_core::Error),
    /// A loss or a weight is not finite.
    #[error("the training diverged: the loss or a weight was no longer a number in epoch {0}")]
    #[diagnostic(help("{DIVERGED_ADVICE}"))]
    Diverged(u32),
    /// The state is that of another training.
    #[error("the training cannot be resumed: {0}")]
    #[diagnostic(help("this is a bug in Pinhole; remove the checkpoint to train from the start"))]
    State(String),
    /// Training was stopped before its first epoch.
    #[error("training was interrupted before the first epoch ended")]
    #[diagnostic(help("nothing was written"))]
    Nothing,
}

/// Trains a network, one epoch at a time.
pub struct Trainer<'d> {
    network: Network,
    quantization_aware: Option<QuantizationAware<'d>>,
    training: &'d Dataset,
    validation: Tensor,
    validation_labels: Vec<u16>,
    validation_logits: Vec<Vec<f32>>,
    targets: Targets,
    optimizer: Optimizer,
    /// The optimizer's state of each layer; `None` for a layer without parameters.
    states: Vec<Option<Box<dyn LayerState>>>,
    epochs: u32,
    updates: u32,
    /// Number of layers that are frozen in all epochs.
    always_frozen: usize,
    order: Vec<usize>,
    shuffle: Random,
    dropout: Random,
    augment: Random,
    camera_noise: Random,
    /// Graphics card that computes the gradients; `None` for the processor.
    card: Option<Device>,
}

impl<'d> Trainer<'d> {
    /// Creates a trainer of `network` by the recipe it carries, before the first epoch. The recipe's copies must have
    /// been added to `training` already.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    pub fn new(network: Network, training: &'d Dataset, validation: &Dataset, seed: u64) -> candle_core::Result<Self> {
        let states = states(&network);
        let pixels: Vec<&[u8]> = validation.examples.iter().map(|example| &example.pixels[..]).collect();
        Ok(Self {
            quantization_aware: None,
            training,
            validation: batch(&pixels, network.recipe.input.color)?,
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
            always_frozen: network.frozen,
            order: (0..training.examples.len()).collect(),
            shuffle: Random::stream(seed, Purpose::Shuffle),
            dropout: Random::stream(seed, Purpose::Dropout),
            augment: Random::stream(seed, Purpose::Augment),
            camera_noise: Random::stream(seed, Purpose::CameraNoise),
            card: None,
            network,
        })
    }

    /// Computes all further gradients on this graphics card.
    pub(super) fn use_card(&mut self, card: Device) {
        self.card = Some(card);
    }

    /// Returns the same trainer with quantization-aware training. The network must have neither dropout nor batch
    /// normalization.
    pub(super) fn with_quantization_aware(self, quantization_aware: QuantizationAware<'d>) -> Self {
        Self { quantization_aware: Some(quantization_aware), ..self }
    }

    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    pub(super) fn into_network(self) -> Network {
        self.network
    }

    pub(super) fn recipe(&self) -> &Recipe {
        &self.network.recipe
    }

    /// Returns the state that further epochs depend on, beside the constructor's arguments and the number of epochs so
    /// far.
    pub(super) fn state(&self) -> candle_core::Result<TrainerState> {
        Ok(TrainerState {
            network: values(self.network.float_layers()?),
            optimizer: self.moments().map(|moments| lock(moments).clone()).collect(),
            order: self.order.clone(),
            positions: [&self.shuffle, &self.dropout, &self.augment, &self.camera_noise].map(Random::position),
        })
    }

    /// Restores the state after `epochs` epochs in a trainer that has run none and was created with the same arguments.
    ///
    /// # Errors
    /// [`TrainError::State`] if the state is that of another network or of other data.
    pub(super) fn restore(&mut self, state: TrainerState, epochs: u32) -> Result<(), TrainError> {
        self.network.set_values(&state.network).map_err(|error| TrainError::State(error.to_string()))?;
        let moments: Vec<_> = self.moments().collect();
        let sizes_fit = moments.len() == state.optimizer.len()
            && moments.iter().zip(&state.optimizer).all(|(moments, saved)| lock(moments).has_size_of(saved));
        let mut indices = state.order.clone();
        indices.sort_unstable();
        if !sizes_fit || !indices.into_iter().eq(0..self.order.len()) {
            return Err(TrainError::State("its optimizer or order is another's".into()));
        }
        for (moments, saved) in moments.into_iter().zip(state.optimizer) {
            *lock(moments) = saved;
        }
        self.order = state.order;
        let streams = [&mut self.shuffle, &mut self.dropout, &mut self.augment, &mut self.camera_noise];
        for (stream, position) in streams.into_iter().zip(state.positions) {
            stream.go_to(position);
        }
        self.epochs = epochs;
        self.updates = epochs * self.updates_an_epoch();
        // The optimizer's own state depends only on the number of updates since it began.
        let begun = self.optimizer_restart().filter(|&restart| epochs > restart).unwrap_or(0);
        for _ in begun * self.updates_an_epoch()..self.updates {
            self.optimizer.next(0.0);
        }
        Ok(())
    }

    /// Returns the optimizer's numbers for each tensor of every layer.
    fn moments(&self) -> impl Iterator<Item = &Mutex<Moments>> {
        self.states.iter().flatten().flat_map(|state| state.moments())
    }

    fn updates_an_epoch(&self) -> u32 {
        self.training.examples.len().div_ceil(self.network.recipe.training.batch) as u32
    }

    fn frozen_epochs(&self) -> u32 {
        self.network.recipe.training.frozen_epochs
    }

    /// Returns the number of epochs after which hidden layers begin to be trained and the optimizer begins anew: moments that have
    /// not moved would make Adam's first steps too large.
    fn optimizer_restart(&self) -> Option<u32> {
        let trains_more = self.always_frozen + 1 < self.network.layers.len();
        Some(self.frozen_epochs()).filter(|&epochs| epochs > 0 && trains_more)
    }

    /// Freezes the layers that the next epoch does not train.
    fn freeze(&mut self) {
        let last = self.network.layers.len() - 1;
        self.network.frozen = if self.epochs < self.frozen_epochs() { last } else { self.always_frozen };
        if self.optimizer_restart() == Some(self.epochs) {
            self.optimizer = Optimizer::new(self.network.recipe.training.optimizer);
            self.states = states(&self.network);
        }
    }

    /// Measures the network before training: epoch 0.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] if a loss or a weight is not finite, [`TrainError::Candle`].
    pub fn start(&mut self) -> Result<Epoch, TrainError> {
        let inputs: Vec<&[u8]> = self.training.examples.iter().map(|example| &example.pixels[..]).collect();
        let labels: Vec<u16> = self.training.examples.iter().map(|example| example.class).collect();
        let logits = match &mut self.quantization_aware {
            None => self.network.logits(&inputs)?,
            Some(quantization_aware) => quantization_aware.logits(&self.network, &inputs, 0)?,
        };
        let training = score(&logits, &labels);
        self.measured(0, training.loss, training.right)
    }

    /// Trains on all training inputs once, in a new order, then measures the validation loss.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] if a loss or a weight is not finite, [`TrainError::Candle`].
    pub fn epoch(&mut self) -> Result<Epoch, TrainError> {
        self.freeze();
        self.shuffle.shuffle(&mut self.order);
        let augmented = self.augmented();
        let (mut loss, mut right) = (0.0, 0);
        let training = self.training;
        let pixels = |&index: &usize| augmented.get(index).unwrap_or(&training.examples[index].pixels).as_slice();
        let order = std::mem::take(&mut self.order);
        for chosen in order.chunks(self.network.recipe.training.batch) {
            let pixels: Vec<&[u8]> = chosen.iter().map(pixels).collect();
            let score = self.update(chosen, &pixels)?;
            loss += score.loss * chosen.len() as f64;
            right += score.right;
        }
        self.order = order;
        self.epochs += 1;
        let loss = loss / self.order.len() as f64;
        self.measured(self.epochs, loss, right)
    }

    /// Returns an epoch's measurements: the given ones of the training inputs, and new ones of the validation inputs.
    fn measured(&mut self, epoch: u32, training_loss: f64, right: usize) -> Result<Epoch, TrainError> {
        self.validation_logits = match &mut self.quantization_aware {
            None => self.network.infer(&self.validation)?,
            Some(quantization_aware) => quantization_aware.validation_logits(&self.network, epoch)?,
        };
        let validation = score(&self.validation_logits, &self.validation_labels);
        let validation_loss = match self.network.recipe.training.class_weights {
            None => validation.loss,
            Some(ClassWeights::Balanced) => balanced_loss(&self.validation_logits, &self.validation_labels),
        };
        let epoch = Epoch {
            epoch,
            training_loss,
            training_accuracy: right as f64 / self.order.len() as f64,
            validation_loss,
            validation_accuracy: validation.right as f64 / self.validation_labels.len() as f64,
        };
        if !(epoch.training_loss.is_finite() && epoch.validation_loss.is_finite() && self.network.is_finite()?) {
            return Err(TrainError::Diverged(epoch.epoch));
        }
        Ok(epoch)
    }

    /// Returns the logits of every validation input after the last epoch, in the dataset's order; empty before the
    /// first.
    pub fn validation_logits(&self) -> &[Vec<f32>] {
        &self.validation_logits
    }

    /// Returns this epoch's variations of all training photos, in the dataset's order; empty without augmentation.
    /// Random numbers are drawn one after another, then all threads compute pixels: the number of threads changes
    /// nothing.
    fn augmented(&mut self) -> Vec<Vec<u8>> {
        let settings = self.network.recipe.training.augment;
        if settings.is_none() {
            return Vec::new();
        }
        let (input, has_camera_noise) = (self.training.input, settings.has_camera_noise());
        let draw = |_: &Example| {
            let camera_noise = has_camera_noise.then(|| CameraNoise::draw(&settings, &mut self.camera_noise));
            (Variation::draw(&settings, input, &mut self.augment), camera_noise)
        };
        let drawn: Vec<(Variation, Option<CameraNoise>)> = self.training.examples.iter().map(draw).collect();
        let vary = |(example, (variation, camera_noise)): (&Example, (Variation, Option<CameraNoise>))| {
            varied(variation, camera_noise, &example.pixels, input)
        };
        self.training.examples.par_iter().zip(drawn).map(vary).collect()
    }

    /// Runs one update on the chosen training inputs, whose pixels are given.
    fn update(&mut self, chosen: &[usize], pixels: &[&[u8]]) -> Result<Score, TrainError> {
        let labels: Vec<u16> = chosen.iter().map(|&index| self.training.examples[index].class).collect();
        if let Some(card) = self.card.clone() {
            return Ok(self.update_on(&card, labels, &batch(pixels, self.network.recipe.input.color)?)?);
        }
        let stages = match &mut self.quantization_aware {
            None => Vec::new(),
            Some(quantization_aware) => {
                quantization_aware.quantize_parameters(&self.network, pixels, self.epochs + 1)?
            }
        };
        let inputs = batch(pixels, self.network.recipe.input.color)?;
        let forward = self.network.learn(&inputs, &mut self.dropout, &stages)?;
        let score = score(&forward.logits.to_vec2::<f32>()?, &labels);
        let loss = match &self.quantization_aware {
            None => forward.logits.apply_op1(CrossEntropy { labels, targets: self.targets.clone() })?,
            Some(quantization_aware) => quantization_aware.loss(&forward.logits, pixels)?,
        };
        let gradients = loss.backward()?;
        if let Some(quantization_aware) = &self.quantization_aware {
            quantization_aware.restore_parameters(&self.network)?;
        }
        let gradient = |_, variable: &Var| gradients.get(variable.as_tensor()).cloned();
        let layers = forward.traces.iter().map(|trace| (trace, &gradient as Gradient<'_>));
        self.step(layers.collect())?;
        Ok(score)
    }

    /// Runs the same update with forward and backward pass on a graphics card.
    fn update_on(&mut self, card: &Device, labels: Vec<u16>, inputs: &Tensor) -> candle_core::Result<Score> {
        let masks = self.network.masks(&mut self.dropout, inputs.dim(0)?)?;
        let pass = Pass::forward(&self.network, card, inputs, &masks)?;
        let logits = Var::from_tensor(&pass.logits()?)?;
        let score = score(&logits.to_vec2::<f32>()?, &labels);
        let loss = logits.apply_op1(CrossEntropy { labels, targets: self.targets.clone() })?;
        let Some(by_logits) = loss.backward()?.remove(logits.as_tensor()) else { bail!("the loss has no gradient") };
        let learned = pass.backward(&by_logits)?;
        let of = learned.iter().map(|of_layer| move |name, _: &Var| of_layer.of(name).cloned());
        let of: Vec<_> = of.collect();
        let layers = learned.iter().zip(&of).map(|(of_layer, of)| (&of_layer.trace, of as Gradient<'_>));
        self.step(layers.collect())?;
        Ok(score)
    }

    /// Updates all trained layers, from their traces and their variables' gradients.
    fn step(&mut self, layers: Vec<(&Trace, Gradient<'_>)>) -> candle_core::Result<()> {
        let updates_an_epoch = self.updates_an_epoch();
        let rate = learning_rate(&self.network.recipe.training, self.epochs, self.updates, updates_an_epoch);
        let step = self.optimizer.next(rate);
        self.updates += 1;
        for (state, (trace, gradient)) in self.states.iter().zip(layers).skip(self.network.frozen) {
            if let Some(state) = state {
                state.update(step, trace, gradient)?;
            }
        }
        Ok(())
    }
}

fn lock(moments: &Mutex<Moments>) -> MutexGuard<'_, Moments> {
    moments.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the optimizer's state of each layer before the first update.
fn states(network: &Network) -> Vec<Option<Box<dyn LayerState>>> {
    network.layers.iter().map(|layer| layer.kind.state()).collect()
}

/// Mean cross-entropy and number of correct decisions.
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

/// Returns the mean over classes of the mean cross-entropy of each class's rows, nats. Classes without rows do not count.
fn balanced_loss(logits: &[Vec<f32>], labels: &[u16]) -> f64 {
    let mut classes: BTreeMap<u16, (f64, usize)> = BTreeMap::new();
    for (row, &label) in logits.iter().zip(labels) {
        let (loss, count) = classes.entry(label).or_default();
        *loss += cross_entropy(row, usize::from(label));
        *count += 1;
    }
    classes.values().map(|(loss, count)| loss / *count as f64).sum::<f64>() / classes.len() as f64
}

/// Returns the index of the largest logit; of equal ones the first, as on the device.
pub fn arg_max(logits: &[f32]) -> usize {
    let mut best = 0;
    for (index, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three rows of one class, one of another, none of a third.
    #[test]
    fn classes_have_the_same_share_of_the_balanced_loss() {
        let logits = vec![vec![0.0, 0.0, 0.0], vec![1.0, 0.0, 0.0], vec![0.0, 2.0, 0.0], vec![0.0, 0.0, 3.0]];
        let labels = [1, 1, 1, 0];
        let of = |row: usize| cross_entropy(&logits[row], usize::from(labels[row]));
        let expected = ((of(0) + of(1) + of(2)) / 3.0 + of(3)) / 2.0;
        assert!((balanced_loss(&logits, &labels) - expected).abs() < 1e-12);
    }
}
