//! ArduCAM Mega, 3 and 5 megapixels: SPI only; a controller in the module drives the sensor.
//!
//! Two generations of modules number the picture sizes differently, so the driver reads the module's identification
//! first ([`Generation`]). The pictures are YUV422 in the effect "black and white". Its chroma is neutral, so every row
//! can be checked ([`crate::picture`]).
//!
//! Bus settings: [`SPI_MODE`], at most [`SPI_MOST_HZ`].
//!
//! # Not verified on hardware
//! Two assumptions: chroma is exactly 0x80 in black and white, and the done flag stays set while rows are read.
//! Pictures cannot be stamped, so an old picture reported as captured is not detected. There is no measure of exposure,
//! so a fixed number of pictures is dropped ([`SETTLE_PICTURES`]).
//!
//! # Source
//! ArduCAM's Arducam_Mega SDK 3.0.0 (registers, sizes, sequences); Zephyr's arducam_mega driver (waits).

mod chip;
mod error;
mod time;

use embedded_hal::delay::DelayNs;
use embedded_hal::spi::{MODE_0, Mode, SpiDevice};
use pinhole_app::camera::{Camera, Frame};
use pinhole_shared::pixels::{Color, InputShape, PictureSize, PixelFormat};

use crate::mega_size_for;
use crate::picture::{Dummy, DummyByte, NEUTRAL, RowError, Rows};
use crate::probe::{PATTERNS, judge};
use chip::{BRING_UP_POLLS, MegaChip, PICTURE_POLLS};
pub use error::MegaError;
pub use time::{worst_read_row_us, worst_start_ms};

/// SPI mode: clock idles low, data is sampled at its rising edge.
pub const SPI_MODE: Mode = MODE_0;
/// Maximum SPI clock in the vendor's examples for similar microcontrollers, Hz.
pub const SPI_MOST_HZ: u32 = 8_000_000;

/// Captures per `start` before the module is brought up again.
const CAPTURE_TRIES: u32 = 2;
/// Pictures dropped after bring-up: users report two to four dark or green ones.
pub const SETTLE_PICTURES: u32 = 5;
/// Wait after a reset before the first read, ms.
const RESET_MS: u32 = 100;
/// Probes before the module counts as absent.
const PROBE_TRIES: u32 = 5;
/// Interval of probes, ms: the module may still be starting.
const PROBE_WAIT_MS: u32 = 100;
/// Wait after a write while the driver does not know if the module reports busy, ms.
const PROBE_WRITE_MS: u32 = 2;
/// Maximum polls for exposure and white balance, on modules that report them as busy.
const EXPOSURE_POLLS: u32 = 50;
/// Interval of these polls, ms.
const EXPOSURE_POLL_MS: u32 = 10;

/// Square picture sizes of both generations, px.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Size {
    /// 96 x 96.
    #[default]
    Px96,
    /// 128 x 128.
    Px128,
    /// 320 x 320.
    Px320,
}

impl Size {
    /// Returns width and height, px.
    pub const fn side(self) -> u16 {
        match self {
            Self::Px96 => 96,
            Self::Px128 => 128,
            Self::Px320 => 320,
        }
    }

    /// Returns the value of the resolution register.
    pub const fn code(self, generation: Generation) -> u8 {
        match (generation, self) {
            (Generation::First, Self::Px96) => 0x0A,
            (Generation::First, Self::Px128) => 0x0B,
            (Generation::First, Self::Px320) => 0x0C,
            (Generation::Second, Self::Px96) => 0x00,
            (Generation::Second, Self::Px128) => 0x01,
            (Generation::Second, Self::Px320) => 0x04,
        }
    }
}

/// Module generations; they number sizes differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Generation {
    /// Identifications 81 to 84.
    First,
    /// Identifications 85 to 87.
    Second,
}

impl Generation {
    /// Returns the generation of an identification; `None` if it is unknown.
    pub const fn of_id(id: u8) -> Option<Self> {
        match id {
            0x81..=0x84 => Some(Self::First),
            0x85..=0x87 => Some(Self::Second),
            _ => None,
        }
    }
}

/// Configuration of the module's pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    /// Picture size.
    pub size: Size,
    /// Rule for the dummy byte in bursts; [`DummyByte::Auto`]: the first burst of a picture has one.
    pub dummy_byte: DummyByte,
}

impl Config {
    /// Returns the smallest size for a network's input. `None` if the largest size is too small, and for color inputs:
    /// this driver's pictures are gray. The module's pictures are square, whatever the input's shape: of a rectangle, the longer
    /// side decides.
    pub const fn for_input(input: InputShape) -> Option<Self> {
        match (input.color, mega_size_for(input.longer_side())) {
            (Color::Gray, Some(size)) => Some(Self { size, dummy_byte: DummyByte::Auto }),
            _ => None,
        }
    }

    /// Returns the size and pixel format of the pictures.
    pub const fn frame(&self) -> Frame {
        let side = self.size.side();
        Frame { size: PictureSize { width: side, height: side }, format: PixelFormat::Yuv422 }
    }
}

/// Camera driver of the module.
#[derive(Debug)]
pub struct ArducamMega<S, D> {
    chip: MegaChip<S>,
    delay: D,
    config: Config,
    dummy: Dummy,
    /// The module is brought up, and no error has occurred since.
    is_ready: bool,
    /// Rows of the last picture were damaged.
    is_suspect: bool,
    rows: Option<Rows>,
}

impl<S: SpiDevice, D: DelayNs> ArducamMega<S, D> {
    /// Creates the driver. Nothing is sent before the first [`Camera::start`].
    ///
    /// `spi` must be in [`SPI_MODE`] and at most at [`SPI_MOST_HZ`].
    pub fn new(spi: S, delay: D, config: Config) -> Self {
        let rule = match config.dummy_byte {
            DummyByte::Auto => DummyByte::FirstBurst,
            rule => rule,
        };
        let chip = MegaChip::new(spi);
        Self { chip, delay, config, dummy: Dummy::fixed(rule), is_ready: false, is_suspect: false, rows: None }
    }

    /// Returns the bus and the delay.
    pub fn release(self) -> (S, D) {
        (self.chip.release(), self.delay)
    }

    fn bring_up(&mut self) -> Result<(), MegaError> {
        let Self { chip, delay, .. } = self;
        chip.allow_polls(BRING_UP_POLLS);
        chip.reset()?;
        delay.delay_ms(RESET_MS);
        let generation = self.probe()?;
        let Self { chip, delay, .. } = self;
        chip.wait_idle(delay)?;
        chip.set_up(delay, self.config.size.code(generation))?;
        if generation == Generation::Second {
            let mut polls_left = EXPOSURE_POLLS;
            while chip.is_exposing()? && polls_left > 0 {
                polls_left -= 1;
                delay.delay_ms(EXPOSURE_POLL_MS);
            }
        }
        for _ in 0..SETTLE_PICTURES {
            chip.allow_polls(PICTURE_POLLS);
            chip.capture(delay)?;
        }
        Ok(())
    }

    fn probe(&mut self) -> Result<Generation, MegaError> {
        let mut tries_left = PROBE_TRIES;
        loop {
            tries_left -= 1;
            match self.probe_once() {
                Err(_) if tries_left > 0 => self.delay.delay_ms(PROBE_WAIT_MS),
                result => return result,
            }
        }
    }

    fn probe_once(&mut self) -> Result<Generation, MegaError> {
        let mut ids = [0; PATTERNS.len()];
        let mut values = [0; PATTERNS.len()];
        for ((pattern, id), value) in PATTERNS.iter().zip(&mut ids).zip(&mut values) {
            self.chip.write(chip::TEST, *pattern)?;
            self.delay.delay_ms(PROBE_WRITE_MS);
            *id = self.chip.read(chip::ID)?;
            *value = self.chip.read(chip::TEST)?;
        }
        judge(chip::TEST, values, chip::ID, ids)?;
        let [got, ..] = ids;
        Generation::of_id(got).ok_or(MegaError::Id { got })
    }

    fn picture(&mut self) -> Result<Rows, MegaError> {
        self.chip.allow_polls(PICTURE_POLLS);
        let mut tries_left = CAPTURE_TRIES;
        loop {
            tries_left -= 1;
            match self.capture() {
                Err(error) if tries_left > 0 && error.may_pass() => {}
                result => return result,
            }
        }
    }

    fn capture(&mut self) -> Result<Rows, MegaError> {
        self.chip.capture(&mut self.delay)?;
        let frame = self.config.frame();
        let expected = u32::from(frame.size.width) * u32::from(frame.size.height) * 2;
        let got = self.chip.length()?;
        if got != expected {
            return Err(MegaError::FrameLength { got, expected });
        }
        let rows = Rows::begin(self.chip.spi(), &mut self.dummy, Some(NEUTRAL), frame.row_bytes(), frame.size.height)?;
        Ok(rows)
    }
}

impl<S: SpiDevice, D: DelayNs> Camera for ArducamMega<S, D> {
    type Error = MegaError;

    /// Captures a picture. Brings the module up first if necessary, and once more if the capture fails.
    ///
    /// Takes at most [`worst_start_ms`].
    fn start(&mut self) -> Result<Frame, MegaError> {
        self.rows = None;
        if self.is_ready {
            match self.picture() {
                Ok(rows) => {
                    self.rows = Some(rows);
                    return Ok(self.config.frame());
                }
                Err(_) => self.is_ready = false,
            }
        }
        self.bring_up()?;
        self.rows = Some(self.picture()?);
        self.is_ready = true;
        Ok(self.config.frame())
    }

    /// Reads the next row in one burst.
    ///
    /// Takes at most [`worst_read_row_us`].
    fn read_row(&mut self, row: &mut [u8]) -> Result<(), MegaError> {
        let Some(rows) = &mut self.rows else { return Err(MegaError::Misuse) };
        let result = match rows.read(self.chip.spi(), row) {
            Ok(()) if rows.is_over() => self.chip.check_done(),
            Ok(()) => return Ok(()),
            Err(RowError::Misuse) => Err(MegaError::Misuse),
            Err(RowError::Picture(error)) => Err(error.into()),
        };
        self.rows = None;
        match result {
            Ok(()) => self.is_suspect = false,
            Err(MegaError::Misuse) => {}
            Err(_) => {
                // A row may be damaged by chance; after repeated damage the module is brought up again.
                self.is_ready &= !self.is_suspect;
                self.is_suspect = true;
            }
        }
        result
    }
}
