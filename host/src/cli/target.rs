//! What commands run: a model, photos, and the board they go to.

use std::path::PathBuf;

use clap::Args;
use miette::{Result, miette};
use pinhole_shared::pixels::InputShape;

use super::connection::{Connection, check_model};
use super::output::warn;
use super::simulate::start_board_with;
use crate::board::Board;
use crate::board_camera::BoardCamera;
use crate::device::CameraKind;
use crate::photos;
use crate::probe::Bench;
use crate::run_folder::{self, Trained};
use crate::shipped;

/// A model and photos.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// A .pinhole file, a run folder of `pinhole train`, or the name of a model that ships [default: conv-96]
    model: Option<PathBuf>,
    /// Photos, or folders of photos
    photos: Vec<PathBuf>,
    /// Photos, or a folder of photos; repeatable
    #[arg(long = "photos", value_name = "PHOTOS")]
    more_photos: Vec<PathBuf>,
    /// Take only so many of the photos, evenly spread over them
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

impl Target {
    /// The model, from where it is said to be.
    pub(super) fn trained(&self) -> Result<Trained> {
        Ok(match &self.model {
            Some(model) => run_folder::open(model)?,
            None => shipped::default_model(),
        })
    }

    /// Whether there are photos to look at.
    pub(super) fn has_photos(&self) -> bool {
        !self.photos.is_empty() || !self.more_photos.is_empty()
    }

    /// The photos the board can take, at least one. All are read here, before a board is started, and again when it is
    /// their turn.
    pub(super) fn photos(&self, trained: &Trained) -> Result<Vec<PathBuf>> {
        let all: Vec<PathBuf> = self.photos.iter().chain(&self.more_photos).cloned().collect();
        let paths = photos_for(&all, trained.model.model().input())?;
        let Some(limit) = self.limit.map(|limit| limit as usize).filter(|&limit| limit < paths.len()) else {
            return Ok(paths);
        };
        Ok((0..limit).map(|i| paths[i * paths.len() / limit].clone()).collect())
    }
}

/// The photos at these places that a network with this input can take, at least one.
pub(super) fn photos_for(places: &[PathBuf], input: InputShape) -> Result<Vec<PathBuf>> {
    if places.is_empty() {
        return Err(miette!(
            help = "give photos after the model, or with --photos",
            "an emulated board's camera needs photos to look at, and none were given"
        ));
    }
    let (photos, warnings) = photos::read_unlabeled(places, input)?;
    warn(&warnings);
    if photos.is_empty() {
        return Err(miette!(help = "give photos, or a folder that has some", "there is no photo to show the camera"));
    }
    Ok(photos.into_iter().map(|photo| photo.path).collect())
}

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
    #[arg(long, value_enum, default_value_t)]
    pub(super) board: Board,
    /// Camera that an emulated board has (default: photos)
    #[arg(long, value_enum)]
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
                help = "leave out --probe and --port, or give --board the board at hand",
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
            return Ok(BoardCamera::emulated(board, photos));
        }
        let device = self.connection.open(bench, self.board, log)?;
        check_model(trained, self.board, device.identity())?;
        Ok(BoardCamera::attached(device))
    }
}
