//! How to train: the `[training]` part of a recipe.

use serde::{Deserialize, Serialize};

/// How to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Passes over the training photos.
    pub epochs: u32,
    /// Photos in one update.
    pub batch: usize,
    /// The optimizer's learning rate, before its schedule.
    pub learning_rate: f32,
    /// Share of each target that is spread evenly over all classes, 0 <= share < 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub label_smoothing: f32,
    /// How much photos of each class count; all the same if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// How the first weights are drawn.
    #[serde(default, skip_serializing_if = "Initialization::is_stratified")]
    pub initialization: Initialization,
    /// Copies of every training photo to train on as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Copies>,
    /// Epochs without a better validation loss after which training stops; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u32>,
    /// How gradients become steps.
    #[serde(default, skip_serializing_if = "Optimizer::is_adam")]
    pub optimizer: Optimizer,
    /// How the learning rate changes in the course of the training.
    #[serde(default, skip_serializing_if = "Schedule::is_constant")]
    pub schedule: Schedule,
    /// Random variations of the training photos, anew in every epoch.
    #[serde(default, skip_serializing_if = "Augmentation::is_none")]
    pub augment: Augmentation,
}

/// How much training photos of each class count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// All classes count the same: each photo photos / (classes * photos of its class).
    Balanced,
}

/// How the first weights are drawn: uniform within Glorot's limits either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Initialization {
    /// Spread evenly over the range for each neuron.
    #[default]
    Stratified,
    /// Each on its own, as Keras does.
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
    /// Turned a quarter, counterclockwise, as `rotate(90)` and `rot90` do in the article's Python. (Which way matters: the
    /// other one gives other scores.)
    Rotated,
}

// Kinds without keys are written with braces: serde refuses unknown keys for these, and not for units.

/// How gradients become steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Optimizer {
    /// Adam with Keras' defaults (beta 0.9 and 0.999, epsilon 1e-7).
    Adam {},
    /// Adam that also draws weights (not biases, nor what batch normalization learns) towards 0, whatever their
    /// gradients.
    #[serde(rename = "adamw")]
    AdamW {
        /// Share of a weight that one update at a learning rate of 1 takes away, 0 or positive.
        weight_decay: f32,
    },
    /// Stochastic gradient descent.
    Sgd {
        /// Share of the last step that goes into the next, 0 <= momentum < 1.
        #[serde(default)]
        momentum: f32,
        /// Whether momentum looks ahead, as Nesterov's does.
        #[serde(default)]
        nesterov: bool,
    },
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::Adam {}
    }
}

impl Optimizer {
    fn is_adam(&self) -> bool {
        *self == Self::Adam {}
    }
}

/// How the learning rate changes in the course of the training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// Not at all.
    Constant {},
    /// Half a cosine, down to 0 after the last epoch.
    Cosine {
        /// Epochs in which the rate rises from 0, with every update, before it falls.
        #[serde(default, skip_serializing_if = "is_none")]
        warmup: u32,
        /// Whether the rate falls with every update, not with every epoch.
        #[serde(default, skip_serializing_if = "is_false")]
        per_update: bool,
    },
    /// Multiplied by `factor` after every `every` epochs.
    Step {
        /// Epochs, at least 1.
        every: u32,
        /// 0 < factor <= 1.
        factor: f32,
    },
    /// Divided by `1 + decay * updates`, as the article's SGD.
    InverseTime {
        /// For each update, 0 or positive.
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
    /// Shift right or left, up or down, by at most this share of the input's side, 0..=1.
    pub shift: f32,
    /// Grow or shrink by at most this share, 0 <= zoom < 1.
    pub zoom: f32,
    /// Turn either way by at most so many degrees, 0..=180.
    pub rotation: f32,
    /// Mirror every second photo (on average), left to right.
    pub flip: bool,
    /// Lighten or darken by at most this share of the whole range, 0..=1.
    pub brightness: f32,
    /// Stretch or squeeze gray levels about the middle gray by at most this share, 0..=1.
    pub contrast: f32,
    /// Blur as a cheap lens does: standard deviation at most so many of the input's pixels, 0..=10.
    #[serde(skip_serializing_if = "is_zero")]
    pub blur: f32,
    /// Noise as of a cheap sensor: standard deviation at most this share of the whole range, 0..=1.
    #[serde(skip_serializing_if = "is_zero")]
    pub noise: f32,
}

// By reference, as serde calls them.
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
    /// True when nothing varies.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// True when pictures get blur or noise.
    pub fn has_grain(&self) -> bool {
        self.blur > 0.0 || self.noise > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_without_keys_refuse_keys() {
        assert_eq!(toml::from_str::<Optimizer>("kind = \"adam\"").unwrap(), Optimizer::default());
        assert_eq!(toml::from_str::<Schedule>("kind = \"constant\"").unwrap(), Schedule::default());
        let wrong = toml::from_str::<Optimizer>("kind = \"adam\"\nweight_decay = 0.1").unwrap_err().to_string();
        assert!(wrong.contains("unknown field `weight_decay`"), "{wrong}");
        let wrong = toml::from_str::<Schedule>("kind = \"constant\"\nwarmup = 3").unwrap_err().to_string();
        assert!(wrong.contains("unknown field `warmup`"), "{wrong}");
    }
}
