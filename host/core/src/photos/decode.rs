//! Decodes one photo file to RGB rows, and shrinks it to a network input by the shared pixel pipeline.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader};
use pinhole_shared::pixels::{InputShape, PictureSize, PixelFormat};

use super::unsupported::format_of;
use super::{PhotoError, PhotoFault, Picture, jpeg, memory};
use crate::artifacts::{NOT_REGULAR, is_special, read_regular};

/// Most memory for one photo, bytes: the file, the decoded picture and its copies. A file of a few kilobytes can state a size that
/// would fill any memory.
const MAX_BYTES: u64 = 400 << 20;

/// Reads a photo as RGB, turned upright as its EXIF orientation says. Transparency is laid on white.
///
/// # Errors
/// [`PhotoError::Photo`] with the path if the file is missing, not a regular file, not a picture, a truncated JPEG, or too large:
/// wider or higher than 65,535 px, or of more pixels than memory is allowed for. The size is checked before anything is decoded.
/// Truncated JPEG files that a program closed are found if they are at least 24 px wide, and if more than the last row of blocks
/// is cut.
pub fn read(path: &Path) -> Result<Picture, PhotoError> {
    let wrong = |reason| PhotoError::Photo { path: path.to_owned(), reason: PhotoFault::NoPicture(reason) };
    let too_large = |reason| PhotoError::Photo { path: path.to_owned(), reason: PhotoFault::TooLarge(reason) };
    let metadata = std::fs::metadata(path).map_err(|reason| PhotoError::unreadable(path, reason))?;
    if is_special(path) {
        return Err(wrong(NOT_REGULAR.to_owned()));
    }
    // Reading a folder is an error of the system, below.
    if metadata.is_file() && metadata.len() > MAX_BYTES {
        return Err(too_large(format!("the file has {} MB, more than {} MB", metadata.len() >> 20, MAX_BYTES >> 20)));
    }
    let file = read_regular(path, MAX_BYTES).map_err(|reason| PhotoError::unreadable(path, reason))?;
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
    let reader =
        ImageReader::new(Cursor::new(&file)).with_guessed_format().map_err(|reason| wrong(reason.to_string()))?;
    let format = reader.format();
    let mut decoder = reader.into_decoder().map_err(|reason| wrong(reason.to_string()))?;
    let orientation = decoder.orientation().map_err(|reason| wrong(reason.to_string()))?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > u16::MAX.into() {
        return Err(too_large(format!("it is {} pixels wide or high, more than 65535", width.max(height))));
    }
    if file.len() as u64 + memory::needed(&decoder, orientation, format, &file) > MAX_BYTES {
        return Err(too_large(format!("it has {width}x{height} pixels, which take too much memory")));
    }
    let mut photo = DynamicImage::from_decoder(decoder).map_err(|reason| wrong(reason.to_string()))?;
    if jpeg::is_jpeg(&file) && jpeg::may_end_early(&photo) {
        // Rare, so one picture at a time is in memory, and the photo is decoded again if it is whole.
        let fingerprint = jpeg::fingerprint(&photo);
        drop(photo);
        if jpeg::ends_early(&file, fingerprint) {
            return Err(wrong("the JPEG file is cut: its data ends before the picture does".to_owned()));
        }
        photo = image::load_from_memory_with_format(&file, ImageFormat::Jpeg)
            .map_err(|reason| wrong(reason.to_string()))?;
    }
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
        assert!(read(&pipe).unwrap_err().to_string().ends_with(NOT_REGULAR));
        std::fs::write(folder.path().join("a-2.jpg"), b"").unwrap();
        std::fs::write(folder.path().join("b-1.jpg"), b"").unwrap();
        let found = crate::photos::scan(folder.path()).unwrap();
        assert_eq!(found.photos.len(), 2);
        assert_eq!(found.warnings.len(), 1);
        assert_eq!((&found.warnings[0].path, &found.warnings[0].reason[..]), (&pipe, NOT_REGULAR));
    }

    #[test]
    fn transparency_is_white() {
        assert_eq!(on_white([10, 20, 30, 0]), [255; 3]);
        assert_eq!(on_white([10, 20, 30, 255]), [10, 20, 30]);
    }

    #[test]
    fn a_cut_file_is_no_photo_and_a_gray_card_is_one() {
        let drawing = &crate::synthetic::drawings(3, 1, crate::synthetic::Set::Train)[0];
        let whole = crate::synthetic::encode_jpeg(&drawing.picture);
        let closed = [&whole[..whole.len() * 2 / 3], &[0xFF, 0xD9]].concat();
        let fault = fault_of("closed.jpg", &closed);
        assert!(matches!(&fault, PhotoFault::NoPicture(reason) if reason.contains("cut")), "{fault:?}");
        // By another encoder: half of its data is missing.
        let fault = fault_of("closed.jpg", include_bytes!("cut-and-closed.jpg"));
        assert!(matches!(&fault, PhotoFault::NoPicture(reason) if reason.contains("cut")), "{fault:?}");
        let folder = tempfile::tempdir().unwrap();
        let card = folder.path().join("card.jpg");
        let gray = image::GrayImage::from_pixel(30, 20, image::Luma([128]));
        gray.save(&card).unwrap();
        assert!(jpeg::may_end_early(&gray.into()), "it is looked at twice");
        assert_eq!(read(&card).unwrap().size(), PictureSize { width: 30, height: 20 });
    }

    /// Turning takes a second picture in memory: fewer pixels are allowed.
    #[test]
    fn a_turned_photo_may_have_fewer_pixels() {
        let drawing = &crate::synthetic::drawings(3, 1, crate::synthetic::Set::Train)[0];
        let small = crate::synthetic::encode_jpeg(&drawing.picture);
        let frame = small.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
        // Height and width are after marker, length and precision.
        let large = |side: u16, orientation: Option<u8>| {
            let mut file = small.clone();
            // Without Huffman tables, decoding fails at once: they become comments.
            (0..file.len() - 1).filter(|&i| small[i..i + 2] == [0xFF, 0xC4]).for_each(|i| file[i + 1] = 0xFE);
            file[frame + 5..frame + 7].copy_from_slice(&side.to_be_bytes());
            file[frame + 7..frame + 9].copy_from_slice(&side.to_be_bytes());
            if let Some(orientation) = orientation {
                // A TIFF header, and one entry: tag 0x0112, one 16-bit number.
                let mut exif = b"Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
                exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
                let length = (exif.len() as u16 + 2).to_be_bytes();
                file.splice(2..2, [&[0xFF, 0xE1], &length[..], &exif].concat());
            }
            file
        };
        // 9000^2 pixels of 3 bytes are 232 MiB.
        let fault = fault_of("turned.jpg", &large(9000, Some(6)));
        assert!(matches!(&fault, PhotoFault::TooLarge(reason) if reason.contains("9000x9000")), "{fault:?}");
        for orientation in [None, Some(1)] {
            let fault = fault_of("upright.jpg", &large(9000, orientation));
            assert!(matches!(&fault, PhotoFault::NoPicture(_)), "{orientation:?}: {fault:?}");
        }
        let fault = fault_of("turned.jpg", &large(7500, Some(8)));
        assert!(matches!(&fault, PhotoFault::NoPicture(_)), "{fault:?}");
        assert!(matches!(fault_of("upright.jpg", &large(12_000, None)), PhotoFault::TooLarge(_)));
        // A progressive file's coefficients are in memory until the last scan, 2 bytes each.
        let progressive = |side: u16| {
            let mut file = large(side, None);
            file[frame + 1] = 0xC2;
            fault_of("progressive.jpg", &file)
        };
        assert!(matches!(progressive(8500), PhotoFault::TooLarge(_)));
    }
}
