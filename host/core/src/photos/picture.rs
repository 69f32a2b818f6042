//! A picture in memory: rows as a camera delivers them.

use pinhole_shared::pixels::{Color, InputShape, PictureSize, PixelError, PixelFormat, Shrink};

use super::enlarge::{Part, enlarge};

/// A picture in the form that cameras deliver: rows of bytes, from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    size: PictureSize,
    format: PixelFormat,
    rows: Vec<u8>,
}

/// Error: the number of bytes does not match the picture's size and format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{width}x{height} pixels have {expected} bytes in this format, got {got}")]
pub struct PictureLengthError {
    /// Pixels of a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Bytes needed.
    pub expected: usize,
    /// Bytes given.
    pub got: usize,
}

impl Picture {
    /// Creates a picture from all of its rows, top to bottom, without padding between them.
    ///
    /// # Errors
    /// [`PictureLengthError`] if the length of `rows` is not the one that size and format need.
    pub fn new(size: PictureSize, format: PixelFormat, rows: Vec<u8>) -> Result<Self, PictureLengthError> {
        let PictureSize { width, height } = size;
        let (expected, got) = (format.row_bytes(width) * usize::from(height), rows.len());
        if expected != got {
            return Err(PictureLengthError { width, height, expected, got });
        }
        Ok(Self { size, format, rows })
    }

    /// Returns width and height, px.
    pub fn size(&self) -> PictureSize {
        self.size
    }

    /// Returns the pixel format of the rows.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Returns all rows, top to bottom.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.rows.chunks_exact(self.format.row_bytes(self.size.width).max(1))
    }

    /// Returns row `number` from the top, if it exists.
    pub fn row(&self, number: u16) -> Option<&[u8]> {
        self.rows().nth(usize::from(number))
    }

    /// Shrinks the picture to a network input: row by row, the channels of a pixel together, by the same code as on the device.
    ///
    /// # Errors
    /// [`PixelError`] if the picture is smaller than the input, or lacks the input's colors.
    pub fn shrink(&self, input: InputShape) -> Result<Vec<u8>, PixelError> {
        let (mut sums, mut output) = (vec![0; input.row_bytes()], vec![0; input.bytes()]);
        let mut shrink = Shrink::new(self.size, self.format, input, &mut sums, &mut output)?;
        for row in self.rows.chunks_exact(self.format.row_bytes(self.size.width)) {
            shrink.row(row)?;
        }
        shrink.finish()?;
        Ok(output)
    }

    /// Enlarges what the network sees of the picture ([`InputShape::fitted`]), if that is smaller than its place in the input
    /// across or down. An axis that is too short gets as many pixels as the input needs. Levels are interpolated linearly
    /// between the centers of pixels, in exact integers. Returns `None` if the picture has no pixels, or is large enough for
    /// [`Picture::shrink`].
    pub fn enlarged_for(&self, input: InputShape) -> Option<Self> {
        let (seen, fitted) = input.fitted(self.size);
        if (seen.width >= fitted.width && seen.height >= fitted.height) || self.rows.is_empty() {
            return None;
        }
        let (left, top) = ((self.size.width - seen.width) / 2, (self.size.height - seen.height) / 2);
        let larger = PictureSize { width: seen.width.max(fitted.width), height: seen.height.max(fitted.height) };
        enlarge(self, Part { left, top, size: seen }, larger)
    }

    /// Converts the picture to what a camera delivers for a network of this color: for gray ones, by [`Picture::to_gray`].
    pub fn for_color(self, color: Color) -> Self {
        match color {
            Color::Gray => self.to_gray(),
            Color::Rgb => self,
        }
    }

    /// Converts the picture to what a gray camera delivers: one byte a pixel, a third of RGB's bytes. [`Picture::shrink`] to a
    /// gray input gives the same bytes as before, since luma is computed for each pixel before anything is averaged.
    pub fn to_gray(&self) -> Self {
        let pixels = self.rows.chunks_exact(self.format.pixel_bytes());
        let gray = pixels.map(|pixel| self.format.luma(pixel)).collect();
        Self { size: self.size, format: PixelFormat::Gray8, rows: gray }
    }
}

#[cfg(test)]
mod tests {
    use pinhole_shared::pixels::Fit;

    use super::*;

    /// The middle of the picture is seen, as in larger pictures, and then the input is the enlarged picture itself.
    #[test]
    fn small_pictures_are_enlarged_to_the_input() {
        let levels = [9, 0, 100, 9, 9, 0, 100, 9];
        let small = Picture::new(PictureSize { width: 4, height: 2 }, PixelFormat::Gray8, levels.to_vec()).unwrap();
        let input = InputShape::gray(4);
        let square = |side| PictureSize { width: side, height: side };
        assert_eq!(small.shrink(input), Err(PixelError::TooSmall { seen: square(2), needed: square(4) }));
        let enlarged = small.enlarged_for(input).unwrap();
        assert_eq!(enlarged.shrink(input).unwrap(), [0, 25, 75, 100].repeat(4));
        for side in [1, 2] {
            assert_eq!(small.enlarged_for(InputShape::gray(side)), None, "{side}: shrinking suffices");
        }
        // Stretched, only the axis that is too short is interpolated; in a letterbox, the whole picture is as wide as the input.
        let stretched = InputShape { fit: Fit::Stretch, height: 4, width: 2, ..input };
        assert_eq!(small.enlarged_for(stretched).unwrap().size(), PictureSize { width: 4, height: 4 });
        let letterbox = InputShape { fit: Fit::Letterbox, ..InputShape::gray(8) };
        let enlarged = small.enlarged_for(letterbox).unwrap();
        assert_eq!(enlarged.size(), PictureSize { width: 8, height: 4 });
        let shrunk = enlarged.shrink(letterbox).unwrap();
        assert_eq!([&shrunk[..16], &shrunk[48..]].concat(), [0; 32]);
        assert_eq!(shrunk[16..24], [9, 7, 2, 25, 75, 77, 32, 9]);
        // A picture of any shape is large enough once it is enlarged.
        for fit in Fit::ALL {
            for (width, height) in [(1, 1), (1, 300), (300, 1), (7, 5), (28, 46), (2000, 3)] {
                let size = PictureSize { width, height };
                let picture =
                    Picture::new(size, PixelFormat::Gray8, vec![77; usize::from(width) * usize::from(height)]);
                for (height, width) in [(28, 46), (32, 20), (96, 96), (8, 200)] {
                    let input = InputShape { height, width, color: Color::Gray, fit };
                    let picture = picture.clone().unwrap();
                    let picture = picture.enlarged_for(input).unwrap_or(picture);
                    let shrunk = picture.shrink(input).unwrap_or_else(|error| panic!("{size:?}, {input}: {error}"));
                    assert!(shrunk.iter().all(|&level| level == 77 || fit == Fit::Letterbox), "{size:?}, {input}");
                    assert!(shrunk.contains(&77), "{size:?}, {input}");
                }
            }
        }
    }

    #[test]
    fn gray_and_color_rows_give_the_same_input() {
        let bytes: Vec<u8> = (0..70 * 61 * 3).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let color = Picture::new(PictureSize { width: 70, height: 61 }, PixelFormat::Rgb888, bytes).unwrap();
        let input = InputShape::gray(50);
        assert_eq!(color.shrink(input).unwrap(), color.to_gray().shrink(input).unwrap());
        let input = InputShape::rgb(50);
        assert_eq!(color.shrink(input).unwrap().len(), 7500);
        let format = PixelFormat::Gray8;
        assert_eq!(color.to_gray().shrink(input), Err(PixelError::NoColor { format }));
    }
}
