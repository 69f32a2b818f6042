//! The pixel pipeline: from camera-like rows to the network's input. There is no second one anywhere.
//!
//! Rows of a picture, in any [`PixelFormat`], go in from top to bottom; the centred square of the picture,
//! averaged down to `side` x `side` 8-bit gray pixels, comes out. Only one row of sums is kept, never a frame. The
//! trainer, the evaluator and the firmware all call [`Shrink`]; [`PIPELINE_ID`] names this exact arithmetic and is
//! written into every model, so that a device never runs a network on pixels it was not trained on.

mod luma;
mod shrink;

pub use luma::PixelFormat;
pub use shrink::{PixelError, Shrink};

/// The arithmetic of this pipeline: the CRC-32 of what it makes of a fixed set of pictures (see the test
/// `the_id_is_the_arithmetic`, which fails when the pixels change and this number does not).
pub const PIPELINE_ID: u32 = 0x14b2_e4d5;

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

    #[test]
    fn the_id_is_the_arithmetic() {
        let mut outputs = Vec::new();
        let mut noise = 1_u32;
        for (width, height, side) in CASES {
            for format in FORMATS {
                let mut sums = std::vec![0; usize::from(side)];
                let mut output = std::vec![0; usize::from(side) * usize::from(side)];
                let size = PictureSize { width, height };
                let mut shrink = Shrink::new(size, format, side, &mut sums, &mut output).unwrap();
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
        let id = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&outputs);
        assert_eq!(id, PIPELINE_ID, "the pipeline computes other pixels than its id says: {id:#010x}");
    }
}
