//! One exchange over a link: the bytes of a request and of its answer, with a limit on the time and on the bytes of both.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use pinhole_shared::link::frame::{FRAME_BYTES, Receiver, encode};
use pinhole_shared::link::{Request, Response};

use super::transport::Transport;
use super::{ClientError, Stop};

/// Longest wait of a single read or write: a request to stop is noticed that soon.
const SLICE: Duration = Duration::from_millis(100);

/// An exchange may take this many times the longest silence, besides the transfer of its answer.
const SILENCES: u32 = 3;

/// Longest time for the transfer of a request and its answer.
/// A device that sends valid values for ever gets that much. At 115,200 bits per second it is enough for two million values.
const LONGEST_TRANSFER: Duration = Duration::from_secs(180);

/// Largest number of bytes between two messages of an answer. A frame has some 400; the rest is room for stale answers.
const MOST_STRAY_BYTES: usize = 1 << 24;

/// Bytes of one read.
const READ_BYTES: usize = 4096;

/// A stream, and the limits of the exchange that runs on it.
///
/// An exchange lasts from the first byte of its request to the last message of its answer. It ends with an error
///
/// - if no message of the answer has come for the longest silence of a working device. Only whole messages that continue the
///   answer count: noise, text, single bytes and messages that belong to something else do not;
/// - if it takes longer than three such silences and the time that the bytes of request and answer need at the link's least
///   rate, and in any case after three silences and three minutes;
/// - if 16 MiB come without a message of the answer;
/// - if the user asks to stop.
///
/// So a device that is busy, or has much to report over a slow link, gets its time, and no device can keep the host for ever.
/// The limits include the time that the device takes to receive the request.
#[derive(Debug)]
pub(super) struct Exchange<S> {
    pub(super) stream: S,
    pub(super) stop: Stop,
    receiver: Receiver,
    /// Bytes read from the stream. Those from `position` on are not processed yet.
    unread: Vec<u8>,
    position: usize,
    /// Longest silence of a working device.
    silence: Duration,
    /// The timeout that the stream has; `None` before the first wait.
    timeout: Option<Duration>,
    begun: Instant,
    /// Time of the last message of the answer, or of the beginning.
    heard: Instant,
    /// Time that the bytes of request and answer have needed at most so far.
    transfer: Duration,
    /// Bytes since the last message of the answer.
    stray: usize,
}

impl<S: Transport> Exchange<S> {
    /// Creates it between two exchanges.
    pub(super) fn new(stream: S, silence: Duration) -> Self {
        let now = stream.now();
        Self {
            stream,
            stop: Stop::default(),
            receiver: Receiver::default(),
            unread: Vec::new(),
            position: 0,
            silence,
            timeout: None,
            begun: now,
            heard: now,
            transfer: Duration::ZERO,
            stray: 0,
        }
    }

    /// Sets the longest silence of a working device, from the next exchange on.
    pub(super) fn set_silence(&mut self, silence: Duration) {
        self.silence = silence;
    }

    /// Begins an exchange: all limits start anew.
    pub(super) fn begin(&mut self) {
        self.begun = self.stream.now();
        self.heard = self.begun;
        self.transfer = Duration::ZERO;
        self.stray = 0;
    }

    /// Forgets the bytes that have been read and not processed.
    pub(super) fn forget(&mut self) {
        (self.receiver, self.position) = (Receiver::default(), 0);
        self.unread.clear();
    }

    /// Notes that the last message belongs to the answer, and that more of them follow.
    pub(super) fn goes_on(&mut self) {
        self.transfer += self.time_of(self.stray);
        self.heard = self.stream.now();
        self.stray = 0;
    }

    /// Returns the time that this number of bytes takes at most.
    fn time_of(&self, bytes: usize) -> Duration {
        Duration::from_secs_f64(bytes as f64 / f64::from(self.stream.least_bytes_per_s().max(1)))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(super) fn send(&mut self, request: &Request<'_>) -> Result<(), ClientError> {
        let mut buffer = [0; FRAME_BYTES];
        let frame = encode(request, &mut buffer).map_err(ClientError::Frame)?;
        self.write(frame)
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), ClientError> {
        while !bytes.is_empty() {
            self.prepare_wait()?;
            match self.stream.write(bytes) {
                Ok(0) => return Err(ClientError::Closed),
                Ok(count) => {
                    self.transfer += self.time_of(count);
                    bytes = bytes.get(count..).unwrap_or_default();
                }
                Err(error) if is_wait(error.kind()) => {}
                Err(error) => return Err(ClientError::of_stream(error)),
            }
        }
        self.stream.flush().map_err(ClientError::of_stream)
    }

    /// Returns the next message, whatever it belongs to.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Frame`] for a frame that is no message.
    pub(super) fn message(&mut self) -> Result<Response, ClientError> {
        loop {
            while let Some(&byte) = self.unread.get(self.position) {
                self.position += 1;
                self.stray += 1;
                if self.stray > MOST_STRAY_BYTES {
                    return Err(ClientError::Endless("it sent 16 MiB that are no part of an answer"));
                }
                if let Some(message) = self.receiver.push(byte) {
                    return message.map_err(ClientError::Frame);
                }
            }
            self.read()?;
        }
    }

    /// Waits for bytes. All bytes of the last read must have been processed.
    fn read(&mut self) -> Result<(), ClientError> {
        self.position = 0;
        loop {
            self.unread.clear();
            self.prepare_wait()?;
            self.unread.resize(READ_BYTES, 0);
            let read = self.stream.read(&mut self.unread);
            self.unread.truncate(*read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Err(ClientError::Closed),
                Ok(_) => return Ok(()),
                Err(error) if is_wait(error.kind()) => {}
                Err(error) => return Err(ClientError::of_stream(error)),
            }
        }
    }

    /// Checks the limits, and sets the timeout of the next read or write.
    fn prepare_wait(&mut self) -> Result<(), ClientError> {
        if self.stop.is_requested() {
            return Err(ClientError::Stopped);
        }
        let now = self.stream.now();
        let left = |begin: Instant, limit: Duration| limit.saturating_sub(now.saturating_duration_since(begin));
        let silence = left(self.heard, self.silence);
        let whole = left(self.begun, SILENCES * self.silence + self.transfer.min(LONGEST_TRANSFER));
        if silence.is_zero() {
            return Err(match self.stray {
                0 => ClientError::Timeout,
                bytes => ClientError::Babble { bytes },
            });
        }
        if whole.is_zero() {
            return Err(ClientError::Endless("it took too long"));
        }
        let timeout = silence.min(whole).clamp(Duration::from_millis(1), SLICE);
        if self.timeout != Some(timeout) {
            self.stream.set_timeout(timeout).map_err(ClientError::Stream)?;
            self.timeout = Some(timeout);
        }
        Ok(())
    }
}

/// Returns true if a read or write with this error moved nothing and may be repeated.
fn is_wait(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
