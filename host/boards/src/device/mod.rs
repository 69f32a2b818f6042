//! Talking to a device: the host's side of the link and of its camera, over any byte stream.

mod attached;
mod camera;
mod client;
#[cfg(test)]
mod client_tests;
pub(crate) mod logs;
mod measurement;
mod replay;
#[cfg(test)]
mod replay_tests;
mod serial;
pub(crate) mod transport;

#[cfg(feature = "probe")]
pub(crate) use attached::Silent;
pub use attached::{ANSWER_TIMEOUT, AttachedDevice};
pub use camera::{CameraKind, HostCamera};
pub use client::{Client, ClientError};
pub use logs::LogLine;
pub use measurement::Measurement;
pub use replay::Replay;
pub use serial::{SerialError, SerialName, open as open_serial};
pub use transport::Transport;
