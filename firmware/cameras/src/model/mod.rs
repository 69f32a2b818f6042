//! Software models of the camera modules, for tests and for emulated boards.
//!
//! A model is the module as its bus sees it: transactions in, bytes out, time passing. It is driven through [`Module`],
//! by whatever speaks for the microcontroller: [`Bench`] for a driver on the same computer, or a program that carries
//! transactions over a line. It looks at a [`Photo`]; [`expected_rows`] is what a driver must see of it. [`Fault`]s
//! can be scheduled at any transaction. A driver that breaks a rule is told so ([`Strictness`], [`Breach`]), also where
//! the hardware might forgive it.
//!
//! Time is virtual: it passes with waits and with the bits on the buses, and nothing depends on how fast the computer
//! is.

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

/// A module at the end of its buses.
pub trait Module: Wired {
    /// Looks at another photo from the next frame on.
    fn show(&mut self, photo: Photo);

    /// One SPI transaction, from the chip select's falling edge to its rising edge.
    ///
    /// # Errors
    /// When a fault says that the microcontroller's SPI reports one.
    fn spi_transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), spi::ErrorKind>;

    /// One I2C transaction to a 7-bit address, from start to stop.
    ///
    /// # Errors
    /// When nothing at this address acknowledges, or a fault says that the bus fails.
    fn i2c_transaction(&mut self, address: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), i2c::ErrorKind>;

    /// Nothing happens for a time.
    fn delay_ns(&mut self, ns: u64);

    /// Time since the module was switched on.
    fn now_ns(&self) -> u64;

    /// What goes wrong from now on, in place of what did so far.
    fn set_faults(&mut self, faults: Vec<Scheduled>) {
        self.wires_mut().faults = faults;
    }

    /// What to do when a driver breaks a rule.
    fn set_strictness(&mut self, strictness: Strictness) {
        self.wires_mut().strictness = strictness;
    }

    /// Rules broken so far, under [`Strictness::Record`].
    fn breaches(&self) -> &[Breach] {
        &self.wires().breaches
    }

    /// Transactions so far, of all buses.
    fn transactions(&self) -> u64 {
        self.wires().transactions
    }

    /// Keeps a transcript from now on.
    fn record(&mut self) {
        self.wires_mut().transcript = Some(Transcript::default());
    }

    /// The transcript so far.
    fn transcript(&self) -> String {
        self.wires().transcript.as_ref().map(Transcript::text).unwrap_or_default()
    }
}
