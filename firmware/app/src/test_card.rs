//! A camera with synthetic, moving pictures, for boards without a camera module.

use pinhole_shared::pixels::{PictureSize, PixelFormat};

use crate::camera::{Camera, CameraFault, Frame};

/// Gray pictures of twice the network's input side; each is a function of its number alone ([`TestCard::pixel`]).
#[derive(Clone, Copy, Debug)]
pub struct TestCard {
    side: u16,
    /// Number of the next picture.
    next: u32,
    /// Next row of the current picture; [`TestCard::side`] if there is none.
    row: u16,
}

impl TestCard {
    /// Creates a camera for a network input of this side, px; at most 32,767.
    pub const fn new(input_side: u16) -> Self {
        let side = if input_side > i16::MAX as u16 { u16::MAX } else { 2 * input_side };
        Self { side, next: 0, row: side }
    }

    /// Returns a pixel of a picture: rings, with the square of the distance from a center as brightness. The center
    /// moves to the right by three pixels per picture.
    pub const fn pixel(picture: u32, side: u16, x: u16, y: u16) -> u8 {
        let side = side as u32;
        if side == 0 {
            return 0;
        }
        let center = picture % side * 3 % side;
        let (dx, dy) = ((x as u32).abs_diff(center), (y as u32).abs_diff(side / 2));
        ((dx * dx + dy * dy) * 4 / side % 256) as u8
    }
}

impl Camera for TestCard {
    type Error = CameraFault;

    fn start(&mut self) -> Result<Frame, CameraFault> {
        self.next = self.next.wrapping_add(1);
        self.row = 0;
        Ok(Frame { size: PictureSize { width: self.side, height: self.side }, format: PixelFormat::Gray8 })
    }

    fn read_row(&mut self, row: &mut [u8]) -> Result<(), CameraFault> {
        if self.row >= self.side || row.len() != usize::from(self.side) {
            return Err(CameraFault::Misuse);
        }
        let picture = self.next.wrapping_sub(1);
        for (x, pixel) in (0..).zip(row) {
            *pixel = Self::pixel(picture, self.side, x, self.row);
        }
        self.row += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
