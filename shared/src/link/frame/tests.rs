//! Whole, damaged, long and empty frames.

use super::*;
use crate::link::{CHUNK_PIXELS, CHUNK_VALUES, Refusal, Report, Request, Response, Values};
use proptest::prelude::*;
use std::vec::Vec;

fn frame_of<M: Serialize>(message: &M) -> Vec<u8> {
    encode(message, &mut [0; FRAME_BYTES]).unwrap().to_vec()
}

#[test]
fn errors_and_refusals_say_what_is_wrong() {
    let errors = [FrameError::TooLong, FrameError::Damaged, FrameError::Unknown].map(|error| std::format!("{error}"));
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
