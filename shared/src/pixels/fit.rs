//! How a picture is fitted into a network's input of another shape.

use serde::{Deserialize, Serialize};

use super::{Color, PictureSize};

/// Byte of every channel beside a picture that is fitted by [`Fit::Letterbox`]: black.
pub const LETTERBOX_LEVEL: u8 = 0;

/// Identifiers of the pipelines, by color and fit.
static PIPELINES: [[u32; 3]; 2] = [
    [super::PIPELINE_ID, super::STRETCH_PIPELINE_ID, super::LETTERBOX_PIPELINE_ID],
    [super::RGB_PIPELINE_ID, super::RGB_STRETCH_PIPELINE_ID, super::RGB_LETTERBOX_PIPELINE_ID],
];

/// Fitting of a picture into a network's input whose sides have another ratio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// The largest centered part of the input's ratio is seen; what is beside it is not.
    #[default]
    Crop,
    /// The whole picture is seen, each axis averaged down on its own: shapes are distorted.
    Stretch,
    /// The whole picture is seen in its own ratio, in the middle of the input; beside it is [`LETTERBOX_LEVEL`].
    Letterbox,
}

impl Fit {
    /// All variants.
    pub const ALL: [Self; 3] = [Self::Crop, Self::Stretch, Self::Letterbox];

    /// Name as in recipes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crop => "crop",
            Self::Stretch => "stretch",
            Self::Letterbox => "letterbox",
        }
    }

    /// Identifier of the pipeline's arithmetic for inputs of this color, written into every model.
    pub const fn pipeline_id(self, color: Color) -> u32 {
        PIPELINES[color as usize][self as usize]
    }

    /// Returns the variant whose arithmetic for inputs of this color has this identifier.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn of_pipeline(id: u32, color: Color) -> Option<Self> {
        Self::ALL.into_iter().find(|fit| fit.pipeline_id(color) == id)
    }

    /// Returns the size of the centered part of a picture that is seen, and the size that it has in the input. The first has
    /// no side of 0 unless the picture has.
    pub(super) fn sizes(self, picture: PictureSize, input: PictureSize) -> (PictureSize, PictureSize) {
        let (mut seen, mut fitted) = (picture, input);
        match self {
            Self::Crop => seen = picture.largest_within(input),
            Self::Stretch => {}
            Self::Letterbox => fitted = input.largest_within(picture),
        }
        (seen, fitted)
    }
}

impl core::fmt::Display for Fit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

impl PictureSize {
    /// Returns the largest size within this one whose sides have the ratio of `ratio`, rounded down, but no side below 1.
    #[cfg_attr(target_os = "none", inline(never))]
    fn largest_within(self, ratio: PictureSize) -> Self {
        let (width, height) = (u32::from(self.width), u32::from(self.height));
        let (across, down) = (u32::from(ratio.width), u32::from(ratio.height));
        // Both products are below 2^32. A quotient is at most the side that it takes the place of.
        let part = |product: u32, by: u32| (product.checked_div(by).unwrap_or(0) as u16).max(1);
        if width * down >= height * across {
            Self { width: part(height * across, down), height: self.height }
        } else {
            Self { width: self.width, height: part(width * down, across) }
        }
    }
}

#[cfg(test)]
mod tests;
