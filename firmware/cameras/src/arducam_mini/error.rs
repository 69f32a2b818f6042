//! Errors of the driver.

use embedded_hal::spi::ErrorKind;
use pinhole_app::camera::{CameraError, CameraFault};

use crate::ov2640::SccbError;
use crate::picture::PictureError;
use crate::probe::WireFault;

/// Reasons why an ArduCAM Mini delivered no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MiniError {
    /// The microcontroller's SPI reported an error.
    Spi(ErrorKind),
    /// The module does not respond correctly.
    Wires(WireFault),
    /// The version reads 00 or FF.
    Version {
        /// Value read.
        got: u8,
    },
    /// The dummy-byte rule of this version is unknown. It can be learned from gray pictures only.
    UnknownDummyByte {
        /// Version register.
        version: u8,
    },
    /// The sensor did not answer.
    Sccb(SccbError),
    /// The sensor is another chip, or bits were lost.
    SensorId {
        /// Registers 0A and 0B, which read 26 and 40, 41 or 42 on an OV2640.
        product: [u8; 2],
        /// Registers 1C and 1D, which read 7F and A2.
        maker: [u8; 2],
    },
    /// The done flag of an earlier capture cannot be cleared.
    DoneNotCleared,
    /// The capture did not end.
    CaptureTimeout {
        /// True if VSYNC changed, so the sensor sends frames.
        vsync_toggles: bool,
    },
    /// The captured picture has the wrong length.
    FrameLength {
        /// Bytes captured.
        got: u32,
        /// Bytes expected.
        expected: u32,
    },
    /// The picture's bytes are unusable.
    Picture(PictureError),
    /// A row was read without a picture, after its last row, or with a buffer of the wrong length.
    Misuse,
}

impl core::fmt::Display for MiniError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Spi(kind) => write!(f, "the SPI bus failed ({kind})"),
            Self::Wires(fault) => fault.fmt(f),
            Self::Version { got } => write!(f, "the module's version reads {got:02X}: check its power and wires"),
            Self::UnknownDummyByte { version } => {
                write!(
                    f,
                    "pictures in color from a module of version {version:02X}: set `dummy_byte`, found with gray ones"
                )
            }
            Self::Sccb(error) => error.fmt(f),
            Self::SensorId { product: [high, low], maker: [maker_high, maker_low] } => write!(
                f,
                "the sensor is no OV2640: it says {high:02X}{low:02X} by {maker_high:02X}{maker_low:02X}, not 2641 or \
                 2642 by 7FA2; check SDA, SCL and their pull-ups"
            ),
            Self::DoneNotCleared => {
                f.write_str("the flag of an earlier capture cannot be cleared: switch power off and on")
            }
            Self::CaptureTimeout { vsync_toggles: true } => {
                f.write_str("the capture does not end, though the sensor sends frames: check SPI mode and power")
            }
            Self::CaptureTimeout { vsync_toggles: false } => {
                f.write_str("the capture does not end, and the sensor sends no frames: check its power")
            }
            Self::FrameLength { got, expected } => {
                write!(f, "the module captured {got} bytes, the picture has {expected}")
            }
            Self::Picture(error) => error.fmt(f),
            Self::Misuse => f.write_str("a row was read out of turn"),
        }
    }
}

impl core::error::Error for MiniError {}

impl MiniError {
    pub(super) fn spi(error: impl embedded_hal::spi::Error) -> Self {
        Self::Spi(error.kind())
    }

    /// Returns true if another capture may succeed without a new bring-up.
    pub(super) fn may_pass(self) -> bool {
        matches!(self, Self::DoneNotCleared | Self::FrameLength { .. } | Self::Picture(_))
    }
}

impl From<SccbError> for MiniError {
    fn from(error: SccbError) -> Self {
        Self::Sccb(error)
    }
}

impl From<WireFault> for MiniError {
    fn from(fault: WireFault) -> Self {
        Self::Wires(fault)
    }
}

impl From<PictureError> for MiniError {
    fn from(error: PictureError) -> Self {
        Self::Picture(error)
    }
}

impl CameraError for MiniError {
    fn fault(&self) -> CameraFault {
        match self {
            Self::Picture(error) => error.fault(),
            Self::CaptureTimeout { .. } => CameraFault::Timeout,
            Self::DoneNotCleared | Self::FrameLength { .. } => CameraFault::NoPicture,
            Self::Misuse | Self::UnknownDummyByte { .. } => CameraFault::Misuse,
            Self::Spi(_) | Self::Wires(_) | Self::Version { .. } | Self::Sccb(_) | Self::SensorId { .. } => {
                CameraFault::Bus
            }
        }
    }
}
