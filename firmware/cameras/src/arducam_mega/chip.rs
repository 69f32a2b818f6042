//! The module's registers over SPI.

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
/// Address of the sensor for the module's own use; the SDK writes 78.
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

/// Wait between two looks, ms (Zephyr's driver).
pub(super) const POLL_MS: u32 = 2;
/// Looks for a finished capture (Zephyr's driver).
pub(super) const DONE_POLLS: u32 = 200;
/// Looks that must see the done flag for it to count.
pub(super) const DONE_LOOKS: u32 = 3;
/// Looks for an idle module, all together, while it is brought up.
pub(super) const BRING_UP_POLLS: u32 = 300;
/// Looks for an idle module, all together, for a picture.
pub(super) const PICTURE_POLLS: u32 = 25;

#[derive(Debug)]
pub(super) struct MegaChip<S> {
    spi: S,
    /// Waits for an idle module that are left: each write waits, and all of them together must end.
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

    /// A value comes a byte later than on the Mini.
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
        // The second generation forgets the resolution with the format.
        self.set(delay, FORMAT, FORMAT_YUV422)?;
        self.set(delay, RESOLUTION, resolution)?;
        self.set(delay, EFFECT, EFFECT_BLACK_AND_WHITE)
    }

    pub(super) fn is_exposing(&mut self) -> Result<bool, MegaError> {
        Ok(self.read(STATE)? & EXPOSING != 0)
    }

    /// Captures one picture; returns when it lies in the buffer.
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

    /// A flag that is still set would pass for the next capture's, and as pictures bear no stamp, nothing else would
    /// tell: several looks must see the same.
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

    /// The flag is all that tells a whole picture from a part of it: it counts when several looks see the same.
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

    /// The buffer still holds the captured picture.
    pub(super) fn check_done(&mut self) -> Result<(), MegaError> {
        if self.is_done()? { Ok(()) } else { Err(PictureError::Lost.into()) }
    }

    /// Bytes in the buffer.
    pub(super) fn length(&mut self) -> Result<u32, MegaError> {
        let [low, middle, high] = LENGTH;
        let (low, middle, high) = (self.read(low)?, self.read(middle)?, self.read(high)?);
        Ok(u32::from_le_bytes([low, middle, high, 0]))
    }
}
