//! Faults of the models, and their schedule.

/// A fault.
///
/// Faults of the wires change the bytes of the transactions they last for. Faults of a capture change a capture that
/// starts during them. Faults of the module are present during them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every byte read over SPI has this value: 00 and FF for a stuck MISO, others for a chip select that never
    /// changes.
    Miso(u8),
    /// MISO is connected to MOSI.
    Echo,
    /// Every byte read over SPI is rotated by one bit: the wrong clock phase.
    WrongPhase,
    /// The microcontroller's SPI reports an error and transfers nothing.
    SpiError,
    /// The microcontroller's SPI reports an error after all bytes were transferred.
    SpiErrorAfter,
    /// One bit is misread.
    FlipBit {
        /// Index of the byte in its transaction.
        byte: u32,
        /// The bit, 0..=7.
        bit: u8,
    },
    /// One byte of the module is lost; the following ones are read in its place.
    DropByte {
        /// Index of the byte in its transaction.
        byte: u32,
    },
    /// One byte is read that the module did not send.
    InsertByte {
        /// Index of the byte in its transaction.
        byte: u32,
    },
    /// The sensor acknowledges nothing.
    Nack,
    /// The microcontroller's I2C reports a bus error and transfers nothing.
    I2cError,
    /// The module's version register reads this.
    Version(u8),
    /// The sensor's (Mini) or module's (Mega) identification reads this.
    Id(u8),
    /// The done flag is never set.
    NeverDone,
    /// The sensor sends no frames.
    NoFrames,
    /// The capture waits before it takes a frame.
    DoneLate {
        /// Delay, ms.
        ms: u32,
    },
    /// The length registers read this.
    Length(u32),
    /// The last bytes of the capture are missing.
    ShortFrame {
        /// Number of missing bytes.
        bytes: u32,
    },
    /// The capture has more bytes than the picture.
    LongFrame {
        /// Number of extra bytes.
        bytes: u32,
    },
    /// The capture leaves the earlier picture in the buffer.
    StaleFrame,
    /// The done flag cannot be cleared and captures do not start.
    StaleFlag,
    /// The capture fills the buffer with this byte.
    FlatFrame(u8),
    /// The sensor (Mini) or module (Mega) goes to standby.
    Standby,
    /// The module resets itself, as after a short drop of its supply.
    Reset,
    /// Only the Mini's sensor resets.
    SensorReset,
    /// After a reset, exposure takes this many frames.
    DarkFrames(u32),
    /// The Mega stays busy, or the Mini's chip is held in reset.
    Busy,
}

/// A fault and its duration in transactions (SPI and I2C counted together, from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The fault.
    pub fault: Fault,
    /// The first transaction.
    pub from: u64,
    /// Number of transactions; `u64::MAX` means forever.
    pub transactions: u64,
}

impl Scheduled {
    /// A permanent fault.
    pub const fn always(fault: Fault) -> Self {
        Self { fault, from: 0, transactions: u64::MAX }
    }

    pub(super) fn is_active(&self, transaction: u64) -> bool {
        transaction.checked_sub(self.from).is_some_and(|since| since < self.transactions)
    }
}
