//! One photo file to RGB rows, and through the shared pixel pipeline to a network input.

use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader};
use pinhole_shared::pixels::{PictureSize, PixelFormat, Shrink};

use super::PhotoError;

/// A decoded photo: rows as a camera would deliver them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width and height, px.
    pub size: PictureSize,
    /// How `bytes` holds pixels.
    pub format: PixelFormat,
    /// Rows from the top, without gaps.
    pub bytes: Vec<u8>,
}

/// Reads a photo, turned upright as its EXIF orientation says, as RGB. Transparency is laid on white.
///
/// # Errors
/// [`PhotoError::Photo`] with the path when the file is not there, not a picture, or wider or higher than 65,535 px.
pub fn read(path: &Path) -> Result<Picture, PhotoError> {
    let wrong = |reason: String| PhotoError::Photo { path: path.to_owned(), reason };
    let decode = || -> image::ImageResult<DynamicImage> {
        // By content, not by name: a PNG called .jpg is a common sight.
        let mut decoder = ImageReader::open(path)?.with_guessed_format()?.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut photo = DynamicImage::from_decoder(decoder)?;
        photo.apply_orientation(orientation);
        Ok(photo)
    };
    let photo = decode().map_err(|reason| wrong(reason.to_string()))?;
    let side = |length: u32| u16::try_from(length).map_err(|_| wrong(format!("{length} pixels wide or high")));
    let size = PictureSize { width: side(photo.width())?, height: side(photo.height())? };
    let bytes = if photo.color().has_alpha() {
        let rgba = photo.into_rgba8();
        rgba.pixels().flat_map(|pixel| on_white(pixel.0)).collect()
    } else {
        photo.into_rgb8().into_raw()
    };
    Ok(Picture { size, format: PixelFormat::Rgb888, bytes })
}

fn on_white([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    let alpha = u16::from(alpha);
    [red, green, blue].map(|channel| ((u16::from(channel) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}

impl Picture {
    /// The network's input: `side * side` gray pixels, through the same code the device runs.
    ///
    /// # Errors
    /// [`pinhole_shared::pixels::PixelError`] when the picture is smaller than the input.
    pub fn shrink(&self, side: u16) -> Result<Vec<u8>, pinhole_shared::pixels::PixelError> {
        let pixels = usize::from(side);
        let (mut sums, mut output) = (vec![0; pixels], vec![0; pixels * pixels]);
        let mut shrink = Shrink::new(self.size, self.format, side, &mut sums, &mut output)?;
        for row in self.bytes.chunks_exact(self.format.row_bytes(self.size.width)) {
            shrink.row(row)?;
        }
        shrink.finish()?;
        Ok(output)
    }

    /// The same picture as a gray camera would deliver it: one byte a pixel, a third of the bytes. Its
    /// [`Picture::shrink`] is the same too, since luma is taken pixel by pixel before anything is averaged.
    pub fn to_gray(&self) -> Self {
        let pixels = self.bytes.chunks_exact(self.format.pixel_bytes());
        let gray = pixels.map(|pixel| self.format.luma(pixel)).collect();
        Self { size: self.size, format: PixelFormat::Gray8, bytes: gray }
    }
}

/// Reads a photo and shrinks it to a network input.
///
/// # Errors
/// [`PhotoError::Photo`] with the path.
pub fn read_input(path: &Path, side: u16) -> Result<Vec<u8>, PhotoError> {
    read(path)?
        .shrink(side)
        .map_err(|reason| PhotoError::Photo { path: path.to_owned(), reason: reason.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_and_color_rows_give_the_same_input() {
        let bytes: Vec<u8> = (0..70 * 61 * 3).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let color = Picture { size: PictureSize { width: 70, height: 61 }, format: PixelFormat::Rgb888, bytes };
        assert_eq!(color.shrink(50).unwrap(), color.to_gray().shrink(50).unwrap());
    }

    #[test]
    fn transparency_is_white() {
        assert_eq!(on_white([10, 20, 30, 0]), [255; 3]);
        assert_eq!(on_white([10, 20, 30, 255]), [10, 20, 30]);
    }
}
