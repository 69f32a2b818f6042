//! Errors of requests to a device.

use std::io::{self, ErrorKind};

use pinhole_shared::link::frame::FrameError;
use pinhole_shared::link::{PROTOCOL, Refusal};

/// Error of a request.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ClientError {
    /// Nothing arrived in time, or the device did not take the request.
    #[error("the device did not answer in time")]
    #[diagnostic(help("check that the device runs and that nothing else uses its link; then try again"))]
    Timeout,
    /// Bytes arrived, but no message of the answer in time.
    #[error("the device sent {bytes} bytes, but no answer in time")]
    #[diagnostic(help(
        "check that this is the right port, and that the board runs Pinhole's firmware; on a serial port, also check the \
         bits per second"
    ))]
    Babble {
        /// Bytes that arrived since the last message of the answer, or since the request.
        bytes: usize,
    },
    /// The device sends and sends, and its answer has no end.
    #[error("the answer of the device does not end: {0}")]
    #[diagnostic(help(
        "check that the board runs Pinhole's firmware, and reset it; `pinhole flash` writes the firmware anew"
    ))]
    Endless(&'static str),
    /// The answer is a message of the protocol, but no device with this identity can give it.
    #[error("the answer of the device cannot be right: {0}")]
    #[diagnostic(help(
        "the firmware or the model on the board is not what the board says: write both anew with `pinhole flash`"
    ))]
    Impossible(String),
    /// The user no longer waits.
    #[error("stopped waiting for the device")]
    Stopped,
    /// The stream ended.
    #[error("the device closed the link")]
    #[diagnostic(help("the device stopped or was unplugged; see its log for the cause"))]
    Closed,
    /// The stream failed.
    #[error("the link to the device failed")]
    Stream(#[source] io::Error),
    /// An answer could not be read.
    #[error("an answer of the device could not be decoded")]
    #[diagnostic(help("bytes were lost on the link; try again, and check the cable if it happens often"))]
    Frame(#[source] FrameError),
    /// The device refused the request.
    #[error("the device refused the request: {0}")]
    #[diagnostic(help("{}", advice(*_0)))]
    Refused(Refusal),
    /// The device speaks another version of the protocol.
    #[error("the device uses version {got} of the link's protocol, and this Pinhole uses version {PROTOCOL}")]
    #[diagnostic(help("build and flash the firmware of this version of Pinhole"))]
    Protocol {
        /// The device's version.
        got: u16,
    },
    /// The device's answer belongs to another request.
    #[error("the device answered another request ({0})")]
    #[diagnostic(help("an earlier exchange was cut short; try again"))]
    OutOfTurn(&'static str),
}

impl ClientError {
    /// Returns true if the same request may succeed when repeated, for example after lost bytes or a camera fault.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Timeout | Self::Babble { .. } | Self::Frame(_) | Self::OutOfTurn(_) => true,
            Self::Refused(refusal) => {
                matches!(refusal, Refusal::Garbled | Refusal::NoInput | Refusal::WrongOffset | Refusal::Camera)
            }
            Self::Endless(_)
            | Self::Impossible(_)
            | Self::Stopped
            | Self::Closed
            | Self::Stream(_)
            | Self::Protocol { .. } => false,
        }
    }

    /// Converts the error of a stream. The stream's own timeouts are not among them: the exchange has the last word on those.
    pub(super) fn of_stream(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::UnexpectedEof
            | ErrorKind::WriteZero => Self::Closed,
            _ => Self::Stream(error),
        }
    }
}

/// Returns advice on a refusal.
fn advice(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Garbled => "bytes were lost on the link; try again, and check the cable if it happens often",
        Refusal::NoInput | Refusal::WrongOffset => "send an input with exactly as many pixels as the model's input",
        Refusal::Camera => "check the camera and its wiring; the device's log shows what failed",
        Refusal::Policy => "use a window of at most 16 frames, of which more than half must agree",
        Refusal::Picture => "use a picture at least as large as the model's input; the device's log shows both sizes",
    }
}
