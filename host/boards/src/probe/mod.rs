//! Boards behind a debug probe, through probe-rs. Without the feature `probe`, which brings that along, the same functions
//! are there, and say that probes are not.
//!
//! | module | what happens there |
//! |---|---|
//! | `attach` | probes on USB -> one of them -> the chip behind it, which is the one expected |
//! | `image` | what is written where -> as probe-rs writes it |
//! | `flash` | that -> the chip's flash, verified |
//! | `rtt` | the link and the log, in buffers in the chip's memory |
//! | `absent` | stands in for all of these in a Pinhole without probes |
//! | `error` | what goes wrong |

#[cfg(not(feature = "probe"))]
mod absent;
#[cfg(feature = "probe")]
mod attach;
mod error;
#[cfg(feature = "probe")]
mod flash;
#[cfg(feature = "probe")]
mod image;
#[cfg(feature = "probe")]
mod rtt;

#[cfg(not(feature = "probe"))]
pub use absent::{Attachment, Bench, DebugProbeSelector, check_fits, connect, flash, parse_selector, probes};
#[cfg(feature = "probe")]
pub use attach::{Attachment, Bench, parse_selector, probes};
pub use error::{Cause, ProbeError};
#[cfg(feature = "probe")]
pub use flash::flash;
#[cfg(feature = "probe")]
pub use image::{check_fits, loader};
#[cfg(feature = "probe")]
pub use probe_rs::probe::DebugProbeSelector;
#[cfg(feature = "probe")]
pub use rtt::connect;

/// A probe that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluggedIn {
    /// VENDOR:PRODUCT:SERIAL, and what it calls itself.
    pub name: String,
    /// Whether this user may open it, as far as the system says.
    pub accessible: bool,
}

/// What to do about a chip whose debug port is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unlock {
    /// Leave it as it is.
    #[default]
    No,
    /// Erase all that is on it, which unlocks it.
    EraseAll,
}

/// How far flashing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes will be erased, written and read again, where that is known before.
    Total(u64),
    /// So many bytes were.
    Done(u64),
}

#[cfg(all(test, feature = "probe"))]
mod tests;
