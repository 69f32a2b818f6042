//! Pictures from the host in place of a camera: the messages, which both sides compile.
//!
//! The device drives. It asks with single bytes, the host answers each one once, and neither sends anything else:
//!
//! | device sends | host answers |
//! |---|---|
//! | [`start_request`]: `0x80 + sequence`, sequence 0..=127 | [`Header`], 12 bytes, carrying that sequence |
//! | [`ROW_REQUEST`] | the next row from the top: its bytes, then [`row_checksum`] as u32 LE |
//!
//! Any other byte, and a row request when no row is left, the host ignores. Because every row is asked for, a slow
//! device is never overrun, and a picture the device gives up leaves at most one answer under way.
//!
//! # Lost, changed and invented bytes
//! A row's checksum covers its number, so a row that is damaged, repeated or shifted is noticed before its pixels are
//! used. Where bytes are missing the device waits until its stream reports a timeout. Either way the capture fails
//! and the device says so; it never uses such a row.
//!
//! To find each other again nothing more is needed than the next start: the device sends it with a new sequence and
//! skips everything up to a whole header with that sequence; the host forgets the old picture on any start request.

use crate::CRC;
use crate::pixels::{PictureSize, PixelFormat};

/// Bytes of an encoded [`Header`].
pub const HEADER_BYTES: usize = 12;
/// Bytes of a row's checksum.
pub const CHECKSUM_BYTES: usize = 4;
/// Asks for the next row.
pub const ROW_REQUEST: u8 = b'R';

const MAGIC: [u8; 2] = *b"PX";
const START: u8 = 0x80;

/// Asks for a new picture. Only the low 7 bits of `sequence` count.
pub const fn start_request(sequence: u8) -> u8 {
    START | sequence
}

/// The sequence of a start request; `None` for any other byte.
pub const fn start_sequence(byte: u8) -> Option<u8> {
    if byte & START != 0 { Some(byte & !START) } else { None }
}

/// CRC-32 (ISO-HDLC) of the row's number, counted from 0 at the top, as u16 LE, followed by its bytes.
pub fn row_checksum(number: u16, row: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(&number.to_le_bytes());
    digest.update(row);
    digest.finalize()
}

/// What the host says of a picture before its rows.
///
/// Encoded in 12 bytes: `PX`, sequence u8, format u8 (0 gray8, 1 yuv422, 2 rgb565, 3 rgb888), width u16 LE, height
/// u16 LE, CRC-32 (ISO-HDLC) u32 LE of the 8 bytes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Sequence of the start request this answers, 0..=127.
    pub sequence: u8,
    /// Width and height, px. Both 0: the host has no picture to show.
    pub size: PictureSize,
    /// How the rows hold their pixels.
    pub format: PixelFormat,
}

impl Header {
    /// Answer of a host that has no picture.
    pub const fn no_picture(sequence: u8) -> Self {
        Self { sequence, size: PictureSize { width: 0, height: 0 }, format: PixelFormat::Gray8 }
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let [m0, m1] = MAGIC;
        let [w0, w1] = self.size.width.to_le_bytes();
        let [h0, h1] = self.size.height.to_le_bytes();
        let fields = [m0, m1, self.sequence, format_code(self.format), w0, w1, h0, h1];
        let [c0, c1, c2, c3] = CRC.checksum(&fields).to_le_bytes();
        let [f0, f1, f2, f3, f4, f5, f6, f7] = fields;
        [f0, f1, f2, f3, f4, f5, f6, f7, c0, c1, c2, c3]
    }

    /// The header in these bytes; `None` when they are not one, or a damaged one.
    pub fn parse(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let [fields @ .., c0, c1, c2, c3] = bytes;
        let fields: &[u8; HEADER_BYTES - CHECKSUM_BYTES] = fields;
        let &[m0, m1, sequence, format, w0, w1, h0, h1] = fields;
        if [m0, m1] != MAGIC || CRC.checksum(fields) != u32::from_le_bytes([*c0, *c1, *c2, *c3]) {
            return None;
        }
        let size = PictureSize { width: u16::from_le_bytes([w0, w1]), height: u16::from_le_bytes([h0, h1]) };
        Some(Self { sequence, size, format: format_of(format)? })
    }
}

const FORMATS: [PixelFormat; 4] = [PixelFormat::Gray8, PixelFormat::Yuv422, PixelFormat::Rgb565, PixelFormat::Rgb888];

fn format_code(format: PixelFormat) -> u8 {
    match format {
        PixelFormat::Gray8 => 0,
        PixelFormat::Yuv422 => 1,
        PixelFormat::Rgb565 => 2,
        PixelFormat::Rgb888 => 3,
    }
}

fn format_of(code: u8) -> Option<PixelFormat> {
    FORMATS.get(usize::from(code)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn headers_come_back(sequence in 0..128_u8, format in 0..4_u8, width: u16, height: u16) {
            let format = format_of(format).unwrap();
            let header = Header { sequence, size: PictureSize { width, height }, format };
            prop_assert_eq!(Header::parse(&header.encode()), Some(header));
        }

        #[test]
        fn any_changed_byte_of_a_header_is_noticed(place in 0..HEADER_BYTES, change in 1..=255_u8) {
            let size = PictureSize { width: 320, height: 240 };
            let mut bytes = Header { sequence: 5, size, format: PixelFormat::Yuv422 }.encode();
            bytes[place] ^= change;
            prop_assert_eq!(Header::parse(&bytes), None);
        }
    }

    #[test]
    fn requests_are_distinct() {
        assert_eq!(start_sequence(ROW_REQUEST), None);
        for sequence in 0..128 {
            assert_eq!(start_sequence(start_request(sequence)), Some(sequence));
            assert_eq!(start_request(sequence | 0x80), start_request(sequence));
        }
    }

    #[test]
    fn the_same_row_elsewhere_has_another_checksum() {
        assert_ne!(row_checksum(0, &[1, 2, 3]), row_checksum(1, &[1, 2, 3]));
        // CRC-32 of "123456789", from the catalogue of parametrised CRC algorithms (check value of CRC-32/ISO-HDLC).
        assert_eq!(row_checksum(u16::from_le_bytes(*b"12"), b"3456789"), 0xCBF4_3926);
    }
}
