//! Errors of reaching a board through a debug probe.

use miette::Diagnostic;
use thiserror::Error;

use crate::board::{Board, ProbedChip};
use crate::device::{ClientError, LogLine};
use crate::firmware::FirmwareError;

/// An error of probe-rs, boxed so that these errors are the same in a build without probe-rs.
pub type ProbeRsError = Box<dyn std::error::Error + Send + Sync>;

/// Error of reaching or flashing a board through a debug probe.
#[derive(Debug, Error, Diagnostic)]
pub enum ProbeError {
    /// This program was built without support for debug probes.
    #[error("this Pinhole was built without support for debug probes (feature `probe`)")]
    #[diagnostic(help(
        "use `pinhole flash --out` to write files for other tools, or --port for a board whose link is on a serial port"
    ))]
    NotBuilt,
    /// The board has no chip that a debug probe can reach.
    #[error("the board {} has no chip that a debug probe reaches", board.name())]
    #[diagnostic(help(
        "use `pinhole simulate`, `prove` or `watch` to run it, or `pinhole flash --out` to write files for other tools"
    ))]
    NoChip {
        /// The board.
        board: Board,
    },
    /// probe-rs does not know the chip.
    #[error("probe-rs knows no chip {chip}")]
    #[diagnostic(help("only its own test program can reach test equipment"))]
    UnknownChip {
        /// Name of the chip.
        chip: &'static str,
        /// Cause.
        source: ProbeRsError,
    },
    /// No debug probe is connected.
    #[error("no debug probe is plugged in")]
    #[diagnostic(help(
        "plug in the board, or a probe connected to its SWD pins; on Linux, access to USB may need probe-rs' udev rules \
         (https://probe.rs/docs/getting-started/probe-setup); without a probe, `pinhole flash --out` writes a file"
    ))]
    NoProbe,
    /// Several debug probes are connected.
    #[error("more than one debug probe is plugged in:\n{}", probes.join("\n"))]
    #[diagnostic(help("choose one with --probe, as VENDOR:PRODUCT:SERIAL"))]
    ManyProbes {
        /// Descriptions of the probes, one each.
        probes: Vec<String>,
    },
    /// The wanted debug probe is not connected.
    #[error("no debug probe matches {wanted}{}", if probes.is_empty() { "; none is plugged in".to_owned() } else { format!("; available:\n{}", probes.join("\n")) })]
    #[diagnostic(help("give --probe as VENDOR:PRODUCT:SERIAL, or leave it out if there is only one"))]
    NotThatProbe {
        /// Name of the wanted probe.
        wanted: String,
        /// Descriptions of the connected probes, one each.
        probes: Vec<String>,
    },
    /// This user may not access the debug probe.
    #[error("this user has no permission to open the debug probe {probe}")]
    #[diagnostic(help(
        "on Linux, install probe-rs' udev rules (https://probe.rs/docs/getting-started/probe-setup), \
         and plug the probe in again"
    ))]
    NoAccess {
        /// The probe.
        probe: String,
    },
    /// The debug probe cannot be opened.
    #[error("the debug probe {probe} cannot be opened")]
    #[diagnostic(help("end other programs that use it, or unplug it and plug it in again"))]
    Open {
        /// The probe.
        probe: String,
        /// Cause.
        source: ProbeRsError,
    },
    /// The chip does not answer.
    #[error("the {chip} does not answer the debug probe")]
    #[diagnostic(help(
        "check that the board has power, that SWDIO, SWCLK and GND are connected, and that --board is the connected board"
    ))]
    NoAnswer {
        /// Name of the expected chip.
        chip: &'static str,
        /// Cause.
        source: ProbeRsError,
    },
    /// The chip's debug port is protected.
    #[error("the {chip} is locked: its debug port is protected")]
    #[diagnostic(help("give --unlock to unlock it, which ERASES ALL that is on it"))]
    Locked {
        /// The chip.
        chip: &'static str,
    },
    /// Another chip answers.
    #[error("the chip is not the {} of the board {}: its ID is {got:#x}, not {:#x}", chip.name, board.name(), chip.id)]
    #[diagnostic(help("give the connected board with --board; `pinhole boards` lists the boards"))]
    WrongChip {
        /// The board.
        board: Board,
        /// Its chip.
        chip: ProbedChip,
        /// Number that the chip reports.
        got: u32,
    },
    /// Access to the chip failed during an operation.
    #[error("the debug probe lost the connection to the {chip}")]
    #[diagnostic(help("check the wires and the power, and try again"))]
    Lost {
        /// The chip.
        chip: &'static str,
        /// Cause.
        source: ProbeRsError,
    },
    /// Firmware or model does not fit the chip's memory.
    #[error("{what} does not fit the memory of the {chip}")]
    #[diagnostic(help("the board's declaration and the chip's description disagree: this is a bug in Pinhole"))]
    Place {
        /// `firmware` or `model`.
        what: &'static str,
        /// The chip.
        chip: &'static str,
        /// Cause.
        source: ProbeRsError,
    },
    /// Flashing failed.
    #[error("flashing the {chip} failed")]
    #[diagnostic(help("its flash may be partly overwritten: flash again"))]
    Flash {
        /// The chip.
        chip: &'static str,
        /// Cause.
        source: ProbeRsError,
    },
    /// The flash does not contain what was written.
    #[error("the flash of the {chip} does not read back as it was written")]
    #[diagnostic(help("flash again; if it happens again, the flash is worn out or write-protected"))]
    Verify {
        /// The chip.
        chip: &'static str,
    },
    /// No firmware of Pinhole is running.
    #[error("the firmware on the board {} has no link (no RTT control block in its memory)", board.name())]
    #[diagnostic(help("flash it with `pinhole flash MODEL --board {}`; if that is done, reset the board", board.name()))]
    NoLink {
        /// The board.
        board: Board,
        /// Cause.
        source: ProbeRsError,
    },
    /// The device runs a different model from the one flashed.
    #[error("the board runs the model {got:#010x}, not the flashed model {expected:#010x}")]
    #[diagnostic(help("reset the board and try again"))]
    OtherModel {
        /// Checksum of the flashed model.
        expected: u32,
        /// Checksum of the running model.
        got: u32,
    },
    /// The firmware is for another board.
    #[error("the firmware on the board is for the board {got}, not {}", board.name())]
    #[diagnostic(help("flash it with `pinhole flash MODEL --board {}`", board.name()))]
    OtherBoard {
        /// The board.
        board: Board,
        /// Name of the board that it reports.
        got: String,
    },
    /// The log cannot be read.
    #[error("the pipe for the device's log cannot be created")]
    #[diagnostic(help("close other programs, and try again"))]
    Pipe(#[source] std::io::Error),
    /// The firmware cannot be built, or does not suit the model.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Firmware(#[from] FirmwareError),
    /// The device runs, but does not answer as it should.
    #[error(
        "the board {} was reached, but its firmware does not answer{}",
        board.name(),
        last_words.as_ref().map(|line| format!("; its log ends with: {line}")).unwrap_or_default()
    )]
    #[diagnostic(help("flash it with `pinhole flash MODEL --board {}`", board.name()))]
    Device {
        /// The board.
        board: Board,
        /// The last line of its log, if that can be read.
        last_words: Option<LogLine>,
        /// Cause.
        source: ClientError,
    },
}
