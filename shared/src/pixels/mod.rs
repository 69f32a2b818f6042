//! The pixel pipeline: from camera rows to the network's input. It is the only implementation.
//!
//! Input: the rows of a picture, in any [`PixelFormat`], from top to bottom. Output: the centered square of the
//! picture, averaged down to `side` x `side` pixels of 8 bits, gray or red, green and blue ([`Color`]). Only one row of
//! sums is kept, never a frame. The trainer, the evaluator and the firmware all call [`Shrink`]. [`PIPELINE_ID`] and
//! [`RGB_PIPELINE_ID`] identify this exact arithmetic. The one that applies is written into every model, so a device
//! never runs a network on pixels it was not trained on.

mod format;
mod input;
mod shrink;

pub use format::PixelFormat;
pub use input::{Color, InputShape};
pub use shrink::{PixelError, Shrink};

/// Identifier of the pipeline's arithmetic for gray inputs: the CRC-32 of its outputs for a fixed set of pictures. The
/// test `the_id_is_the_arithmetic` fails if the pixels change and this number does not.
pub const PIPELINE_ID: u32 = 0x14b2_e4d5;

/// The same identifier for color inputs.
pub const RGB_PIPELINE_ID: u32 = 0x0c2f_9e2a;

/// Width and height of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PictureSize {
    /// Pixels per row.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl PictureSize {
    /// Side of the centered square, px.
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

    /// Returns the checksum of the pipeline's outputs for one color of input.
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
                            // A gradient with noise, reaching both ends of the range.
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
