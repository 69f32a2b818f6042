//! Training settings: the `[training]` part of a recipe.

use serde::{Deserialize, Serialize};

/// Training settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "struct Training")]
pub struct TrainingSettings {
    /// Number of passes over the training photos.
    pub epochs: u32,
    /// Number of photos in one update.
    pub batch: usize,
    /// Learning rate of the optimizer, before its schedule.
    pub learning_rate: f32,
    /// Label smoothing: share of each target that is spread evenly over all classes, 0 <= share < 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub label_smoothing: f32,
    /// Weights of the classes in the loss; equal if absent. The epoch is then also chosen by a validation loss in which all
    /// classes weigh the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// Initialization of the weights.
    #[serde(default, skip_serializing_if = "Initialization::is_stratified")]
    pub initialization: Initialization,
    /// Copies of every training photo to train on as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Copies>,
    /// Epochs at the start in which only the last layer is trained; makes sense where training continues from a network.
    #[serde(default, skip_serializing_if = "is_none")]
    pub frozen_epochs: u32,
    /// Early stopping: epochs without a better validation loss after which training stops; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u32>,
    /// Optimizer.
    #[serde(default, skip_serializing_if = "OptimizerSettings::is_adam")]
    pub optimizer: OptimizerSettings,
    /// Schedule of the learning rate.
    #[serde(default, skip_serializing_if = "Schedule::is_constant")]
    pub schedule: Schedule,
    /// Augmentation: random variations of the training photos, new in every epoch.
    #[serde(default, skip_serializing_if = "Augmentation::is_none")]
    pub augment: Augmentation,
}

/// Weights of the classes in the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// All classes weigh the same: each photo weighs photos / (classes * photos of its class).
    Balanced,
}

/// Initialization of the weights: uniform within Glorot's limits in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Initialization {
    /// The weights of each neuron are spread evenly over the range.
    #[default]
    Stratified,
    /// Each weight is drawn on its own, as in Keras.
    Independent,
}

impl Initialization {
    fn is_stratified(&self) -> bool {
        *self == Self::Stratified
    }
}

/// A changed copy of a photo's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Copies {
    /// The negative: 255 - x.
    Inverted,
    /// Rotated by a quarter turn, counterclockwise, as by `rotate(90)` and `rot90` in the article's Python. (The direction
    /// matters: the other one gives other scores.)
    Rotated,
}

// Kinds without keys have braces: serde refuses unknown keys in these, but not in unit variants.

/// Optimizer: turns gradients into updates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields, expecting = "internally tagged enum Optimizer")]
pub enum OptimizerSettings {
    /// Adam with Keras' defaults (beta 0.9 and 0.999, epsilon 1e-7).
    Adam {},
    /// Adam with decoupled weight decay: it also pulls weights towards 0, whatever their gradients. Biases and the parameters of
    /// batch normalization are not decayed.
    #[serde(rename = "adamw")]
    AdamW {
        /// Share of a weight that one update at a learning rate of 1 removes, 0 or positive.
        weight_decay: f32,
    },
    /// Stochastic gradient descent.
    Sgd {
        /// Share of the last update that is added to the next, 0 <= momentum < 1.
        #[serde(default)]
        momentum: f32,
        /// True for Nesterov momentum.
        #[serde(default)]
        nesterov: bool,
    },
}

impl Default for OptimizerSettings {
    fn default() -> Self {
        Self::Adam {}
    }
}

impl OptimizerSettings {
    fn is_adam(&self) -> bool {
        *self == Self::Adam {}
    }
}

/// Schedule of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// Constant rate.
    Constant {},
    /// Cosine: half a period, down to 0 after the last epoch.
    Cosine {
        /// Epochs in which the rate first rises from 0, update by update.
        #[serde(default, skip_serializing_if = "is_none")]
        warmup: u32,
        /// True if the rate falls with every update; else it falls with every epoch.
        #[serde(default, skip_serializing_if = "is_false")]
        per_update: bool,
    },
    /// Step: multiplied by `factor` after every `every` epochs.
    Step {
        /// Epochs, at least 1.
        every: u32,
        /// Factor, 0 < factor <= 1.
        factor: f32,
    },
    /// Inverse time: divided by `1 + decay * updates`, as in the article's SGD.
    InverseTime {
        /// Decay of one update, 0 or positive.
        decay: f32,
    },
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Constant {}
    }
}

impl Schedule {
    fn is_constant(&self) -> bool {
        *self == Self::Constant {}
    }
}

/// Limits of the random variations of the training photos; 0 and false change nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Shift right or left and up or down: at most this share of the input's side, 0..=1.
    pub shift: f32,
    /// Zoom in or out: at most this share, 0 <= zoom < 1.
    pub zoom: f32,
    /// Rotation in either direction: at most this many degrees, 0..=180.
    pub rotation: f32,
    /// True if every second photo (on average) is flipped, left to right.
    pub flip: bool,
    /// Change of brightness: at most this share of the whole range, 0..=1.
    pub brightness: f32,
    /// Change of contrast around the middle gray: at most this share, 0..=1.
    pub contrast: f32,
    /// Blur, like that of a cheap lens: standard deviation of at most this many of the input's pixels, 0..=10.
    #[serde(skip_serializing_if = "is_zero")]
    pub blur: f32,
    /// Noise, like that of a cheap sensor: standard deviation of at most this share of the whole range, 0..=1.
    #[serde(skip_serializing_if = "is_zero")]
    pub noise: f32,
}

// References, since serde passes them.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_none(epochs: &u32) -> bool {
    *epochs == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !*value
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(value: &f32) -> bool {
    *value == 0.0
}

impl Augmentation {
    /// Returns true if there is no augmentation.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Returns true if photos get blur or noise.
    pub fn has_camera_noise(&self) -> bool {
        self.blur > 0.0 || self.noise > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_without_keys_refuse_keys() {
        assert_eq!(toml::from_str::<OptimizerSettings>("kind = \"adam\"").unwrap(), OptimizerSettings::default());
        assert_eq!(toml::from_str::<Schedule>("kind = \"constant\"").unwrap(), Schedule::default());
        let wrong = toml::from_str::<OptimizerSettings>("kind = \"adam\"\nweight_decay = 0.1").unwrap_err().to_string();
        assert!(wrong.contains("unknown field `weight_decay`"), "{wrong}");
        let wrong = toml::from_str::<Schedule>("kind = \"constant\"\nwarmup = 3").unwrap_err().to_string();
        assert!(wrong.contains("unknown field `warmup`"), "{wrong}");
    }
}
