//! Framing: marks where a message starts and ends in a byte stream, and detects damage.
//!
//! A frame is `COBS(postcard(message), CRC-32 little-endian)` followed by one zero byte. COBS leaves no zero inside, so
//! a reader that lost synchronization waits for the next zero. A CRC-32 (ISO-HDLC) detects damaged frames.
//!
//! Sources: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2),
//! 1999; the postcard wire format specification.

use crate::CRC;
use serde::{Deserialize, Serialize};

/// Longest encoded message with its checksum, bytes.
pub const PAYLOAD_BYTES: usize = 400;

/// Longest frame, bytes. COBS adds one byte per 254 and one more; the terminating zero adds one.
pub const FRAME_BYTES: usize = PAYLOAD_BYTES + PAYLOAD_BYTES / 254 + 2;

const CRC_BYTES: usize = 4;

/// Errors of encoding or decoding a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FrameError {
    /// The message or frame is longer than [`FRAME_BYTES`].
    TooLong,
    /// The bytes are not valid COBS, or the checksum is wrong: bytes were lost or changed.
    Damaged,
    /// The frame is intact, but it is no message of this protocol version.
    Unknown,
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the message is too long",
            Self::Damaged => "the message arrived damaged",
            Self::Unknown => "the message is of another protocol version",
        })
    }
}

impl core::error::Error for FrameError {}

/// Encodes a message into `buffer` and returns the frame, including the terminating zero.
///
/// # Errors
/// [`FrameError::TooLong`] when the message does not fit.
pub fn encode<'b, M: Serialize>(message: &M, buffer: &'b mut [u8; FRAME_BYTES]) -> Result<&'b [u8], FrameError> {
    let mut payload = [0; PAYLOAD_BYTES];
    let room = payload.get_mut(..PAYLOAD_BYTES - CRC_BYTES).ok_or(FrameError::TooLong)?;
    let length = postcard::to_slice(message, room).map_err(|_| FrameError::TooLong)?.len();
    let (message, rest) = payload.split_at_mut_checked(length).ok_or(FrameError::TooLong)?;
    let checksum = CRC.checksum(message).to_le_bytes();
    rest.get_mut(..CRC_BYTES).ok_or(FrameError::TooLong)?.copy_from_slice(&checksum);
    let whole = payload.get(..length + CRC_BYTES).ok_or(FrameError::TooLong)?;
    let encoded = cobs::try_encode(whole, buffer).map_err(|_| FrameError::TooLong)?;
    *buffer.get_mut(encoded).ok_or(FrameError::TooLong)? = 0;
    buffer.get(..=encoded).ok_or(FrameError::TooLong)
}

/// Splits a byte stream into frames.
#[derive(Debug)]
pub struct Receiver {
    buffer: [u8; FRAME_BYTES],
    length: usize,
    overflowed: bool,
}

impl Default for Receiver {
    fn default() -> Self {
        Self { buffer: [0; FRAME_BYTES], length: 0, overflowed: false }
    }
}

impl Receiver {
    /// Takes one byte. Returns `Some` at the end of a frame: the message, or the error. Empty frames (two zeros in a
    /// row, which a sender may use to wake the line) are skipped.
    pub fn push<'r, M: Deserialize<'r>>(&'r mut self, byte: u8) -> Option<Result<M, FrameError>> {
        if byte != 0 {
            match self.buffer.get_mut(self.length) {
                Some(place) => {
                    *place = byte;
                    self.length += 1;
                }
                None => self.overflowed = true,
            }
            return None;
        }
        let (length, overflowed) = (self.length, self.overflowed);
        (self.length, self.overflowed) = (0, false);
        if overflowed {
            return Some(Err(FrameError::TooLong));
        }
        if length == 0 {
            return None;
        }
        Some(decode(self.buffer.get_mut(..length).unwrap_or_default()))
    }
}

fn decode<'r, M: Deserialize<'r>>(frame: &'r mut [u8]) -> Result<M, FrameError> {
    let length = cobs::decode_in_place(frame).map_err(|_| FrameError::Damaged)?;
    let whole = frame.get(..length).ok_or(FrameError::Damaged)?;
    let (message, checksum) = whole.split_last_chunk::<CRC_BYTES>().ok_or(FrameError::Damaged)?;
    if CRC.checksum(message) != u32::from_le_bytes(*checksum) {
        return Err(FrameError::Damaged);
    }
    match postcard::take_from_bytes(message) {
        Ok((message, [])) => Ok(message),
        _ => Err(FrameError::Unknown),
    }
}

#[cfg(test)]
mod tests;
