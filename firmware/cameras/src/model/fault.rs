//! What can go wrong, and when.

/// One thing that goes wrong.
///
/// Faults of the wires change what is moved in the transactions they last; faults of a capture change a capture that is
/// started in them; faults of the module are there in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every byte read over SPI is this: 00 and FF are a stuck MISO, others a chip select that never changes.
    Miso(u8),
    /// MISO is connected to MOSI.
    Echo,
    /// Every byte read over SPI is rotated by one bit: the wrong clock phase.
    WrongPhase,
    /// The microcontroller's SPI reports an error and moves nothing.
    SpiError,
    /// The microcontroller's SPI reports an error after having moved all bytes.
    SpiErrorAfter,
    /// One bit is read wrong.
    FlipBit {
        /// Index of the byte in its transaction.
        byte: u32,
        /// The bit, 0..=7.
        bit: u8,
    },
    /// One byte that the module sends is missed, the ones after it are read in its place.
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
    /// The microcontroller's I2C reports a bus error and moves nothing.
    I2cError,
    /// The module's version register reads this.
    Version(u8),
    /// The sensor's (Mini) or module's (Mega) identification reads this.
    Id(u8),
    /// The done flag never shows.
    NeverDone,
    /// The sensor sends no frames.
    NoFrames,
    /// The capture waits before it takes a frame.
    DoneLate {
        /// How long, ms.
        ms: u32,
    },
    /// The length registers read this.
    Length(u32),
    /// The capture misses its last bytes.
    ShortFrame {
        /// How many.
        bytes: u32,
    },
    /// The capture has more bytes than the picture.
    LongFrame {
        /// How many.
        bytes: u32,
    },
    /// The capture leaves the earlier picture in the buffer.
    StaleFrame,
    /// The done flag cannot be cleared and captures do not start.
    StaleFlag,
    /// The capture fills the buffer with this byte.
    FlatFrame(u8),
    /// Sensor (Mini) or module (Mega) is put into standby.
    Standby,
    /// The module resets by itself, as when its supply drops for a moment.
    Reset,
    /// The Mini's sensor alone resets.
    SensorReset,
    /// After a reset exposure takes this many frames.
    DarkFrames(u32),
    /// The Mega stays busy, or the Mini's chip is held in reset.
    Busy,
}

/// A fault and the transactions (SPI and I2C counted together, from 0) it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The fault.
    pub fault: Fault,
    /// The first transaction.
    pub from: u64,
    /// How many; `u64::MAX` for ever.
    pub transactions: u64,
}

impl Scheduled {
    /// A fault that is always there.
    pub const fn always(fault: Fault) -> Self {
        Self { fault, from: 0, transactions: u64::MAX }
    }

    pub(super) fn is_active(&self, transaction: u64) -> bool {
        transaction.checked_sub(self.from).is_some_and(|since| since < self.transactions)
    }
}
