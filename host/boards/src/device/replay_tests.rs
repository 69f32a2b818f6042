//! Tests of the replayed camera's host side, over a socket, with requests byte by byte.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use pinhole_core::photos::{Picture, PictureLengthError};
use pinhole_shared::link::replay::{CHECKSUM_BYTES, HEADER_BYTES, Header, ROW_REQUEST, row_checksum, start_request};
use pinhole_shared::pixels::{PictureSize, PixelFormat};

use super::Replay;
use crate::platform::{LineStream, line_pair};

fn serve() -> (Replay, LineStream) {
    let (host, device) = line_pair();
    // Ends a test whose answer never comes.
    device.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
    (Replay::serve(host), device)
}

fn ask<const N: usize>(device: &mut LineStream, request: u8) -> [u8; N] {
    device.write_all(&[request]).unwrap();
    let mut answer = [0; N];
    device.read_exact(&mut answer).unwrap();
    answer
}

fn picture(first: u8) -> Picture {
    let rows = (0..12).map(|index| first + index).collect();
    Picture::new(PictureSize { width: 2, height: 3 }, PixelFormat::Rgb565, rows).unwrap()
}

#[test]
fn rows_are_given_when_asked_for() {
    let (mut replay, mut device) = serve();
    let header: [u8; HEADER_BYTES] = ask(&mut device, start_request(1));
    assert_eq!(Header::parse(&header), Some(Header::no_picture(1)));

    replay.show(picture(100));
    let header: [u8; HEADER_BYTES] = ask(&mut device, start_request(2));
    let size = PictureSize { width: 2, height: 3 };
    assert_eq!(Header::parse(&header), Some(Header { sequence: 2, size, format: PixelFormat::Rgb565 }));
    // A picture shown now is used from the next start on.
    replay.show(picture(200));
    for number in 0..3_u8 {
        let answer: [u8; 4 + CHECKSUM_BYTES] = ask(&mut device, ROW_REQUEST);
        let row: Vec<u8> = (0..4).map(|index| 100 + number * 4 + index).collect();
        assert_eq!(answer[..4], row);
        assert_eq!(answer[4..], row_checksum(u16::from(number), &row).to_le_bytes());
    }
    // No row is left, and the other bytes are unknown: no answer until the next start.
    device.write_all(&[ROW_REQUEST, 0, 1, b'x']).unwrap();
    let header: [u8; HEADER_BYTES] = ask(&mut device, start_request(3));
    assert_eq!(Header::parse(&header).map(|header| header.sequence), Some(3));
    let row: [u8; 4 + CHECKSUM_BYTES] = ask(&mut device, ROW_REQUEST);
    assert_eq!(row[..4], [200, 201, 202, 203]);

    drop(device);
    replay.join();
}

#[test]
fn a_picture_has_all_its_bytes() {
    let size = PictureSize { width: 2, height: 3 };
    let error = Picture::new(size, PixelFormat::Rgb888, vec![0; 17]).unwrap_err();
    assert_eq!(error, PictureLengthError { width: 2, height: 3, expected: 18, got: 17 });
    let picture = Picture::new(size, PixelFormat::Rgb888, vec![0; 18]).unwrap();
    assert_eq!(picture.rows().map(<[u8]>::len).collect::<Vec<_>>(), [6; 3]);
}
