//! Input of a network: its size and its colors.

use serde::{Deserialize, Serialize};

use super::{PIPELINE_ID, RGB_PIPELINE_ID};
use crate::shape::Shape;

/// Colors of a network's input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// Luma only.
    #[default]
    Gray,
    /// Red, green and blue.
    Rgb,
}

impl Color {
    /// All variants.
    pub const ALL: [Self; 2] = [Self::Gray, Self::Rgb];

    /// Bytes per pixel of the input: channels of the first layer's input.
    pub const fn channels(self) -> u16 {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
        }
    }

    /// Returns the variant with this number of channels.
    pub fn of_channels(channels: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|color| color.channels() == channels)
    }

    /// Identifier of the pipeline's arithmetic, written into every model.
    pub const fn pipeline_id(self) -> u32 {
        match self {
            Self::Gray => PIPELINE_ID,
            Self::Rgb => RGB_PIPELINE_ID,
        }
    }

    /// Returns the variant whose arithmetic has this identifier.
    pub fn of_pipeline(id: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|color| color.pipeline_id() == id)
    }

    /// Name as in recipes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gray => "gray",
            Self::Rgb => "rgb",
        }
    }
}

impl core::fmt::Display for Color {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// A network's input: a square picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InputShape {
    /// Side, px.
    pub side: u16,
    /// Colors of each pixel.
    pub color: Color,
}

impl InputShape {
    /// A gray input of this side in px.
    pub const fn gray(side: u16) -> Self {
        Self { side, color: Color::Gray }
    }

    /// A color input of this side in px.
    pub const fn rgb(side: u16) -> Self {
        Self { side, color: Color::Rgb }
    }

    /// Returns the shape as a tensor.
    pub const fn shape(self) -> Shape {
        Shape { height: self.side, width: self.side, channels: self.color.channels() }
    }

    /// Bytes of a row; also the number of sums that [`super::Shrink`] needs.
    pub const fn row_bytes(self) -> usize {
        self.side as usize * self.color.channels() as usize
    }

    /// Bytes of the whole input: row by row, the channels of a pixel together (HWC).
    pub const fn bytes(self) -> usize {
        self.shape().elements()
    }
}

impl core::fmt::Display for InputShape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{0}x{0} {1}", self.side, self.color)
    }
}
