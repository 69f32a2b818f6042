//! What a camera must do: give one picture's rows, from the top.

use pinhole_shared::pixels::{PictureSize, PixelFormat};

/// What a picture's rows look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frame {
    /// Width and height, px.
    pub size: PictureSize,
    /// How a row's bytes hold its pixels.
    pub format: PixelFormat,
}

impl Frame {
    /// Bytes of one row.
    pub const fn row_bytes(self) -> usize {
        self.format.row_bytes(self.size.width)
    }
}

/// A source of pictures that are read row by row, so that no frame ever needs to lie in memory.
///
/// # Contract, for callers
/// After a [`Camera::start`] that succeeded, call [`Camera::read_row`] once for each of the picture's rows, with a
/// buffer of exactly [`Frame::row_bytes`]. After an error, do not use the row and do not read on: start anew. A
/// picture may be given up at any time by starting another one.
///
/// # Contract, for implementors
/// `start` begins a picture that was exposed after the call (never one left over from before), whatever state an
/// earlier picture or error left behind. Rows come from top to bottom, whole; bytes that were lost or changed on the
/// way become an error wherever the hardware can tell, never pixels. Every wait ends: where an answer stays out,
/// return [`CameraFault::Timeout`] after at most a few seconds. Never panic, also when the caller breaks the contract
/// (wrong buffer length, no picture started): return an error.
pub trait Camera {
    /// Why there is no picture.
    type Error: CameraError;

    /// Begins one picture and says what its rows look like.
    ///
    /// # Errors
    /// When the camera gives no picture.
    fn start(&mut self) -> Result<Frame, Self::Error>;

    /// Fills `row` with the next row, from the top.
    ///
    /// # Errors
    /// When the row is missing or damaged, when all rows have been read, or when `row` is not one row long.
    fn read_row(&mut self, row: &mut [u8]) -> Result<(), Self::Error>;
}

/// Reduces a camera's own error to what the program and its log need to know.
pub trait CameraError: core::fmt::Debug {
    /// What kind of fault this is.
    fn fault(&self) -> CameraFault;
}

/// Kinds of camera faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CameraFault {
    /// The camera did not answer in time.
    Timeout,
    /// It answered, but the bytes are not what was sent.
    Damaged,
    /// It has no picture to give.
    NoPicture,
    /// The bus to the camera failed.
    Bus,
    /// The caller broke the contract of [`Camera`].
    Misuse,
}

impl core::fmt::Display for CameraFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Timeout => "the camera did not answer in time",
            Self::Damaged => "the camera's bytes arrived damaged",
            Self::NoPicture => "the camera has no picture",
            Self::Bus => "the bus to the camera failed",
            Self::Misuse => "the camera was read out of turn",
        })
    }
}

impl core::error::Error for CameraFault {}

impl CameraError for CameraFault {
    fn fault(&self) -> CameraFault {
        *self
    }
}
