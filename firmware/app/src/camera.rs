//! The camera trait: delivers one picture's rows, from the top.

use pinhole_shared::pixels::{PictureSize, PixelFormat};

/// Size and pixel format of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frame {
    /// Width and height, px.
    pub size: PictureSize,
    /// Pixel format of the rows.
    pub format: PixelFormat,
}

impl Frame {
    /// Bytes of one row.
    pub const fn row_bytes(self) -> usize {
        self.format.row_bytes(self.size.width)
    }
}

/// Source of pictures that are read row by row, so no frame has to fit into memory.
///
/// # Contract, for callers
/// After a successful [`Camera::start`], call [`Camera::read_row`] once for each row of the picture, with a buffer of
/// exactly [`Frame::row_bytes`]. After an error, do not use the row and do not read on: call `start` again. Another
/// `start` may abandon a picture at any time.
///
/// # Contract, for implementors
/// `start` begins a picture that was exposed after the call (never one left over from before), whatever state an
/// earlier picture or error left. Rows are delivered whole, from top to bottom. Bytes lost or changed in transit become
/// an error wherever the hardware can detect them, never pixels. Every wait ends: if there is no answer, return
/// [`CameraFault::Timeout`] after at most a few seconds. Never panic, even if the caller breaks the contract (wrong
/// buffer length, no picture started): return an error.
pub trait Camera {
    /// Error of the camera.
    type Error: CameraError;

    /// Starts a picture and returns its size and format.
    ///
    /// # Errors
    /// If the camera delivers no picture.
    fn start(&mut self) -> Result<Frame, Self::Error>;

    /// Fills `row` with the next row, from the top.
    ///
    /// # Errors
    /// If the row is missing or damaged, if all rows have been read, or if `row` is not one row long.
    fn read_row(&mut self, row: &mut [u8]) -> Result<(), Self::Error>;
}

/// Maps a camera's own error to the kind that the program and its log need.
pub trait CameraError: core::fmt::Debug {
    /// Returns the kind of fault.
    fn fault(&self) -> CameraFault;
}

/// Kinds of camera faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CameraFault {
    /// The camera did not answer in time.
    Timeout,
    /// The camera answered, but its bytes were changed in transit.
    Damaged,
    /// The camera has no picture.
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
