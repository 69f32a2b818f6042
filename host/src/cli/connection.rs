//! How commands reach a board that is no emulated one.

use clap::Args;
use miette::{Result, miette};
use pinhole_boards::board::Board;
use pinhole_boards::device::{ANSWER_TIMEOUT, AttachedDevice, Device as _, SerialName, open_serial};
use pinhole_boards::firmware::{Firmware, packed_for};
use pinhole_boards::probe::{Attachment, Bench, DebugProbeSelector, Unlock, connect, parse_selector};
use pinhole_shared::link::Identity;
use pinhole_train::runs::Trained;

use super::output::{note, spinner};

/// What all of them take.
#[derive(Debug, Args)]
pub(super) struct Connection {
    /// Debug probe to use where several are plugged in, as VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL
    #[arg(long, value_parser = parse_selector)]
    probe: Option<DebugProbeSelector>,
    /// Reach the board over a serial port instead of a debug probe, as PORT or PORT@BAUD
    #[arg(long, conflicts_with = "probe")]
    port: Option<SerialName>,
}

impl Connection {
    /// Whether anything is said about it.
    pub(super) fn is_given(&self) -> bool {
        self.probe.is_some() || self.port.is_some()
    }

    /// Connects to the firmware that runs on a board.
    pub(super) fn open(&self, bench: &Bench, board: Board, log: bool) -> Result<AttachedDevice> {
        if let Some(name) = &self.port {
            let device = AttachedDevice::on(Box::new(open_serial(name, ANSWER_TIMEOUT)?))?;
            let got = &device.identity().board;
            if got != board.name() {
                return Err(miette!(
                    help = "give --board {got} if that is your board",
                    "the device on {} says that it is {got}, not {}",
                    name.port,
                    board.name()
                ));
            }
            return Ok(device);
        }
        let firmware = Firmware::of(board).map_err(miette::Report::new)?;
        let waiting = spinner("reaching the board");
        let device = self.attach(bench, board, &firmware, log);
        waiting.finish_and_clear();
        device
    }

    fn attach(&self, bench: &Bench, board: Board, firmware: &Firmware, log: bool) -> Result<AttachedDevice> {
        let attachment = Attachment::new(bench, board, self.probe.as_ref(), Unlock::No)?;
        let device = connect(attachment, firmware, move |line| {
            if log {
                note(&line.to_string());
            }
        })?;
        if log && !device.has_log() {
            note("the board's firmware is not the one that this Pinhole has: its log cannot be read");
        }
        Ok(device)
    }
}

/// Refuses to take one model for another.
pub(super) fn check_model(trained: &Trained, board: Board, identity: &Identity) -> Result<()> {
    let packed = packed_for(board, &trained.model, &trained.model_path)?;
    let (here, there) = (packed.model().checksum(), identity.model_checksum);
    if here == there {
        return Ok(());
    }
    let path = trained.model_path.display();
    let flash = format!("pinhole flash {path} --board {} --model-only", board.name());
    Err(miette!(
        help = format!("give the model that is on the board, or flash this one: {flash}"),
        "the board runs the model {there:#010x}, and {path} is {here:#010x} as it is flashed"
    ))
}
