//! Captures a picture from the camera into the network's input, one row at a time.

use pinhole_shared::pixels::{InputShape, PixelError, Shrink};

use crate::camera::{Camera, CameraError, CameraFault, Frame};

/// Working memory of a device, borrowed from its board.
#[derive(Debug)]
pub struct Buffers<'b> {
    /// The network's input: at least [`pinhole_shared::model::Model::inputs`] bytes.
    pub input: &'b mut [u8],
    /// One camera row: at least as many bytes as the camera's widest row.
    pub row: &'b mut [u8],
    /// Sums of the pixel pipeline: at least one per byte of a row of the network's input.
    pub sums: &'b mut [u64],
}

/// Reasons why a capture gave no input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CaptureError {
    /// The camera failed.
    Camera(CameraFault),
    /// The picture is unsuitable for the network.
    Pixels(PixelError),
    /// The picture's rows are longer than the row buffer.
    RowTooLong {
        /// Bytes of a row.
        expected: usize,
        /// Bytes of the row buffer.
        got: usize,
    },
}

impl core::fmt::Display for CaptureError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Camera(fault) => fault.fmt(f),
            Self::Pixels(error) => error.fmt(f),
            Self::RowTooLong { expected, got } => {
                write!(f, "a row has {expected} bytes, the device has room for {got}")
            }
        }
    }
}

impl core::error::Error for CaptureError {}

impl From<PixelError> for CaptureError {
    fn from(error: PixelError) -> Self {
        Self::Pixels(error)
    }
}

/// Captures one picture into `buffers.input`: row by row, the channels of a pixel together (HWC).
///
/// `input` and `sums` must have exactly [`InputShape::bytes`] and [`InputShape::row_bytes`] elements.
///
/// # Errors
/// [`CaptureError`]; the input's contents are then unspecified.
pub fn capture<C: Camera>(camera: &mut C, buffers: &mut Buffers<'_>, input: InputShape) -> Result<Frame, CaptureError> {
    let camera_failed = |error: C::Error| CaptureError::Camera(error.fault());
    let frame = camera.start().map_err(camera_failed)?;
    let (expected, got) = (frame.row_bytes(), buffers.row.len());
    let row = buffers.row.get_mut(..expected).ok_or(CaptureError::RowTooLong { expected, got })?;
    let mut shrink = Shrink::new(frame.size, frame.format, input, buffers.sums, buffers.input)?;
    for _ in 0..frame.size.height {
        camera.read_row(row).map_err(camera_failed)?;
        shrink.row(row)?;
    }
    shrink.finish()?;
    Ok(frame)
}
