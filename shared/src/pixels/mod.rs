//! The pixel pipeline: from camera-like rows to the network's input. There is no second one anywhere.
//!
//! Rows of a picture, in any [`PixelFormat`], go in from top to bottom; the centred square of the picture,
//! averaged down to `side` x `side` pixels of 8 bits, gray or red, green and blue ([`Color`]), comes out. Only one row of sums
//! is kept, never a frame. The trainer, the evaluator and the firmware all call [`Shrink`]; [`PIPELINE_ID`] and
//! [`RGB_PIPELINE_ID`] name this exact arithmetic, and the one that applies is written into every model, so that a device
//! never runs a network on pixels it was not trained on.

mod format;
mod input;
mod shrink;

pub use format::PixelFormat;
pub use input::{Color, InputShape};
pub use shrink::{PixelError, Shrink};

/// The arithmetic of this pipeline for gray inputs: the CRC-32 of what it makes of a fixed set of pictures (see the test
/// `the_id_is_the_arithmetic`, which fails when the pixels change and this number does not).
pub const PIPELINE_ID: u32 = 0x14b2_e4d5;

/// The same for inputs in color.
pub const RGB_PIPELINE_ID: u32 = 0x0c2f_9e2a;

/// Width and height of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PictureSize {
    /// Pixels in a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl PictureSize {
    /// The side of the centred square, in pixels.
    pub fn square(self) -> u16 {
        self.width.min(self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Sizes that divide, that do not, that are cropped either way, and the identity.
    const CASES: [(u16, u16, u16); 7] =
        [(100, 100, 50), (96, 96, 50), (131, 112, 50), (112, 150, 50), (320, 240, 96), (61, 77, 60), (50, 50, 50)];
    const FORMATS: [PixelFormat; 4] =
        [PixelFormat::Gray8, PixelFormat::Yuv422, PixelFormat::Rgb565, PixelFormat::Rgb888];

    /// The checksum of what comes out for one color of input.
    fn checksum(color: Color, formats: &[PixelFormat]) -> u32 {
        let mut outputs = Vec::new();
        let mut noise = 1_u32;
        for (width, height, side) in CASES {
            for &format in formats {
                let input = InputShape { side, color };
                let mut sums = std::vec![0; input.row_bytes()];
                let mut output = std::vec![0; input.bytes()];
                let size = PictureSize { width, height };
                let mut shrink = Shrink::new(size, format, input, &mut sums, &mut output).unwrap();
                for y in 0..u32::from(height) {
                    let row: Vec<u8> = (0..format.row_bytes(width) as u32)
                        .map(|x| {
                            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                            // A slope with noise on it, reaching both ends of the range.
                            (((x + y) % 256) ^ (noise >> 27)) as u8
                        })
                        .collect();
                    shrink.row(&row).unwrap();
                }
                shrink.finish().unwrap();
                outputs.extend(output);
            }
        }
        crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&outputs)
    }

    #[test]
    fn the_id_is_the_arithmetic() {
        let of_color = FORMATS.map(|format| format.has_color().then_some(format));
        let of_color: Vec<_> = of_color.into_iter().flatten().collect();
        for (color, id) in
            [(Color::Gray, checksum(Color::Gray, &FORMATS)), (Color::Rgb, checksum(Color::Rgb, &of_color))]
        {
            assert_eq!(id, color.pipeline_id(), "{color} pixels are other ones than the id says: {id:#010x}");
            assert_eq!(Color::of_pipeline(id), Some(color));
        }
    }
}
