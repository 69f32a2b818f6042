//! Replay camera: the host sends its pictures. The device side of [`pinhole_shared::link::replay`].

use embedded_io::{Error as _, ErrorKind, Read, ReadExactError, Write};
use pinhole_shared::link::replay::{CHECKSUM_BYTES, HEADER_BYTES, Header, ROW_REQUEST, row_checksum, start_request};

use crate::camera::{Camera, CameraError, CameraFault, Frame};

/// Maximum number of bytes between a start request and its header: the answer to one row request of an abandoned
/// picture.
const MOST_STALE_BYTES: usize = u16::MAX as usize * 3 + CHECKSUM_BYTES;

/// Camera with pictures from the host, over any byte stream.
///
/// The stream's reads should fail with [`ErrorKind::TimedOut`] if nothing arrives for a few seconds. Otherwise lost
/// bytes are not detected unless other bytes follow.
#[derive(Debug)]
pub struct ReplayCamera<S> {
    stream: S,
    sequence: u8,
    /// The current picture, while rows are left and nothing has failed.
    frame: Option<Frame>,
    next_row: u16,
}

/// Reasons why a picture did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// The stream failed (including timeouts).
    Stream(ErrorKind),
    /// The stream ended.
    Closed,
    /// The host sends bytes, but no header of this picture.
    NoHeader,
    /// The host has no picture.
    NoPicture,
    /// A row's checksum is wrong.
    Damaged {
        /// The row, counted from 0 at the top.
        row: u16,
    },
    /// A row was read without a picture, after its last row, or with a buffer of the wrong length.
    Misuse,
}

impl core::fmt::Display for ReplayError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Stream(kind) => write!(f, "the camera's stream failed: {kind}"),
            Self::Closed => f.write_str("the camera's stream ended"),
            Self::NoHeader => f.write_str("the host sends no picture header"),
            Self::NoPicture => f.write_str("the host has no picture to show"),
            Self::Damaged { row } => write!(f, "row {row} arrived damaged"),
            Self::Misuse => f.write_str("a row was read out of turn"),
        }
    }
}

impl core::error::Error for ReplayError {}

impl CameraError for ReplayError {
    fn fault(&self) -> CameraFault {
        match self {
            Self::Stream(ErrorKind::TimedOut) => CameraFault::Timeout,
            Self::Stream(_) | Self::Closed => CameraFault::Bus,
            Self::NoHeader | Self::Damaged { .. } => CameraFault::Damaged,
            Self::NoPicture => CameraFault::NoPicture,
            Self::Misuse => CameraFault::Misuse,
        }
    }
}

impl<S: Read + Write> ReplayCamera<S> {
    /// Creates a camera on a stream to the host.
    pub fn new(stream: S) -> Self {
        Self { stream, sequence: 0, frame: None, next_row: 0 }
    }

    fn ask(&mut self, request: u8) -> Result<(), ReplayError> {
        let failed = |error: S::Error| ReplayError::Stream(error.kind());
        self.stream.write_all(&[request]).map_err(failed)?;
        self.stream.flush().map_err(failed)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), ReplayError> {
        self.stream.read_exact(bytes).map_err(|error| match error {
            ReadExactError::UnexpectedEof => ReplayError::Closed,
            ReadExactError::Other(error) => ReplayError::Stream(error.kind()),
        })
    }

    /// Skips bytes left from an earlier picture, up to the header with the requested sequence.
    fn find_header(&mut self) -> Result<Header, ReplayError> {
        let mut window = [0; HEADER_BYTES];
        self.read(&mut window)?;
        for _ in 0..=MOST_STALE_BYTES {
            if let Some(header) = Header::parse(&window).filter(|header| header.sequence == self.sequence) {
                return Ok(header);
            }
            window.rotate_left(1);
            if let Some(last) = window.last_mut() {
                self.read(core::slice::from_mut(last))?;
            }
        }
        Err(ReplayError::NoHeader)
    }

    fn next_row(&mut self, row: &mut [u8]) -> Result<(), ReplayError> {
        let frame = self.frame.ok_or(ReplayError::Misuse)?;
        if self.next_row == frame.size.height || row.len() != frame.row_bytes() {
            return Err(ReplayError::Misuse);
        }
        self.ask(ROW_REQUEST)?;
        self.read(row)?;
        let mut checksum = [0; CHECKSUM_BYTES];
        self.read(&mut checksum)?;
        if row_checksum(self.next_row, row) != u32::from_le_bytes(checksum) {
            return Err(ReplayError::Damaged { row: self.next_row });
        }
        self.next_row += 1;
        Ok(())
    }
}

impl<S: Read + Write> Camera for ReplayCamera<S> {
    type Error = ReplayError;

    fn start(&mut self) -> Result<Frame, ReplayError> {
        (self.frame, self.next_row) = (None, 0);
        self.sequence = (self.sequence + 1) & 0x7F;
        self.ask(start_request(self.sequence))?;
        let header = self.find_header()?;
        if header.size.square() == 0 {
            return Err(ReplayError::NoPicture);
        }
        let frame = Frame { size: header.size, format: header.format };
        self.frame = Some(frame);
        Ok(frame)
    }

    fn read_row(&mut self, row: &mut [u8]) -> Result<(), ReplayError> {
        let result = self.next_row(row);
        if result.is_err() {
            // The next bytes in the stream may not be the next row.
            self.frame = None;
        }
        result
    }
}
