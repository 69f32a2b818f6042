//! Detection of truncated JPEG files.
//!
//! The decoder silently fills the missing part of a truncated file with gray, so half a download would be trained on as if it
//! were a photo.

/// Returns false if the bytes are a JPEG whose compressed data begins and does not end: no end-of-image marker follows the
/// first start of scan. Files that are not JPEG, or end before their data, are left to the decoder.
///
/// # Source
/// ITU-T T.81, section B.1.1 (markers and segments) and table B.1 (their codes).
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    const START_OF_IMAGE: [u8; 2] = [0xFF, 0xD8];
    const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];
    const START_OF_SCAN: u8 = 0xDA;
    if !bytes.starts_with(&START_OF_IMAGE) {
        return true;
    }
    // Segment by segment, since thumbnails inside segments have their own end markers.
    let mut rest = &bytes[2..];
    while let [0xFF, marker, after @ ..] = rest {
        match (*marker, after) {
            (START_OF_SCAN, data) => return data.windows(2).any(|pair| pair == END_OF_IMAGE),
            // Fill bytes before a marker.
            (0xFF, _) => rest = &rest[1..],
            (_, [high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                let Some(next) = after.get(length..) else { return true };
                rest = next;
            }
            _ => return true,
        }
    }
    true
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
}
