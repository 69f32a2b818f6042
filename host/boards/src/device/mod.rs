//! Devices, and talking to them: the host's side of the link and of its camera, over any byte stream.
//!
//! [`Device`] is what all of them do. An emulated one is an [`EmulatedBoard`](crate::emulator::EmulatedBoard), one behind a
//! debug probe or on a serial port an [`AttachedDevice`]; a [`PortableDevice`] is a model and no hardware.

mod attached;
mod camera;
mod client;
#[cfg(test)]
mod client_tests;
mod error;
pub(crate) mod logs;
mod measurement;
mod portable;
mod replay;
#[cfg(test)]
mod replay_tests;
mod retries;
mod serial;
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
pub use camera::{CameraKind, HostCamera};
pub use client::{Client, ClientError};
pub use error::DeviceError;
pub use logs::LogLine;
pub use measurement::Measurement;
pub use portable::PortableDevice;
pub use replay::Replay;
pub use retries::WithRetries;
pub use serial::{SerialError, SerialName, open as open_serial};
pub use transport::Transport;

/// A device that runs a model: emulated, behind a debug probe, on a serial port, or portable.
pub trait Device: fmt::Debug {
    /// Who the device is and what it runs.
    fn identity(&self) -> &Identity;

    /// Sends an input (all bytes of it, row by row) and has it classified. The verdict is of this input alone.
    ///
    /// # Errors
    /// [`DeviceError`]; [`ClientError::Refused`] when the input has not as many bytes as the model takes.
    fn classify(&mut self, input: &[u8], report: Report) -> Result<Inference, DeviceError>;

    /// Holds a picture before the device's camera: every capture from now on sees it.
    ///
    /// # Errors
    /// [`DeviceError::OwnCamera`] where the device's camera sees the world.
    fn show(&mut self, picture: Picture) -> Result<(), DeviceError> {
        let _ = picture;
        Err(DeviceError::OwnCamera)
    }

    /// What the device must get of a picture held before its camera: the picture itself, or what the camera's window
    /// shows of it.
    fn seen<'p>(&self, picture: &'p Picture) -> Cow<'p, Picture> {
        Cow::Borrowed(picture)
    }

    /// Captures a picture with the device's camera and has it classified. The verdict is of the last frames together.
    ///
    /// # Errors
    /// [`DeviceError`]; [`ClientError::Refused`] when the camera fails or its picture does not suit the model.
    fn capture(&mut self, report: Report) -> Result<Inference, DeviceError>;

    /// When the device's decisions are answers.
    ///
    /// # Errors
    /// [`DeviceError`].
    fn policy(&mut self) -> Result<Policy, DeviceError>;

    /// Has the device answer by this policy until it is reset, and forget the frames captured before.
    ///
    /// # Errors
    /// [`DeviceError`].
    fn set_policy(&mut self, policy: Policy) -> Result<(), DeviceError>;

    /// The device's counters, and how long its last capture and inference took by its own clock.
    ///
    /// # Errors
    /// [`DeviceError`].
    fn statistics(&mut self) -> Result<Statistics, DeviceError>;

    /// The device's log so far; none where it cannot be read. A line may arrive a moment after the answer it belongs to.
    fn logs(&mut self) -> Vec<LogLine> {
        Vec::new()
    }

    /// The firmware that the device runs, where this program put it there.
    fn firmware(&self) -> Option<&Firmware> {
        None
    }

    /// Whether bytes may get lost on the way to the device, so that a request that failed in passing is worth making again.
    fn is_lossy(&self) -> bool {
        false
    }
}
