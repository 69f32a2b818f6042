//! Decodes one photo file to RGB rows, and shrinks it to a network input by the shared pixel pipeline.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader};
use pinhole_shared::pixels::{InputShape, PictureSize, PixelFormat};

use super::{PhotoError, PhotoFault, Picture, jpeg};

/// Reads a photo as RGB, turned upright as its EXIF orientation says. Transparency is laid on white.
///
/// # Errors
/// [`PhotoError::Photo`] with the path if the file is missing, not a picture, a truncated JPEG, or wider or higher than
/// 65,535 px.
pub fn read(path: &Path) -> Result<Picture, PhotoError> {
    let wrong = |reason| PhotoError::Photo { path: path.to_owned(), reason: PhotoFault::NoPicture(reason) };
    let file = std::fs::read(path).map_err(|reason| PhotoError::unreadable(path, reason))?;
    if !jpeg::is_complete(&file) {
        return Err(wrong("the JPEG file is truncated".to_owned()));
    }
    let decode = || -> image::ImageResult<DynamicImage> {
        // By content, not by name: PNG files called .jpg are common.
        let mut decoder = ImageReader::new(Cursor::new(&file)).with_guessed_format()?.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut photo = DynamicImage::from_decoder(decoder)?;
        photo.apply_orientation(orientation);
        Ok(photo)
    };
    let photo = decode().map_err(|reason| wrong(reason.to_string()))?;
    let side = |length: u32| {
        u16::try_from(length).map_err(|_| wrong(format!("it is {length} pixels wide or high, more than 65535")))
    };
    let size = PictureSize { width: side(photo.width())?, height: side(photo.height())? };
    let bytes = if photo.color().has_alpha() {
        let rgba = photo.into_rgba8();
        rgba.pixels().flat_map(|pixel| on_white(pixel.0)).collect()
    } else {
        photo.into_rgb8().into_raw()
    };
    Picture::new(size, PixelFormat::Rgb888, bytes).map_err(|reason| wrong(reason.to_string()))
}

fn on_white([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    let alpha = u16::from(alpha);
    [red, green, blue].map(|channel| ((u16::from(channel) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}

/// Reads a photo and shrinks it to a network input.
///
/// # Errors
/// [`PhotoError::Photo`] with the path.
pub fn read_input(path: &Path, input: InputShape) -> Result<Vec<u8>, PhotoError> {
    read(path)?.shrink(input).map_err(|reason| PhotoError::Photo { path: path.to_owned(), reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparency_is_white() {
        assert_eq!(on_white([10, 20, 30, 0]), [255; 3]);
        assert_eq!(on_white([10, 20, 30, 255]), [10, 20, 30]);
    }
}
