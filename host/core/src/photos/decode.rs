//! Decodes one photo file to RGB rows, and shrinks it to a network input by the shared pixel pipeline.

use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageReader};
use pinhole_shared::pixels::{InputShape, PictureSize, PixelFormat};

use super::unsupported::format_of;
use super::{PhotoError, PhotoFault, Picture, jpeg};

/// Most memory for one photo, bytes: the file, the decoded picture and its copies. A file of a few kilobytes can state a size that
/// would fill any memory.
const MAX_BYTES: u64 = 400 << 20;

/// Reads a photo as RGB, turned upright as its EXIF orientation says. Transparency is laid on white.
///
/// # Errors
/// [`PhotoError::Photo`] with the path if the file is missing, not a regular file, not a picture, a truncated JPEG, or too large:
/// wider or higher than 65,535 px, or of more pixels than memory is allowed for. The size is checked before anything is decoded.
pub fn read(path: &Path) -> Result<Picture, PhotoError> {
    let wrong = |reason| PhotoError::Photo { path: path.to_owned(), reason: PhotoFault::NoPicture(reason) };
    let too_large = |reason| PhotoError::Photo { path: path.to_owned(), reason: PhotoFault::TooLarge(reason) };
    let metadata = std::fs::metadata(path).map_err(|reason| PhotoError::unreadable(path, reason))?;
    // Reading from a pipe or a device might never end. A folder is an error of the system, below.
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(wrong("it is not a regular file".to_owned()));
    }
    if metadata.is_file() && metadata.len() > MAX_BYTES {
        return Err(too_large(format!("the file has {} MB, more than {} MB", metadata.len() >> 20, MAX_BYTES >> 20)));
    }
    let file = std::fs::read(path).map_err(|reason| PhotoError::unreadable(path, reason))?;
    if file.is_empty() {
        return Err(wrong("the file is empty".to_owned()));
    }
    if let Some(format) = format_of(&file) {
        return Err(wrong(format.to_owned()));
    }
    if !jpeg::is_complete(&file) {
        return Err(wrong("the JPEG file is truncated".to_owned()));
    }
    // By content, not by name: PNG files called .jpg are common.
    let open = || ImageReader::new(Cursor::new(&file)).with_guessed_format()?.into_decoder();
    let mut decoder = open().map_err(|reason| wrong(reason.to_string()))?;
    let orientation = decoder.orientation().map_err(|reason| wrong(reason.to_string()))?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > u16::MAX.into() {
        return Err(too_large(format!("it is {} pixels wide or high, more than 65535", width.max(height))));
    }
    if file.len() as u64 + memory(&decoder, orientation) > MAX_BYTES {
        return Err(too_large(format!("it has {width}x{height} pixels, which take too much memory")));
    }
    let mut photo = DynamicImage::from_decoder(decoder).map_err(|reason| wrong(reason.to_string()))?;
    photo.apply_orientation(orientation);
    let side = |length: u32| u16::try_from(length).unwrap_or(u16::MAX);
    let size = PictureSize { width: side(photo.width()), height: side(photo.height()) };
    let bytes = if photo.color().has_alpha() {
        let rgba = photo.into_rgba8();
        rgba.pixels().flat_map(|pixel| on_white(pixel.0)).collect()
    } else {
        photo.into_rgb8().into_raw()
    };
    Picture::new(size, PixelFormat::Rgb888, bytes).map_err(|reason| wrong(reason.to_string()))
}

/// Reads the size of a photo, turned upright as its EXIF orientation says. Its pixels are not decoded.
///
/// # Errors
/// [`PhotoError::Photo`] with the path if the file is missing, not a regular file, not a picture, or wider or higher than 65,535
/// px.
pub fn size(path: &Path) -> Result<PictureSize, PhotoError> {
    let wrong = |reason| PhotoError::Photo { path: path.to_owned(), reason: PhotoFault::NoPicture(reason) };
    let metadata = std::fs::metadata(path).map_err(|reason| PhotoError::unreadable(path, reason))?;
    if !metadata.is_file() {
        return Err(wrong("it is not a regular file".to_owned()));
    }
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let reader = reader.map_err(|reason| PhotoError::unreadable(path, reason))?;
    let mut decoder = reader.into_decoder().map_err(|reason| wrong(reason.to_string()))?;
    let orientation = decoder.orientation().map_err(|reason| wrong(reason.to_string()))?;
    let (width, height) = decoder.dimensions();
    let side = |length: u32| u16::try_from(length).map_err(|_| wrong("it is too large".to_owned()));
    let (width, height) = (side(width)?, side(height)?);
    Ok(match orientation {
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH => {
            PictureSize { width: height, height: width }
        }
        _ => PictureSize { width, height },
    })
}

/// Returns the memory that a picture takes while it is decoded, turned and converted, bytes.
fn memory(decoder: &impl ImageDecoder, orientation: Orientation) -> u64 {
    let (width, height) = decoder.dimensions();
    let decoded = decoder.total_bytes();
    let turned = if orientation == Orientation::NoTransforms { 0 } else { decoded };
    let color = decoder.color_type();
    let rgba = if color.has_alpha() && color != ColorType::Rgba8 { 4 } else { 0 };
    let rgb = if color == ColorType::Rgb8 { 0 } else { 3 };
    let converted = u64::from(width) * u64::from(height) * (rgba + rgb);
    decoded.saturating_add(turned).saturating_add(converted)
}

fn on_white([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    let alpha = u16::from(alpha);
    [red, green, blue].map(|channel| ((u16::from(channel) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}

/// Reads a photo in the form in which a camera delivers it for a network with this input: in its colors, and enlarged if it is
/// smaller than the input ([`Picture::enlarged_for`]).
///
/// # Errors
/// Those of [`read`].
pub fn read_for(path: &Path, input: InputShape) -> Result<Picture, PhotoError> {
    let photo = read(path)?;
    Ok(photo.enlarged_for(input).unwrap_or(photo).for_color(input.color))
}

/// A photo as a network sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoInput {
    /// Input bytes: row by row, the channels of a pixel together.
    pub pixels: Vec<u8>,
    /// True if the photo is smaller than the input and was enlarged.
    pub enlarged: bool,
}

/// Reads a photo and shrinks it to a network input. A photo that is smaller than the input is enlarged first
/// ([`Picture::enlarged_for`]).
///
/// # Errors
/// [`PhotoError::Photo`] with the path.
pub fn read_input(path: &Path, input: InputShape) -> Result<PhotoInput, PhotoError> {
    let photo = read(path)?;
    let larger = photo.enlarged_for(input);
    let pixels = larger.as_ref().unwrap_or(&photo).shrink(input);
    let pixels = pixels.map_err(|reason| PhotoError::Photo { path: path.to_owned(), reason: reason.into() })?;
    Ok(PhotoInput { pixels, enlarged: larger.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(name: &str, bytes: &[u8]) -> PhotoFault {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        match read(&path) {
            Err(PhotoError::Photo { path: of, reason }) if of == path => reason,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Files of some bytes whose pixels would take gigabytes.
    #[test]
    fn bombs_are_refused_by_their_size_before_they_are_decoded() {
        let pnm = |width: u32, height: u32| format!("P6\n{width} {height}\n255\n").into_bytes();
        for (width, height) in [(30_000, 30_000), (65_535, 65_535), (65_535, 2_200), (12_000, 12_000)] {
            let fault = fault_of("bomb.ppm", &pnm(width, height));
            assert!(matches!(&fault, PhotoFault::TooLarge(_)), "{width}x{height}: {fault:?}");
            assert!(fault.to_string().contains(&format!("{width}x{height} pixels")), "{fault}");
        }
        assert!(matches!(fault_of("bomb.ppm", &pnm(65_536, 1)), PhotoFault::TooLarge(_)));
        // As large as photos of today's phones: the pixels are missing, which decoding finds.
        assert!(matches!(fault_of("large.ppm", &pnm(12_000, 9_000)), PhotoFault::NoPicture(_)));
        let fault = fault_of("bomb.png", &png(30_000, RGB));
        assert!(matches!(&fault, PhotoFault::TooLarge(reason) if reason.contains("30000x30000")), "{fault:?}");
        // Transparency takes memory too: it is laid on white in a copy.
        assert!(matches!(fault_of("opaque.png", &png(9_000, RGB)), PhotoFault::NoPicture(_)));
        assert!(matches!(fault_of("transparent.png", &png(9_000, RGBA)), PhotoFault::TooLarge(_)));
    }

    /// PNG's numbers of these color types.
    const RGB: u8 = 2;
    const RGBA: u8 = 6;

    /// Returns a square PNG file without pixels.
    fn png(side: u32, color: u8) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend([side, side].map(u32::to_be_bytes).concat());
        png.extend([8, color, 0, 0, 0]);
        png.extend(crc32(&png[12..]).to_be_bytes());
        png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e\0\0\0\0IEND\xae\x42\x60\x82");
        png
    }

    /// CRC-32 as in PNG, bit by bit.
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
        })
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(fault_of("empty.jpg", b"").to_string(), "the file is empty");
        let heic = fault_of("phone.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").to_string();
        assert!(heic.contains("HEIC") && heic.contains("JPEG"), "{heic}");
    }

    /// Reading it would never end: nobody writes to it.
    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_photo() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("a-1.jpg");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(read(&pipe).unwrap_err().to_string().ends_with("it is not a regular file"));
        std::fs::write(folder.path().join("a-2.jpg"), b"").unwrap();
        std::fs::write(folder.path().join("b-1.jpg"), b"").unwrap();
        let found = crate::photos::scan(folder.path()).unwrap();
        assert_eq!(found.photos.len(), 2);
        assert_eq!(found.warnings.len(), 1);
        assert_eq!((&found.warnings[0].path, &found.warnings[0].reason[..]), (&pipe, "it is not a regular file"));
    }

    /// Returns a JPEG of 40x30 pixels whose EXIF data has this orientation.
    fn turned(orientation: u8) -> Vec<u8> {
        let mut jpeg = Vec::new();
        let picture = image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([(5 * x) as u8, (8 * y) as u8, 9]));
        image::codecs::jpeg::JpegEncoder::new(&mut jpeg).encode_image(&picture).unwrap();
        // TIFF 6.0, section 2: little-endian, one entry (orientation, tag 112h) of type SHORT.
        let mut exif = b"\xFF\xE1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        jpeg.splice(2..2, exif);
        jpeg
    }

    #[test]
    fn sizes_are_those_of_the_decoded_pictures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        for orientation in 1..=8 {
            std::fs::write(&path, turned(orientation)).unwrap();
            let read = read(&path).unwrap().size();
            assert_eq!(size(&path).unwrap(), read, "orientation {orientation}");
            let upright = PictureSize { width: 40, height: 30 };
            assert_eq!(read == upright, orientation < 5, "orientation {orientation}");
        }
        // Of a file without pixels, too.
        std::fs::write(&path, png(9_000, RGB)).unwrap();
        assert_eq!(size(&path).unwrap(), PictureSize { width: 9_000, height: 9_000 });
        std::fs::write(&path, b"").unwrap();
        assert!(matches!(size(&path), Err(PhotoError::Photo { path: of, .. }) if of == path));
    }

    #[test]
    fn transparency_is_white() {
        assert_eq!(on_white([10, 20, 30, 0]), [255; 3]);
        assert_eq!(on_white([10, 20, 30, 255]), [10, 20, 30]);
    }
}
