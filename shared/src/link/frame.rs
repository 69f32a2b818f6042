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
mod tests {
    use super::*;
    use crate::link::{CHUNK_PIXELS, CHUNK_VALUES, Refusal, Report, Request, Response, Values};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn frame_of<M: Serialize>(message: &M) -> Vec<u8> {
        encode(message, &mut [0; FRAME_BYTES]).unwrap().to_vec()
    }

    #[test]
    fn errors_and_refusals_say_what_is_wrong() {
        let errors =
            [FrameError::TooLong, FrameError::Damaged, FrameError::Unknown].map(|error| std::format!("{error}"));
        assert_eq!(
            errors,
            ["the message is too long", "the message arrived damaged", "the message is of another protocol version"]
        );
        let refusals = [
            (Refusal::Garbled, "damaged"),
            (Refusal::NoInput, "no complete input"),
            (Refusal::WrongOffset, "do not continue"),
            (Refusal::Camera, "the camera failed"),
            (Refusal::Picture, "smaller than the network's input"),
            (Refusal::Policy, "no such policy"),
        ];
        for (refusal, words) in refusals {
            assert!(std::format!("{refusal}").contains(words), "{refusal:?}");
        }
    }

    #[test]
    fn the_longest_messages_fit() {
        let pixels = [0xFF; CHUNK_PIXELS];
        frame_of(&Request::Input { offset: u32::MAX, pixels: &pixels });
        let values = heapless::Vec::from_slice(&[i32::MIN; CHUNK_VALUES]).unwrap();
        frame_of(&Response::Values(Values { stage: u16::MAX, offset: u32::MAX, values }));
        assert_eq!(encode(&[7_u8; PAYLOAD_BYTES].as_slice(), &mut [0; FRAME_BYTES]), Err(FrameError::TooLong));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let frame = frame_of(&Request::Input { offset: 7, pixels: &[0, 1, 0, 255] });
        let message = &frame[..frame.len() - 1];
        for place in 0..message.len() {
            for change in 1..=255 {
                let mut changed = message.to_vec();
                changed[place] ^= change;
                let mut receiver = Receiver::default();
                let mut good = 0;
                for &byte in changed.iter().chain(&[0]) {
                    good += usize::from(matches!(receiver.push::<Request<'_>>(byte), Some(Ok(_))));
                }
                assert_eq!(good, 0, "byte {place} changed by {change:#x}");
            }
        }
    }

    /// Returns what a new receiver makes of these bytes.
    fn received(bytes: &[u8]) -> Vec<Result<u8, FrameError>> {
        let mut receiver = Receiver::default();
        bytes.iter().filter_map(|&byte| receiver.push::<u8>(byte)).collect()
    }

    #[test]
    fn empty_frames_are_skipped() {
        assert_eq!(received(&[0, 0, 0]), []);
        assert_eq!(received(&[&[0][..], &frame_of(&7_u8), &[0], &frame_of(&8_u8)].concat()), [Ok(7), Ok(8)]);
    }

    #[test]
    fn frames_that_are_too_long_are_noticed() {
        // The buffer takes so many bytes before the end; they are no COBS.
        let longest = std::vec![0xFF; FRAME_BYTES];
        assert_eq!(received(&[&longest[..], &[0], &frame_of(&7_u8)].concat()), [Err(FrameError::Damaged), Ok(7)]);
        assert_eq!(received(&[&longest[..], &[0xFF, 0], &frame_of(&7_u8)].concat()), [Err(FrameError::TooLong), Ok(7)]);
    }

    #[test]
    fn short_and_other_messages_are_errors() {
        // COBS of nothing, and of fewer bytes than a checksum has.
        assert_eq!(received(&[1, 0]), [Err(FrameError::Damaged)]);
        assert_eq!(received(&[4, 1, 2, 3, 0]), [Err(FrameError::Damaged)]);
        // A checksum alone, of no message: CRC-32 of nothing is 0.
        assert_eq!(received(&[1, 1, 1, 1, 1, 0]), [Err(FrameError::Unknown)]);
        assert_eq!(received(&frame_of(&[7_u8, 8])), [Err(FrameError::Unknown)], "a byte too many");
        let mut receiver = Receiver::default();
        let other: Vec<_> = frame_of(&99_u8)
            .iter()
            .filter_map(|&byte| receiver.push::<Request<'_>>(byte).map(|got| got.is_err()))
            .collect();
        assert_eq!(other, [true], "no request has this number");
    }

    proptest! {
        /// Any bytes, then a zero, then an intact frame: the message is decoded.
        #[test]
        fn finds_the_next_message_after_any_bytes(noise in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let request = Request::Capture { report: Report::AllValues };
            let mut receiver = Receiver::default();
            for byte in noise {
                let _ = receiver.push::<Request<'_>>(byte);
            }
            let _ = receiver.push::<Request<'_>>(0);
            let frame = frame_of(&request);
            let (last, first) = frame.split_last().unwrap();
            for &byte in first {
                prop_assert_eq!(receiver.push::<Request<'_>>(byte), None);
            }
            prop_assert_eq!(receiver.push::<Request<'_>>(*last), Some(Ok(request)));
        }
    }
}
