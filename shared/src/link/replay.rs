//! Messages of the replay link: the host sends pictures in place of a camera.
//!
//! The device is the master. It sends single-byte requests; the host answers each one once, and neither sends anything
//! else:
//!
//! | device sends | host answers |
//! |---|---|
//! | [`start_request`]: `0x80 + sequence`, sequence 0..=127 | [`Header`], 12 bytes, with the same sequence |
//! | [`ROW_REQUEST`] | the next row from the top: its bytes, then [`row_checksum`] as u32 LE |
//!
//! The host ignores any other byte, and a row request when no row is left. Every row is requested, so a slow device is
//! never overrun, and an abandoned picture leaves at most one answer in transit.
//!
//! # Lost, changed and spurious bytes
//! A row's checksum covers its number, so a damaged, repeated or shifted row is detected before its pixels are used. If
//! bytes are missing, the device waits until its stream reports a timeout. In both cases the capture fails and the
//! device reports it; it never uses such a row.
//!
//! The next start request resynchronizes both sides. The device sends it with a new sequence and skips everything up to
//! an intact header with that sequence. The host drops the old picture on any start request.

use crate::CRC;
use crate::pixels::{PictureSize, PixelFormat};

/// Length of an encoded [`Header`], bytes.
pub const HEADER_BYTES: usize = 12;
/// Length of a row's checksum, bytes.
pub const CHECKSUM_BYTES: usize = 4;
/// Requests the next row.
pub const ROW_REQUEST: u8 = b'R';

const MAGIC: [u8; 2] = *b"PX";
const START: u8 = 0x80;

/// Returns the request of a new picture. Only the low 7 bits of `sequence` are used.
pub const fn start_request(sequence: u8) -> u8 {
    START | sequence
}

/// Returns the sequence of a start request; `None` for any other byte.
pub const fn start_sequence(byte: u8) -> Option<u8> {
    if byte & START != 0 { Some(byte & !START) } else { None }
}

/// CRC-32 (ISO-HDLC) of the row number (from 0 at the top, as u16 LE), followed by the row's bytes.
pub fn row_checksum(number: u16, row: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(&number.to_le_bytes());
    digest.update(row);
    digest.finalize()
}

/// Header that the host sends before a picture's rows.
///
/// Encoded in 12 bytes: `PX`, sequence u8, format u8 (0 gray8, 1 yuv422, 2 rgb565, 3 rgb888), width u16 LE, height
/// u16 LE, CRC-32 (ISO-HDLC) u32 LE of the 8 bytes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Sequence of the start request that this answers, 0..=127.
    pub sequence: u8,
    /// Width and height, px. Both are 0 if the host has no picture.
    pub size: PictureSize,
    /// Pixel format of the rows.
    pub format: PixelFormat,
}

impl Header {
    /// Returns the header of a host that has no picture.
    pub const fn no_picture(sequence: u8) -> Self {
        Self { sequence, size: PictureSize { width: 0, height: 0 }, format: PixelFormat::Gray8 }
    }

    /// Encodes the header.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let [m0, m1] = MAGIC;
        let [w0, w1] = self.size.width.to_le_bytes();
        let [h0, h1] = self.size.height.to_le_bytes();
        let fields = [m0, m1, self.sequence, format_code(self.format), w0, w1, h0, h1];
        let [c0, c1, c2, c3] = CRC.checksum(&fields).to_le_bytes();
        let [f0, f1, f2, f3, f4, f5, f6, f7] = fields;
        [f0, f1, f2, f3, f4, f5, f6, f7, c0, c1, c2, c3]
    }

    /// Decodes a header; `None` if the bytes are no header, or a damaged one.
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
mod tests;
