//! Input of a network: its size, its colors, and how a picture is fitted into it.

use serde::{Deserialize, Serialize};

use super::{Fit, PictureSize};
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

/// A network's input: a rectangular picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InputShape {
    /// Rows, px.
    pub height: u16,
    /// Pixels of a row.
    pub width: u16,
    /// Colors of each pixel.
    pub color: Color,
    /// Fitting of pictures with another ratio of the sides.
    pub fit: Fit,
}

impl InputShape {
    /// A square gray input of this side in px, for which pictures are cropped.
    pub const fn gray(side: u16) -> Self {
        Self { height: side, width: side, color: Color::Gray, fit: Fit::Crop }
    }

    /// A square color input of this side in px, for which pictures are cropped.
    pub const fn rgb(side: u16) -> Self {
        Self { color: Color::Rgb, ..Self::gray(side) }
    }

    /// Returns the input of a pipeline, if its identifier is known.
    pub fn of_pipeline(id: u32, height: u16, width: u16) -> Option<Self> {
        let of_color = |color| Fit::of_pipeline(id, color).map(|fit| Self { height, width, color, fit });
        Color::ALL.into_iter().find_map(of_color)
    }

    /// Identifier of the arithmetic that turns pictures into this input, written into every model.
    pub const fn pipeline_id(self) -> u32 {
        self.fit.pipeline_id(self.color)
    }

    /// Returns the side of a square input, px; `None` if it is not square.
    pub const fn side(self) -> Option<u16> {
        if self.height == self.width { Some(self.width) } else { None }
    }

    /// Returns the longer side, px.
    pub const fn longer_side(self) -> u16 {
        if self.height > self.width { self.height } else { self.width }
    }

    /// Returns the size as a picture's.
    pub const fn size(self) -> PictureSize {
        PictureSize { width: self.width, height: self.height }
    }

    /// Returns the size of the centered part of a picture that the network sees, and the size that this part has in the input,
    /// in its middle. [`super::Shrink`] takes a picture if the first is at least the second in both directions.
    pub fn fitted(self, picture: PictureSize) -> (PictureSize, PictureSize) {
        self.fit.sizes(picture, self.size())
    }

    /// Returns the shape as a tensor.
    pub const fn shape(self) -> Shape {
        Shape { height: self.height, width: self.width, channels: self.color.channels() }
    }

    /// Bytes of a row; also the number of sums that [`super::Shrink`] needs.
    pub const fn row_bytes(self) -> usize {
        self.width as usize * self.color.channels() as usize
    }

    /// Bytes of the whole input: row by row, the channels of a pixel together (HWC).
    pub const fn bytes(self) -> usize {
        self.shape().elements()
    }
}

/// Width, height and color, and the fit unless pictures are cropped: "50x50 gray", "46x28 rgb, stretch".
impl core::fmt::Display for InputShape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}x{} {}", self.width, self.height, self.color)?;
        if self.fit == Fit::Crop { Ok(()) } else { write!(f, ", {}", self.fit) }
    }
}
