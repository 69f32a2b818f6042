//! The device side: `embedded-hal`'s buses over a stream.

use core::cell::RefCell;

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{self, I2c, NoAcknowledgeSource, SevenBitAddress};
use embedded_hal::spi::{self, SpiDevice};
use embedded_io::{Read, ReadExactError, Write};
use pinhole_shared::link::Checksum;

use crate::wire::{ANSWER, CHECKSUM_BYTES, HEADER_BYTES, Header, Kind, MOST_BYTES, REQUEST, Status, Step};

/// Reasons why a transaction failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusError {
    /// The stream failed, ended, or timed out.
    Stream,
    /// There was no answer, or a damaged one.
    Damaged,
    /// The host reports that the bus failed.
    Bus(Status),
    /// The transaction is longer than [`MOST_BYTES`].
    TooLong,
}

impl core::fmt::Display for BusError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Stream => f.write_str("the stream to the host failed"),
            Self::Damaged => f.write_str("the host's answer is damaged"),
            Self::Bus(Status::NoAddress | Status::NoData) => f.write_str("not acknowledged"),
            Self::Bus(_) => f.write_str("the bus failed"),
            Self::TooLong => f.write_str("the transaction is too long"),
        }
    }
}

impl core::error::Error for BusError {}

impl spi::Error for BusError {
    fn kind(&self) -> spi::ErrorKind {
        spi::ErrorKind::Other
    }
}

impl i2c::Error for BusError {
    fn kind(&self) -> i2c::ErrorKind {
        match self {
            Self::Bus(Status::NoAddress) => i2c::ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address),
            Self::Bus(Status::NoData) => i2c::ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data),
            Self::Bus(_) => i2c::ErrorKind::Bus,
            _ => i2c::ErrorKind::Other,
        }
    }
}

/// The buses of a board, all over one stream.
///
/// The stream's reads should fail if nothing arrives for a few seconds.
#[derive(Debug)]
pub struct Buses<S>(RefCell<Line<S>>);

impl<S: Read + Write> Buses<S> {
    /// Creates buses that are served by the host at the other end of this stream.
    pub fn new(stream: S) -> Self {
        Self(RefCell::new(Line { stream, sequence: 0 }))
    }

    /// Returns the SPI bus, with chip select.
    pub fn spi(&self) -> Spi<'_, S> {
        Spi(self)
    }

    /// Returns the I2C bus.
    pub fn i2c(&self) -> I2cBus<'_, S> {
        I2cBus(self)
    }

    /// Returns the delay in the time of the host's models.
    pub fn delay(&self) -> Delay<'_, S> {
        Delay(self)
    }
}

/// See [`Buses::spi`].
#[derive(Debug)]
pub struct Spi<'b, S>(&'b Buses<S>);
/// See [`Buses::i2c`].
#[derive(Debug)]
pub struct I2cBus<'b, S>(&'b Buses<S>);
/// See [`Buses::delay`].
#[derive(Debug)]
pub struct Delay<'b, S>(&'b Buses<S>);

impl<S> spi::ErrorType for Spi<'_, S> {
    type Error = BusError;
}

impl<S: Read + Write> SpiDevice for Spi<'_, S> {
    fn transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), BusError> {
        let mut line = self.0.0.borrow_mut();
        let mut request = line.request(Kind::Spi, operations.iter().map(|operation| spi_step(operation).bytes()))?;
        for operation in operations.iter() {
            request.step(&spi_step(operation))?;
        }
        request.finish()?;
        let mut answer = line.answer(operations.iter().map(|operation| spi_step(operation).read).sum())?;
        for operation in operations {
            match operation {
                spi::Operation::Read(bytes)
                | spi::Operation::Transfer(bytes, _)
                | spi::Operation::TransferInPlace(bytes) => answer.bytes(bytes)?,
                spi::Operation::Write(_) | spi::Operation::DelayNs(_) => {}
            }
        }
        answer.finish()
    }
}

impl<S> i2c::ErrorType for I2cBus<'_, S> {
    type Error = BusError;
}

impl<S: Read + Write> I2c<SevenBitAddress> for I2cBus<'_, S> {
    fn transaction(&mut self, address: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), BusError> {
        let mut line = self.0.0.borrow_mut();
        let steps = operations.iter().map(|operation| i2c_step(operation).bytes());
        let mut request = line.request(Kind::I2c, steps.chain([Some(1)]))?;
        request.bytes(&[address])?;
        for operation in operations.iter() {
            request.step(&i2c_step(operation))?;
        }
        request.finish()?;
        let mut answer = line.answer(operations.iter().map(|operation| i2c_step(operation).read).sum())?;
        for operation in operations {
            if let i2c::Operation::Read(bytes) = operation {
                answer.bytes(bytes)?;
            }
        }
        answer.finish()
    }
}

impl<S: Read + Write> DelayNs for Delay<'_, S> {
    fn delay_ns(&mut self, ns: u32) {
        self.wait(ns.into());
    }

    fn delay_us(&mut self, us: u32) {
        self.wait(u64::from(us) * 1_000);
    }

    fn delay_ms(&mut self, ms: u32) {
        self.wait(u64::from(ms) * 1_000_000);
    }
}

impl<S: Read + Write> Delay<'_, S> {
    /// A wait cannot fail; if the stream does, the next transaction reports it.
    fn wait(&mut self, ns: u64) {
        let mut line = self.0.0.borrow_mut();
        let bytes = ns.to_le_bytes();
        let asked = line.request(Kind::Delay, [Some(8)].into_iter()).and_then(|mut request| {
            request.bytes(&bytes)?;
            request.finish()
        });
        let _ = asked.and_then(|()| line.answer(0)?.finish());
    }
}

/// An operation of either bus.
struct Asked<'o> {
    step: Step,
    sent: Sent<'o>,
    read: u32,
}

enum Sent<'o> {
    Bytes(&'o [u8]),
    Word([u8; 4]),
}

impl Asked<'_> {
    fn sent(&self) -> &[u8] {
        match &self.sent {
            Sent::Bytes(bytes) => bytes,
            Sent::Word(word) => word,
        }
    }

    /// Bytes of the operation in a request; `None` if it is too long.
    fn bytes(&self) -> Option<u32> {
        let sent = u32::try_from(self.sent().len()).ok().filter(|&sent| sent <= MOST_BYTES)?;
        (self.read <= MOST_BYTES).then_some(crate::wire::STEP_BYTES as u32 + sent)
    }
}

/// Caps lengths just above the maximum, which is refused.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(MOST_BYTES + 1)
}

fn spi_step<'o>(operation: &'o spi::Operation<'_, u8>) -> Asked<'o> {
    match operation {
        spi::Operation::Read(bytes) => Asked { step: Step::Read, sent: Sent::Bytes(&[]), read: length(bytes) },
        spi::Operation::Write(bytes) => Asked { step: Step::Write, sent: Sent::Bytes(bytes), read: 0 },
        spi::Operation::Transfer(read, write) => {
            Asked { step: Step::Transfer, sent: Sent::Bytes(write), read: length(read) }
        }
        spi::Operation::TransferInPlace(bytes) => {
            Asked { step: Step::Transfer, sent: Sent::Bytes(bytes), read: length(bytes) }
        }
        spi::Operation::DelayNs(ns) => Asked { step: Step::Delay, sent: Sent::Word(ns.to_le_bytes()), read: 0 },
    }
}

fn i2c_step<'o>(operation: &'o i2c::Operation<'_>) -> Asked<'o> {
    match operation {
        i2c::Operation::Read(bytes) => Asked { step: Step::Read, sent: Sent::Bytes(&[]), read: length(bytes) },
        i2c::Operation::Write(bytes) => Asked { step: Step::Write, sent: Sent::Bytes(bytes), read: 0 },
    }
}

#[derive(Debug)]
struct Line<S> {
    stream: S,
    sequence: u8,
}

impl<S: Read + Write> Line<S> {
    /// Starts a request whose parts have these lengths.
    fn request(&mut self, kind: Kind, parts: impl Iterator<Item = Option<u32>>) -> Result<Sending<'_, S>, BusError> {
        let length = parts.into_iter().try_fold(0_u32, |sum, part| sum.checked_add(part?));
        let length = length.filter(|&length| length <= MOST_BYTES).ok_or(BusError::TooLong)?;
        self.sequence = self.sequence.wrapping_add(1);
        let header = Header { sequence: self.sequence, code: kind as u8, length };
        let mut sending = Sending { stream: &mut self.stream, checksum: Checksum::new() };
        sending.stream.write_all(&[REQUEST]).map_err(|_| BusError::Stream)?;
        sending.bytes(&header.encode())?;
        Ok(sending)
    }

    /// Finds the start of the answer to the last request, and skips everything before it.
    fn answer(&mut self, expected: u32) -> Result<Receiving<'_, S>, BusError> {
        if expected > MOST_BYTES {
            return Err(BusError::TooLong);
        }
        let mut window = [0; 1 + HEADER_BYTES];
        read(&mut self.stream, &mut window)?;
        for _ in 0..=MOST_BYTES {
            let [first, fields @ ..] = window;
            let header = Header::decode(fields);
            let status = Status::of(header.code).filter(|_| first == ANSWER && header.sequence == self.sequence);
            match status {
                Some(Status::Done) if header.length == expected => {
                    let mut checksum = Checksum::new();
                    checksum.update(&fields);
                    return Ok(Receiving { stream: &mut self.stream, checksum });
                }
                Some(status) if status != Status::Done && header.length == 0 => {
                    let mut checksum = Checksum::new();
                    checksum.update(&fields);
                    Receiving { stream: &mut self.stream, checksum }.finish()?;
                    return Err(BusError::Bus(status));
                }
                _ => {}
            }
            window.rotate_left(1);
            if let Some(last) = window.last_mut() {
                read(&mut self.stream, core::slice::from_mut(last))?;
            }
        }
        Err(BusError::Damaged)
    }
}

fn read<S: Read>(stream: &mut S, bytes: &mut [u8]) -> Result<(), BusError> {
    stream.read_exact(bytes).map_err(|error| match error {
        ReadExactError::UnexpectedEof | ReadExactError::Other(_) => BusError::Stream,
    })
}

/// Request being sent.
struct Sending<'l, S> {
    stream: &'l mut S,
    checksum: Checksum,
}

impl<S: Write> Sending<'_, S> {
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), BusError> {
        self.checksum.update(bytes);
        self.stream.write_all(bytes).map_err(|_| BusError::Stream)
    }

    fn step(&mut self, asked: &Asked<'_>) -> Result<(), BusError> {
        let sent = asked.sent();
        self.bytes(&asked.step.encode(length(sent), asked.read))?;
        self.bytes(sent)
    }

    fn finish(self) -> Result<(), BusError> {
        let checksum = self.checksum.value().to_le_bytes();
        self.stream.write_all(&checksum).and_then(|()| self.stream.flush()).map_err(|_| BusError::Stream)
    }
}

/// Answer being received.
struct Receiving<'l, S> {
    stream: &'l mut S,
    checksum: Checksum,
}

impl<S: Read> Receiving<'_, S> {
    fn bytes(&mut self, bytes: &mut [u8]) -> Result<(), BusError> {
        read(self.stream, bytes)?;
        self.checksum.update(bytes);
        Ok(())
    }

    fn finish(self) -> Result<(), BusError> {
        let mut stated = [0; CHECKSUM_BYTES];
        read(self.stream, &mut stated)?;
        if u32::from_le_bytes(stated) == self.checksum.value() { Ok(()) } else { Err(BusError::Damaged) }
    }
}
