//! Events for the board's log.

use embedded_io::ErrorKind;
use pinhole_shared::link::frame::FrameError;
use pinhole_shared::link::{Measured, Refusal};
#[cfg(feature = "defmt")]
use pinhole_shared::policy::Verdict;
use pinhole_shared::policy::{Decided, Policy};

use crate::camera::Frame;
use crate::capture::CaptureError;

/// Event for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A host asked for the identity.
    Identified,
    /// The last pixel of an input arrived.
    InputComplete,
    /// A picture was captured and shrunk.
    Captured(Frame),
    /// An input was classified.
    Decided(Decided),
    /// An inference was measured; the cost of the whole.
    Measured(Measured),
    /// The policy was changed.
    PolicySet(Policy),
    /// A capture failed.
    CaptureFailed(CaptureError),
    /// A frame on the link could not be decoded.
    FrameFault(FrameError),
    /// The link's stream reported an error.
    LinkFault(ErrorKind),
    /// A request was refused.
    Refused(Refusal),
}

impl Event {
    /// Returns true for faults: logged as a warning instead of a notice.
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

/// Formats the event as text. The strings stay on the host: the device sends an index and values per line.
#[cfg(feature = "defmt")]
impl defmt::Format for Event {
    fn format(&self, f: defmt::Formatter<'_>) {
        match self {
            Self::Identified => defmt::write!(f, "a host asked who this is"),
            Self::InputComplete => defmt::write!(f, "an input has arrived"),
            Self::Captured(Frame { size, format }) => {
                defmt::write!(f, "captured {=u16}x{=u16}, {}", size.width, size.height, format);
            }
            Self::Decided(Decided { decision, verdict }) => {
                let per_mille = decision.probability.per_mille();
                defmt::write!(f, "class {=u16}, {=u32}.{=u32} %", decision.class, per_mille / 10, per_mille % 10);
                match verdict {
                    Verdict::Class(class) if *class == decision.class => {}
                    Verdict::Class(class) => defmt::write!(f, "; answer: class {=u16}", class),
                    Verdict::Unknown => defmt::write!(f, "; answer: unknown"),
                }
            }
            Self::Measured(Measured { unit, count, .. }) => {
                defmt::write!(f, "measured an inference: {=u64} {}", count, unit);
            }
            Self::PolicySet(policy) => {
                let per_mille = policy.min_probability().per_mille();
                defmt::write!(
                    f,
                    "answers from {=u32}.{=u32} % on, {=u8} of {=u8} frames",
                    per_mille / 10,
                    per_mille % 10,
                    policy.needed(),
                    policy.window()
                );
            }
            Self::CaptureFailed(error) => defmt::write!(f, "no picture: {}", error),
            Self::FrameFault(error) => defmt::write!(f, "a message could not be read: {}", error),
            Self::LinkFault(error) => defmt::write!(f, "the link failed: {}", error),
            Self::Refused(refusal) => defmt::write!(f, "refused: {}", refusal),
        }
    }
}
