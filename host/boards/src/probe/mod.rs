//! Boards behind a debug probe, through probe-rs. Without the feature `probe`, the same functions exist and report that
//! probes are not supported.
//!
//! | module | contents |
//! |---|---|
//! | `attach` | finding probes on USB, connecting to one, and checking the chip behind it |
//! | `image` | converting an image to the form that probe-rs writes |
//! | `flash` | writing it to the chip's flash, and verifying it |
//! | `rtt` | the link and the log, in buffers in the chip's memory |
//! | `absent` | replacement for all of these in a build without probes |
//! | `error` | errors |

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
pub use absent::{Attachment, DebugProbeSelector, DebugProbes, check_fits, connect, flash, parse_selector, probes};
#[cfg(feature = "probe")]
pub use attach::{Attachment, DebugProbes, parse_selector, probes};
pub use error::{ProbeError, ProbeRsError};
#[cfg(feature = "probe")]
pub use flash::flash;
#[cfg(feature = "probe")]
pub use image::{check_fits, loader};
#[cfg(feature = "probe")]
pub use probe_rs::probe::DebugProbeSelector;
#[cfg(feature = "probe")]
pub use rtt::connect;

/// A connected debug probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluggedIn {
    /// VENDOR:PRODUCT:SERIAL, and the probe's own description.
    pub name: String,
    /// True if this user may open it, according to the operating system.
    pub accessible: bool,
}

/// Treatment of a chip whose debug port is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unlock {
    /// Leave it protected.
    #[default]
    No,
    /// Erase everything on it, which unlocks it.
    EraseAll,
}

/// Progress of flashing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashStep {
    /// Number of bytes that will be erased, written and read again, if known in advance.
    Total(u64),
    /// Number of bytes done.
    Done(u64),
}

#[cfg(all(test, feature = "probe"))]
mod tests;
