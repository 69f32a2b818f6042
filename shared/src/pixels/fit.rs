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
mod tests {
    use super::super::InputShape;
    use super::*;

    const fn size(width: u16, height: u16) -> PictureSize {
        PictureSize { width, height }
    }

    #[test]
    fn inputs_are_written_with_color_and_fit() {
        let input = |color, fit| InputShape { width: 46, height: 28, color, fit };
        let texts =
            [input(Color::Gray, Fit::Crop), input(Color::Rgb, Fit::Stretch), input(Color::Gray, Fit::Letterbox)]
                .map(|input| std::format!("{input}"));
        assert_eq!(texts, ["46x28 gray", "46x28 rgb, stretch", "46x28 gray, letterbox"]);
        assert_eq!(std::format!("{:>8}|{:<9}|", Color::Rgb, Fit::Crop), "     rgb|crop     |");
    }

    #[test]
    fn sizes_by_hand() {
        for (fit, picture, input, seen, fitted) in [
            (Fit::Crop, size(160, 120), size(96, 96), size(120, 120), size(96, 96)),
            (Fit::Crop, size(160, 120), size(32, 20), size(160, 100), size(32, 20)),
            (Fit::Crop, size(100, 300), size(32, 20), size(100, 62), size(32, 20)),
            (Fit::Crop, size(3, 1000), size(96, 8), size(3, 1), size(96, 8)),
            (Fit::Stretch, size(160, 120), size(46, 28), size(160, 120), size(46, 28)),
            (Fit::Letterbox, size(160, 120), size(96, 96), size(160, 120), size(96, 72)),
            (Fit::Letterbox, size(120, 160), size(96, 96), size(120, 160), size(72, 96)),
            (Fit::Letterbox, size(460, 280), size(96, 96), size(460, 280), size(96, 58)),
            (Fit::Letterbox, size(60_000, 2), size(96, 96), size(60_000, 2), size(96, 1)),
        ] {
            assert_eq!(fit.sizes(picture, input), (seen, fitted), "{fit}, {picture:?} into {input:?}");
        }
    }

    /// A picture that has been fitted is fitted as it is.
    #[test]
    fn fitting_twice_changes_nothing() {
        for fit in Fit::ALL {
            for (width, height) in [(1, 1), (7, 300), (300, 7), (65_535, 1), (1, 65_535), (65_535, 65_535), (46, 28)] {
                for input in [size(96, 96), size(20, 32), size(32, 20), size(8, 1024), size(1024, 8)] {
                    let (_, fitted) = fit.sizes(size(width, height), input);
                    assert_eq!(fit.sizes(fitted, input), (fitted, fitted), "{fit}, {width}x{height} into {input:?}");
                }
            }
        }
    }

    #[test]
    fn each_pipeline_is_of_one_fit_and_color() {
        for color in Color::ALL {
            for fit in Fit::ALL {
                let id = fit.pipeline_id(color);
                assert_eq!(Fit::of_pipeline(id, color), Some(fit));
                let others = Color::ALL.into_iter().filter(|&other| other != color);
                assert!(others.into_iter().all(|other| Fit::of_pipeline(id, other).is_none()));
            }
        }
    }
}
