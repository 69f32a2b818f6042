//! Arguments for the board that commands run on.

use clap::Args;
use pinhole_boards::board::Board;
use pinhole_boards::device::CameraKind;

use super::choice::choice;
use super::connection::ConnectionArguments;
use crate::app::board::BoardTarget;

/// The board, and the connection to it.
#[derive(Debug, Args)]
pub(super) struct OnBoard {
    /// Board to run on
    #[arg(long, value_parser = choice::<Board>(), default_value = Board::default().name())]
    board: Board,
    /// Camera that an emulated board has [default: photos]
    #[arg(long, value_parser = choice::<CameraKind>())]
    camera: Option<CameraKind>,
    #[command(flatten)]
    connection: ConnectionArguments,
}

impl OnBoard {
    pub(super) fn target(&self) -> BoardTarget {
        BoardTarget { board: self.board, camera: self.camera, connection: self.connection.request() }
    }
}
