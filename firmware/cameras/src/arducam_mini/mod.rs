//! ArduCAM Mini 2MP Plus, and the older Mini 2MP: an OV2640 behind a frame buffer.
//!
//! The driver commands the picture over SPI (ArduChip: frame buffer and its control) and I2C (the sensor). [`start`]
//! brings the module up if necessary (reset, probe, tables, exposure) and stamps the picture. It captures it into the
//! module's buffer and checks its length and first bytes. [`read_row`] then reads a row from the buffer in one burst
//! and checks every chroma byte ([`crate::picture`]). After an error the next `start` brings the module up again.
//!
//! Pictures are gray ([`PixelFormat::Yuv422`], with the stamp as chroma) or in color ([`PixelFormat::Rgb565`]). Color
//! pictures have no stamp, so a byte lost in transit, or an old picture, is not detected.
//!
//! Bus settings: [`SPI_MODE`], at most [`SPI_MOST_HZ`]. Some microcontrollers' drivers round a clock up: request a
//! clock that they support below this. I2C at most 400 kHz.
//!
//! Readout of the picture begins after the call of `start`. The sensor exposes line by line, ahead of readout, so the
//! picture includes light from at most one frame period (67 ms) before the call.
//!
//! # Not verified on hardware
//! The done flag stays set while rows are read. The sensor applies a new stamp to the next frame; if it does not, set
//! [`Config::stamps`] to [`Stamps::Same`]. The dummy byte and the tail of versions other than 0x40 and 0x73.
//!
//! # Source
//! ArduCAM Mini 2MP Camera Shield Hardware Application Note ("ArduCAM app note"); ArduCAM's Arduino and Pico examples
//! for the 2MP Plus; OV2640DS v1.6.
//!
//! [`start`]: Camera::start
//! [`read_row`]: Camera::read_row

mod bring_up;
mod chip;
mod error;
mod time;

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use embedded_hal::spi::{MODE_0, Mode, SpiDevice};
use pinhole_app::camera::{Camera, Frame};
use pinhole_shared::pixels::{Color, Fit, InputShape, PictureSize, PixelFormat};

use crate::ov2640::{Array, EFFECT_ADDRESS, EFFECT_DATA, EFFECT_FIXED_U, Sccb, Window, WindowError};
use crate::picture::{Dummy, DummyByte, NEUTRAL, RowError, Rows, STAMPS};
use crate::square_for;
use chip::ArduChip;
pub use error::MiniError;
pub use time::{BusClocks, worst_picture_ms, worst_read_row_us, worst_start_ms};

/// SPI mode: clock idles low, data is sampled at its rising edge. (A line of the ArduCAM app note contradicts this;
/// with the other phase the module never reports a capture as done.)
pub const SPI_MODE: Mode = MODE_0;
/// Maximum SPI clock, Hz (ArduCAM app note). Long wires may need 4 MHz.
pub const SPI_MOST_HZ: u32 = 8_000_000;

/// Captures per `start` before the module is brought up again.
const CAPTURE_TRIES: u32 = 3;
/// Maximum bytes after the picture in the length register: 8 on the 2MP Plus (ArduCAM's examples), none on the old
/// board.
const MOST_TAIL_BYTES: u32 = 8;

/// Stamping of successive pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Stamps {
    /// Each picture's chroma differs from that of the previous one, so an old picture is detected.
    #[default]
    InTurn,
    /// All pictures have neutral chroma (0x80): shifted and damaged rows are detected, old pictures are not.
    Same,
}

/// Configuration of the module's pictures.
///
/// ```
/// use pinhole_cameras::arducam_mini::Config;
/// let mut config = Config::square(100)?;
/// config.mirror = true;
/// # Ok::<(), pinhole_cameras::ov2640::WindowError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    window: Window,
    /// Rule for the dummy byte in bursts.
    pub dummy_byte: DummyByte,
    /// Gray or color pictures.
    pub color: Color,
    /// Stamping of gray pictures.
    pub stamps: Stamps,
    /// Mirrors left and right.
    pub mirror: bool,
    /// Flips top and bottom.
    pub flip: bool,
}

impl Config {
    /// Square pictures of `side` x `side` pixels, from the sensor's centered 1200 x 1200.
    ///
    /// A network with 50 x 50 inputs uses 100: each of its pixels is then the average of 2 x 2.
    ///
    /// # Errors
    /// If `side` is not a multiple of 4, or not in 40..=1200.
    pub const fn square(side: u16) -> Result<Self, WindowError> {
        match Window::centered_square(Array::Uxga, side) {
            Ok(window) => Ok(Self::of(window)),
            Err(error) => Err(error),
        }
    }

    /// Pictures of this window, gray.
    const fn of(window: Window) -> Self {
        Self {
            window,
            dummy_byte: DummyByte::Auto,
            color: Color::Gray,
            stamps: Stamps::InTurn,
            mirror: false,
            flip: false,
        }
    }

    /// Pictures for a network's input, in its color. For a square input that pictures are cropped for, they are square, with the
    /// side of [`square_for`]. For any other they show the sensor's whole field, 4:3, with at least as many pixels as
    /// [`square_for`] takes: the pixel pipeline then sees as much of it as it saw of the training photos.
    ///
    /// # Errors
    /// If the module cannot deliver pictures of this size.
    pub const fn for_input(input: InputShape) -> Result<Self, WindowError> {
        let window = match (input.side(), input.fit) {
            (Some(side), Fit::Crop) => Window::centered_square(Array::Uxga, square_for(side)),
            _ => Window::whole(Array::Uxga, square_for(input.width), square_for(input.height)),
        };
        match window {
            Ok(window) => Ok(Self { color: input.color, ..Self::of(window) }),
            Err(error) => Err(error),
        }
    }

    /// The sensor's window.
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Returns the size and pixel format of the pictures.
    pub const fn frame(&self) -> Frame {
        let size = PictureSize { width: self.window.out_width, height: self.window.out_height };
        let format = match self.color {
            Color::Gray => PixelFormat::Yuv422,
            Color::Rgb => PixelFormat::Rgb565,
        };
        Frame { size, format }
    }
}

/// Camera driver of the module.
#[derive(Debug)]
pub struct ArducamMini<S, I, D> {
    chip: ArduChip<S>,
    sensor: Sccb<I>,
    delay: D,
    config: Config,
    dummy: Dummy,
    /// Index of the last stamp.
    stamp: usize,
    /// Index of the stamp of the picture in the module's buffer, if known.
    in_buffer: Option<usize>,
    state: State,
    exposure: Exposure,
    rows: Option<Rows>,
}

/// Known state of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Unknown: the module must be brought up.
    Unknown,
    /// The module is brought up, but the last picture's rows were damaged.
    Suspect,
    Ready,
}

/// State of the sensor's exposure control since its reset.
#[derive(Clone, Copy, Debug, Default)]
struct Exposure {
    /// Average luminance of the last frame read.
    luminance: u8,
    /// Frames waited.
    frames: u32,
    is_settled: bool,
}

impl<S: SpiDevice, I: I2c, D: DelayNs> ArducamMini<S, I, D> {
    /// Creates the driver. Nothing is sent before the first [`Camera::start`].
    ///
    /// `spi` must be in [`SPI_MODE`] and at most at [`SPI_MOST_HZ`], `i2c` at most at 400 kHz.
    pub fn new(spi: S, i2c: I, delay: D, config: Config) -> Self {
        Self {
            chip: ArduChip::new(spi),
            sensor: Sccb::new(i2c),
            delay,
            config,
            dummy: Dummy::fixed(DummyByte::None),
            stamp: 0,
            in_buffer: None,
            state: State::Unknown,
            exposure: Exposure::default(),
            rows: None,
        }
    }

    /// Returns true if exposure was steady after the last bring-up. Otherwise the next pictures may be too dark or too
    /// bright.
    pub fn exposure_settled(&self) -> bool {
        self.exposure.is_settled
    }

    /// Returns the buses and the delay.
    pub fn release(self) -> (S, I, D) {
        (self.chip.release(), self.sensor.release(), self.delay)
    }

    fn picture(&mut self) -> Result<Rows, MiniError> {
        self.sensor.allow_retries();
        // If a supply drop has reset the sensor, its other bank is selected.
        self.sensor.forget_bank();
        let stamp = match (self.config.color, self.config.stamps) {
            (Color::Rgb, _) => None,
            (Color::Gray, Stamps::Same) => Some(NEUTRAL),
            (Color::Gray, Stamps::InTurn) => Some(self.next_stamp()?),
        };
        let mut tries_left = CAPTURE_TRIES;
        loop {
            tries_left -= 1;
            match self.capture(stamp) {
                Err(error) if tries_left > 0 && error.may_pass() => {}
                Ok(rows) => {
                    self.in_buffer = Some(self.stamp);
                    return Ok(rows);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Captures the first picture after bring-up; another one is captured and dropped before it.
    ///
    /// The dropped picture ensures that the buffer holds no picture with the next stamp, left by an earlier program. It
    /// also ensures that frames have passed: constant luminance may also come from a sensor that sends no frames.
    fn first_picture(&mut self) -> Result<Rows, MiniError> {
        self.picture()?;
        self.settle_again()?;
        self.picture()
    }

    /// Stamps the next frames, with another stamp than the picture in the buffer has.
    fn next_stamp(&mut self) -> Result<u8, MiniError> {
        self.stamp = (self.stamp + 1) % STAMPS.len();
        if self.in_buffer == Some(self.stamp) {
            self.stamp = (self.stamp + 1) % STAMPS.len();
        }
        let stamp = STAMPS.get(self.stamp).copied().unwrap_or(NEUTRAL);
        self.set_stamp(stamp)?;
        Ok(stamp)
    }

    fn set_stamp(&mut self, stamp: u8) -> Result<(), MiniError> {
        let writes = [(EFFECT_ADDRESS, EFFECT_FIXED_U), (EFFECT_DATA, stamp), (EFFECT_DATA, stamp)];
        for (register, value) in writes {
            self.sensor.write(&mut self.delay, register, value)?;
        }
        Ok(())
    }

    /// Captures one picture into the module's buffer, and checks it as far as possible before its rows are read.
    fn capture(&mut self, stamp: Option<u8>) -> Result<Rows, MiniError> {
        self.chip.clear_buffer()?;
        self.chip.start_capture(&mut self.delay)?;
        let frame = self.config.frame();
        let (width, height) = (u32::from(frame.size.width), u32::from(frame.size.height));
        let expected = width * height * 2;
        let got = self.chip.length()?;
        if !(expected..=expected + MOST_TAIL_BYTES).contains(&got) {
            return Err(MiniError::FrameLength { got, expected });
        }
        let rows = Rows::begin(self.chip.spi(), &mut self.dummy, stamp, frame.row_bytes(), frame.size.height)?;
        Ok(rows)
    }
}

impl<S: SpiDevice, I: I2c, D: DelayNs> Camera for ArducamMini<S, I, D> {
    type Error = MiniError;

    /// Captures a picture. Brings the module up first if necessary, and once more if the capture fails.
    ///
    /// Takes at most [`worst_start_ms`].
    fn start(&mut self) -> Result<Frame, MiniError> {
        self.rows = None;
        let mut result = Err(MiniError::Misuse);
        if self.state != State::Unknown {
            result = self.picture();
        }
        if result.is_err() {
            let was_suspect = self.state == State::Suspect;
            self.state = State::Unknown;
            self.bring_up()?;
            result = self.first_picture();
            self.state = match result {
                Ok(_) if was_suspect => State::Suspect,
                Ok(_) => State::Ready,
                Err(_) => State::Unknown,
            };
        }
        self.rows = Some(result?);
        Ok(self.config.frame())
    }

    /// Reads the next row in one burst.
    ///
    /// Takes at most [`worst_read_row_us`].
    fn read_row(&mut self, row: &mut [u8]) -> Result<(), MiniError> {
        let Some(rows) = &mut self.rows else { return Err(MiniError::Misuse) };
        let result = match rows.read(self.chip.spi(), row) {
            Ok(()) if rows.is_over() => self.chip.check_done(),
            Ok(()) => return Ok(()),
            Err(RowError::Misuse) => Err(MiniError::Misuse),
            Err(RowError::Picture(error)) => Err(error.into()),
        };
        self.rows = None;
        self.state = match (result, self.state) {
            (Ok(()), _) => State::Ready,
            (Err(MiniError::Misuse), state) => state,
            // A row may be damaged by chance; after repeated damage the module is brought up again.
            (Err(_), State::Ready) => State::Suspect,
            (Err(_), _) => State::Unknown,
        };
        result
    }
}
