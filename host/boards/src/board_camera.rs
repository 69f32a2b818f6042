//! A device's camera, and the photos that are held before it, if any.

use std::iter::Cycle;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::vec;

use pinhole_core::inference::Inference;
use pinhole_core::photos::{PhotoError, decode};
use pinhole_shared::link::Report;
use pinhole_shared::pixels::Color;

use crate::device::{Device, DeviceError};

/// A device, and what is before its camera.
#[derive(Debug)]
pub struct BoardCamera {
    device: Box<dyn Device>,
    /// `None` where the camera sees the world.
    photos: Option<Cycle<vec::IntoIter<PathBuf>>>,
}

/// One captured frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What was seen, and what the network made of it.
    pub inference: Inference,
    /// The photo before the camera, if there was one.
    pub shown: Option<PathBuf>,
    /// How long it took to read the photo from disk.
    pub photo: Option<Duration>,
    /// From the request to the last answer: exposure, the camera's bus, inference, and reporting.
    pub device: Duration,
}

/// Why nothing was captured.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CaptureError {
    /// There is nothing before an emulated board's camera.
    #[error("there is no photo to show the camera")]
    #[diagnostic(help("give photos, or a folder that has some"))]
    NoPhoto,
    /// The photo before it cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Photo(#[from] PhotoError),
    /// The device failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] DeviceError),
}

impl CaptureError {
    /// Whether the next capture may do better.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Device(error) if error.is_passing())
    }
}

impl BoardCamera {
    /// A device whose camera sees the world.
    pub fn new(device: Box<dyn Device>) -> Self {
        Self { device, photos: None }
    }

    /// A device before whose camera photos can be held ([`Device::show`]): one after the other and again.
    pub fn with_photos(device: Box<dyn Device>, photos: Vec<PathBuf>) -> Self {
        Self { device, photos: Some(photos.into_iter().cycle()) }
    }

    /// The device.
    pub fn device(&self) -> &dyn Device {
        &*self.device
    }

    /// The device, to ask something of it.
    pub fn device_mut(&mut self) -> &mut dyn Device {
        &mut *self.device
    }

    /// Has the device capture a picture of what is before its camera, and classify it.
    ///
    /// # Errors
    /// [`CaptureError`].
    pub fn capture(&mut self, report: Report) -> Result<Frame, CaptureError> {
        let mut started = Instant::now();
        let (mut shown, mut photo) = (None, None);
        if let Some(photos) = &mut self.photos {
            let path = photos.next().ok_or(CaptureError::NoPhoto)?;
            let color = self.device.identity().input().map_or(Color::Rgb, |input| input.color);
            let picture = decode::read(&path)?.for_color(color);
            (shown, photo) = (Some(path), Some(started.elapsed()));
            started = Instant::now();
            self.device.show(picture)?;
        }
        let inference = self.device.capture(report)?;
        Ok(Frame { inference, shown, photo, device: started.elapsed() })
    }
}
