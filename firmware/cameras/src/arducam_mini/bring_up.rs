//! Bring-up: takes the module from any state to one that captures.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use embedded_hal::spi::SpiDevice;
use pinhole_shared::pixels::Color;

use super::chip::{CPLD_RESET, GPIO, GPIO_DIRECTION, TEST1, TIMING, VERSION};
use super::{ArducamMini, Exposure, MiniError};
use crate::ov2640::{
    BASE, COM7, COM7_RESET, EFFECT_ADDRESS, EFFECT_DATA, EFFECT_FIX_CHROMA, PIDH, PIDL, PRODUCT_ID_HIGH,
    PRODUCT_IDS_LOW, REG04, REG04_BASE, RGB565, Register, YAVG, YUV422,
};
use crate::picture::{Dummy, DummyByte, NEUTRAL};
use crate::probe::{PATTERNS, WireFault, judge};

/// Duration of the chip's reset, and of the wait after it, ms (ArduCAM's examples for the 2MP Plus).
pub(super) const CPLD_RESET_MS: u32 = 100;
/// Probes before the module counts as absent.
pub(super) const PROBE_TRIES: u32 = 3;
/// Interval of probes, ms.
pub(super) const PROBE_WAIT_MS: u32 = 10;
/// Wait after leaving standby, ms.
pub(super) const WAKE_MS: u32 = 10;
/// Reads of the sensor's identification before it counts as another chip.
pub(super) const ID_TRIES: u32 = 5;
/// Interval of these reads, ms.
pub(super) const ID_WAIT_MS: u32 = 10;
/// Wait after the sensor's soft reset, ms (ArduCAM's examples; OV2640DS v1.6 requires less than 1).
pub(super) const SENSOR_RESET_MS: u32 = 100;
/// Frame period, ms, rounded up, so that two reads of the luminance belong to different frames (OV2640DS v1.6: 15
/// frames per second in UXGA).
pub(super) const FRAME_MS: u32 = 67;
/// Minimum frames before exposure can count as steady: users report two to four dark or green ones.
const FEWEST_FRAMES: u32 = 5;
/// Maximum frames to wait for a steady exposure.
pub(super) const MOST_FRAMES: u32 = 30;
/// Target luminance of exposure control, as set by [`BASE`] (registers 25 and 24 of the sensor bank).
const AIM: core::ops::RangeInclusive<u8> = 0x38..=0x40;
/// Luminance changes between frames below this count as steady.
const STEADY: u8 = 2;
/// Minimum luminance change over a capture that shows that exposure was not steady.
const MOVED: u8 = 4;
/// Consecutive steady frames outside the target: the limit of exposure control in very dark or bright scenes.
const STEADY_FRAMES: u32 = 3;

const OLD_BOARD: u8 = 0x40;
const PLUS: u8 = 0x73;
const LOW_POWER: u8 = 0x40;
const RUNS: u8 = 0x01;
const STANDBY: u8 = 0x02;
const SUPPLY: u8 = 0x04;
/// Manufacturer identification, 7F A2.
const MAKER: [Register; 2] = [Register::Sensor(0x1C), Register::Sensor(0x1D)];
const MAKER_ID: [u8; 2] = [0x7F, 0xA2];

impl<S: SpiDevice, I: I2c, D: DelayNs> ArducamMini<S, I, D> {
    pub(super) fn bring_up(&mut self) -> Result<(), MiniError> {
        self.sensor.allow_retries();
        self.chip.write(CPLD_RESET, 0x80)?;
        self.delay.delay_ms(CPLD_RESET_MS);
        self.chip.write(CPLD_RESET, 0x00)?;
        self.delay.delay_ms(CPLD_RESET_MS);
        let version = self.probe()?;
        self.dummy = match (self.config.dummy_byte, version) {
            (DummyByte::Auto, OLD_BOARD) => Dummy::fixed(DummyByte::FirstBurst),
            (DummyByte::Auto, PLUS) => Dummy::fixed(DummyByte::None),
            // Learned from stamps, again at each bring-up: a rule learned from a fault must not persist.
            (DummyByte::Auto, _) if self.config.color == Color::Rgb => {
                return Err(MiniError::UnknownDummyByte { version });
            }
            (DummyByte::Auto, _) => Dummy::learning(),
            (rule, _) => Dummy::fixed(rule),
        };
        self.wake(version)?;
        self.sensor.forget_bank();
        self.check_sensor()?;
        self.sensor.write(&mut self.delay, COM7, COM7_RESET)?;
        self.sensor.forget_bank();
        self.delay.delay_ms(SENSOR_RESET_MS);
        self.configure()?;
        self.exposure = Exposure::default();
        self.settle()?;
        Ok(())
    }

    /// Returns the module's version if it responds correctly.
    fn probe(&mut self) -> Result<u8, MiniError> {
        let mut tries_left = PROBE_TRIES;
        loop {
            tries_left -= 1;
            match self.probe_once() {
                Err(_) if tries_left > 0 => self.delay.delay_ms(PROBE_WAIT_MS),
                result => return result,
            }
        }
    }

    fn probe_once(&mut self) -> Result<u8, MiniError> {
        let mut versions = [0; PATTERNS.len()];
        let mut values = [0; PATTERNS.len()];
        for ((pattern, version), value) in PATTERNS.iter().zip(&mut versions).zip(&mut values) {
            self.chip.write(TEST1, *pattern)?;
            *version = self.chip.read(VERSION)?;
            *value = self.chip.read(TEST1)?;
        }
        judge(TEST1, values, VERSION, versions)?;
        match versions {
            [got @ (0x00 | 0xFF), ..] => Err(MiniError::Version { got }),
            [version, ..] => Ok(version),
        }
    }

    /// Ends low power and standby; both survive a reset of the microcontroller.
    fn wake(&mut self, version: u8) -> Result<(), MiniError> {
        let timing = self.read_twice(TIMING)?;
        if timing & LOW_POWER != 0 {
            self.write_checked(TIMING, timing & !LOW_POWER)?;
        }
        if version == OLD_BOARD {
            self.chip.write(GPIO_DIRECTION, RUNS | STANDBY | SUPPLY)?;
        }
        // Write all pins, not only the standby bit: a wrong bit written once would survive every reset.
        self.chip.write(GPIO, RUNS | SUPPLY)?;
        let got = self.chip.read(GPIO)?;
        if got & STANDBY != 0 {
            return Err(WireFault::Readback { address: GPIO, expected: RUNS | SUPPLY, got }.into());
        }
        self.delay.delay_ms(WAKE_MS);
        Ok(())
    }

    /// Reads a register twice, before some of its bits are changed: a misread would persist.
    fn read_twice(&mut self, address: u8) -> Result<u8, MiniError> {
        let (expected, got) = (self.chip.read(address)?, self.chip.read(address)?);
        if expected == got { Ok(got) } else { Err(WireFault::Readback { address, expected, got }.into()) }
    }

    fn write_checked(&mut self, address: u8, value: u8) -> Result<(), MiniError> {
        self.chip.write(address, value)?;
        let got = self.chip.read(address)?;
        if got == value { Ok(()) } else { Err(WireFault::Readback { address, expected: value, got }.into()) }
    }

    fn check_sensor(&mut self) -> Result<(), MiniError> {
        let mut tries_left = ID_TRIES;
        loop {
            tries_left -= 1;
            let mut read = |register| self.sensor.read(&mut self.delay, register);
            let [maker_high, maker_low] = MAKER;
            let product = [read(PIDH)?, read(PIDL)?];
            let maker = [read(maker_high)?, read(maker_low)?];
            let [high, low] = product;
            if high == PRODUCT_ID_HIGH && PRODUCT_IDS_LOW.contains(&low) && maker == MAKER_ID {
                return Ok(());
            }
            if tries_left == 0 {
                return Err(MiniError::SensorId { product, maker });
            }
            self.sensor.forget_bank();
            self.delay.delay_ms(ID_WAIT_MS);
        }
    }

    fn configure(&mut self) -> Result<(), MiniError> {
        let Self { sensor, delay, config, .. } = self;
        sensor.write_table(delay, BASE)?;
        for (register, value) in config.window.writes() {
            sensor.write(delay, register, value)?;
        }
        sensor.write_table(
            delay,
            match config.color {
                Color::Gray => YUV422,
                Color::Rgb => RGB565,
            },
        )?;
        let mirror = if config.mirror { 0x80 } else { 0x00 };
        let flip = if config.flip { 0x40 } else { 0x00 };
        sensor.write(delay, REG04, REG04_BASE | mirror | flip)?;
        if config.color == Color::Rgb {
            // The reset has cleared all effects.
            return Ok(());
        }
        sensor.write(delay, EFFECT_ADDRESS, 0x00)?;
        sensor.write(delay, EFFECT_DATA, EFFECT_FIX_CHROMA)?;
        self.set_stamp(NEUTRAL)
    }

    /// Waits until exposure is steady.
    fn settle(&mut self) -> Result<(), MiniError> {
        let mut last = None;
        let (mut frames, mut steady_frames) = (0, 0);
        self.exposure.is_settled = false;
        while self.exposure.frames < MOST_FRAMES && !self.exposure.is_settled {
            self.delay.delay_ms(FRAME_MS);
            let luminance = self.sensor.read(&mut self.delay, YAVG)?;
            let is_steady = last.is_some_and(|last: u8| last.abs_diff(luminance) < STEADY);
            steady_frames = if is_steady { steady_frames + 1 } else { 0 };
            (last, frames) = (Some(luminance), frames + 1);
            let enough = if AIM.contains(&luminance) { 1 } else { STEADY_FRAMES };
            let is_settled = frames >= FEWEST_FRAMES && steady_frames >= enough;
            self.exposure = Exposure { luminance, frames: self.exposure.frames + 1, is_settled };
        }
        Ok(())
    }

    /// Waits again if luminance has changed since.
    pub(super) fn settle_again(&mut self) -> Result<(), MiniError> {
        let luminance = self.sensor.read(&mut self.delay, YAVG)?;
        if luminance.abs_diff(self.exposure.luminance) >= MOVED { self.settle() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
