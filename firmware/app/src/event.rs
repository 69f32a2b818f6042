//! What happened, for the board's log.

use embedded_io::ErrorKind;
use pinhole_shared::link::frame::FrameError;
use pinhole_shared::link::{Measured, Refusal};
use pinhole_shared::policy::{Decided, Policy};

use crate::camera::Frame;
use crate::capture::CaptureError;

/// Something worth a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event {
    /// A host asked who this is.
    Identified,
    /// The last pixel of an input arrived.
    InputComplete,
    /// A picture was captured and shrunk.
    Captured(Frame),
    /// An input was classified.
    Decided(Decided),
    /// An inference was measured: the whole of it.
    Measured(Measured),
    /// Decisions are answers by another policy from now on.
    PolicySet(Policy),
    /// A capture failed.
    CaptureFailed(CaptureError),
    /// A frame on the link could not be read.
    FrameFault(FrameError),
    /// The link's stream reported an error.
    LinkFault(ErrorKind),
    /// A request was refused.
    Refused(Refusal),
}

impl Event {
    /// Whether something went wrong: a warning rather than a notice.
    pub const fn is_fault(&self) -> bool {
        match self {
            Self::Identified
            | Self::InputComplete
            | Self::Captured(_)
            | Self::Decided(_)
            | Self::Measured(_)
            | Self::PolicySet(_) => false,
            Self::CaptureFailed(_) | Self::FrameFault(_) | Self::LinkFault(_) | Self::Refused(_) => true,
        }
    }
}
