//! Detection of truncated JPEG files.
//!
//! The decoder silently fills the missing part of a truncated file, with nearly one color, so half a download would be trained
//! on as if it were a photo. Most such files have no end-of-image marker, which [`is_complete`] finds. Some programs close them
//! with one: [`ends_early`] finds those. It decodes a picture again, so it is asked only about pictures that [`may_end_early`].

use std::hash::{DefaultHasher, Hash, Hasher};

use image::{DynamicImage, ImageFormat};

const START_OF_IMAGE: [u8; 2] = [0xFF, 0xD8];
const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];
const START_OF_SCAN: u8 = 0xDA;

/// Returns true if the bytes begin as a JPEG does.
pub(super) fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&START_OF_IMAGE)
}

/// Returns false if the bytes are a JPEG whose compressed data begins and does not end: no end-of-image marker follows the
/// first start of scan. Files that are not JPEG, or end before their data, are left to the decoder.
///
/// # Source
/// ITU-T T.81, section B.1.1 (markers and segments) and table B.1 (their codes).
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    start_of_scan(bytes).is_none_or(|scan| bytes[scan..].windows(2).any(|pair| pair == END_OF_IMAGE))
}

/// Widest period that the missing part of a picture repeats with, px: a multiple of the usual widths of blocks, 8 and 16 px.
const MAX_PERIOD: usize = 32;

/// Narrowest one: the width of a block.
const MIN_PERIOD: usize = 8;

/// Returns true if the bottom of a decoded picture looks like a missing part: the decoder reads zeros after the end of the data, so
/// all blocks there are equal. Real photos can look so, too, as those of one color do.
///
/// Three blocks beside each other are needed to see it, from the left. So a part that is missing only from the last row of
/// blocks is not seen. Pictures narrower than 24 px are not checked at all, and in those narrower than 96 px, blocks that are
/// 16 or 32 px wide may be missed.
pub(super) fn may_end_early(picture: &DynamicImage) -> bool {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    if height == 0 {
        return false;
    }
    // Blocks at the edges are cut, or blended with what is beside them: the last one is not looked at.
    let Some(period) = [MAX_PERIOD, 16, MIN_PERIOD].into_iter().find(|period| 3 * period <= width) else {
        return false;
    };
    let bytes = picture.as_bytes();
    let row_bytes = bytes.len() / height;
    let period = period * (row_bytes / width);
    let is_periodic = |row: &[u8]| row[..row_bytes - period].windows(period + 1).all(|part| part[0] == part[period]);
    bytes.rchunks_exact(row_bytes).take(4).all(is_periodic)
}

/// Returns a number that two decoded pictures share if they are equal.
pub(super) fn fingerprint(picture: &DynamicImage) -> u64 {
    let mut hasher = DefaultHasher::new();
    picture.as_bytes().hash(&mut hasher);
    hasher.finish()
}

/// Returns true if the compressed data ends before the picture does, although an end-of-image marker follows. The picture that was
/// decoded from these bytes has this [`fingerprint`].
///
/// Further bytes are put between the data and the marker, and the picture is decoded again. If the data was complete, nobody reads
/// them. Otherwise, they are taken for the data of the part that is missing, which then looks different.
pub(super) fn ends_early(bytes: &[u8], fingerprint: u64) -> bool {
    let Some(end) = end_of_data(bytes) else { return false };
    let longer = [&bytes[..end], &[0x5A; 4096], &bytes[end..]].concat();
    let decoded = image::load_from_memory_with_format(&longer, ImageFormat::Jpeg);
    decoded.is_ok_and(|picture| self::fingerprint(&picture) != fingerprint)
}

/// Returns the place of the first end-of-image marker after the first start of scan.
fn end_of_data(bytes: &[u8]) -> Option<usize> {
    let scan = start_of_scan(bytes)?;
    Some(scan + bytes[scan..].windows(2).position(|pair| pair == END_OF_IMAGE)?)
}

/// Returns the place after the first start-of-scan marker of a JPEG.
fn start_of_scan(bytes: &[u8]) -> Option<usize> {
    segment(bytes, |marker| marker == START_OF_SCAN)
}

/// Returns the memory for a JPEG's coefficients, bytes: 2 for each of a component's samples, if more than one scan gives them.
/// 0 for files with one scan of all components, whose blocks are decoded one after the other.
///
/// # Source
/// ITU-T T.81, sections B.2.2 (frame header) and B.2.3 (scan header), and table B.1 (frames' markers).
pub(super) fn coefficient_bytes(bytes: &[u8]) -> u64 {
    // All from 0xC0 on but those of tables and of an extension.
    let is_frame = |marker| matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
    let Some(frame) = segment(bytes, is_frame) else { return 0 };
    let [_, _, _, h0, h1, w0, w1, count, components @ ..] = &bytes[frame..] else { return 0 };
    let is_progressive = matches!(bytes[frame - 1], 0xC2 | 0xC6 | 0xCA | 0xCE);
    let scanned = start_of_scan(bytes).and_then(|scan| bytes.get(scan + 2));
    if !is_progressive && scanned.is_none_or(|scanned| scanned >= count) {
        return 0;
    }
    let pixels = u64::from(u16::from_be_bytes([*h0, *h1])) * u64::from(u16::from_be_bytes([*w0, *w1]));
    let factors = components.chunks_exact(3).take(usize::from(*count));
    let factors: Vec<[u64; 2]> = factors.map(|one| [one[1] >> 4, one[1] & 15].map(u64::from)).collect();
    let largest = |axis: usize| factors.iter().map(|factor| factor[axis]).max().unwrap_or(1).max(1);
    let whole = largest(0) * largest(1);
    factors.iter().map(|[across, down]| 2 * pixels * across * down / whole).sum()
}

/// Returns the place after the first marker that is wanted, before the compressed data.
fn segment(bytes: &[u8], is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    // Segment by segment, since thumbnails inside segments have their own markers.
    let mut rest = bytes.strip_prefix(&START_OF_IMAGE)?;
    while let [0xFF, marker, after @ ..] = rest {
        match (*marker, after) {
            (wanted, data) if is_wanted(wanted) => return Some(bytes.len() - data.len()),
            (START_OF_SCAN, _) => return None,
            // Fill bytes before a marker.
            (0xFF, _) => rest = &rest[1..],
            (_, [high, low, ..]) => rest = after.get(usize::from(u16::from_be_bytes([*high, *low]))..)?,
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_complete_and_every_truncation_of_its_data_is_not() {
        let drawing = &crate::synthetic::drawings(3, 1, crate::synthetic::Set::Train)[0];
        let whole = crate::synthetic::encode_jpeg(&drawing.picture);
        assert!(is_complete(&whole));
        let scan = whole.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
        for length in scan + 2..whole.len() {
            assert!(!is_complete(&whole[..length]), "{length} of {} bytes", whole.len());
        }
        let trailing = [&whole[..], b"a maker's note"].concat();
        assert!(is_complete(&trailing));
    }

    #[test]
    fn a_thumbnails_end_is_not_the_photos() {
        let thumbnail = [0xFF, 0xE1, 0, 6, 0xFF, 0xD9, 0, 0];
        let scan = [0xFF, 0xDA, 0, 2, 1, 2, 3];
        let cut = [&[0xFF, 0xD8][..], &thumbnail, &scan].concat();
        assert!(!is_complete(&cut));
        assert!(is_complete(&[&cut[..], &[0xFF, 0xD9]].concat()));
        assert!(is_complete(b"GIF89a"));
    }

    #[test]
    fn coefficients_are_those_of_all_components() {
        // Marker, length, precision, height, width, and each component's number, factors and table.
        let frame = |marker: u8, components: &[u8]| {
            let start = [0xFF, 0xD8, 0xFF, 0xFE, 0, 3, 7, 0xFF, marker, 0, 17, 8, 0, 100, 1, 44];
            [&start[..], components, &[0xFF, 0xDA, 0, 2]].concat()
        };
        let half = [3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
        assert_eq!(coefficient_bytes(&frame(0xC2, &half)), 2 * 100 * 300 * 3 / 2);
        assert_eq!(coefficient_bytes(&frame(0xC2, &[1, 1, 0x11, 0])), 2 * 100 * 300);
        assert_eq!(coefficient_bytes(&frame(0xC2, &[2, 1, 0x11, 0, 2, 0x11, 0])), 4 * 100 * 300);
        assert_eq!(coefficient_bytes(&frame(0xC0, &half)), 0, "baseline, of which the scan is cut");
        let scan = |components: u8| [frame(0xC0, &half), vec![components, 1, 0]].concat();
        assert_eq!(coefficient_bytes(&scan(3)), 0, "baseline, in one scan");
        assert_eq!(coefficient_bytes(&scan(1)), 2 * 100 * 300 * 3 / 2, "baseline, in a scan for each component");
        // Factors of 0 are wrong, and no reason to divide by them.
        assert_eq!(coefficient_bytes(&frame(0xC2, &[1, 1, 0, 0])), 0);
        assert_eq!(coefficient_bytes(b"GIF89a"), 0);
    }

    /// Returns true if a file is found to end early, as [`super::super::decode`] asks.
    fn is_found(bytes: &[u8]) -> bool {
        let picture = image::load_from_memory(bytes).unwrap();
        may_end_early(&picture) && ends_early(bytes, fingerprint(&picture))
    }

    #[test]
    fn a_file_that_was_cut_and_closed_is_found() {
        let drawing = &crate::synthetic::drawings(3, 1, crate::synthetic::Set::Train)[0];
        let whole = crate::synthetic::encode_jpeg(&drawing.picture);
        assert!(!may_end_early(&image::load_from_memory(&whole).unwrap()), "it is decoded once");
        let (scan, end) = (start_of_scan(&whole).unwrap(), end_of_data(&whole).unwrap());
        for part in [1, 3, 5, 8] {
            let at = scan + 12 + (end - scan - 12) * part / 10;
            let closed = [&whole[..at], &END_OF_IMAGE].concat();
            assert!(is_complete(&closed), "the marker closes it");
            assert!(is_found(&closed), "{part} tenths of the data");
            // What follows the picture does not matter.
            assert!(is_found(&[&closed[..], b"a maker's note"].concat()));
        }
    }

    /// Small pictures are decoded once, unless their bottom looks missing.
    #[test]
    fn small_files_that_were_cut_and_closed_are_found() {
        let drawing = &crate::synthetic::drawings(3, 1, crate::synthetic::Set::Train)[0];
        for width in [24, 28, 32, 47, 48, 64, 95, 96] {
            let small = image::imageops::thumbnail(&drawing.picture, width, width);
            let whole = crate::synthetic::encode_jpeg(&small);
            assert!(!may_end_early(&image::load_from_memory(&whole).unwrap()), "{width}");
            let (scan, end) = (start_of_scan(&whole).unwrap(), end_of_data(&whole).unwrap());
            for part in [1, 3, 5] {
                let at = scan + 12 + (end - scan - 12) * part / 10;
                assert!(is_found(&[&whole[..at], &END_OF_IMAGE].concat()), "{width}: {part} tenths of the data");
            }
        }
    }

    #[test]
    fn pictures_too_narrow_to_see_a_missing_part_are_not_checked() {
        for (width, is_checked) in [(1, false), (23, false), (24, true), (95, true), (96, true), (500, true)] {
            let card = DynamicImage::from(image::GrayImage::from_pixel(width, 40, image::Luma([128])));
            assert_eq!(may_end_early(&card), is_checked, "{width}");
        }
    }

    #[test]
    fn a_photo_with_a_gray_bottom_is_whole() {
        let mut picture = crate::synthetic::drawings(3, 1, crate::synthetic::Set::Train)[0].picture.clone();
        let height = picture.height();
        for (_, y, pixel) in picture.enumerate_pixels_mut() {
            if y >= height / 2 {
                *pixel = image::Rgb([128; 3]);
            }
        }
        let file = crate::synthetic::encode_jpeg(&picture);
        assert!(may_end_early(&image::load_from_memory(&file).unwrap()));
        assert!(!is_found(&file));
        let mut gray = Vec::new();
        let card = image::GrayImage::from_pixel(50, 40, image::Luma([128]));
        image::codecs::jpeg::JpegEncoder::new(&mut gray).encode_image(&card).unwrap();
        assert!(may_end_early(&image::load_from_memory(&gray).unwrap()) && !is_found(&gray));
    }
}
