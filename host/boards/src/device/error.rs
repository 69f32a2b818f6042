//! What goes wrong with a device that runs.

use std::io;

use super::{ClientError, LogLine};

/// Most lines of a log, and of an emulator's complaints, that an error shows.
const LAST_LINES: usize = 12;

/// Why a device did not do what it was asked for.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DeviceError {
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
        "the last lines above say why; a model it refuses is best written anew with `pinhole quantize`"
    ))]
    Stopped {
        /// How it ended.
        code: String,
        /// The device's log.
        log: Vec<LogLine>,
        /// What the emulator itself complained about.
        complaints: String,
    },
    /// The driver did what the camera does not allow.
    #[error("the camera's driver broke its rules: {}", breaches.join("; "))]
    #[diagnostic(help("this is a mistake in the driver, also where hardware would let it pass"))]
    CameraMisused {
        /// How, in words.
        breaches: Vec<String>,
    },
    /// The device's camera is its own: what it sees is not the host's to choose.
    #[error("the device has its own camera, before which no photo can be held")]
    #[diagnostic(help("leave out the photos, or take an emulated board"))]
    OwnCamera,
}

impl DeviceError {
    /// Whether the same request may succeed if it is made again: after lost bytes, say, or a camera's fault.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Request(error) if error.is_passing())
    }
}

fn said(log: &[LogLine], complaints: &str) -> String {
    let mut lines: Vec<String> = log.iter().map(LogLine::to_string).collect();
    lines.extend(complaints.lines().map(str::to_owned));
    match lines.get(lines.len().saturating_sub(LAST_LINES)..) {
        None | Some([]) => "it logged nothing".to_owned(),
        Some(last) => format!("its last words:\n{}", last.join("\n")),
    }
}
