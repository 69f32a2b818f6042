//! A board's camera, as commands look through it.

use std::iter::Cycle;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::vec;

use pinhole_core::inference::Inference;
use pinhole_core::photos::{PhotoError, decode};
use pinhole_shared::link::{Identity, Report, Statistics};
use pinhole_shared::pixels::Color;
use pinhole_shared::policy::Policy;

use crate::device::{AttachedDevice, ClientError, LogLine};
use crate::emulator::{EmulatedBoard, EmulatorError};

/// Whose camera, and what is before it.
#[derive(Debug)]
pub enum BoardCamera {
    /// An emulated board's. Photos are held before it, one after the other and again.
    Emulated {
        /// The board.
        board: Box<EmulatedBoard>,
        /// The photos.
        photos: Cycle<vec::IntoIter<PathBuf>>,
    },
    /// A device's on its own: it sees the world.
    Attached(Box<AttachedDevice>),
}

/// One look.
#[derive(Clone, Debug)]
pub struct Look {
    /// What was seen, and what the network made of it.
    pub inference: Inference,
    /// The photo before the camera, if there was one.
    pub shown: Option<PathBuf>,
    /// How long it took to read the photo from disk.
    pub photo: Option<Duration>,
    /// From the request to the last answer: exposure, the camera's bus, inference, and reporting.
    pub device: Duration,
}

/// Why there was nothing to see.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LookError {
    /// There is nothing before an emulated board's camera.
    #[error("there is no photo to show the camera")]
    #[diagnostic(help("give photos, or a folder that has some"))]
    NoPhoto,
    /// The photo before it cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Photo(#[from] PhotoError),
    /// The emulated board failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Emulator(#[from] EmulatorError),
    /// The device at hand failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] ClientError),
}

impl LookError {
    /// Whether the next look may do better.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Emulator(EmulatorError::Device(error)) | Self::Device(error) => error.is_passing(),
            _ => false,
        }
    }
}

impl BoardCamera {
    /// An emulated board and photos to hold before its camera.
    pub fn emulated(board: EmulatedBoard, photos: Vec<PathBuf>) -> Self {
        Self::Emulated { board: Box::new(board), photos: photos.into_iter().cycle() }
    }

    /// A device at hand.
    pub fn attached(device: AttachedDevice) -> Self {
        Self::Attached(Box::new(device))
    }

    /// Who the device is and what it runs.
    pub fn identity(&self) -> &Identity {
        match self {
            Self::Emulated { board, .. } => board.identity(),
            Self::Attached(device) => device.identity(),
        }
    }

    /// Looks through the camera, and has the device classify what it sees.
    ///
    /// # Errors
    /// [`LookError`].
    pub fn look(&mut self, report: Report) -> Result<Look, LookError> {
        let started = Instant::now();
        match self {
            Self::Emulated { board, photos } => {
                let shown = photos.next().ok_or(LookError::NoPhoto)?;
                let color = board.identity().input().map_or(Color::Rgb, |input| input.color);
                let picture = decode::read(&shown)?.for_color(color);
                let photo = started.elapsed();
                let started = Instant::now();
                let inference = board.capture(picture, report)?;
                Ok(Look { inference, shown: Some(shown), photo: Some(photo), device: started.elapsed() })
            }
            Self::Attached(device) => {
                let inference = device.capture(report)?;
                Ok(Look { inference, shown: None, photo: None, device: started.elapsed() })
            }
        }
    }

    /// The device's counters, and how long its last look took by its own clock.
    ///
    /// # Errors
    /// [`LookError`].
    pub fn statistics(&mut self) -> Result<Statistics, LookError> {
        match self {
            Self::Emulated { board, .. } => Ok(board.statistics()?),
            Self::Attached(device) => Ok(device.statistics()?),
        }
    }

    /// When the device's decisions are answers.
    ///
    /// # Errors
    /// [`LookError`].
    pub fn policy(&mut self) -> Result<Policy, LookError> {
        match self {
            Self::Emulated { board, .. } => Ok(board.policy()?),
            Self::Attached(device) => Ok(device.policy()?),
        }
    }

    /// Has the device answer by this policy until it is reset, and forget the frames captured before.
    ///
    /// # Errors
    /// [`LookError`].
    pub fn set_policy(&mut self, policy: Policy) -> Result<(), LookError> {
        match self {
            Self::Emulated { board, .. } => Ok(board.set_policy(policy)?),
            Self::Attached(device) => Ok(device.set_policy(policy)?),
        }
    }

    /// The device's log so far.
    pub fn logs(&mut self) -> Vec<LogLine> {
        match self {
            Self::Emulated { board, .. } => board.logs(),
            Self::Attached(device) => device.logs(),
        }
    }
}
