//! Luma and color of one pixel, in the pixel formats of cameras and photo files.

use serde::{Deserialize, Serialize};

/// Pixel format of a camera row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PixelFormat {
    /// One byte per pixel: luma, 0..=255.
    Gray8,
    /// Two bytes per pixel: luma, then one of the two chroma bytes, which are ignored (both YUYV and YVYU).
    Yuv422,
    /// Two bytes per pixel, high byte first: 5 bits red, 6 green, 5 blue.
    Rgb565,
    /// Three bytes per pixel: red, green, blue.
    Rgb888,
}

impl PixelFormat {
    /// Bytes of one pixel.
    pub const fn pixel_bytes(self) -> usize {
        match self {
            Self::Gray8 => 1,
            Self::Yuv422 | Self::Rgb565 => 2,
            Self::Rgb888 => 3,
        }
    }

    /// Bytes of a row of `width` pixels.
    pub const fn row_bytes(self, width: u16) -> usize {
        width as usize * self.pixel_bytes()
    }

    /// True if the format has color besides luma. [`PixelFormat::Yuv422`] counts as gray, because its chroma is
    /// ignored; camera drivers mark gray pictures with it.
    pub const fn has_color(self) -> bool {
        matches!(self, Self::Rgb565 | Self::Rgb888)
    }

    /// Returns the luma of one pixel, 0..=255. Missing bytes count as 0 (the pipeline never passes too few).
    pub fn luma(self, pixel: &[u8]) -> u8 {
        match (self, pixel) {
            (Self::Gray8 | Self::Yuv422, [luma, ..]) => *luma,
            (Self::Rgb565 | Self::Rgb888, _) => luma_of_rgb(self.rgb(pixel)),
            _ => 0,
        }
    }

    /// Returns red, green and blue of one pixel, each 0..=255; for a gray format, luma three times. Missing bytes count
    /// as 0.
    pub fn rgb(self, pixel: &[u8]) -> [u8; 3] {
        match (self, pixel) {
            (Self::Rgb565, [high, low, ..]) => {
                let bits = u16::from_be_bytes([*high, *low]);
                let (red, green, blue) = ((bits >> 11) as u8, (bits >> 5 & 0x3F) as u8, (bits & 0x1F) as u8);
                // Repeat the high bits below: 31 and 63 become 255, 0 stays 0, with even steps between.
                [(red << 3) | (red >> 2), (green << 2) | (green >> 4), (blue << 3) | (blue >> 2)]
            }
            (Self::Rgb888, [red, green, blue, ..]) => [*red, *green, *blue],
            (Self::Gray8 | Self::Yuv422, [luma, ..]) => [*luma; 3],
            _ => [0; 3],
        }
    }
}

/// 0.299 R + 0.587 G + 0.114 B, rounded; the weights are in 1/65,536 and add up to 65,536, so gray stays itself.
///
/// # Source
/// ITU-R BT.601-7, section 2.5.1 (the weights JPEG uses too).
pub(super) fn luma_of_rgb([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471 + (1 << 15)) >> 16) as u8
}

#[cfg(test)]
mod tests;
