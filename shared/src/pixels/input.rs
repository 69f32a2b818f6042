//! What a network takes: how many pixels, and what of each.

use serde::{Deserialize, Serialize};

use super::{PIPELINE_ID, RGB_PIPELINE_ID};
use crate::shape::Shape;

/// What of each pixel a network sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// Its luma.
    #[default]
    Gray,
    /// Red, green and blue.
    Rgb,
}

impl Color {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Gray, Self::Rgb];

    /// Bytes of a pixel of the input: channels of the first layer's picture.
    pub const fn channels(self) -> u16 {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
        }
    }

    /// The one with so many channels.
    pub fn of_channels(channels: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|color| color.channels() == channels)
    }

    /// Names the pipeline's arithmetic for it: written into every model.
    pub const fn pipeline_id(self) -> u32 {
        match self {
            Self::Gray => PIPELINE_ID,
            Self::Rgb => RGB_PIPELINE_ID,
        }
    }

    /// The one whose arithmetic has this name.
    pub fn of_pipeline(id: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|color| color.pipeline_id() == id)
    }

    /// As recipes have it.
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
    /// Its side, px.
    pub side: u16,
    /// What of each pixel.
    pub color: Color,
}

impl InputShape {
    /// Gray, of this side in px.
    pub const fn gray(side: u16) -> Self {
        Self { side, color: Color::Gray }
    }

    /// In color, of this side in px.
    pub const fn rgb(side: u16) -> Self {
        Self { side, color: Color::Rgb }
    }

    /// As a tensor.
    pub const fn shape(self) -> Shape {
        Shape { height: self.side, width: self.side, channels: self.color.channels() }
    }

    /// Bytes of a row: also the sums that [`super::Shrink`] works in.
    pub const fn row_bytes(self) -> usize {
        self.side as usize * self.color.channels() as usize
    }

    /// Bytes of the whole: row by row, the channels of a pixel together.
    pub const fn bytes(self) -> usize {
        self.shape().elements()
    }
}

impl core::fmt::Display for InputShape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{0}x{0} {1}", self.side, self.color)
    }
}
