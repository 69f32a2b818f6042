//! Byte streams to a device.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use crate::platform::LineStream;

/// Lower bound of the rate of a link that does not know its own, bytes per second: a serial port of 9600 bits per second.
pub(super) const LEAST_BYTES_PER_S: u32 = 960;

/// A byte stream to a device, with a timeout for every wait.
///
/// # Contract, for implementors
/// A read or a write waits for at least one byte. Neither waits longer than the timeout: then it fails with
/// [`io::ErrorKind::TimedOut`] or [`io::ErrorKind::WouldBlock`]. A flush does not wait. Bytes may get lost; none are made
/// up.
pub trait Transport: Read + Write + Send {
    /// Sets the timeout of reads and writes, 1 ms or more.
    ///
    /// # Errors
    /// If the stream has ended.
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()>;

    /// Returns the time by the clock that limits the waits of a whole exchange.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// Returns a rate, in bytes per second, that a working link does not fall below. It limits the time of long answers.
    fn least_bytes_per_s(&self) -> u32 {
        LEAST_BYTES_PER_S
    }

    /// Discards bytes that have already arrived, such as answers to an earlier user of the device.
    fn discard(&mut self) {}

    /// Does periodic work while no request is running, such as fetching the log.
    fn tend(&mut self) {}
}

impl Transport for Box<dyn Transport> {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        (**self).set_timeout(timeout)
    }

    fn now(&self) -> Instant {
        (**self).now()
    }

    fn least_bytes_per_s(&self) -> u32 {
        (**self).least_bytes_per_s()
    }

    fn discard(&mut self) {
        (**self).discard();
    }

    fn tend(&mut self) {
        (**self).tend();
    }
}

impl Transport for LineStream {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))?;
        self.set_write_timeout(Some(timeout))
    }
}
