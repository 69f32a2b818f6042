//! Errors of a running device.

use std::io;

use super::{ClientError, LogLine};

/// Largest number of lines of log and emulator messages that an error shows.
const LAST_LINES: usize = 12;

/// Error of a device.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum InferenceDeviceError {
    /// The device runs, but a request failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Request(#[from] ClientError),
    /// The connection to the emulator failed.
    #[error("the connection to the emulator failed")]
    Socket(#[source] io::Error),
    /// The emulator or the firmware on it stopped.
    #[error("the emulated board stopped ({code}); {}", said(log, complaints))]
    #[diagnostic(help(
        "the last lines above show why; if it refused the model, write the model anew with `pinhole quantize`"
    ))]
    Stopped {
        /// Exit status of the emulator, in words.
        code: String,
        /// The device's log.
        log: Vec<LogLine>,
        /// Error messages of the emulator.
        complaints: String,
    },
    /// The camera's driver broke rules of the camera.
    #[error("the camera driver broke the camera's rules: {}", breaches.join("; "))]
    #[diagnostic(help("this is a bug in the driver, even if real hardware would tolerate it"))]
    CameraMisused {
        /// The broken rules, in words.
        breaches: Vec<String>,
    },
    /// The device has its own camera, so the host cannot choose what it sees.
    #[error("the device has its own camera, so photos cannot be used")]
    #[diagnostic(help("leave out the photos, or use an emulated board"))]
    OwnCamera,
}

impl InferenceDeviceError {
    /// Returns true if the same request may succeed when repeated, for example after lost bytes or a camera fault.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Request(error) if error.is_passing())
    }
}

fn said(log: &[LogLine], complaints: &str) -> String {
    let mut lines: Vec<String> = log.iter().map(LogLine::to_string).collect();
    lines.extend(complaints.lines().map(str::to_owned));
    match lines.get(lines.len().saturating_sub(LAST_LINES)..) {
        None | Some([]) => "it logged nothing".to_owned(),
        Some(last) => format!("its last messages:\n{}", last.join("\n")),
    }
}
