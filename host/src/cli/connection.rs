//! Arguments for the connection to a real board.

use clap::Args;
use pinhole_boards::device::SerialName;
use pinhole_boards::probe::{DebugProbeSelector, parse_selector};

use crate::app::board;

/// Options of all commands that connect to a real board.
#[derive(Debug, Args)]
pub(super) struct ConnectionArguments {
    /// Debug probe to use if several are plugged in, as VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL
    #[arg(long, value_parser = parse_selector)]
    probe: Option<DebugProbeSelector>,
    /// Serial port to use instead of a debug probe, as PORT or PORT@BAUD
    #[arg(long, conflicts_with = "probe")]
    port: Option<SerialName>,
}

impl ConnectionArguments {
    pub(super) fn request(&self) -> board::Connection {
        board::Connection { probe: self.probe.clone(), port: self.port.clone() }
    }
}
