//! A device's camera, and the photos that are shown to it, if any.

use std::iter::Cycle;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::vec;

use pinhole_core::inference::Inference;
use pinhole_core::photos::{PhotoError, decode};
use pinhole_shared::link::Report;
use pinhole_shared::pixels::InputShape;

use crate::device::{InferenceDevice, InferenceDeviceError};

/// A device, and the photos for its camera.
#[derive(Debug)]
pub struct BoardCamera {
    device: Box<dyn InferenceDevice>,
    /// `None` if the device has its own camera.
    photos: Option<Cycle<vec::IntoIter<PathBuf>>>,
}

/// One captured frame.
#[derive(Clone, Debug)]
pub struct CapturedFrame {
    /// The network's results, including its input.
    pub inference: Inference,
    /// The photo shown to the camera, if any.
    pub shown: Option<PathBuf>,
    /// Time to read the photo from disk.
    pub photo: Option<Duration>,
    /// Time from the request to the last answer: exposure, the camera's bus, inference, and reporting.
    pub device: Duration,
}

impl CapturedFrame {
    /// Returns the network's input, row by row, the channels of a pixel together: [`InputShape::bytes`] bytes.
    ///
    /// # Errors
    /// [`PixelsError`] if the device reported other values than one of 0..=255 for each of these bytes.
    pub fn pixels(&self, input: InputShape) -> Result<Vec<u8>, PixelsError> {
        let reported = self.inference.stages.first().map_or(&[][..], Vec::as_slice);
        if reported.len() != input.bytes() {
            return Err(PixelsError::Count { got: reported.len(), input });
        }
        reported.iter().map(|&got| u8::try_from(got).map_err(|_| PixelsError::Range { got })).collect()
    }
}

/// Error: what a device reported is no picture for its network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[diagnostic(help(
    "the firmware or the model on the board is not what the board says: write both anew with `pinhole flash`"
))]
pub enum PixelsError {
    /// Pixels are missing, or there are too many.
    #[error("the device reported {got} values of pixels, and its input ({input}) has {}", input.bytes())]
    Count {
        /// Number of values.
        got: usize,
        /// The device's input.
        input: InputShape,
    },
    /// A value is out of range.
    #[error("the device reported a pixel of {got}, which is not 0 to 255")]
    Range {
        /// The value.
        got: i32,
    },
}

/// Error of a capture.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BoardCameraError {
    /// There is no photo to show to an emulated board's camera.
    #[error("there is no photo to show to the camera")]
    #[diagnostic(help("give photos, or a folder of photos"))]
    NoPhoto,
    /// The photo cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Photo(#[from] PhotoError),
    /// The device failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] InferenceDeviceError),
    /// The device reported no picture.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pixels(#[from] PixelsError),
}

impl BoardCameraError {
    /// Returns true if the next capture may succeed.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Device(error) if error.is_passing())
    }
}

impl BoardCamera {
    /// Creates one for a device with its own camera.
    pub fn new(device: Box<dyn InferenceDevice>) -> Self {
        Self { device, photos: None }
    }

    /// Creates one for a device whose camera can be shown photos ([`InferenceDevice::show`]): in turn, again and again.
    pub fn with_photos(device: Box<dyn InferenceDevice>, photos: Vec<PathBuf>) -> Self {
        Self { device, photos: Some(photos.into_iter().cycle()) }
    }

    /// Returns the device.
    pub fn device(&self) -> &dyn InferenceDevice {
        &*self.device
    }

    /// Returns the device, for requests.
    pub fn device_mut(&mut self) -> &mut dyn InferenceDevice {
        &mut *self.device
    }

    /// Captures a picture with the device's camera, after showing it the next photo if there are any, and has it
    /// classified.
    ///
    /// # Errors
    /// [`BoardCameraError`].
    pub fn capture(&mut self, report: Report) -> Result<CapturedFrame, BoardCameraError> {
        let mut started = Instant::now();
        let (mut shown, mut photo) = (None, None);
        if let Some(photos) = &mut self.photos {
            let path = photos.next().ok_or(BoardCameraError::NoPhoto)?;
            let picture = match self.device.identity().input() {
                Some(input) => decode::read_for(&path, input)?,
                None => decode::read(&path)?,
            };
            (shown, photo) = (Some(path), Some(started.elapsed()));
            started = Instant::now();
            self.device.show(picture)?;
        }
        let inference = self.device.capture(report)?;
        Ok(CapturedFrame { inference, shown, photo, device: started.elapsed() })
    }
}
