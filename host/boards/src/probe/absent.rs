//! Replacement for debug probes in a build without them: every function reports that probes are not supported.

use std::convert::Infallible;

use super::{FlashStep, PluggedIn, ProbeError, Unlock};
use crate::board::Board;
use crate::device::{AttachedDevice, LogLine};
use crate::firmware::{Firmware, FlashImage};

/// Source of probes: there are none.
#[derive(Debug)]
pub struct DebugProbes;

/// Connection to a chip; never exists.
#[derive(Debug)]
pub struct Attachment(Infallible);

/// Name of a probe; never exists.
#[derive(Clone, Debug)]
pub struct DebugProbeSelector(Infallible);

impl DebugProbes {
    /// Creates a source without probes.
    pub fn usb() -> Self {
        Self
    }
}

impl Attachment {
    /// Always fails.
    ///
    /// # Errors
    /// [`ProbeError::NoChip`], else [`ProbeError::NotBuilt`].
    pub fn new(_: &DebugProbes, board: Board, _: Option<&DebugProbeSelector>, _: Unlock) -> Result<Self, ProbeError> {
        Err(if board.chip().is_none() { ProbeError::NoChip { board } } else { ProbeError::NotBuilt })
    }
}

/// Always fails.
///
/// # Errors
/// Message of [`ProbeError::NotBuilt`].
pub fn parse_selector(_: &str) -> Result<DebugProbeSelector, String> {
    Err(ProbeError::NotBuilt.to_string())
}

/// Would return the connected probes; always fails.
///
/// # Errors
/// [`ProbeError::NotBuilt`].
pub fn probes(_: &DebugProbes) -> Result<Vec<PluggedIn>, ProbeError> {
    Err(ProbeError::NotBuilt)
}

/// Checks only if the board has a chip. If the image fits is known from the board's file, and checked where images are
/// made.
///
/// # Errors
/// [`ProbeError::NoChip`].
pub fn check_fits(image: &FlashImage, _: &DebugProbes) -> Result<(), ProbeError> {
    image.board.chip().map(drop).ok_or(ProbeError::NoChip { board: image.board })
}

/// Never called: there is no attachment.
///
/// # Errors
/// None.
pub fn flash(
    _: &DebugProbes,
    attachment: &mut Attachment,
    _: &FlashImage,
    _: impl FnMut(FlashStep) + Send,
) -> Result<(), ProbeError> {
    match attachment.0 {}
}

/// Never called: there is no attachment.
///
/// # Errors
/// None.
pub fn connect(
    attachment: Attachment,
    _: &Firmware,
    _: impl FnMut(&LogLine) + Send + 'static,
) -> Result<AttachedDevice, ProbeError> {
    match attachment.0 {}
}
