//! ArduCAM Mega, 3 and 5 megapixels: SPI only; a controller in the module drives the sensor.
//!
//! Two generations of modules number the picture sizes differently: the module's identification is read first
//! ([`Generation`]). The pictures are YUV422 in the effect "black and white", whose chroma is neutral, so that every row
//! can be checked ([`crate::picture`]).
//!
//! Bus settings: [`SPI_MODE`], at most [`SPI_MOST_HZ`].
//!
//! # Awaits hardware
//! That chroma is exactly 0x80 in black and white, and that the done flag stays set while rows are read. There is no way known to mark a picture, so a module that gave an
//! old picture, and said that it was captured, would not be noticed; nor is there a measure of exposure, so pictures are
//! dropped by number ([`SETTLE_PICTURES`]).
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

/// SPI mode: clock idles low, data is taken at its rising edge.
pub const SPI_MODE: Mode = MODE_0;
/// Fastest SPI clock of the maker's examples on a microcontroller like these, Hz.
pub const SPI_MOST_HZ: u32 = 8_000_000;

/// Captures that one `start` tries without bringing the module up anew.
const CAPTURE_TRIES: u32 = 2;
/// Pictures dropped after the module was brought up: users see two to four dark or green ones.
pub const SETTLE_PICTURES: u32 = 5;
/// Wait after a reset before the first question, ms.
const RESET_MS: u32 = 100;
/// Probes before the module counts as absent.
const PROBE_TRIES: u32 = 5;
/// Wait between two probes, ms: the module may still be starting.
const PROBE_WAIT_MS: u32 = 100;
/// Wait after a write while it is not known whether the module can say that it is busy, ms.
const PROBE_WRITE_MS: u32 = 2;
/// Waits for exposure and white balance on modules that say when they are busy with it.
const EXPOSURE_POLLS: u32 = 50;
/// One such wait, ms.
const EXPOSURE_POLL_MS: u32 = 10;

/// Sizes that both generations have, square, in pixels.
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
    /// Width and height.
    pub const fn side(self) -> u16 {
        match self {
            Self::Px96 => 96,
            Self::Px128 => 128,
            Self::Px320 => 320,
        }
    }

    /// The value of the resolution register.
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

/// Generations of the module, by how they number sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Generation {
    /// Identifications 81 to 84.
    First,
    /// Identifications 85 to 87.
    Second,
}

impl Generation {
    /// The generation of an identification; `None` when no module has it.
    pub const fn of_id(id: u8) -> Option<Self> {
        match id {
            0x81..=0x84 => Some(Self::First),
            0x85..=0x87 => Some(Self::Second),
            _ => None,
        }
    }
}

/// What pictures the module shall give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    /// Their size.
    pub size: Size,
    /// Whether bursts begin with a byte without meaning; [`DummyByte::Auto`]: the first of a picture does.
    pub dummy_byte: DummyByte,
}

impl Config {
    /// Pictures for a network's input, of the smallest size that it can be made of; `None` where the largest is too small,
    /// and for one in color: this driver's pictures are gray.
    pub const fn for_input(input: InputShape) -> Option<Self> {
        match (input.color, mega_size_for(input.side)) {
            (Color::Gray, Some(size)) => Some(Self { size, dummy_byte: DummyByte::Auto }),
            _ => None,
        }
    }

    /// What the pictures' rows look like.
    pub const fn frame(&self) -> Frame {
        let side = self.size.side();
        Frame { size: PictureSize { width: side, height: side }, format: PixelFormat::Yuv422 }
    }
}

/// The module as a camera.
#[derive(Debug)]
pub struct ArducamMega<S, D> {
    chip: MegaChip<S>,
    delay: D,
    config: Config,
    dummy: Dummy,
    /// Brought up, with nothing against it.
    is_ready: bool,
    /// Rows of the last picture were damaged.
    is_suspect: bool,
    rows: Option<Rows>,
}

impl<S: SpiDevice, D: DelayNs> ArducamMega<S, D> {
    /// A module on this bus, which nothing is sent to before the first [`Camera::start`].
    ///
    /// `spi` in [`SPI_MODE`] at most at [`SPI_MOST_HZ`].
    pub fn new(spi: S, delay: D, config: Config) -> Self {
        let rule = match config.dummy_byte {
            DummyByte::Auto => DummyByte::FirstBurst,
            rule => rule,
        };
        let chip = MegaChip::new(spi);
        Self { chip, delay, config, dummy: Dummy::fixed(rule), is_ready: false, is_suspect: false, rows: None }
    }

    /// Gives the bus back.
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

    /// Captures a picture; brings the module up first when it is not, and once when the capture fails.
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
                // A row may be damaged by chance; when that goes on, the module itself is doubted.
                self.is_ready &= !self.is_suspect;
                self.is_suspect = true;
            }
        }
        result
    }
}
