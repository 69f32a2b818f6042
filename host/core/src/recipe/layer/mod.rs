//! The kinds of layers: the `[[layer]]` parts of a recipe. What a recipe knows of a kind is in the kind's file: its
//! keys and their defaults, its checks, its shape and cost. A new kind is a new file, and a line of the list
//! [`RecipeLayer`] is made of.

mod activation;
mod add;
mod conv;
mod dense;
mod global_average;
mod pool;
#[cfg(test)]
mod tests;
mod window;

use pinhole_shared::shape::Shape;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::check::CheckedPart;
use super::{LayerShape, RecipeError};

pub use activation::ActivationName;
pub use add::AddLayer;
pub use conv::{ConvLayer, FilterLayer};
pub(super) use dense::fully_connected;
pub use dense::{DenseLayer, OutputLayer};
pub use global_average::GlobalAverageLayer;
pub use pool::PoolLayer;

/// Answers that a recipe needs of every kind of layers.
trait LayerKind {
    /// Demands that the values are in their ranges, wherever the layer is.
    fn check(&self, part: &CheckedPart<'_>) -> Result<(), RecipeError>;

    /// Returns shapes and cost for this input, after the earlier layers; or the problem and its fix, as they follow "layer 3 ".
    fn shape(&self, input: Shape, earlier: &[LayerShape]) -> Result<LayerShape, String>;

    fn dropout(&self) -> f32 {
        0.0
    }

    fn weight_bits(&self) -> Option<u8> {
        None
    }

    fn weight_bits_mut(&mut self) -> Option<&mut u8> {
        None
    }

    /// Removes what is used in training only.
    fn strip(&mut self) {}
}

/// Defines [`RecipeLayer`]: for each kind its variant, the struct of its settings, and its name in a recipe.
macro_rules! kinds {
    ($($(#[$attribute:meta])* $kind:ident($settings:ident) = $name:literal,)*) => {
        /// A layer before the output layer. Its `kind` in a recipe selects the variant; without one it is dense.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "kind")]
        pub enum RecipeLayer {
            $($(#[$attribute])* #[serde(rename = $name)] $kind($settings),)*
        }

        #[derive(Clone, Copy, Deserialize)]
        enum Kind {
            $(#[serde(rename = $name)] $kind,)*
        }

        impl Kind {
            const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }

        impl RecipeLayer {
            /// Returns the name of its kind in a recipe.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $name,)*
                }
            }

            /// Reads a layer of this kind from its other keys.
            fn of(kind: Kind, keys: ValueDeserializer<'_>) -> Result<Self, toml::de::Error> {
                match kind {
                    $(Kind::$kind => Located::deserialize(keys).map(|Located(settings)| Self::$kind(settings)),)*
                }
            }

            fn settings(&self) -> &dyn LayerKind {
                match self {
                    $(Self::$kind(settings) => settings,)*
                }
            }

            fn settings_mut(&mut self) -> &mut dyn LayerKind {
                match self {
                    $(Self::$kind(settings) => settings,)*
                }
            }
        }
    };
}

kinds! {
    /// Convolution: every output channel reads all input channels under a window.
    Conv(ConvLayer) = "conv",
    /// Depthwise convolution: every channel has a filter of its own.
    Depthwise(FilterLayer) = "depthwise",
    /// Max pooling: the largest value under a window, for each channel.
    MaxPool(PoolLayer) = "max-pool",
    /// Average pooling: the mean of the values under a window, for each channel.
    AveragePool(PoolLayer) = "average-pool",
    /// Global average pooling: the mean of each channel.
    GlobalAverage(GlobalAverageLayer) = "global-average",
    /// Sum of the previous layer's outputs and an earlier layer's.
    Add(AddLayer) = "add",
    /// Dense layer: every output reads every input. It is written without `kind`, as before kinds existed: the texts inside
    /// weights files stay the same.
    #[serde(untagged)]
    Dense(DenseLayer) = "dense",
}

/// A layer's settings. An error of none of its keys, such as a missing one, gets the layer's line: toml gives lines to errors that
/// leave a newtype, and not to those that leave an array.
#[derive(Deserialize)]
struct Located<T>(T);

/// Takes the keys of all layers out of a recipe's table and reads them. Layers that are no tables stay, to be refused there.
///
/// # Errors
/// The layer, as the beginning of a message, and what is wrong with its keys.
pub(super) fn take(recipe: &mut DeTable<'_>) -> Result<Vec<RecipeLayer>, (String, toml::de::Error)> {
    let Some(DeValue::Array(layers)) = recipe.get_mut("layer").map(Spanned::as_mut) else { return Ok(Vec::new()) };
    let tables = layers.iter_mut().enumerate().filter_map(|(index, layer)| {
        let span = layer.span();
        let DeValue::Table(keys) = layer.as_mut() else { return None };
        Some((index + 1, Spanned::new(span, std::mem::take(keys))))
    });
    tables.map(|(number, keys)| read(number, keys)).collect()
}

/// Reads the layer of this number. Its kind is read first, since serde's own tagged enums lose the lines of errors.
fn read(number: usize, mut keys: Spanned<DeTable<'_>>) -> Result<RecipeLayer, (String, toml::de::Error)> {
    let kind = keys.get_mut().remove("kind").map(|kind| Kind::deserialize(ValueDeserializer::from(kind))).transpose();
    let kind = kind.map_err(|reason| (format!("layer {number}: "), reason))?;
    let keys = ValueDeserializer::from(Spanned::new(keys.span(), DeValue::Table(keys.into_inner())));
    RecipeLayer::of(kind.unwrap_or(Kind::Dense), keys).map_err(|reason| {
        let kind = kind.map_or("dense, since it has no `kind`", Kind::name);
        (format!("layer {number} ({kind}): "), reason)
    })
}

impl RecipeLayer {
    /// Returns the settings of a dense layer.
    pub const fn as_dense(&self) -> Option<&DenseLayer> {
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
    pub fn dropout(&self) -> f32 {
        self.settings().dropout()
    }

    /// Returns the bits of its weights, if it has weights.
    pub fn weight_bits(&self) -> Option<u8> {
        self.settings().weight_bits()
    }

    /// Returns [`RecipeLayer::weight_bits`], to change.
    pub(super) fn weight_bits_mut(&mut self) -> Option<&mut u8> {
        self.settings_mut().weight_bits_mut()
    }

    /// Removes what is used in training only: dropout, and batch normalization, which can be folded into the weights.
    pub(super) fn strip(&mut self) {
        self.settings_mut().strip();
    }

    /// Checks the values as far as they do not depend on the layers before.
    pub(super) fn check(&self, part: &CheckedPart<'_>) -> Result<(), RecipeError> {
        self.settings().check(part)
    }

    /// Returns shapes and cost, or the problem and its fix, as they follow "layer 3 ".
    pub(super) fn shape(&self, input: Shape, earlier: &[LayerShape]) -> Result<LayerShape, String> {
        self.settings().shape(input, earlier)
    }
}
