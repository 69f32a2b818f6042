//! The kinds of layers: the `[[layer]]` parts of a recipe.

use pinhole_shared::model::Activation;
use pinhole_shared::shape::Window;
use serde::{Deserialize, Serialize};

use super::table::LayerTable;
use super::{eight, is_eight};

/// A layer before the one that decides. In a recipe its `kind` says which; without one it is dense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "LayerTable", into = "LayerTable")]
pub enum Layer {
    /// Every output reads every input.
    Dense(DenseLayer),
    /// Every output channel reads all input channels under a window.
    Conv(ConvLayer),
    /// Every channel is read by one filter of its own.
    Depthwise(FilterLayer),
    /// The largest value under a window, of each channel.
    MaxPool(PoolLayer),
    /// The mean of the values under a window, of each channel.
    AveragePool(PoolLayer),
    /// The mean of each channel.
    GlobalAverage(GlobalAverageLayer),
    /// The sum of the previous layer's outputs and an earlier one's.
    Add(AddLayer),
}

/// A dense layer before the one that decides.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseLayer {
    /// Neurons.
    pub outputs: usize,
    /// Linear, relu or sigmoid.
    pub activation: ActivationName,
    /// Fraction of this layer's outputs left out of each update, 0 <= dropout < 1.
    pub dropout: f32,
    /// Penalty on the sum of absolute weights.
    pub l1: f32,
    /// Penalty on the sum of squared weights.
    pub l2: f32,
    /// Bits of the weights on the device: 8, 7 (faster on a Cortex-M0+) or 4 (half the flash).
    pub weight_bits: u8,
}

/// A convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvLayer {
    /// Output channels, each of one filter over all input channels.
    pub channels: u16,
    /// The filters, and what follows them.
    pub filter: FilterLayer,
}

/// What a convolution of all channels and one of each channel have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterLayer {
    /// Size, stride and padding.
    pub window: Window,
    /// Whether each channel's values are normalized over the batch; then the layer has no biases of its own.
    pub batch_norm: bool,
    /// Linear, relu or relu6.
    pub activation: ActivationName,
    /// Of each `pool` x `pool` outputs the largest is passed on, after the activation; rows and columns left over are
    /// dropped.
    pub pool: u8,
    /// Fraction of what is passed on that is left out of each update, 0 <= dropout < 1.
    pub dropout: f32,
    /// Penalty on the sum of absolute weights.
    pub l1: f32,
    /// Penalty on the sum of squared weights.
    pub l2: f32,
    /// Bits of the weights on the device: 8, 7 or 4.
    pub weight_bits: u8,
}

/// A pooling. Padded places take no part in it, neither in the maximum nor in the mean's count.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolLayer {
    /// Size, stride and padding.
    pub window: Window,
}

/// The mean of each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct GlobalAverageLayer {
    /// Fraction of the means left out of each update, 0 <= dropout < 1.
    pub dropout: f32,
}

/// The sum of two layers' outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct AddLayer {
    /// Number of the earlier layer, counted from 1; the other summand is the previous layer.
    pub from: usize,
    /// Linear, relu or relu6, of the sum.
    pub activation: ActivationName,
}

/// The layer that decides: penalties, and the width of its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputLayer {
    /// Penalty on the sum of absolute weights.
    #[serde(default)]
    pub l1: f32,
    /// Penalty on the sum of squared weights.
    #[serde(default)]
    pub l2: f32,
    /// Bits of the weights on the device: 8, 7 (faster on a Cortex-M0+) or 4 (half the flash).
    #[serde(default = "eight", skip_serializing_if = "is_eight")]
    pub weight_bits: u8,
}

impl Default for OutputLayer {
    fn default() -> Self {
        Self { l1: 0.0, l2: 0.0, weight_bits: eight() }
    }
}

/// Activation functions by the name they have in a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivationName {
    /// None.
    Linear,
    /// `max(0, x)`.
    Relu,
    /// `min(max(0, x), 6)`: after convolutions and sums only.
    Relu6,
    /// `1 / (1 + e^-x)`: of dense layers only.
    Sigmoid,
}

impl ActivationName {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::Sigmoid => "sigmoid",
        }
    }

    /// A dense layer's activation function; `None` for relu6, which dense layers do not have.
    pub const fn of_dense(self) -> Option<Activation> {
        match self {
            Self::Linear => Some(Activation::Linear),
            Self::Relu => Some(Activation::Relu),
            Self::Sigmoid => Some(Activation::Sigmoid),
            Self::Relu6 => None,
        }
    }
}

impl From<Activation> for ActivationName {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Linear => Self::Linear,
            Activation::Relu => Self::Relu,
            Activation::Sigmoid => Self::Sigmoid,
        }
    }
}

impl Layer {
    /// The name of its kind in a recipe.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Dense(_) => "dense",
            Self::Conv(_) => "conv",
            Self::Depthwise(_) => "depthwise",
            Self::MaxPool(_) => "max-pool",
            Self::AveragePool(_) => "average-pool",
            Self::GlobalAverage(_) => "global-average",
            Self::Add(_) => "add",
        }
    }

    /// A dense layer's settings.
    pub const fn as_dense(&self) -> Option<&DenseLayer> {
        if let Self::Dense(layer) = self { Some(layer) } else { None }
    }

    /// A dense layer's settings, to change.
    pub const fn as_dense_mut(&mut self) -> Option<&mut DenseLayer> {
        if let Self::Dense(layer) = self { Some(layer) } else { None }
    }

    /// What a convolution of either kind has in common with the other.
    pub const fn filter(&self) -> Option<&FilterLayer> {
        match self {
            Self::Conv(ConvLayer { filter, .. }) | Self::Depthwise(filter) => Some(filter),
            _ => None,
        }
    }

    /// Fraction of what it gives that is left out of each update.
    pub const fn dropout(&self) -> f32 {
        match self {
            Self::Dense(layer) => layer.dropout,
            Self::Conv(ConvLayer { filter, .. }) | Self::Depthwise(filter) => filter.dropout,
            Self::GlobalAverage(layer) => layer.dropout,
            Self::MaxPool(_) | Self::AveragePool(_) | Self::Add(_) => 0.0,
        }
    }

    /// Leaves out what is there for training alone: dropout, and batch normalization, which can be folded into the weights.
    pub(super) const fn strip(&mut self) {
        match self {
            Self::Dense(layer) => layer.dropout = 0.0,
            Self::Conv(ConvLayer { filter, .. }) | Self::Depthwise(filter) => {
                (filter.dropout, filter.batch_norm) = (0.0, false);
            }
            Self::GlobalAverage(layer) => layer.dropout = 0.0,
            Self::MaxPool(_) | Self::AveragePool(_) | Self::Add(_) => {}
        }
    }

    /// Bits of its weights, if it has weights.
    pub fn weight_bits(&self) -> Option<u8> {
        match self {
            Self::Dense(layer) => Some(layer.weight_bits),
            _ => self.filter().map(|filter| filter.weight_bits),
        }
    }

    /// [`Layer::weight_bits`], to change.
    pub(super) const fn weight_bits_mut(&mut self) -> Option<&mut u8> {
        match self {
            Self::Dense(layer) => Some(&mut layer.weight_bits),
            Self::Conv(ConvLayer { filter, .. }) | Self::Depthwise(filter) => Some(&mut filter.weight_bits),
            _ => None,
        }
    }
}
