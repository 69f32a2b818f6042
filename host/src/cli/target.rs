//! The board that commands run on.

use std::path::PathBuf;

use clap::Args;
use miette::{Result, miette};
use pinhole_boards::board::Board;
use pinhole_boards::board_camera::BoardCamera;
use pinhole_boards::device::{CameraKind, Device as _};
use pinhole_boards::probe::Bench;
use pinhole_train::runs::Trained;

use super::choice::choice;
use super::connection::{Connection, check_model};
use super::simulate::start_board_with;

/// Where photos go, where there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Photos {
    /// Before the board's camera.
    BeforeTheCamera,
    /// Elsewhere, or there are none.
    Elsewhere,
}

/// The board, and the way to it.
#[derive(Debug, Args)]
pub(super) struct OnBoard {
    /// Board to run on
    #[arg(long, value_parser = choice::<Board>(), default_value = Board::default().name())]
    pub(super) board: Board,
    /// Camera that an emulated board has [default: photos]
    #[arg(long, value_parser = choice::<CameraKind>())]
    camera: Option<CameraKind>,
    #[command(flatten)]
    pub(super) connection: Connection,
}

impl OnBoard {
    /// Refuses what the board has no use for: the way to an emulated one, or things to hold before another's camera.
    pub(super) fn check(&self, photos: Photos) -> Result<()> {
        let name = self.board.name();
        if self.board.is_emulated() && self.connection.is_given() {
            return Err(miette!(
                help = "leave out --probe and --port, or name your real board with --board",
                "the board {name} is emulated: there is no way to it but Pinhole's own"
            ));
        }
        if !self.board.is_emulated() && (self.camera.is_some() || photos == Photos::BeforeTheCamera) {
            return Err(miette!(
                help = "leave out --camera and the photos, or take an emulated board",
                "the board {name} has its own camera, before which no photo can be held"
            ));
        }
        Ok(())
    }

    /// The camera of an emulated board.
    pub(super) fn emulated_camera(&self) -> CameraKind {
        self.camera.unwrap_or_default()
    }

    /// The board's camera: an emulated board's with photos before it, or that of a board at hand, which must run this
    /// model, if one is named.
    pub(super) fn camera(
        &self,
        bench: &Bench,
        trained: &Trained,
        photos: impl FnOnce() -> Result<Vec<PathBuf>>,
        log: bool,
    ) -> Result<BoardCamera> {
        if self.board.is_emulated() {
            let photos = photos()?;
            let board = start_board_with(self.board, self.emulated_camera(), trained, log)?;
            return Ok(BoardCamera::with_photos(Box::new(board), photos));
        }
        let device = self.connection.open(bench, self.board, log)?;
        check_model(trained, self.board, device.identity())?;
        Ok(BoardCamera::new(Box::new(device)))
    }
}
