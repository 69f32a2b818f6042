//! Any bytes on the link, received by either side: each frame is a message or an error. After them, a zero and an
//! intact frame are decoded.

use pinhole_shared::link::frame::{FRAME_BYTES, FrameError, Receiver, encode};
use pinhole_shared::link::{CHUNK_PIXELS, Report, Request, Response};

/// Receives the bytes on either side. Returns true if either understands a message.
///
/// # Panics
/// If a receiver no longer listens afterwards, or a message is not encoded as it was.
pub fn case(data: &[u8]) -> bool {
    let mut is_understood = false;
    let mut receiver = Receiver::default();
    for &byte in data {
        let Some(Ok(request)) = receiver.push::<Request<'_>>(byte) else { continue };
        is_understood = true;
        // A decoded request can be encoded again; only pixels can be too many for a frame.
        let mut frame = [0; FRAME_BYTES];
        match encode(&request, &mut frame) {
            Ok(frame) => assert_understood(frame, &request),
            Err(error) => {
                let Request::Input { pixels, .. } = request else { panic!("{error:?} for {request:?}") };
                assert!(pixels.len() > CHUNK_PIXELS);
            }
        }
    }
    assert_still_listening(receiver);

    let mut receiver = Receiver::default();
    for &byte in data {
        let Some(Ok(response)) = receiver.push::<Response>(byte) else { continue };
        is_understood = true;
        assert_encoded_again(&response);
    }
    assert_still_listening(receiver);

    // The same bytes as a message in an intact frame, so that decoding is reached.
    let mut frame = Vec::with_capacity(data.len() + 8);
    frame.extend_from_slice(data);
    frame.extend(checksum(data).to_le_bytes());
    if frame.len() <= FRAME_BYTES - 4 {
        let mut framed = stuffed(&frame);
        framed.push(0);
        let mut receiver = Receiver::default();
        let mut request = None;
        for &byte in &framed {
            request = receiver.push::<Request<'_>>(byte).map(|result| result.map(|_| ()));
        }
        assert!(matches!(request, Some(Ok(()) | Err(FrameError::Unknown))), "a sound frame: {request:?}");
        let mut receiver = Receiver::default();
        for &byte in &framed {
            if let Some(Ok(response)) = receiver.push::<Response>(byte) {
                assert_encoded_again(&response);
            }
        }
    }
    is_understood
}

fn assert_understood(frame: &[u8], expected: &Request<'_>) {
    let mut receiver = Receiver::default();
    let (last, first) = frame.split_last().expect("a frame is not empty");
    for &byte in first {
        assert!(receiver.push::<Request<'_>>(byte).is_none());
    }
    let understood = receiver.push::<Request<'_>>(*last);
    assert!(matches!(&understood, Some(Ok(request)) if request == expected), "{understood:?}");
}

/// A decoded response is encoded as the same response. It always fits: it is no longer than the frame that it came in.
fn assert_encoded_again(response: &Response) {
    let mut frame = [0; FRAME_BYTES];
    let frame = encode(response, &mut frame).unwrap_or_else(|error| panic!("{error:?} for {response:?}"));
    let mut receiver = Receiver::default();
    let again = frame.iter().find_map(|&byte| receiver.push::<Response>(byte));
    assert_eq!(again.as_ref(), Some(&Ok(response.clone())));
}

fn assert_still_listening(mut receiver: Receiver) {
    let _ = receiver.push::<Request<'_>>(0);
    let request = Request::Classify { report: Report::AllValues };
    let mut frame = [0; FRAME_BYTES];
    let (last, first) = encode(&request, &mut frame).expect("a short message fits").split_last().expect("not empty");
    for &byte in first {
        assert!(receiver.push::<Request<'_>>(byte).is_none());
    }
    assert_eq!(receiver.push::<Request<'_>>(*last), Some(Ok(request)));
}

/// COBS in its simplest form: every zero becomes the distance to the next.
fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = Vec::new();
    for &byte in bytes.iter().chain(&[0]) {
        if byte != 0 {
            rest.push(byte);
        }
        if byte == 0 || rest.len() == 254 {
            out.push(rest.len() as u8 + 1);
            out.append(&mut rest);
        }
    }
    out
}

/// CRC-32 (ISO-HDLC), bit by bit.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
