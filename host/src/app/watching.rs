//! Watching a board: captures frames and changes the policy between them. The front end decides when.

use std::time::Instant;

use miette::Diagnostic;
use pinhole_boards::board_camera::{BoardCamera, BoardCameraError};
use pinhole_boards::budget::predict::predict;
use pinhole_core::choice::Choice as _;
use pinhole_core::model_file::PackError;
use pinhole_shared::link::Report;
use pinhole_shared::pixels::PictureSize;
use pinhole_shared::policy::Policy;
use pinhole_train::runs::Trained;
use thiserror::Error;

use super::board::BoardTarget;
use crate::watch::{ClassifiedFrame, WatchState};

/// Error of watching a board.
#[derive(Debug, Error, Diagnostic)]
pub enum WatchError {
    /// The model cannot be packed for the board.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The board does not answer.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Capture(#[from] BoardCameraError),
}

/// A board that is being watched.
pub struct Watching {
    /// Everything known about it, for display.
    pub state: WatchState,
    camera: BoardCamera,
    started: Instant,
}

impl Watching {
    /// Begins to watch, without capturing a frame.
    ///
    /// # Errors
    /// [`WatchError`].
    pub fn new(mut camera: BoardCamera, target: &BoardTarget, trained: &Trained) -> Result<Self, WatchError> {
        let declared = target.board.declaration();
        let packed = trained.model.packed(target.board.packing())?;
        let predicted = predict(&packed.model(), declared.core).map(|work| work.time_ms(declared.clock_hz));
        let identity = camera.device().identity();
        let eye = if target.board.is_emulated() { target.emulated_camera().name() } else { "its own" };
        let mut state = WatchState::new(
            format!("{}, {}, camera {eye}", identity.board, identity.kernel),
            PictureSize { width: identity.input_width, height: identity.input_height },
            trained.model.model().class_names().map(str::to_owned).collect(),
            predicted,
        );
        state.policy = camera.device_mut().policy().map_err(BoardCameraError::from)?;
        Ok(Self { state, camera, started: Instant::now() })
    }

    /// Captures one frame. A passing fault of the camera or of the link becomes part of the state.
    ///
    /// # Errors
    /// [`BoardCameraError`] if the fault is not passing.
    pub fn capture(&mut self) -> Result<(), BoardCameraError> {
        let camera = &mut self.camera;
        match camera.capture(Report::AllValues).and_then(|frame| Ok((frame, camera.device_mut().statistics()?))) {
            Ok((frame, statistics)) => match ClassifiedFrame::of(frame, &statistics) {
                Some(classified) => self.state.add_frame(classified, self.started.elapsed()),
                None => self.state.trouble = Some("the device did not report all integers".to_owned()),
            },
            Err(error) if error.is_passing() => self.state.trouble = Some(error.to_string()),
            Err(error) => return Err(error),
        }
        let lines: Vec<String> = camera.device_mut().logs().iter().map(ToString::to_string).collect();
        self.state.logged(lines.iter().map(String::as_str));
        Ok(())
    }

    /// Changes the policy on the device until a reset. A fault of the link becomes part of the state.
    ///
    /// # Errors
    /// [`BoardCameraError`] if the fault is not passing.
    pub fn set_policy(&mut self, change: impl FnOnce(Policy) -> Policy) -> Result<(), BoardCameraError> {
        let policy = change(self.state.policy);
        match self.camera.device_mut().set_policy(policy).map_err(BoardCameraError::from) {
            Ok(()) => self.state.policy = policy,
            Err(error) if error.is_passing() => self.state.trouble = Some(error.to_string()),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
