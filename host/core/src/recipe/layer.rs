//! The kinds of layers: the `[[layer]]` parts of a recipe.

use pinhole_shared::model::Activation;
use pinhole_shared::shape::Window;
use serde::{Deserialize, Serialize};

use super::table::LayerTable;
use super::{eight, is_eight};

/// A layer before the output layer. Its `kind` in a recipe selects the variant; without one it is dense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "LayerTable", into = "LayerTable")]
pub enum Layer {
    /// Dense layer: every output reads every input.
    Dense(DenseLayer),
    /// Convolution: every output channel reads all input channels under a window.
    Conv(ConvLayer),
    /// Depthwise convolution: every channel has a filter of its own.
    Depthwise(FilterLayer),
    /// Max pooling: the largest value under a window, for each channel.
    MaxPool(PoolLayer),
    /// Average pooling: the mean of the values under a window, for each channel.
    AveragePool(PoolLayer),
    /// Global average pooling: the mean of each channel.
    GlobalAverage(GlobalAverageLayer),
    /// Sum of the previous layer's outputs and an earlier layer's.
    Add(AddLayer),
}

/// A dense layer before the output layer.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseLayer {
    /// Number of outputs.
    pub outputs: usize,
    /// Activation function: linear, relu or sigmoid.
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
    /// Number of output channels, each with one filter over all input channels.
    pub channels: u16,
    /// Window, activation and the other settings of the filters.
    pub filter: FilterLayer,
}

/// Settings that convolutions and depthwise convolutions share.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterLayer {
    /// Size, stride and padding of the window.
    pub window: Window,
    /// True if each channel is batch-normalized; the layer then has no biases of its own.
    pub batch_norm: bool,
    /// Activation function: linear, relu or relu6.
    pub activation: ActivationName,
    /// Side of a max pooling after the activation: the largest of each `pool` x `pool` outputs is passed on. Rows and columns
    /// left over are dropped.
    pub pool: u8,
    /// Fraction of the values passed on that is left out of each update, 0 <= dropout < 1.
    pub dropout: f32,
    /// Penalty on the sum of absolute weights.
    pub l1: f32,
    /// Penalty on the sum of squared weights.
    pub l2: f32,
    /// Bits of the weights on the device: 8, 7 or 4.
    pub weight_bits: u8,
}

/// A pooling layer. Padded positions are ignored, in the maximum and in the mean's count.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolLayer {
    /// Size, stride and padding of the window.
    pub window: Window,
}

/// Global average pooling.
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
    /// Activation function of the sum: linear, relu or relu6.
    pub activation: ActivationName,
}

/// The output layer: penalties and width of its weights.
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

/// Activation functions by their names in a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivationName {
    /// The identity.
    Linear,
    /// `max(0, x)`.
    Relu,
    /// `min(max(0, x), 6)`: only after convolutions and sums.
    Relu6,
    /// `1 / (1 + e^-x)`: only in dense layers.
    Sigmoid,
}

impl ActivationName {
    /// Returns the name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::Sigmoid => "sigmoid",
        }
    }

    /// Returns the activation function of a dense layer; `None` for relu6, which dense layers do not have.
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
    /// Returns the name of its kind in a recipe.
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

    /// Returns the settings of a dense layer.
    pub const fn as_dense(&self) -> Option<&DenseLayer> {
        if let Self::Dense(layer) = self { Some(layer) } else { None }
    }

    /// Returns the settings of a dense layer, to change.
    pub const fn as_dense_mut(&mut self) -> Option<&mut DenseLayer> {
        if let Self::Dense(layer) = self { Some(layer) } else { None }
    }

    /// Returns the settings that both kinds of convolution share.
    pub const fn filter(&self) -> Option<&FilterLayer> {
        match self {
            Self::Conv(ConvLayer { filter, .. }) | Self::Depthwise(filter) => Some(filter),
            _ => None,
        }
    }

    /// Returns the fraction of its outputs that is left out of each update.
    pub const fn dropout(&self) -> f32 {
        match self {
            Self::Dense(layer) => layer.dropout,
            Self::Conv(ConvLayer { filter, .. }) | Self::Depthwise(filter) => filter.dropout,
            Self::GlobalAverage(layer) => layer.dropout,
            Self::MaxPool(_) | Self::AveragePool(_) | Self::Add(_) => 0.0,
        }
    }

    /// Removes what is used in training only: dropout, and batch normalization, which can be folded into the weights.
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

    /// Returns the bits of its weights, if it has weights.
    pub fn weight_bits(&self) -> Option<u8> {
        match self {
            Self::Dense(layer) => Some(layer.weight_bits),
            _ => self.filter().map(|filter| filter.weight_bits),
        }
    }

    /// Returns [`Layer::weight_bits`], to change.
    pub(super) const fn weight_bits_mut(&mut self) -> Option<&mut u8> {
        match self {
            Self::Dense(layer) => Some(&mut layer.weight_bits),
            Self::Conv(ConvLayer { filter, .. }) | Self::Depthwise(filter) => Some(&mut filter.weight_bits),
            _ => None,
        }
    }
}
