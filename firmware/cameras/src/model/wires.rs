//! Connection between microcontroller and module: buses, time, and faults.

use embedded_hal::i2c::Operation as I2cOperation;
use embedded_hal::spi::{MODE_0, Mode, Operation as SpiOperation};

use super::breach::{Breach, Strictness};
use super::fault::{Fault, Scheduled};
use super::random::SplitMix;
use super::transcript::Transcript;

/// Bus settings of the microcontroller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusSettings {
    /// SPI mode.
    pub spi_mode: Mode,
    /// SPI clock, Hz.
    pub spi_hz: u32,
    /// I2C clock, Hz.
    pub i2c_hz: u32,
}

impl Default for BusSettings {
    fn default() -> Self {
        Self { spi_mode: MODE_0, spi_hz: 4_000_000, i2c_hz: 100_000 }
    }
}

/// Time between two transactions, besides their bits.
const TRANSACTION_NS: u64 = 10_000;

/// Access to a model's wires, for the models in this crate only.
#[allow(unreachable_pub, reason = "part of a public trait, and named by no one else")]
pub trait Wired {
    /// The wires.
    fn wires(&self) -> &Wires;
    /// The wires, mutable.
    fn wires_mut(&mut self) -> &mut Wires;
}

/// State of the wires.
#[allow(unreachable_pub, reason = "as `Wired`")]
#[derive(Debug)]
pub struct Wires {
    pub(super) now_ns: u64,
    pub(super) settings: BusSettings,
    /// Number of transactions so far, of both buses.
    pub(super) transactions: u64,
    pub(super) faults: Vec<Scheduled>,
    pub(super) strictness: Strictness,
    pub(super) breaches: Vec<Breach>,
    pub(super) transcript: Option<Transcript>,
    pub(super) random: SplitMix,
}

impl Wires {
    pub(super) fn new(settings: BusSettings, seed: u64) -> Self {
        Self {
            now_ns: 0,
            settings,
            transactions: 0,
            faults: Vec::new(),
            strictness: Strictness::default(),
            breaches: Vec::new(),
            transcript: None,
            random: SplitMix::new(seed),
        }
    }

    pub(super) fn breach(&mut self, breach: Breach) {
        match self.strictness {
            Strictness::Panic => panic!("transaction {}: {breach}", self.transactions),
            Strictness::Record => self.breaches.push(breach),
        }
    }

    /// Returns the faults of the current transaction.
    pub(super) fn active(&self) -> impl Iterator<Item = Fault> + '_ {
        self.faults.iter().filter(|scheduled| scheduled.is_active(self.transactions)).map(|scheduled| scheduled.fault)
    }

    pub(super) fn find<T>(&self, pick: impl Fn(Fault) -> Option<T>) -> Option<T> {
        self.active().find_map(pick)
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.active().any(|active| active == fault)
    }

    pub(super) fn check_spi(&mut self, most_hz: u32) {
        let BusSettings { spi_mode, spi_hz, .. } = self.settings;
        if spi_mode != MODE_0 {
            self.breach(Breach::SpiMode);
        }
        if spi_hz > most_hz {
            self.breach(Breach::Clock { hz: spi_hz });
        }
    }

    pub(super) fn check_i2c(&mut self, most_hz: u32) {
        let hz = self.settings.i2c_hz;
        if hz > most_hz {
            self.breach(Breach::Clock { hz });
        }
    }

    pub(super) fn spi_ns(&self, bytes: u64) -> u64 {
        TRANSACTION_NS + (bytes * 8 * 1_000_000_000).div_ceil(u64::from(self.settings.spi_hz.max(1)))
    }

    pub(super) fn i2c_ns(&self, bytes: u64) -> u64 {
        TRANSACTION_NS + (bytes * 9 * 1_000_000_000).div_ceil(u64::from(self.settings.i2c_hz.max(1)))
    }

    /// Transfers the bytes of a transaction, with the faults of the wires; `exchange` returns the module's answer to
    /// each byte.
    ///
    /// Returns the number of bytes transferred.
    pub(super) fn move_spi(
        &mut self,
        operations: &mut [SpiOperation<'_, u8>],
        mut exchange: impl FnMut(&mut Self, u8) -> u8,
    ) -> u64 {
        let active: Vec<Fault> = self.active().collect();
        let mut index = 0;
        let mut line = self.transcript.as_ref().map(|_| super::transcript::SpiLine::default());
        let mut step = |wires: &mut Self, sent: u8, is_read: bool| {
            let is_inserted =
                active.iter().any(|fault| matches!(fault, Fault::InsertByte { byte } if u64::from(*byte) == index));
            let mut read = if is_inserted { wires.random.byte() } else { exchange(wires, sent) };
            for fault in &active {
                read = match *fault {
                    Fault::Miso(value) => value,
                    Fault::Echo => sent,
                    Fault::WrongPhase => read.rotate_left(1),
                    Fault::FlipBit { byte, bit } if u64::from(byte) == index => read ^ (1 << (bit & 7)),
                    Fault::DropByte { byte } if u64::from(byte) == index => exchange(wires, sent),
                    _ => read,
                };
            }
            if wires.settings.spi_mode != MODE_0 {
                read = read.rotate_left(1);
            }
            index += 1;
            if let Some(line) = &mut line {
                line.byte(sent, is_read.then_some(read));
            }
            read
        };
        for operation in operations.iter_mut() {
            match operation {
                SpiOperation::Write(bytes) => bytes.iter().for_each(|byte| {
                    step(self, *byte, false);
                }),
                SpiOperation::Read(bytes) => bytes.iter_mut().for_each(|byte| *byte = step(self, 0, true)),
                SpiOperation::TransferInPlace(bytes) => {
                    bytes.iter_mut().for_each(|byte| *byte = step(self, *byte, true));
                }
                SpiOperation::Transfer(read, write) => {
                    for at in 0..read.len().max(write.len()) {
                        let answer = step(self, write.get(at).copied().unwrap_or(0), at < read.len());
                        if let Some(byte) = read.get_mut(at) {
                            *byte = answer;
                        }
                    }
                }
                SpiOperation::DelayNs(ns) => self.now_ns += u64::from(*ns),
            }
        }
        if let (Some(transcript), Some(line)) = (&mut self.transcript, line) {
            transcript.line(line.finish());
        }
        index
    }

    /// Returns the bytes of an I2C transaction, including the address.
    pub(super) fn i2c_bytes(operations: &[I2cOperation<'_>]) -> u64 {
        let bytes = operations.iter().map(|operation| match operation {
            I2cOperation::Read(bytes) => 1 + bytes.len() as u64,
            I2cOperation::Write(bytes) => 1 + bytes.len() as u64,
        });
        bytes.sum()
    }
}
