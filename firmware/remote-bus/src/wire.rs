//! The messages. The device asks, the host answers each request once, and neither sends anything else.
//!
//! | | bytes |
//! |---|---|
//! | request | [`REQUEST`], sequence u8, kind u8, length u32 LE, as many bytes, CRC-32 (ISO-HDLC) u32 LE of all but the first |
//! | answer | [`ANSWER`], sequence u8, status u8, length u32 LE, as many bytes, CRC-32 likewise |
//!
//! | kind | the request's bytes | the answer's |
//! |---|---|---|
//! | [`Kind::Spi`] | operations | what they read, one after the other |
//! | [`Kind::I2c`] | address u8, operations | the same |
//! | [`Kind::Delay`] | ns, u64 LE | none |
//!
//! An operation is a [`Step`] u8, bytes to send u32 LE, bytes to read u32 LE, and the bytes to send.
//!
//! # Lost, changed and invented bytes
//! Both sides skip what does not begin with their byte. An answer that is damaged, or not of the sequence that was asked
//! for, is no answer: the transaction has failed. What the host does not understand it does not answer. Lost bytes are
//! noticed where the device's stream ends a read that takes too long.

/// First byte of a request.
pub const REQUEST: u8 = 0xB5;
/// First byte of an answer.
pub const ANSWER: u8 = 0x5B;
/// Bytes between the first one and what follows.
pub const HEADER_BYTES: usize = 6;
/// Bytes of the checksum.
pub const CHECKSUM_BYTES: usize = 4;
/// Bytes of an operation besides what it sends.
pub const STEP_BYTES: usize = 9;
/// Most bytes that a request or an answer carries. A longer one is damaged, or the work of a mistake.
pub const MOST_BYTES: u32 = 1 << 16;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A transaction on the SPI bus: chip select goes low, everything happens, chip select goes high.
    Spi = 1,
    /// A transaction on the I2C bus: a start, everything, a stop.
    I2c = 2,
    /// Time goes by.
    Delay = 3,
}

/// An operation within a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// Bytes are sent.
    Write = 1,
    /// Bytes are read.
    Read = 2,
    /// Bytes are sent and read at once; what lacks on either side is filled up, or dropped.
    Transfer = 3,
    /// Time goes by: the bytes to send are ns, u32 LE.
    Delay = 4,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// As asked.
    Done = 0,
    /// No one acknowledged the address.
    NoAddress = 1,
    /// The addressed one did not acknowledge a byte.
    NoData = 2,
    /// The bus failed.
    Failed = 3,
}

/// The header's fields, as both messages have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Counts requests, modulo 256; an answer repeats its request's.
    pub sequence: u8,
    /// A request's [`Kind`] or an answer's [`Status`].
    pub code: u8,
    /// Bytes that follow.
    pub length: u32,
}

impl Header {
    /// As bytes.
    pub fn encode(self) -> [u8; HEADER_BYTES] {
        let [l0, l1, l2, l3] = self.length.to_le_bytes();
        [self.sequence, self.code, l0, l1, l2, l3]
    }

    /// From bytes.
    pub fn decode([sequence, code, l0, l1, l2, l3]: [u8; HEADER_BYTES]) -> Self {
        Self { sequence, code, length: u32::from_le_bytes([l0, l1, l2, l3]) }
    }
}

impl Kind {
    /// From a request's code.
    pub fn of(code: u8) -> Option<Self> {
        [Self::Spi, Self::I2c, Self::Delay].into_iter().find(|&kind| kind as u8 == code)
    }
}

impl Step {
    /// From an operation's first byte.
    pub fn of(byte: u8) -> Option<Self> {
        [Self::Write, Self::Read, Self::Transfer, Self::Delay].into_iter().find(|&step| step as u8 == byte)
    }

    /// The operation's bytes before those it sends.
    pub fn encode(self, send: u32, read: u32) -> [u8; STEP_BYTES] {
        let ([s0, s1, s2, s3], [r0, r1, r2, r3]) = (send.to_le_bytes(), read.to_le_bytes());
        [self as u8, s0, s1, s2, s3, r0, r1, r2, r3]
    }
}

impl Status {
    /// From an answer's code.
    pub fn of(code: u8) -> Option<Self> {
        [Self::Done, Self::NoAddress, Self::NoData, Self::Failed].into_iter().find(|&status| status as u8 == code)
    }
}
