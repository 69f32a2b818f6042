//! Convolutions and depthwise convolutions.

use pinhole_shared::shape::{Shape, Window};
use serde::{Deserialize, Serialize};

use super::window::{Around, WindowSides, slid, window};
use super::{ActivationName, LayerKind};
use crate::recipe::check::CheckedPart;
use crate::recipe::{LayerShape, RecipeError, eight, is_eight};

/// A convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Keys", into = "Keys")]
pub struct ConvLayer {
    /// Number of output channels, each with one filter over all input channels.
    pub channels: u16,
    /// Window, activation and the other settings of the filters.
    pub filter: FilterLayer,
}

/// Settings that convolutions and depthwise convolutions share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Keys", into = "Keys")]
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

/// Keys of both kinds, in the order in which they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Only a full convolution has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<u16>,
    kernel: WindowSides,
    #[serde(skip_serializing_if = "Option::is_none")]
    stride: Option<WindowSides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    padding: Option<Around>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    batch_norm: bool,
    activation: ActivationName,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pool: u8,
    #[serde(default)]
    dropout: f32,
    #[serde(default)]
    l1: f32,
    #[serde(default)]
    l2: f32,
    #[serde(default = "eight", skip_serializing_if = "is_eight")]
    weight_bits: u8,
}

const fn one() -> u8 {
    1
}

fn is_one(pool: &u8) -> bool {
    *pool == one()
}

impl TryFrom<Keys> for ConvLayer {
    type Error = &'static str;

    fn try_from(mut keys: Keys) -> Result<Self, Self::Error> {
        let channels = keys.channels.take().ok_or("missing field `channels`")?;
        Ok(Self { channels, filter: keys.try_into()? })
    }
}

impl TryFrom<Keys> for FilterLayer {
    type Error = &'static str;

    fn try_from(keys: Keys) -> Result<Self, Self::Error> {
        let Keys { channels, kernel, stride, padding, batch_norm, activation, pool, dropout, l1, l2, weight_bits } =
            keys;
        if channels.is_some() {
            return Err("a layer of kind depthwise has no `channels`");
        }
        let window = window(kernel, stride.unwrap_or(WindowSides::Same(1)), padding);
        Ok(Self { window, batch_norm, activation, pool, dropout, l1, l2, weight_bits })
    }
}

impl From<ConvLayer> for Keys {
    fn from(ConvLayer { channels, filter }: ConvLayer) -> Self {
        Self { channels: Some(channels), ..filter.into() }
    }
}

impl From<FilterLayer> for Keys {
    fn from(layer: FilterLayer) -> Self {
        let FilterLayer { window, batch_norm, activation, pool, dropout, l1, l2, weight_bits } = layer;
        let stride = Some(WindowSides::stride(window)).filter(|stride| *stride != WindowSides::Same(1));
        let (kernel, padding) = (WindowSides::size(window), Around::of(window.padding));
        Self { channels: None, kernel, stride, padding, batch_norm, activation, pool, dropout, l1, l2, weight_bits }
    }
}

impl LayerKind for ConvLayer {
    fn check(&self, part: &CheckedPart<'_>) -> Result<(), RecipeError> {
        part.demand(self.channels > 0, "channels", self.channels, "1 to 65535")?;
        self.filter.check(part)
    }

    fn shape(&self, input: Shape, _: &[LayerShape]) -> Result<LayerShape, String> {
        filtered(input, &self.filter, self.channels, usize::from(input.channels))
    }

    fn dropout(&self) -> f32 {
        self.filter.dropout
    }

    fn weight_bits(&self) -> Option<u8> {
        Some(self.filter.weight_bits)
    }

    fn weight_bits_mut(&mut self) -> Option<&mut u8> {
        Some(&mut self.filter.weight_bits)
    }

    fn strip(&mut self) {
        self.filter.strip();
    }
}

/// Depthwise convolutions have no other settings.
impl LayerKind for FilterLayer {
    fn check(&self, part: &CheckedPart<'_>) -> Result<(), RecipeError> {
        self.activation.check_of_tensor(part)?;
        part.demand_share("dropout", self.dropout)?;
        part.demand_weights(self.l1, self.l2, self.weight_bits)
    }

    fn shape(&self, input: Shape, _: &[LayerShape]) -> Result<LayerShape, String> {
        filtered(input, self, input.channels, 1)
    }

    fn dropout(&self) -> f32 {
        self.dropout
    }

    fn weight_bits(&self) -> Option<u8> {
        Some(self.weight_bits)
    }

    fn weight_bits_mut(&mut self) -> Option<&mut u8> {
        Some(&mut self.weight_bits)
    }

    fn strip(&mut self) {
        (self.dropout, self.batch_norm) = (0.0, false);
    }
}

/// Returns the layer's shapes and cost; `depth` is the number of input channels that an output reads.
fn filtered(input: Shape, filter: &FilterLayer, channels: u16, depth: usize) -> Result<LayerShape, String> {
    let (height, width) = slid(filter.window, input, "kernel")?;
    let output = Shape { height, width, channels };
    let pool = u16::from(filter.pool);
    if pool == 0 || height < pool || width < pool {
        return Err(format!(
            "takes the largest of each {pool}x{pool} of {output} outputs; `pool` must be 1 to {}",
            height.min(width).min(255)
        ));
    }
    let weights = usize::from(channels) * filter.window.area() * depth;
    let pooled = Shape { height: height / pool, width: width / pool, channels };
    Ok(LayerShape { input, output: pooled, weights, macs: weights * output.positions() })
}
