//! Watching a board: one look after the other, and another policy between them. When to look is for the front end to say.

use std::time::Instant;

use miette::Diagnostic;
use pinhole_boards::board_camera::{BoardCamera, LookError};
use pinhole_boards::budget::predict::predict;
use pinhole_core::choice::Choice as _;
use pinhole_core::model_file::PackError;
use pinhole_shared::link::Report;
use pinhole_shared::policy::Policy;
use pinhole_train::runs::Trained;
use thiserror::Error;

use super::board::Target;
use crate::watch::{Sight, State};

/// Why a board is not watched.
#[derive(Debug, Error, Diagnostic)]
pub enum WatchError {
    /// The model cannot be packed for the board.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The board does not answer.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Look(#[from] LookError),
}

/// A board that is watched.
pub struct Watching {
    /// All that is known of it, to be shown.
    pub state: State,
    camera: BoardCamera,
    started: Instant,
}

impl Watching {
    /// Begins to watch. Nothing has been looked at yet.
    ///
    /// # Errors
    /// [`WatchError`].
    pub fn new(mut camera: BoardCamera, target: &Target, trained: &Trained) -> Result<Self, WatchError> {
        let declared = target.board.declaration();
        let packed = trained.model.packed(target.board.packing())?;
        let predicted = predict(&packed.model(), declared.core).map(|work| work.time_ms(declared.clock_hz));
        let identity = camera.identity();
        let eye = if target.board.is_emulated() { target.emulated_camera().name() } else { "its own" };
        let mut state = State::new(
            format!("{}, {}, camera {eye}", identity.board, identity.kernel),
            identity.input_side.into(),
            trained.model.model().class_names().map(str::to_owned).collect(),
            predicted,
        );
        state.policy = camera.policy()?;
        Ok(Self { state, camera, started: Instant::now() })
    }

    /// Looks once. A fault of the camera or of the link becomes part of the state: the next look may do better.
    ///
    /// # Errors
    /// [`LookError`] when it will not.
    pub fn look(&mut self) -> Result<(), LookError> {
        let camera = &mut self.camera;
        match camera.look(Report::AllValues).and_then(|look| Ok((look, camera.statistics()?))) {
            Ok((look, statistics)) => match Sight::of(look, &statistics) {
                Some(sight) => self.state.saw(sight, self.started.elapsed()),
                None => self.state.trouble = Some("the device left integers out".to_owned()),
            },
            Err(error) if error.is_passing() => self.state.trouble = Some(error.to_string()),
            Err(error) => return Err(error),
        }
        let lines: Vec<String> = camera.logs().iter().map(ToString::to_string).collect();
        self.state.logged(lines.iter().map(String::as_str));
        Ok(())
    }

    /// Changes the policy on the device, where it holds until a reset. A fault of the link becomes part of the state.
    ///
    /// # Errors
    /// [`LookError`] when it will not pass.
    pub fn set_policy(&mut self, change: impl FnOnce(Policy) -> Policy) -> Result<(), LookError> {
        let policy = change(self.state.policy);
        match self.camera.set_policy(policy) {
            Ok(()) => self.state.policy = policy,
            Err(error) if error.is_passing() => self.state.trouble = Some(error.to_string()),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
