//! Byte streams to a device.

use std::io::{self, Read, Write};
use std::time::Duration;

/// A byte stream to a device, with a timeout for every wait.
///
/// # Contract, for implementors
/// A read waits for at least one byte, a write until all bytes are written. Neither waits longer than the timeout: then
/// it fails with [`io::ErrorKind::TimedOut`]. Bytes may get lost; none are made up.
pub trait Transport: Read + Write + Send {
    /// Sets the timeout of reads and writes.
    ///
    /// # Errors
    /// If the stream has ended.
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()>;

    /// Discards bytes that have already arrived, such as answers to an earlier user of the device.
    fn discard(&mut self) {}

    /// Does periodic work while no request is running, such as fetching the log.
    fn tend(&mut self) {}
}

impl Transport for Box<dyn serialport::SerialPort> {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        serialport::SerialPort::set_timeout(&mut **self, timeout).map_err(io::Error::from)
    }

    fn discard(&mut self) {
        // Errors show at the first request.
        let _ = self.clear(serialport::ClearBuffer::All);
    }
}
