//! The replay camera against an in-memory host that loses, changes and inserts bytes.

mod support;

use std::collections::VecDeque;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use pinhole_app::camera::{Camera, CameraError, CameraFault, Frame};
use pinhole_app::replay::{ReplayCamera, ReplayError};
use pinhole_shared::link::replay::{HEADER_BYTES, Header, ROW_REQUEST, row_checksum, start_sequence};
use pinhole_shared::pixels::{PictureSize, PixelFormat};
use proptest::prelude::*;

const FRAME: Frame = Frame { size: PictureSize { width: 6, height: 3 }, format: PixelFormat::Yuv422 };
const ROW_BYTES: usize = 12;
/// Bytes of a whole picture on the link, including header and checksums.
const ANSWER_BYTES: usize = HEADER_BYTES + 3 * (ROW_BYTES + 4);

#[derive(Clone, Copy, Debug)]
enum Fault {
    Lost,
    Changed(u8),
    Invented(u8),
}

/// The host's side, written from the specification and independent of the real one.
#[derive(Debug, Default)]
struct Host {
    picture: Vec<u8>,
    row: usize,
    answers: VecDeque<u8>,
    /// Fault of the n-th byte sent from now on.
    fault: Option<(usize, Fault)>,
}

impl Host {
    fn showing(picture: &[u8]) -> Self {
        Self { picture: picture.to_vec(), row: usize::MAX, ..Self::default() }
    }

    fn send(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match self.fault {
                Some((0, fault)) => {
                    match fault {
                        Fault::Lost => {}
                        Fault::Changed(change) => self.answers.push_back(byte ^ change),
                        Fault::Invented(other) => self.answers.extend([other, byte]),
                    }
                    self.fault = None;
                }
                Some((distance, fault)) => {
                    self.answers.push_back(byte);
                    self.fault = Some((distance - 1, fault));
                }
                None => self.answers.push_back(byte),
            }
        }
    }

    fn asked(&mut self, request: u8) {
        if let Some(sequence) = start_sequence(request) {
            self.row = 0;
            let header = if self.picture.is_empty() {
                Header::no_picture(sequence)
            } else {
                Header { sequence, size: FRAME.size, format: FRAME.format }
            };
            self.send(&header.encode());
        } else if request == ROW_REQUEST
            && let Some(row) = self.picture.chunks_exact(ROW_BYTES).nth(self.row)
        {
            let answer = [row, &row_checksum(self.row as u16, row).to_le_bytes()].concat();
            self.row += 1;
            self.send(&answer);
        }
    }
}

impl ErrorType for Host {
    type Error = ErrorKind;
}

impl Read for Host {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        let mut read = 0;
        for place in bytes {
            let Some(byte) = self.answers.pop_front() else { break };
            *place = byte;
            read += 1;
        }
        // No byte will arrive, so a real stream would time out.
        if read == 0 { Err(ErrorKind::TimedOut) } else { Ok(read) }
    }
}

impl Write for Host {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        bytes.iter().for_each(|&byte| self.asked(byte));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

fn capture<C: Camera>(camera: &mut C) -> Result<Vec<u8>, C::Error> {
    let frame = camera.start()?;
    let mut picture = Vec::new();
    for _ in 0..frame.size.height {
        let mut row = vec![0xEE; frame.row_bytes()];
        camera.read_row(&mut row)?;
        picture.extend(row);
    }
    Ok(picture)
}

fn picture() -> Vec<u8> {
    (0..3 * ROW_BYTES as u8).map(|index| index.wrapping_mul(37)).collect()
}

#[test]
fn pictures_arrive_as_they_are() {
    let mut host = Host::showing(&picture());
    let mut camera = ReplayCamera::new(&mut host);
    assert_eq!(camera.start(), Ok(FRAME));
    // More pictures than there are sequences.
    for _ in 0..300 {
        assert_eq!(capture(&mut camera), Ok(picture()));
    }
}

#[test]
fn a_host_without_a_picture_says_so() {
    let mut host = Host::default();
    let mut camera = ReplayCamera::new(&mut host);
    assert_eq!(camera.start(), Err(ReplayError::NoPicture));
    assert_eq!(ReplayError::NoPicture.fault(), CameraFault::NoPicture);
}

#[test]
fn a_picture_may_be_given_up() {
    let mut host = Host::showing(&picture());
    let mut camera = ReplayCamera::new(&mut host);
    camera.start().unwrap();
    camera.read_row(&mut [0; ROW_BYTES]).unwrap();
    assert_eq!(capture(&mut camera), Ok(picture()));
}

#[test]
fn callers_who_break_the_contract_get_an_error() {
    let mut host = Host::showing(&picture());
    let mut camera = ReplayCamera::new(&mut host);
    assert_eq!(camera.read_row(&mut [0; ROW_BYTES]), Err(ReplayError::Misuse));
    camera.start().unwrap();
    assert_eq!(camera.read_row(&mut [0; ROW_BYTES - 1]), Err(ReplayError::Misuse));
    assert_eq!(camera.read_row(&mut [0; ROW_BYTES]), Err(ReplayError::Misuse), "after an error only a start helps");
    assert_eq!(capture(&mut camera), Ok(picture()));
    assert_eq!(camera.read_row(&mut [0; ROW_BYTES]), Err(ReplayError::Misuse));
}

#[test]
fn a_silent_host_is_a_timeout() {
    let mut host = Host::showing(&picture());
    host.fault = Some((HEADER_BYTES + 3, Fault::Lost));
    let mut camera = ReplayCamera::new(&mut host);
    camera.start().unwrap();
    let error = camera.read_row(&mut [0; ROW_BYTES]).unwrap_err();
    assert_eq!(error.fault(), CameraFault::Timeout);
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![Just(Fault::Lost), (1..=255_u8).prop_map(Fault::Changed), any::<u8>().prop_map(Fault::Invented),]
}

proptest! {
    /// One fault anywhere in a picture: an error or the correct picture, and the next one is correct.
    #[test]
    fn a_fault_never_becomes_pixels(place in 0..ANSWER_BYTES, fault in any_fault()) {
        let mut host = Host::showing(&picture());
        host.fault = Some((place, fault));
        let mut camera = ReplayCamera::new(&mut host);
        if let Ok(rows) = capture(&mut camera) {
            prop_assert_eq!(rows, picture());
        }
        prop_assert_eq!(capture(&mut camera), Ok(picture()));
    }

    /// Any bytes in the stream before a start are skipped.
    #[test]
    fn a_start_finds_its_header_behind_any_bytes(stale in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let mut host = Host::showing(&picture());
        host.answers.extend(stale);
        prop_assert_eq!(capture(&mut ReplayCamera::new(&mut host)), Ok(picture()));
    }
}
