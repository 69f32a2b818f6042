//! Access to the sensor's registers over SCCB, with an I2C controller.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{Error as _, ErrorKind, I2c};

use super::{BANK_SELECT, Register, Writes};

/// The sensor's 7-bit address.
pub const ADDRESS: u8 = 0x30;

/// Maximum retries of a failed access. Their total between two [`Sccb::allow_retries`] is limited too, so that a bus
/// that fails at every access does not block for long.
///
/// # Source
/// Zephyr's OV2640 driver: three more tries, 5 ms apart, for occasional missing acknowledges.
pub const NACK_RETRIES: u8 = 3;

/// Wait before a retry, ms.
pub const NACK_WAIT_MS: u32 = 5;

/// Retries of all accesses together between two [`Sccb::allow_retries`].
pub(crate) const RETRIES_TOGETHER: u8 = 8;

/// Driver of the sensor's registers.
#[derive(Debug)]
pub struct Sccb<I> {
    i2c: I,
    /// The last selected bank, if known.
    bank: Option<Bank>,
    retries_left: u8,
}

/// An access that failed, even with retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SccbError {
    /// The register.
    pub register: Register,
    /// Error of the bus.
    pub kind: ErrorKind,
}

impl core::fmt::Display for SccbError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { register, kind } = self;
        write!(f, "no access to the sensor's {register} over I2C ({kind}): check SDA, SCL and their pull-ups")
    }
}

impl core::error::Error for SccbError {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bank {
    Dsp = 0,
    Sensor = 1,
}

impl Register {
    fn split(self) -> (Bank, u8) {
        match self {
            Self::Dsp(address) => (Bank::Dsp, address),
            Self::Sensor(address) => (Bank::Sensor, address),
        }
    }
}

impl<I: I2c> Sccb<I> {
    /// Creates the driver on this bus, at most 400 kHz.
    pub fn new(i2c: I) -> Self {
        Self { i2c, bank: None, retries_left: RETRIES_TOGETHER }
    }

    /// Returns the bus.
    pub fn release(self) -> I {
        self.i2c
    }

    /// Marks the selected bank as unknown: a reset selects the sensor's, and another program may have run before.
    pub fn forget_bank(&mut self) {
        self.bank = None;
    }

    /// Restores the total of retries.
    pub fn allow_retries(&mut self) {
        self.retries_left = RETRIES_TOGETHER;
    }

    /// Writes `value` to `register`, in its bank.
    ///
    /// # Errors
    /// [`SccbError`] if the sensor does not acknowledge, or the bus fails, at each try.
    pub fn write(&mut self, delay: &mut impl DelayNs, register: Register, value: u8) -> Result<(), SccbError> {
        self.access(delay, register, |i2c, address| i2c.write(ADDRESS, &[address, value]))
    }

    /// Reads `register` in its bank.
    ///
    /// # Errors
    /// [`SccbError`] if the sensor does not acknowledge, or the bus fails, at each try.
    pub fn read(&mut self, delay: &mut impl DelayNs, register: Register) -> Result<u8, SccbError> {
        let mut value = [0];
        // Two transactions, with a stop between them: SCCB has no repeated start (OV2640DS v1.6, SCCB timing).
        self.access(delay, register, |i2c, address| {
            i2c.write(ADDRESS, &[address])?;
            i2c.read(ADDRESS, &mut value)
        })?;
        let [value] = value;
        Ok(value)
    }

    /// Writes the groups of a table in order.
    ///
    /// # Errors
    /// [`SccbError`] of the first write that fails; later ones are not written.
    pub fn write_table(&mut self, delay: &mut impl DelayNs, table: &[Writes]) -> Result<(), SccbError> {
        for writes in table {
            let (register, pairs): (fn(u8) -> Register, _) = match writes {
                Writes::Dsp(pairs) => (Register::Dsp, pairs),
                Writes::Sensor(pairs) => (Register::Sensor, pairs),
            };
            for (address, value) in *pairs {
                self.write(delay, register(*address), *value)?;
            }
        }
        Ok(())
    }

    fn access(
        &mut self,
        delay: &mut impl DelayNs,
        register: Register,
        mut transfer: impl FnMut(&mut I, u8) -> Result<(), I::Error>,
    ) -> Result<(), SccbError> {
        let (bank, address) = register.split();
        let mut tries_left = NACK_RETRIES;
        loop {
            let result = self.select(bank).and_then(|()| transfer(&mut self.i2c, address));
            let Err(error) = result else { return Ok(()) };
            // The sensor may have received part of this, so the bank is unknown.
            self.bank = None;
            if tries_left == 0 || self.retries_left == 0 {
                return Err(SccbError { register, kind: error.kind() });
            }
            tries_left -= 1;
            self.retries_left -= 1;
            delay.delay_ms(NACK_WAIT_MS);
        }
    }

    fn select(&mut self, bank: Bank) -> Result<(), I::Error> {
        if self.bank != Some(bank) {
            self.i2c.write(ADDRESS, &[BANK_SELECT, bank as u8])?;
            self.bank = Some(bank);
        }
        Ok(())
    }
}
