//! Access to the module's registers over SPI.

use embedded_hal::delay::DelayNs;
use embedded_hal::spi::{Operation, SpiDevice};

use super::error::MegaError;
use crate::picture::PictureError;
use crate::probe::{FILLER, WireFault};

/// Scratch register.
pub(super) const TEST: u8 = 0x00;
/// b0 clears the done flag, b1 starts a capture.
const FIFO: u8 = 0x04;
const CLEAR: u8 = 0x01;
const START: u8 = 0x02;
/// b6 resets the sensor.
const RESET: u8 = 0x07;
const RESET_SENSOR: u8 = 0x40;
/// The sensor's address, for the module itself; the SDK writes 78.
const SENSOR_ADDRESS: u8 = 0x0A;
const FORMAT: u8 = 0x20;
const FORMAT_YUV422: u8 = 0x03;
const RESOLUTION: u8 = 0x21;
const EFFECT: u8 = 0x27;
const EFFECT_BLACK_AND_WHITE: u8 = 0x03;
pub(super) const ID: u8 = 0x40;
/// b1..0: 2 when idle; b2: capture done; b3: busy with exposure and white balance (second generation).
const STATE: u8 = 0x44;
const IDLE_MASK: u8 = 0x03;
const IDLE: u8 = 0x02;
const DONE: u8 = 0x04;
const EXPOSING: u8 = 0x08;
const LENGTH: [u8; 3] = [0x45, 0x46, 0x47];
const WRITE: u8 = 0x80;

/// Poll interval, ms (Zephyr's driver).
pub(super) const POLL_MS: u32 = 2;
/// Maximum polls for a finished capture (Zephyr's driver).
pub(super) const DONE_POLLS: u32 = 200;
/// Number of consecutive reads that must show the done flag.
pub(super) const DONE_LOOKS: u32 = 3;
/// Maximum polls for an idle module, in total, during bring-up.
pub(super) const BRING_UP_POLLS: u32 = 300;
/// Maximum polls for an idle module, in total, per picture.
pub(super) const PICTURE_POLLS: u32 = 25;

#[derive(Debug)]
pub(super) struct MegaChip<S> {
    spi: S,
    /// Polls for an idle module that are left. Each write polls, and their total is limited.
    polls_left: u32,
}

impl<S: SpiDevice> MegaChip<S> {
    pub(super) fn new(spi: S) -> Self {
        Self { spi, polls_left: 0 }
    }

    pub(super) fn release(self) -> S {
        self.spi
    }

    pub(super) fn spi(&mut self) -> &mut S {
        &mut self.spi
    }

    pub(super) fn allow_polls(&mut self, polls: u32) {
        self.polls_left = polls;
    }

    /// Reads a register. The value arrives one byte later than on the Mini.
    pub(super) fn read(&mut self, address: u8) -> Result<u8, MegaError> {
        let mut bytes = [address, FILLER, FILLER];
        self.spi.transaction(&mut [Operation::TransferInPlace(&mut bytes)]).map_err(MegaError::spi)?;
        let [_, _, value] = bytes;
        Ok(value)
    }

    pub(super) fn write(&mut self, address: u8, value: u8) -> Result<(), MegaError> {
        self.spi.transaction(&mut [Operation::Write(&[WRITE | address, value])]).map_err(MegaError::spi)
    }

    pub(super) fn wait_idle(&mut self, delay: &mut impl DelayNs) -> Result<(), MegaError> {
        loop {
            let state = self.read(STATE)?;
            if state & IDLE_MASK == IDLE {
                return Ok(());
            }
            if self.polls_left == 0 {
                return Err(MegaError::Busy { state });
            }
            self.polls_left -= 1;
            delay.delay_ms(POLL_MS);
        }
    }

    fn set(&mut self, delay: &mut impl DelayNs, address: u8, value: u8) -> Result<(), MegaError> {
        self.write(address, value)?;
        self.wait_idle(delay)
    }

    pub(super) fn reset(&mut self) -> Result<(), MegaError> {
        self.write(RESET, RESET_SENSOR)
    }

    pub(super) fn set_up(&mut self, delay: &mut impl DelayNs, resolution: u8) -> Result<(), MegaError> {
        self.set(delay, SENSOR_ADDRESS, 0x78)?;
        // The second generation resets the resolution when the format is written.
        self.set(delay, FORMAT, FORMAT_YUV422)?;
        self.set(delay, RESOLUTION, resolution)?;
        self.set(delay, EFFECT, EFFECT_BLACK_AND_WHITE)
    }

    pub(super) fn is_exposing(&mut self) -> Result<bool, MegaError> {
        Ok(self.read(STATE)? & EXPOSING != 0)
    }

    /// Captures one picture; returns when it is in the buffer.
    pub(super) fn capture(&mut self, delay: &mut impl DelayNs) -> Result<(), MegaError> {
        self.set(delay, FIFO, CLEAR)?;
        self.check_cleared()?;
        self.write(FIFO, START)?;
        for _ in 0..DONE_POLLS {
            delay.delay_ms(POLL_MS);
            if self.is_done()? {
                return Ok(());
            }
        }
        Err(MegaError::CaptureTimeout)
    }

    /// Checks that the done flag is cleared. A flag that is still set would count for the next capture, and pictures
    /// have no stamp to reveal it. Therefore several reads must agree.
    fn check_cleared(&mut self) -> Result<(), MegaError> {
        let expected = self.read(STATE)?;
        for _ in 1..DONE_LOOKS {
            let got = self.read(STATE)?;
            if (got ^ expected) & !EXPOSING != 0 {
                return Err(WireFault::Readback { address: STATE, expected, got }.into());
            }
        }
        if expected & DONE == 0 { Ok(()) } else { Err(MegaError::DoneNotCleared) }
    }

    /// Returns true if the capture is done. Only this flag tells a complete picture from a partial one, so several
    /// reads must agree.
    fn is_done(&mut self) -> Result<bool, MegaError> {
        let first = self.read(STATE)?;
        if first & (DONE | IDLE_MASK) != DONE | IDLE {
            return Ok(false);
        }
        for _ in 1..DONE_LOOKS {
            if self.read(STATE)? != first {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Checks that the buffer still holds the captured picture.
    pub(super) fn check_done(&mut self) -> Result<(), MegaError> {
        if self.is_done()? { Ok(()) } else { Err(PictureError::Lost.into()) }
    }

    /// Returns the number of bytes in the buffer.
    pub(super) fn length(&mut self) -> Result<u32, MegaError> {
        let [low, middle, high] = LENGTH;
        let (low, middle, high) = (self.read(low)?, self.read(middle)?, self.read(high)?);
        Ok(u32::from_le_bytes([low, middle, high, 0]))
    }
}
