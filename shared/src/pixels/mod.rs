//! The pixel pipeline: from camera rows to the network's input. It is the only implementation.
//!
//! Input: the rows of a picture, in any [`PixelFormat`], from top to bottom. Output: the picture, fitted into the network's
//! input ([`Fit`]) and averaged down to its `height` x `width` pixels of 8 bits, gray or red, green and blue ([`Color`]). Only
//! one row of sums is kept, never a frame. The trainer, the evaluator and the firmware all call [`Shrink`]. [`PIPELINE_ID`]
//! and the other identifiers name this exact arithmetic, one for each fit and color. The one that applies is written into
//! every model, so a device never runs a network on pixels it was not trained on.

mod fit;
mod format;
mod input;
mod shrink;

pub use fit::{Fit, LETTERBOX_LEVEL};
pub use format::PixelFormat;
pub use input::{Color, InputShape};
pub use shrink::{PixelError, Shrink};

/// Identifier of the pipeline's arithmetic for gray inputs that pictures are cropped for: the CRC-32 of its outputs for a fixed
/// set of pictures. The test `the_id_is_the_arithmetic` fails if the pixels change and this number does not.
pub const PIPELINE_ID: u32 = 0x14b2_e4d5;

/// The same identifier for color inputs.
pub const RGB_PIPELINE_ID: u32 = 0x0c2f_9e2a;

/// The same identifier for gray inputs that pictures are stretched to.
pub const STRETCH_PIPELINE_ID: u32 = 0x45bb_5553;

/// The same identifier for color inputs that pictures are stretched to.
pub const RGB_STRETCH_PIPELINE_ID: u32 = 0xf38b_752c;

/// The same identifier for gray inputs that pictures are fitted into as a whole.
pub const LETTERBOX_PIPELINE_ID: u32 = 0x2216_780a;

/// The same identifier for color inputs that pictures are fitted into as a whole.
pub const RGB_LETTERBOX_PIPELINE_ID: u32 = 0x4e3d_0315;

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
mod tests;
