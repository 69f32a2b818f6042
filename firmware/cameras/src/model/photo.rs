//! Photos as the input of a model, and the rows that a driver must read from it.

use pinhole_shared::pixels::PixelFormat;

use crate::ov2640::Window;

/// A photo, gray or in color.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    width: usize,
    height: usize,
    /// Bytes per pixel: 1 or 3.
    channels: usize,
    pixels: Vec<u8>,
}

impl Photo {
    /// A photo of `width` x `height` gray pixels, 0..=255, row-major; `None` if the number of pixels is wrong or 0.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        Self::of_channels(width, height, 1, pixels)
    }

    /// A color photo: red, green and blue of each pixel together; otherwise as [`Photo::new`].
    pub fn rgb(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        Self::of_channels(width, height, 3, pixels)
    }

    fn of_channels(width: usize, height: usize, channels: usize, pixels: Vec<u8>) -> Option<Self> {
        let bytes = width.checked_mul(height)?.checked_mul(channels)?;
        (!pixels.is_empty() && bytes == pixels.len()).then_some(Self { width, height, channels, pixels })
    }

    /// A photo whose pixel in column `x` of row `y` is `pixel(x, y)`.
    ///
    /// # Panics
    /// If a side is 0.
    pub fn from_fn(width: usize, height: usize, pixel: impl Fn(usize, usize) -> u8) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect();
        Self::new(width, height, pixels).expect("a photo has pixels")
    }

    /// Returns the photo's luma.
    pub fn to_gray(&self) -> Self {
        let luma = |pixel: &[u8]| {
            if pixel.len() == 3 { PixelFormat::Rgb888.luma(pixel) } else { PixelFormat::Gray8.luma(pixel) }
        };
        let pixels = self.pixels.chunks_exact(self.channels).map(luma).collect();
        Self { channels: 1, pixels, ..*self }
    }

    /// Pixels per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Bytes per pixel: 1 for gray, 3 for color.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The pixels, row-major, the channels of a pixel together (HWC).
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Returns the picture through a window of the array: `out_height` rows of `out_width` pixels, each channel
    /// independent.
    ///
    /// The photo's centered square (of side `s`, offsets rounded down) fills the height `H` of the array, centered.
    /// Column `x` of the array shows the photo's column `left + floor((x - (W - H) / 2) * s / H)`, row `y` its row
    /// `top + floor(y * s / H)`; outside the photo its border pixels repeat. Output pixel `i` of `n` averages the
    /// window's array pixels from `floor(i * size / n)` to before `floor((i + 1) * size / n)`, on both axes, rounding
    /// half up. (The sensor divides and then shrinks; the model uses one average.)
    pub fn through(&self, window: &Window, mirror: bool, flip: bool) -> Vec<u8> {
        let (array_width, array_height) = (usize::from(window.array.width()), usize::from(window.array.height()));
        let square = self.width.min(self.height);
        let column = |x: usize| {
            let from_square = x as i64 - ((array_width - array_height) / 2) as i64;
            let offset = (from_square * square as i64).div_euclid(array_height as i64);
            (offset + ((self.width - square) / 2) as i64).clamp(0, self.width as i64 - 1) as usize
        };
        let row = |y: usize| (y * square / array_height + (self.height - square) / 2).min(self.height - 1);
        let columns = cover(window.x, window.width, window.out_width, mirror, column);
        let rows = cover(window.y, window.height, window.out_height, flip, row);
        let mut output = Vec::with_capacity(columns.len() * rows.len());
        for rows in &rows {
            for columns in &columns {
                let (mut sums, mut weights) = ([0; 3], 0);
                for (y, row_weight) in rows {
                    for (x, column_weight) in columns {
                        let pixel = &self.pixels[(y * self.width + x) * self.channels..][..self.channels];
                        for (sum, level) in sums.iter_mut().zip(pixel) {
                            *sum += row_weight * column_weight * u64::from(*level);
                        }
                        weights += row_weight * column_weight;
                    }
                }
                output.extend(sums[..self.channels].iter().map(|sum| ((sum + weights / 2) / weights) as u8));
            }
        }
        output
    }
}

/// Returns, for each output pixel of an axis, the photo's pixels it averages, each with its number of array pixels.
fn cover(
    from: u16,
    size: u16,
    outputs: u16,
    reversed: bool,
    source: impl Fn(usize) -> usize,
) -> Vec<Vec<(usize, u64)>> {
    let (from, size, outputs) = (usize::from(from), usize::from(size), usize::from(outputs));
    let mut cover: Vec<Vec<(usize, u64)>> = (0..outputs)
        .map(|output| {
            let mut sources: Vec<(usize, u64)> = Vec::new();
            for index in output * size / outputs..(output + 1) * size / outputs {
                let source = source(from + index);
                match sources.last_mut() {
                    Some((last, weight)) if *last == source => *weight += 1,
                    _ => sources.push((source, 1)),
                }
            }
            sources
        })
        .collect();
    if reversed {
        cover.reverse();
    }
    cover
}

/// Returns the gray pixels, row-major, that a driver with this window and orientation must read from a photo once
/// exposure is steady: every byte of the pictures except the chroma. For a color photo it uses the luma.
///
/// ```
/// use pinhole_cameras::model::{Photo, expected_rows};
/// use pinhole_cameras::ov2640::{Array, Window};
/// // White on the left, black on the right; 40 pixels per row, 20 of each.
/// let photo = Photo::from_fn(2, 2, |x, _| if x == 0 { 255 } else { 0 });
/// let rows = expected_rows(&photo, &Window::centered_square(Array::Uxga, 40)?, false, false);
/// assert_eq!(rows.len(), 40 * 40);
/// assert_eq!(rows[..40], [[255; 20], [0; 20]].concat());
/// # Ok::<(), pinhole_cameras::ov2640::WindowError>(())
/// ```
pub fn expected_rows(photo: &Photo, window: &Window, mirror: bool, flip: bool) -> Vec<u8> {
    photo.to_gray().through(window, mirror, flip)
}

/// Returns the RGB565 bytes that a driver of color pictures must read from a photo; otherwise as [`expected_rows`].
///
/// ```
/// use pinhole_cameras::model::{Photo, expected_color_rows};
/// use pinhole_cameras::ov2640::{Array, Window};
/// let photo = Photo::rgb(1, 1, vec![255, 130, 8]).unwrap();
/// let rows = expected_color_rows(&photo, &Window::centered_square(Array::Uxga, 40)?, false, false);
/// // 31 of 31, 32 of 63, 1 of 31.
/// assert_eq!(rows, [0b1111_1100, 0b0000_0001].repeat(40 * 40));
/// # Ok::<(), pinhole_cameras::ov2640::WindowError>(())
/// ```
pub fn expected_color_rows(photo: &Photo, window: &Window, mirror: bool, flip: bool) -> Vec<u8> {
    photo.through(window, mirror, flip).chunks_exact(photo.channels).flat_map(rgb565).collect()
}

/// Converts a pixel, gray or in color, to two bytes, red first.
pub(super) fn rgb565(pixel: &[u8]) -> [u8; 2] {
    let [red, green, blue] =
        if pixel.len() == 3 { PixelFormat::Rgb888.rgb(pixel) } else { PixelFormat::Gray8.rgb(pixel) };
    (u16::from(red >> 3) << 11 | u16::from(green >> 2) << 5 | u16::from(blue >> 3)).to_be_bytes()
}

#[cfg(test)]
mod tests;
