//! Software models of the camera modules, for tests and for emulated boards.
//!
//! A model is the module as seen from its bus: transactions in, bytes out, time passing. It is driven through
//! [`Module`] in place of the microcontroller: by [`Bench`] for a driver on the same computer, or by a program that
//! transfers transactions over a link. It captures a [`Photo`]; [`expected_rows`] returns the rows that a driver must
//! read. [`Fault`]s can be scheduled at any transaction. Breaking a rule is reported to the driver ([`Strictness`],
//! [`Breach`]), even if the hardware might tolerate it.
//!
//! Time is virtual: it passes with waits and with the bits on the buses, independent of the computer's speed.

mod breach;
mod capture;
mod fault;
mod mega;
mod mini;
mod ov2640;
mod photo;
mod ports;
mod random;
mod transcript;
mod wires;

use embedded_hal::{i2c, spi};

pub use breach::{Breach, Strictness};
pub use fault::{Fault, Scheduled};
pub use mega::MegaModel;
pub use mini::{MiniBoard, MiniModel};
pub use photo::{Photo, expected_color_rows, expected_rows};
pub use ports::{Bench, DelayPort, I2cPort, SpiPort};
pub use random::SplitMix;
use transcript::Transcript;
pub use wires::BusSettings;
use wires::Wired;

/// A camera module, driven over its buses.
pub trait Module: Wired {
    /// Captures another photo from the next frame on.
    fn show(&mut self, photo: Photo);

    /// Runs one SPI transaction, from the chip select's falling edge to its rising edge.
    ///
    /// # Errors
    /// If a fault makes the microcontroller's SPI report an error.
    fn spi_transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), spi::ErrorKind>;

    /// Runs one I2C transaction to a 7-bit address, from start to stop.
    ///
    /// # Errors
    /// If no device acknowledges this address, or a fault makes the bus fail.
    fn i2c_transaction(&mut self, address: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), i2c::ErrorKind>;

    /// Lets time pass.
    fn delay_ns(&mut self, ns: u64);

    /// Returns the time since power-up.
    fn now_ns(&self) -> u64;

    /// Replaces the scheduled faults.
    fn set_faults(&mut self, faults: Vec<Scheduled>) {
        self.wires_mut().faults = faults;
    }

    /// Sets the reaction to broken rules.
    fn set_strictness(&mut self, strictness: Strictness) {
        self.wires_mut().strictness = strictness;
    }

    /// Returns the rules broken so far, under [`Strictness::Record`].
    fn breaches(&self) -> &[Breach] {
        &self.wires().breaches
    }

    /// Returns the number of transactions so far, of all buses.
    fn transactions(&self) -> u64 {
        self.wires().transactions
    }

    /// Starts a transcript.
    fn record(&mut self) {
        self.wires_mut().transcript = Some(Transcript::default());
    }

    /// Returns the transcript so far.
    fn transcript(&self) -> String {
        self.wires().transcript.as_ref().map(Transcript::text).unwrap_or_default()
    }
}
