//! The ArduChip: frame buffer and its control, over SPI.

use embedded_hal::delay::DelayNs;
use embedded_hal::spi::{Operation, SpiDevice};

use super::error::MiniError;
use crate::picture::PictureError;
use crate::probe::FILLER;

/// Register addresses and values are those of the ArduCAM app note, section "Register table".
pub(super) const TEST1: u8 = 0x00;
/// b6: low power.
pub(super) const TIMING: u8 = 0x03;
/// Commands: see the constants below.
const FIFO: u8 = 0x04;
/// Old board: direction of the [`GPIO`] pins, 1 for output.
pub(super) const GPIO_DIRECTION: u8 = 0x05;
/// b0: sensor runs (0: in reset), b1: sensor standby, b2: sensor supply.
pub(super) const GPIO: u8 = 0x06;
/// b7: holds the chip in reset.
pub(super) const CPLD_RESET: u8 = 0x07;
pub(super) const VERSION: u8 = 0x40;
/// b0: level of VSYNC, b3: capture done.
const TRIGGER: u8 = 0x41;
const LENGTH: [u8; 3] = [0x42, 0x43, 0x44];

/// [`FIFO`]: clears the done flag and flushes the buffer.
const CLEAR: u8 = 0x01;
/// [`FIFO`]: starts a capture.
const START: u8 = 0x02;
/// [`FIFO`]: resets read and write pointer. Documents disagree about which bit is which; the driver always resets both.
const POINTERS: u8 = 0x30;
const VSYNC: u8 = 0x01;
const DONE: u8 = 0x08;
const WRITE: u8 = 0x80;
/// Value read from a line stuck high; no register reads this in normal operation.
const STUCK_HIGH: u8 = 0xFF;

/// Poll interval for a finished capture, ms.
pub(super) const POLL_MS: u32 = 1;
/// Maximum polls for a finished capture: three frame periods of 67 ms and 100 ms. A capture takes one to two periods.
pub(super) const POLLS: u32 = 300;
/// Number of consecutive reads that must show the done flag.
pub(super) const DONE_LOOKS: u32 = 3;
/// Reads that search for a change of VSYNC if a capture does not end: more than one frame period.
pub(super) const VSYNC_LOOKS: u32 = 700;
/// Interval of these reads, us: half of the duration of VSYNC (four lines of 53 us).
pub(super) const VSYNC_LOOK_US: u32 = 100;

#[derive(Debug)]
pub(super) struct ArduChip<S> {
    spi: S,
}

impl<S: SpiDevice> ArduChip<S> {
    pub(super) fn new(spi: S) -> Self {
        Self { spi }
    }

    pub(super) fn release(self) -> S {
        self.spi
    }

    pub(super) fn spi(&mut self) -> &mut S {
        &mut self.spi
    }

    pub(super) fn read(&mut self, address: u8) -> Result<u8, MiniError> {
        let mut bytes = [address, FILLER];
        self.spi.transaction(&mut [Operation::TransferInPlace(&mut bytes)]).map_err(MiniError::spi)?;
        let [_, value] = bytes;
        Ok(value)
    }

    pub(super) fn write(&mut self, address: u8, value: u8) -> Result<(), MiniError> {
        self.spi.transaction(&mut [Operation::Write(&[WRITE | address, value])]).map_err(MiniError::spi)
    }

    /// Clears the buffer. No capture may be in progress.
    pub(super) fn clear_buffer(&mut self) -> Result<(), MiniError> {
        self.write(FIFO, CLEAR)?;
        self.write(FIFO, POINTERS)
    }

    /// Captures one frame, from the next frame start on; returns when it is in the buffer.
    pub(super) fn start_capture(&mut self, delay: &mut impl DelayNs) -> Result<(), MiniError> {
        // A flag that is still set would count for this capture.
        if self.read(TRIGGER)? & DONE != 0 {
            return Err(MiniError::DoneNotCleared);
        }
        self.write(FIFO, START)?;
        for _ in 0..POLLS {
            delay.delay_ms(POLL_MS);
            if self.is_done()? {
                return Ok(());
            }
        }
        Err(MiniError::CaptureTimeout { vsync_toggles: self.vsync_toggles(delay)? })
    }

    /// Returns true if the capture is done. Only this flag tells a complete picture from a partial one, so several
    /// reads must agree.
    fn is_done(&mut self) -> Result<bool, MiniError> {
        let first = self.read(TRIGGER)?;
        if first & DONE == 0 || first == STUCK_HIGH {
            return Ok(false);
        }
        for _ in 1..DONE_LOOKS {
            // VSYNC may change in between.
            if (self.read(TRIGGER)? ^ first) & !VSYNC != 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Checks that the buffer still holds the captured picture.
    pub(super) fn check_done(&mut self) -> Result<(), MiniError> {
        if self.is_done()? { Ok(()) } else { Err(PictureError::Lost.into()) }
    }

    fn vsync_toggles(&mut self, delay: &mut impl DelayNs) -> Result<bool, MiniError> {
        let first = self.read(TRIGGER)? & VSYNC;
        for _ in 0..VSYNC_LOOKS {
            if self.read(TRIGGER)? & VSYNC != first {
                return Ok(true);
            }
            delay.delay_us(VSYNC_LOOK_US);
        }
        Ok(false)
    }

    /// Returns the number of bytes in the buffer, 23 bits.
    pub(super) fn length(&mut self) -> Result<u32, MiniError> {
        let [low, middle, high] = LENGTH;
        let (low, middle, high) = (self.read(low)?, self.read(middle)?, self.read(high)?);
        Ok(u32::from_le_bytes([low, middle, high & 0x7F, 0]))
    }
}
