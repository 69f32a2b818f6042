//! `embedded-hal` ports of a module.

use std::cell::RefCell;
use std::rc::Rc;

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{self, I2c};
use embedded_hal::spi::{self, SpiDevice};

use super::Module;

/// A module on a bench: buses and delay for a driver, and access to the module itself.
///
/// ```
/// use pinhole_cameras::arducam_mini::{ArducamMini, Config};
/// use pinhole_cameras::model::{Bench, BusSettings, MiniBoard, MiniModel, Module as _, Photo};
/// let photo = Photo::from_fn(64, 64, |x, y| (x * 2 + y) as u8);
/// let bench = Bench::new(MiniModel::new(MiniBoard::PLUS, BusSettings::default(), photo, 1));
/// let camera = ArducamMini::new(bench.spi(), bench.i2c(), bench.delay(), Config::square(96)?);
/// assert_eq!(bench.module().transactions(), 0);
/// # drop(camera);
/// # Ok::<(), pinhole_cameras::ov2640::WindowError>(())
/// ```
#[derive(Debug)]
pub struct Bench<M>(Rc<RefCell<M>>);

impl<M: Module> Bench<M> {
    /// Puts a module on a bench.
    pub fn new(module: M) -> Self {
        Self(Rc::new(RefCell::new(module)))
    }

    /// Returns its SPI bus, including chip select.
    pub fn spi(&self) -> SpiPort<M> {
        SpiPort(Rc::clone(&self.0))
    }

    /// Returns its I2C bus.
    pub fn i2c(&self) -> I2cPort<M> {
        I2cPort(Rc::clone(&self.0))
    }

    /// Returns its delay; waiting lets its time pass.
    pub fn delay(&self) -> DelayPort<M> {
        DelayPort(Rc::clone(&self.0))
    }

    /// Borrows the module; no driver may be active while it is borrowed.
    pub fn module(&self) -> std::cell::RefMut<'_, M> {
        self.0.borrow_mut()
    }
}

/// A module's SPI bus.
#[derive(Debug)]
pub struct SpiPort<M>(Rc<RefCell<M>>);

impl<M> spi::ErrorType for SpiPort<M> {
    type Error = spi::ErrorKind;
}

impl<M: Module> SpiDevice for SpiPort<M> {
    fn transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), spi::ErrorKind> {
        self.0.borrow_mut().spi_transaction(operations)
    }
}

/// A module's I2C bus.
#[derive(Debug)]
pub struct I2cPort<M>(Rc<RefCell<M>>);

impl<M> i2c::ErrorType for I2cPort<M> {
    type Error = i2c::ErrorKind;
}

impl<M: Module> I2c for I2cPort<M> {
    fn transaction(&mut self, address: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), i2c::ErrorKind> {
        self.0.borrow_mut().i2c_transaction(address, operations)
    }
}

/// A module's delay.
#[derive(Debug)]
pub struct DelayPort<M>(Rc<RefCell<M>>);

impl<M: Module> DelayNs for DelayPort<M> {
    fn delay_ns(&mut self, ns: u32) {
        self.0.borrow_mut().delay_ns(u64::from(ns));
    }

    fn delay_us(&mut self, us: u32) {
        self.0.borrow_mut().delay_ns(u64::from(us) * 1_000);
    }

    fn delay_ms(&mut self, ms: u32) {
        self.0.borrow_mut().delay_ns(u64::from(ms) * 1_000_000);
    }
}
