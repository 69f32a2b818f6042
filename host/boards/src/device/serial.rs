//! A device on a serial port.

use std::io::{self, Read, Write};
use std::time::Duration;

use serialport::SerialPort;

use super::transport::{LEAST_BYTES_PER_S, Transport};

/// Default rate, bits per second.
const DEFAULT_BAUD: u32 = 115_200;

/// A serial port as users name it: `/dev/ttyACM0`, `COM3`, or either with `@` and a rate in bits per second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialName {
    /// The operating system's name for it.
    pub port: String,
    /// Bits per second.
    pub baud: u32,
}

/// Error: a serial port cannot be opened.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the serial port {port} cannot be opened{}", if others.is_empty() { String::new() } else { format!("; available: {}", others.join(", ")) })]
#[diagnostic(help(
    "check its name, that no other program uses it, and that you have permission (on Linux: group dialout)"
))]
pub struct SerialError {
    /// Name of the port.
    port: String,
    /// Names of the existing ports.
    others: Vec<String>,
    /// Cause.
    source: serialport::Error,
}

impl std::str::FromStr for SerialName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (port, baud) = match text.rsplit_once('@') {
            Some((port, baud)) => {
                let baud = baud.parse().ok().filter(|&baud| baud > 0);
                (port, baud.ok_or_else(|| format!("{text}: after @ give the bits per second, such as 115200"))?)
            }
            None => (text, DEFAULT_BAUD),
        };
        if port.is_empty() {
            return Err("give the name of a serial port, such as /dev/ttyACM0".to_owned());
        }
        Ok(Self { port: port.to_owned(), baud })
    }
}

/// Largest write, bytes. On Unix a port that has room for a part of a larger one waits for the rest, without a timeout.
const WRITE_BYTES: usize = 256;

/// An open serial port.
pub struct SerialLink {
    port: Box<dyn SerialPort>,
    /// Bits per second.
    baud: u32,
}

/// Opens a serial port: 8 data bits, no parity, 1 stop bit.
///
/// # Errors
/// [`SerialError`].
pub fn open(name: &SerialName) -> Result<SerialLink, SerialError> {
    let opened = serialport::new(&name.port, name.baud).open().map_err(|source| SerialError {
        port: name.port.clone(),
        others: serialport::available_ports().unwrap_or_default().into_iter().map(|port| port.port_name).collect(),
        source,
    });
    Ok(SerialLink { port: opened?, baud: name.baud })
}

impl Read for SerialLink {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.port.read(bytes)
    }
}

impl Write for SerialLink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.port.write(bytes.get(..WRITE_BYTES).unwrap_or(bytes)) {
            // What Windows says after the timeout.
            Ok(0) if !bytes.is_empty() => Err(io::ErrorKind::TimedOut.into()),
            result => result,
        }
    }

    /// Does nothing. The system sends what it has taken. Waiting for it would have no timeout, and a device that does not
    /// read would keep the host for ever.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for SerialLink {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.port.set_timeout(timeout).map_err(io::Error::from)
    }

    fn least_bytes_per_s(&self) -> u32 {
        // A byte is ten bits on the line. Half of that, because the device may be busy; and not more than other links, because
        // a USB port ignores the rate.
        (self.baud / 20).min(LEAST_BYTES_PER_S)
    }

    fn discard(&mut self) {
        // Errors show at the first request.
        let _ = self.port.clear(serialport::ClearBuffer::All);
    }
}

impl std::fmt::Debug for SerialLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SerialLink").field("baud", &self.baud).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let name = |text: &str| text.parse::<SerialName>().map(|name| (name.port, name.baud));
        assert_eq!(name("/dev/ttyACM0"), Ok(("/dev/ttyACM0".to_owned(), 115_200)));
        assert_eq!(name("COM3@1000000"), Ok(("COM3".to_owned(), 1_000_000)));
        for wrong in ["", "@9600", "COM3@", "COM3@0", "COM3@fast"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_port_that_is_not_there_is_named() {
        let name = SerialName { port: "/no/such/port".to_owned(), baud: 9600 };
        let error = open(&name).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("/no/such/port"), "{error}");
    }
}
