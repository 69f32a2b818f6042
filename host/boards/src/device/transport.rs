//! Byte streams to a device.

use std::io::{self, Read, Write};
use std::time::Duration;

/// A byte stream to a device, with a limit to every wait.
///
/// # Contract, for implementors
/// A read waits for at least one byte, a write until it is through, neither longer than the timeout: then they fail with
/// [`io::ErrorKind::TimedOut`]. Bytes may get lost; none are made up.
pub trait Transport: Read + Write + Send {
    /// Sets how long reads and writes wait.
    ///
    /// # Errors
    /// When the stream has ended.
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()>;

    /// Throws away what has arrived: answers to whoever talked to the device before.
    fn discard(&mut self) {}

    /// Does what has to be done now and then while nothing is asked of the device: fetches its log, say.
    fn tend(&mut self) {}
}

impl Transport for Box<dyn serialport::SerialPort> {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        serialport::SerialPort::set_timeout(&mut **self, timeout).map_err(io::Error::from)
    }

    fn discard(&mut self) {
        // What is wrong shows at the first request.
        let _ = self.clear(serialport::ClearBuffer::All);
    }
}
