//! Rules that a driver must not break, even if the hardware would tolerate it.

/// A broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// The SPI bus is not in mode 0.
    SpiMode,
    /// The SPI or I2C clock exceeds the module's maximum.
    Clock {
        /// Clock, Hz.
        hz: u32,
    },
    /// The chip select went high before the byte that completes a command: later reads are no answer.
    CutCommand {
        /// The command byte.
        command: u8,
    },
    /// A transaction continued after a complete register access.
    ExtraBytes {
        /// The command byte.
        command: u8,
    },
    /// A transaction without a byte.
    EmptyTransaction,
    /// A register was written that is read-only or does not exist.
    NotWritable {
        /// Address of the register.
        address: u8,
    },
    /// The module was used during its reset.
    TooEarly,
    /// The module was commanded while it was busy.
    Busy,
    /// The frame buffer was read before a capture was done.
    ReadBeforeDone,
    /// The frame buffer was read beyond its end.
    ReadBeyondEnd,
    /// A capture was started, or the buffer cleared, during a capture.
    CaptureUnderWay,
    /// The sensor was configured during a capture.
    ConfiguredDuringCapture,
    /// A register of the sensor's other bank was written.
    WrongBank {
        /// Address of the register.
        address: u8,
    },
    /// A message to the sensor is neither an address nor an address and a value.
    SensorMessage {
        /// Bytes of the message.
        bytes: u8,
    },
    /// The sensor's array mode and the image processor's sizes contradict each other, or the window is impossible.
    Window,
}

impl core::fmt::Display for Breach {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::SpiMode => f.write_str("the module needs SPI mode 0"),
            Self::Clock { hz } => write!(f, "a bus clock of {hz} Hz is too fast"),
            Self::CutCommand { command } => write!(f, "the chip select went high within command {command:02X}"),
            Self::ExtraBytes { command } => write!(f, "bytes follow after command {command:02X} is complete"),
            Self::EmptyTransaction => f.write_str("a transaction moves nothing"),
            Self::NotWritable { address } => write!(f, "register {address:02X} cannot be written"),
            Self::TooEarly => f.write_str("the module is used while it resets"),
            Self::Busy => f.write_str("the module is commanded while it is busy"),
            Self::ReadBeforeDone => f.write_str("the frame buffer is read before a capture is done"),
            Self::ReadBeyondEnd => f.write_str("the frame buffer is read beyond its end"),
            Self::CaptureUnderWay => f.write_str("the frame buffer is commanded while a capture is under way"),
            Self::ConfiguredDuringCapture => f.write_str("the sensor is configured while a capture is under way"),
            Self::WrongBank { address } => write!(f, "register {address:02X} is in the sensor's other bank"),
            Self::SensorMessage { bytes } => write!(f, "the sensor takes no message of {bytes} bytes"),
            Self::Window => f.write_str("the sensor's window is impossible"),
        }
    }
}

/// Reaction of a model to a breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Strictness {
    /// Panics, with the reason.
    #[default]
    Panic,
    /// Records it in a list, for tests in which faults make a driver break rules.
    Record,
}
