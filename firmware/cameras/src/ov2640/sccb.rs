//! Access to the sensor's registers over SCCB, which an I2C controller can speak.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{Error as _, ErrorKind, I2c};

use super::{BANK_SELECT, Register, Writes};

/// The sensor's 7-bit address.
pub const ADDRESS: u8 = 0x30;

/// How often an access that failed is tried again, and of these tries all together between two
/// [`Sccb::allow_retries`]: a bus that fails at every access must not take for ever.
///
/// # Source
/// Zephyr's OV2640 driver: three more tries, 5 ms apart, for occasional missing acknowledges.
pub const NACK_RETRIES: u8 = 3;

/// Wait before a further try, ms.
pub const NACK_WAIT_MS: u32 = 5;

/// Retries of all accesses together between two [`Sccb::allow_retries`].
pub(crate) const RETRIES_TOGETHER: u8 = 8;

/// The sensor's registers.
#[derive(Debug)]
pub struct Sccb<I> {
    i2c: I,
    /// The bank selected last, while that is certain.
    bank: Option<Bank>,
    retries_left: u8,
}

/// An access that failed, further tries included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SccbError {
    /// The register.
    pub register: Register,
    /// How the bus failed.
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
    /// Access over this bus, at most 400 kHz.
    pub fn new(i2c: I) -> Self {
        Self { i2c, bank: None, retries_left: RETRIES_TOGETHER }
    }

    /// Gives the bus back.
    pub fn release(self) -> I {
        self.i2c
    }

    /// Forgets which bank is selected: after a reset it is the sensor's, and another program may have run before.
    pub fn forget_bank(&mut self) {
        self.bank = None;
    }

    /// Allows failed accesses their further tries again.
    pub fn allow_retries(&mut self) {
        self.retries_left = RETRIES_TOGETHER;
    }

    /// Writes `value` to `register`, in its bank.
    ///
    /// # Errors
    /// [`SccbError`] when the sensor does not acknowledge, or the bus fails, at each try.
    pub fn write(&mut self, delay: &mut impl DelayNs, register: Register, value: u8) -> Result<(), SccbError> {
        self.access(delay, register, |i2c, address| i2c.write(ADDRESS, &[address, value]))
    }

    /// Reads `register` of its bank.
    ///
    /// # Errors
    /// [`SccbError`] when the sensor does not acknowledge, or the bus fails, at each try.
    pub fn read(&mut self, delay: &mut impl DelayNs, register: Register) -> Result<u8, SccbError> {
        let mut value = [0];
        // Two transactions, with a stop between them: SCCB knows no repeated start (OV2640DS v1.6, SCCB timing).
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
    /// [`SccbError`] of the first write that fails; what follows it is not written.
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
            // What the sensor has taken of this is not known.
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
