//! A device on a serial port.

use std::time::Duration;

use serialport::SerialPort;

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

/// Opens a serial port: 8 data bits, no parity, 1 stop bit.
///
/// # Errors
/// [`SerialError`].
pub fn open(name: &SerialName, timeout: Duration) -> Result<Box<dyn SerialPort>, SerialError> {
    serialport::new(&name.port, name.baud).timeout(timeout).open().map_err(|source| SerialError {
        port: name.port.clone(),
        others: serialport::available_ports().unwrap_or_default().into_iter().map(|port| port.port_name).collect(),
        source,
    })
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
        let error = open(&name, Duration::from_secs(1)).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("/no/such/port"), "{error}");
    }
}
