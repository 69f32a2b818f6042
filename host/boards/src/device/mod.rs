//! Devices and communication with them: the host's side of the link and of the camera, over any byte stream.
//!
//! [`InferenceDevice`] is the interface of all devices. An [`EmulatedBoard`](crate::emulator::EmulatedBoard) is
//! emulated. An [`AttachedDevice`] is behind a debug probe or on a serial port. A [`PortableDevice`] is a model without
//! hardware.

mod answer;
mod attached;
mod camera;
mod client;
mod client_error;
#[cfg(test)]
mod client_tests;
mod error;
mod exchange;
pub(crate) mod logs;
mod measurement;
mod portable;
mod replay;
#[cfg(test)]
mod replay_tests;
mod retries;
mod serial;
mod stop;
pub(crate) mod transport;

use std::borrow::Cow;
use std::fmt;

use pinhole_core::inference::Inference;
use pinhole_core::photos::Picture;
use pinhole_shared::link::{Identity, Report, Statistics};
use pinhole_shared::policy::Policy;

use crate::firmware::Firmware;

#[cfg(feature = "probe")]
pub(crate) use attached::Silent;
pub use attached::{ANSWER_TIMEOUT, AttachedDevice};
pub use camera::{CameraKind, CameraServer};
pub use client::Client;
pub use client_error::ClientError;
pub use error::InferenceDeviceError;
pub use logs::LogLine;
pub use measurement::Measurement;
pub use portable::PortableDevice;
pub use replay::Replay;
pub use retries::WithRetries;
pub use serial::{SerialError, SerialLink, SerialName, open as open_serial};
pub use stop::Stop;
pub use transport::Transport;

/// A device that runs a model: emulated, behind a debug probe, on a serial port, or portable.
pub trait InferenceDevice: fmt::Debug + Send {
    /// Returns the device's identity: its board and the model that it runs.
    fn identity(&self) -> &Identity;

    /// Sends an input (all bytes of it, row by row) and has it classified. The verdict is for this input alone.
    ///
    /// # Errors
    /// [`InferenceDeviceError`]; [`ClientError::Refused`] if the input does not have as many bytes as the model takes.
    fn classify(&mut self, input: &[u8], report: Report) -> Result<Inference, InferenceDeviceError>;

    /// Shows a picture to the device's camera: every later capture sees it.
    ///
    /// # Errors
    /// [`InferenceDeviceError::OwnCamera`] if the host cannot choose what the device's camera sees.
    fn show(&mut self, picture: Picture) -> Result<(), InferenceDeviceError> {
        let _ = picture;
        Err(InferenceDeviceError::OwnCamera)
    }

    /// Returns what the device must receive of a picture shown to its camera: the picture itself, or the camera's
    /// window of it.
    fn seen<'p>(&self, picture: &'p Picture) -> Cow<'p, Picture> {
        Cow::Borrowed(picture)
    }

    /// Captures a picture with the device's camera and has it classified. The verdict is for the last frames together.
    ///
    /// # Errors
    /// [`InferenceDeviceError`]; [`ClientError::Refused`] when the camera fails or its picture does not suit the model.
    fn capture(&mut self, report: Report) -> Result<Inference, InferenceDeviceError>;

    /// Returns the policy by which the device answers.
    ///
    /// # Errors
    /// [`InferenceDeviceError`].
    fn policy(&mut self) -> Result<Policy, InferenceDeviceError>;

    /// Makes the device answer by this policy until it is reset, and forget the frames captured before.
    ///
    /// # Errors
    /// [`InferenceDeviceError`].
    fn set_policy(&mut self, policy: Policy) -> Result<(), InferenceDeviceError>;

    /// Returns the device's counters, and the times of its last capture and inference by its own clock.
    ///
    /// # Errors
    /// [`InferenceDeviceError`].
    fn statistics(&mut self) -> Result<Statistics, InferenceDeviceError>;

    /// Returns the last lines of the device's log, at most a thousand; empty if it cannot be read. A line may arrive shortly
    /// after the answer it belongs to.
    fn logs(&mut self) -> Vec<LogLine> {
        Vec::new()
    }

    /// Returns the firmware that the device runs; `None` if this program did not put it there.
    fn firmware(&self) -> Option<&Firmware> {
        None
    }

    /// Returns the request to stop waiting for the device, which another thread may make. By default it has no effect: the
    /// device never waits.
    fn stop(&self) -> Stop {
        Stop::default()
    }

    /// Returns true if bytes may get lost on the way to the device, so that repeating a failed request can help.
    fn is_lossy(&self) -> bool {
        false
    }
}
