//! Errors of the driver.

use embedded_hal::spi::ErrorKind;
use pinhole_app::camera::{CameraError, CameraFault};

use crate::picture::PictureError;
use crate::probe::WireFault;

/// Reasons why an ArduCAM Mega delivered no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MegaError {
    /// The microcontroller's SPI reported an error.
    Spi(ErrorKind),
    /// The module does not respond correctly.
    Wires(WireFault),
    /// No module has this identification.
    Id {
        /// Value read.
        got: u8,
    },
    /// The module stays busy.
    Busy {
        /// State register, whose lowest two bits are 2 when the module is idle.
        state: u8,
    },
    /// The done flag of an earlier capture cannot be cleared.
    DoneNotCleared,
    /// The capture did not end.
    CaptureTimeout,
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

impl core::fmt::Display for MegaError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Spi(kind) => write!(f, "the SPI bus failed ({kind})"),
            Self::Wires(fault) => fault.fmt(f),
            Self::Id { got } => {
                write!(f, "no ArduCAM Mega identifies itself as {got:02X} (81 to 87 do): check its wires and power")
            }
            Self::Busy { state } => write!(f, "the module stays busy (state {state:02X}): check its power"),
            Self::DoneNotCleared => {
                f.write_str("the flag of an earlier capture cannot be cleared: switch power off and on")
            }
            Self::CaptureTimeout => f.write_str("the capture does not end: check the module's power and the SPI mode"),
            Self::FrameLength { got, expected } => {
                write!(f, "the module captured {got} bytes, the picture has {expected}")
            }
            Self::Picture(error) => error.fmt(f),
            Self::Misuse => f.write_str("a row was read out of turn"),
        }
    }
}

impl core::error::Error for MegaError {}

impl MegaError {
    pub(super) fn spi(error: impl embedded_hal::spi::Error) -> Self {
        Self::Spi(error.kind())
    }

    /// Returns true if another capture may succeed without a new bring-up.
    pub(super) fn may_pass(self) -> bool {
        matches!(self, Self::DoneNotCleared | Self::FrameLength { .. } | Self::Picture(_))
    }
}

impl From<WireFault> for MegaError {
    fn from(fault: WireFault) -> Self {
        Self::Wires(fault)
    }
}

impl From<PictureError> for MegaError {
    fn from(error: PictureError) -> Self {
        Self::Picture(error)
    }
}

impl CameraError for MegaError {
    fn fault(&self) -> CameraFault {
        match self {
            Self::Picture(error) => error.fault(),
            Self::Busy { .. } | Self::CaptureTimeout => CameraFault::Timeout,
            Self::DoneNotCleared | Self::FrameLength { .. } => CameraFault::NoPicture,
            Self::Misuse => CameraFault::Misuse,
            Self::Spi(_) | Self::Wires(_) | Self::Id { .. } => CameraFault::Bus,
        }
    }
}
