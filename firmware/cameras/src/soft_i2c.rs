//! An I2C controller on two open-drain pins (bit banging), with limited waits.
//!
//! Hardware controllers wait forever, or for seconds, on a line that is held low. Causes are a loose wire, a missing
//! pull-up, or a sensor that a reset has stopped in the middle of a byte. A camera needs few register accesses, so
//! software-driven pins are fast enough, and the same code runs on every board.
//!
//! Before each transfer the bus is cleared if necessary: a device that holds SDA low is clocked until it releases it.
//!
//! # Source
//! NXP UM10204, "I2C-bus specification and user manual", rev. 7: 3.1.1 to 3.1.10 (transfers, clock stretching), 3.1.16 (bus
//! clear), table 10 (times in Standard-mode).

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_hal::i2c::{self, ErrorType, I2c, NoAcknowledgeSource, Operation};

/// Half a clock period, ns: 100 kHz, less the time to drive the pins.
const HALF_NS: u32 = 5_000;
/// Maximum polls of a clock line that is held low, half a period apart: 1 ms in total.
const STRETCHES: u32 = 200;
/// Clocks that complete any byte a device may be sending.
const CLEARING_CLOCKS: u32 = 9;

/// The controller. Pins are open-drain: high releases the line, low pulls it; reading returns the line's level.
#[derive(Debug)]
pub struct SoftI2c<C, D, W> {
    scl: C,
    sda: D,
    delay: W,
}

/// Reasons why a transfer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SoftI2cError {
    /// SCL stays low: no pull-up, or a short.
    ClockHeld,
    /// SDA stays low, even after the clocks that should release it.
    DataHeld,
    /// No device acknowledges.
    NoAcknowledge(Unanswered),
    /// A pin reported an error; a microcontroller's pins never do.
    Pin,
}

/// Byte that was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unanswered {
    /// The address byte.
    Address,
    /// A data byte.
    Data,
}

impl i2c::Error for SoftI2cError {
    fn kind(&self) -> i2c::ErrorKind {
        match self {
            Self::ClockHeld | Self::DataHeld => i2c::ErrorKind::Bus,
            Self::NoAcknowledge(Unanswered::Address) => i2c::ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address),
            Self::NoAcknowledge(Unanswered::Data) => i2c::ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data),
            Self::Pin => i2c::ErrorKind::Other,
        }
    }
}

impl core::fmt::Display for SoftI2cError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::ClockHeld => "SCL is held low",
            Self::DataHeld => "SDA is held low",
            Self::NoAcknowledge(_) => "no device answers",
            Self::Pin => "a pin failed",
        })
    }
}

impl core::error::Error for SoftI2cError {}

impl<C: InputPin + OutputPin, D: InputPin + OutputPin, W: DelayNs> SoftI2c<C, D, W> {
    /// Creates a controller of these pins, and releases them.
    pub fn new(mut scl: C, mut sda: D, delay: W) -> Self {
        // An error of a pin is reported at the first transfer.
        let _ = (scl.set_high(), sda.set_high());
        Self { scl, sda, delay }
    }

    fn wait(&mut self) {
        self.delay.delay_ns(HALF_NS);
    }

    fn clock_low(&mut self) -> Result<(), SoftI2cError> {
        self.scl.set_low().map_err(|_| SoftI2cError::Pin)
    }

    /// Releases the clock, and waits until the line is high: a device may stretch it.
    fn clock_high(&mut self) -> Result<(), SoftI2cError> {
        self.scl.set_high().map_err(|_| SoftI2cError::Pin)?;
        for _ in 0..STRETCHES {
            self.wait();
            if self.scl.is_high().map_err(|_| SoftI2cError::Pin)? {
                return Ok(());
            }
        }
        Err(SoftI2cError::ClockHeld)
    }

    fn data(&mut self, high: bool) -> Result<(), SoftI2cError> {
        if high { self.sda.set_high() } else { self.sda.set_low() }.map_err(|_| SoftI2cError::Pin)
    }

    fn data_is_high(&mut self) -> Result<bool, SoftI2cError> {
        self.sda.is_high().map_err(|_| SoftI2cError::Pin)
    }

    /// Ensures that both lines are high.
    fn free(&mut self) -> Result<(), SoftI2cError> {
        self.data(true)?;
        self.clock_high()?;
        for _ in 0..CLEARING_CLOCKS {
            if self.data_is_high()? {
                return Ok(());
            }
            self.clock_low()?;
            self.wait();
            self.clock_high()?;
        }
        if self.data_is_high()? { Ok(()) } else { Err(SoftI2cError::DataHeld) }
    }

    /// Start condition, also a repeated one; both lines must be high before it.
    fn start(&mut self) -> Result<(), SoftI2cError> {
        self.data(false)?;
        self.wait();
        self.clock_low()?;
        self.wait();
        Ok(())
    }

    fn restart(&mut self) -> Result<(), SoftI2cError> {
        self.data(true)?;
        self.wait();
        self.clock_high()?;
        self.start()
    }

    fn stop(&mut self) -> Result<(), SoftI2cError> {
        self.data(false)?;
        self.wait();
        self.clock_high()?;
        self.data(true)?;
        self.wait();
        Ok(())
    }

    /// One clock: sends a bit, and returns the level of the line.
    fn bit(&mut self, out: bool) -> Result<bool, SoftI2cError> {
        self.data(out)?;
        self.wait();
        self.clock_high()?;
        let read = self.data_is_high()?;
        self.clock_low()?;
        Ok(read)
    }

    fn write_byte(&mut self, byte: u8, what: Unanswered) -> Result<(), SoftI2cError> {
        for place in (0..8).rev() {
            self.bit(byte >> place & 1 == 1)?;
        }
        if self.bit(true)? { Err(SoftI2cError::NoAcknowledge(what)) } else { Ok(()) }
    }

    fn read_byte(&mut self, last: bool) -> Result<u8, SoftI2cError> {
        let mut byte = 0;
        for _ in 0..8 {
            byte = byte << 1 | u8::from(self.bit(true)?);
        }
        self.bit(last)?;
        Ok(byte)
    }

    fn transfer(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), SoftI2cError> {
        let mut reading = None;
        for index in 0..operations.len() {
            let next_reads = operations.get(index + 1).map(|next| matches!(next, Operation::Read(_)));
            let Some(operation) = operations.get_mut(index) else { break };
            let reads = matches!(operation, Operation::Read(_));
            if reading != Some(reads) {
                if reading.is_some() {
                    self.restart()?;
                } else {
                    self.free()?;
                    self.start()?;
                }
                self.write_byte(address << 1 | u8::from(reads), Unanswered::Address)?;
                reading = Some(reads);
            }
            match operation {
                Operation::Write(bytes) => {
                    for &byte in bytes.iter() {
                        self.write_byte(byte, Unanswered::Data)?;
                    }
                }
                Operation::Read(bytes) => {
                    let (count, goes_on) = (bytes.len(), next_reads == Some(true));
                    for (place, byte) in (1..).zip(bytes.iter_mut()) {
                        *byte = self.read_byte(place == count && !goes_on)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl<C, D, W> ErrorType for SoftI2c<C, D, W> {
    type Error = SoftI2cError;
}

impl<C: InputPin + OutputPin, D: InputPin + OutputPin, W: DelayNs> I2c for SoftI2c<C, D, W> {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), SoftI2cError> {
        if operations.is_empty() {
            return Ok(());
        }
        let transferred = self.transfer(address, operations);
        // Stop even after a failure, so that the device is ready for the next transfer. The first error is more
        // informative.
        let stopped = self.stop();
        transferred.and(stopped)
    }
}
