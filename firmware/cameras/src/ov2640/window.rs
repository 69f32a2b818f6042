//! Crop and scale of the sensor array, as register values.

use super::{RESET_DVP, Register};

/// Readout mode of the sensor array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Array {
    /// 1600 x 1200, at most 15 frames per second.
    Uxga,
    /// 800 x 600, at most 30 frames per second.
    Svga,
    /// 400 x 296, at most 60 frames per second.
    Cif,
}

impl Array {
    /// Pixels per row.
    pub const fn width(self) -> u16 {
        match self {
            Self::Uxga => 1600,
            Self::Svga => 800,
            Self::Cif => 400,
        }
    }

    /// Number of rows.
    pub const fn height(self) -> u16 {
        match self {
            Self::Uxga => 1200,
            Self::Svga => 600,
            Self::Cif => 296,
        }
    }
}

/// A window of the array and its output size, all in pixels.
///
/// The window's pixels are first divided (averaged) by `2^divide_x` and `2^divide_y`, then shrunk to the output size.
///
/// ```
/// use pinhole_cameras::ov2640::{Array, Window};
/// let window = Window::centered_square(Array::Uxga, 100)?;
/// assert_eq!((window.x, window.y, window.width, window.height), (200, 0, 1200, 1200));
/// assert_eq!((window.divide_x, window.divide_y), (2, 2)); // 1200 / 4 = 300, shrunk to 100
/// # Ok::<(), pinhole_cameras::ov2640::WindowError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Window {
    /// Readout mode of the array.
    pub array: Array,
    /// Left edge.
    pub x: u16,
    /// Top edge.
    pub y: u16,
    /// Width in the array, a multiple of 4.
    pub width: u16,
    /// Height in the array, a multiple of 4.
    pub height: u16,
    /// Binary logarithm of the horizontal divisor, 0..=3.
    pub divide_x: u8,
    /// Binary logarithm of the vertical divisor, 0..=3.
    pub divide_y: u8,
    /// Width of the picture, a multiple of 4.
    pub out_width: u16,
    /// Height of the picture, a multiple of 4.
    pub out_height: u16,
}

/// Reasons why a window is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WindowError {
    /// A size is not a multiple of 4.
    NotInFours,
    /// The window exceeds the array.
    OutsideArray,
    /// The picture is larger than the divided window: the sensor only shrinks.
    Enlarges,
    /// The picture is smaller than 40 x 30, the sensor's minimum, or a divisor is over 2^3.
    TooSmall,
}

impl core::fmt::Display for WindowError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotInFours => "sizes must be multiples of 4",
            Self::OutsideArray => "the window does not lie in the sensor's array",
            Self::Enlarges => "the picture is larger than its window, and the sensor only shrinks",
            Self::TooSmall => "the sensor does not scale below 40 x 30, nor divide by more than 8",
        })
    }
}

impl core::error::Error for WindowError {}

/// Number of register writes that set a window.
pub const WINDOW_WRITES: usize = 17;

impl Window {
    /// The array's centered square, as a picture of `side` x `side` pixels.
    ///
    /// The divisor is the largest power of two, at most 4, that leaves at least `side` pixels.
    ///
    /// # Errors
    /// [`WindowError`] if `side` is not a multiple of 4, below 40, or above the array's height.
    pub const fn centered_square(array: Array, side: u16) -> Result<Self, WindowError> {
        let square = array.height();
        let mut divide = 2;
        while divide > 0 && square >> divide < side {
            divide -= 1;
        }
        Self {
            array,
            x: (array.width() - square) / 2,
            y: 0,
            width: square,
            height: square,
            divide_x: divide,
            divide_y: divide,
            out_width: side,
            out_height: side,
        }
        .checked()
    }

    /// The whole array, as the smallest picture of its shape, 4:3, with at least `width` x `height` pixels.
    ///
    /// The divisor is the largest power of two, at most 4, that leaves at least as many pixels.
    ///
    /// # Errors
    /// [`WindowError`] if the picture would be larger than the array; [`Array::Cif`] does not have this shape.
    pub const fn whole(array: Array, width: u16, height: u16) -> Result<Self, WindowError> {
        let (across, down) = (width.div_ceil(16), height.div_ceil(12));
        let sixteens = if across > down { across } else { down };
        let sixteens = if sixteens < 3 { 3 } else { sixteens };
        if sixteens > array.width() / 16 || array.width() / 4 != array.height() / 3 {
            return Err(WindowError::Enlarges);
        }
        let (out_width, out_height) = (16 * sixteens, 12 * sixteens);
        let mut divide = 2;
        while divide > 0 && array.width() >> divide < out_width {
            divide -= 1;
        }
        let (divide_x, divide_y) = (divide, divide);
        let (width, height) = (array.width(), array.height());
        Self { array, x: 0, y: 0, width, height, divide_x, divide_y, out_width, out_height }.checked()
    }

    /// Returns the window if the sensor supports it.
    ///
    /// # Errors
    /// [`WindowError`].
    ///
    /// # Source
    /// OV2640DS v1.6: key specifications (scaling down to 40 x 30), registers 50 to 5C.
    pub const fn checked(self) -> Result<Self, WindowError> {
        if !((self.width | self.height).is_multiple_of(4) && (self.out_width | self.out_height).is_multiple_of(4)) {
            return Err(WindowError::NotInFours);
        }
        let right = self.x as u32 + self.width as u32;
        let bottom = self.y as u32 + self.height as u32;
        if right > self.array.width() as u32 || bottom > self.array.height() as u32 {
            return Err(WindowError::OutsideArray);
        }
        if self.out_width < 40 || self.out_height < 30 || self.divide_x > 3 || self.divide_y > 3 {
            return Err(WindowError::TooSmall);
        }
        if self.width >> self.divide_x < self.out_width || self.height >> self.divide_y < self.out_height {
            return Err(WindowError::Enlarges);
        }
        Ok(self)
    }

    /// Returns the register writes that set this window, in order; they hold the output in reset meanwhile.
    ///
    /// The array's mode is not included (register 12 of the sensor bank).
    ///
    /// # Source
    /// OV2640DS v1.6, registers C0, C1, 8C, 86, 50 to 57, 5A to 5C, D3, E0: sizes in units of 4 or 8 pixels, their high
    /// bits collected in 55, 57, 5C and 8C.
    pub const fn writes(&self) -> [(Register, u8); WINDOW_WRITES] {
        let (width, height) = (self.array.width(), self.array.height());
        let (hs, vs) = (self.width / 4, self.height / 4);
        let (ow, oh) = (self.out_width / 4, self.out_height / 4);
        let high_bits = (vs >> 8 & 1) << 7 | (self.y >> 8 & 7) << 4 | (hs >> 8 & 1) << 3 | (self.x >> 8 & 7);
        [
            (super::RESET, RESET_DVP),
            (Register::Dsp(0xC0), (width >> 3) as u8),
            (Register::Dsp(0xC1), (height >> 3) as u8),
            (Register::Dsp(0x8C), ((width >> 11 & 1) << 6 | (width & 7) << 3 | (height & 7)) as u8),
            // Scaler, special effects, averaged chroma and color matrix on.
            (Register::Dsp(0x86), 0x3D),
            (Register::Dsp(0x51), hs as u8),
            (Register::Dsp(0x52), vs as u8),
            (Register::Dsp(0x53), self.x as u8),
            (Register::Dsp(0x54), self.y as u8),
            (Register::Dsp(0x55), high_bits as u8),
            (Register::Dsp(0x57), ((hs >> 9 & 1) << 7) as u8),
            (Register::Dsp(0x50), 0x80 | self.divide_y << 3 | self.divide_x),
            (Register::Dsp(0x5A), ow as u8),
            (Register::Dsp(0x5B), oh as u8),
            (Register::Dsp(0x5C), ((oh >> 8 & 1) << 2 | (ow >> 8 & 3)) as u8),
            // The pixel clock is the system clock by 4.
            (Register::Dsp(0xD3), 0x04),
            (super::RESET, 0x00),
        ]
    }

    /// Decodes the window from an image processor's registers, with `dsp(address)` as their values; not checked.
    ///
    /// `array` is the readout mode, which these registers do not contain.
    pub fn of_registers(array: Array, dsp: impl Fn(u8) -> u8) -> Self {
        let bits = |address: u8, shift: u32, mask: u16| u16::from(dsp(address)) >> shift & mask;
        Self {
            array,
            x: bits(0x53, 0, 0xFF) | bits(0x55, 0, 7) << 8,
            y: bits(0x54, 0, 0xFF) | bits(0x55, 4, 7) << 8,
            width: 4 * (bits(0x51, 0, 0xFF) | bits(0x55, 3, 1) << 8 | bits(0x57, 7, 1) << 9),
            height: 4 * (bits(0x52, 0, 0xFF) | bits(0x55, 7, 1) << 8),
            divide_x: dsp(0x50) & 7,
            divide_y: dsp(0x50) >> 3 & 7,
            out_width: 4 * (bits(0x5A, 0, 0xFF) | bits(0x5C, 0, 3) << 8),
            out_height: 4 * (bits(0x5B, 0, 0xFF) | bits(0x5C, 2, 1) << 8),
        }
    }
}

#[cfg(test)]
mod tests;
