//! Messages: the device sends requests, the host answers each one once, and neither sends anything else.
//!
//! | | bytes |
//! |---|---|
//! | request | [`REQUEST`], sequence u8, kind u8, length u32 LE, body, CRC-32 (ISO-HDLC) u32 LE of all but the first byte |
//! | answer | [`ANSWER`], sequence u8, status u8, length u32 LE, body, CRC-32 likewise |
//!
//! | kind | body of the request | body of the answer |
//! |---|---|---|
//! | [`Kind::Spi`] | operations | the bytes they read, concatenated |
//! | [`Kind::I2c`] | address u8, operations | the bytes they read, concatenated |
//! | [`Kind::Delay`] | ns, u64 LE | none |
//!
//! An operation is a [`Step`] u8, number of bytes to send u32 LE, number of bytes to read u32 LE, and the bytes to
//! send.
//!
//! # Lost, changed and spurious bytes
//! Both sides skip bytes until the first byte of their message. An answer that is damaged, or has another sequence than
//! the request, fails the transaction. The host does not answer malformed requests. The timeout of the device's stream
//! detects lost bytes.

/// First byte of a request.
pub const REQUEST: u8 = 0xB5;
/// First byte of an answer.
pub const ANSWER: u8 = 0x5B;
/// Length of an encoded [`Header`], bytes.
pub const HEADER_BYTES: usize = 6;
/// Length of the checksum, bytes.
pub const CHECKSUM_BYTES: usize = 4;
/// Length of an encoded operation without the bytes it sends.
pub const STEP_BYTES: usize = 9;
/// Maximum body length of a request or an answer. A longer one is damaged or a mistake.
pub const MOST_BYTES: u32 = 1 << 16;

/// Kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A transaction on the SPI bus: chip select goes low, the operations run, chip select goes high.
    Spi = 1,
    /// A transaction on the I2C bus: a start, the operations, a stop.
    I2c = 2,
    /// A delay.
    Delay = 3,
}

/// An operation within a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// Sends bytes.
    Write = 1,
    /// Reads bytes.
    Read = 2,
    /// Sends and reads bytes at the same time; the shorter side is padded, excess bytes are dropped.
    Transfer = 3,
    /// A delay; the bytes to send are ns, u32 LE.
    Delay = 4,
}

/// Status of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Success.
    Done = 0,
    /// No device acknowledged the address.
    NoAddress = 1,
    /// The device did not acknowledge a data byte.
    NoData = 2,
    /// The bus failed.
    Failed = 3,
}

/// Header of both messages, after the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Counts requests, modulo 256; an answer repeats its request's.
    pub sequence: u8,
    /// A request's [`Kind`] or an answer's [`Status`].
    pub code: u8,
    /// Length of the body, bytes.
    pub length: u32,
}

impl Header {
    /// Encodes the header.
    pub fn encode(self) -> [u8; HEADER_BYTES] {
        let [l0, l1, l2, l3] = self.length.to_le_bytes();
        [self.sequence, self.code, l0, l1, l2, l3]
    }

    /// Decodes a header.
    pub fn decode([sequence, code, l0, l1, l2, l3]: [u8; HEADER_BYTES]) -> Self {
        Self { sequence, code, length: u32::from_le_bytes([l0, l1, l2, l3]) }
    }
}

impl Kind {
    /// Returns the kind for a request's code.
    pub fn of(code: u8) -> Option<Self> {
        [Self::Spi, Self::I2c, Self::Delay].into_iter().find(|&kind| kind as u8 == code)
    }
}

impl Step {
    /// Returns the step for an operation's first byte.
    pub fn of(byte: u8) -> Option<Self> {
        [Self::Write, Self::Read, Self::Transfer, Self::Delay].into_iter().find(|&step| step as u8 == byte)
    }

    /// Encodes the operation's header, before the bytes it sends.
    pub fn encode(self, send: u32, read: u32) -> [u8; STEP_BYTES] {
        let ([s0, s1, s2, s3], [r0, r1, r2, r3]) = (send.to_le_bytes(), read.to_le_bytes());
        [self as u8, s0, s1, s2, s3, r0, r1, r2, r3]
    }
}

impl Status {
    /// Returns the status for an answer's code.
    pub fn of(code: u8) -> Option<Self> {
        [Self::Done, Self::NoAddress, Self::NoData, Self::Failed].into_iter().find(|&status| status as u8 == code)
    }
}
