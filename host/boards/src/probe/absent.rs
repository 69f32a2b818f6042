//! What stands in for probes in a Pinhole without them: all of it says so.

use std::convert::Infallible;

use super::{PluggedIn, ProbeError, Step, Unlock};
use crate::board::Board;
use crate::device::{AttachedDevice, LogLine};
use crate::firmware::{Firmware, FlashImage};

/// Where probes would come from.
#[derive(Debug)]
pub struct Bench;

/// A chip behind a probe: there is none.
#[derive(Debug)]
pub struct Attachment(Infallible);

/// The name of a probe: there is none.
#[derive(Clone, Debug)]
pub struct DebugProbeSelector(Infallible);

impl Bench {
    /// No probes.
    pub fn usb() -> Self {
        Self
    }
}

impl Attachment {
    /// Attaches to nothing.
    ///
    /// # Errors
    /// [`ProbeError::NoChip`], else [`ProbeError::NotBuilt`].
    pub fn new(_: &Bench, board: Board, _: Option<&DebugProbeSelector>, _: Unlock) -> Result<Self, ProbeError> {
        Err(if board.chip().is_none() { ProbeError::NoChip { board } } else { ProbeError::NotBuilt })
    }
}

/// Knows no probe's name.
///
/// # Errors
/// [`ProbeError::NotBuilt`], in words.
pub fn parse_selector(_: &str) -> Result<DebugProbeSelector, String> {
    Err(ProbeError::NotBuilt.to_string())
}

/// The probes that are plugged in, as far as this Pinhole sees any.
///
/// # Errors
/// [`ProbeError::NotBuilt`].
pub fn probes(_: &Bench) -> Result<Vec<PluggedIn>, ProbeError> {
    Err(ProbeError::NotBuilt)
}

/// Whether an image fits the chip is known from the board's file alone, and checked where images are made.
///
/// # Errors
/// [`ProbeError::NoChip`].
pub fn check_fits(image: &FlashImage, _: &Bench) -> Result<(), ProbeError> {
    image.board.chip().map(drop).ok_or(ProbeError::NoChip { board: image.board })
}

/// Writes nothing: nothing can be attached to.
///
/// # Errors
/// None.
pub fn flash(
    _: &Bench,
    attachment: &mut Attachment,
    _: &FlashImage,
    _: impl FnMut(Step) + Send,
) -> Result<(), ProbeError> {
    match attachment.0 {}
}

/// Connects to nothing: nothing can be attached to.
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
