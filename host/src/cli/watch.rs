//! `pinhole watch`.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use miette::{IntoDiagnostic as _, Result, miette};
use pinhole_boards::board_camera::BoardCamera;
use pinhole_boards::budget::predict::predict;
use pinhole_boards::probe::Bench;
use pinhole_core::choice::Choice as _;
use pinhole_shared::link::Report;
use pinhole_shared::policy::Policy;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use super::model_and_photos::ModelAndPhotos;
use super::target::{OnBoard, Photos};
use super::values::{at_least, between};
use crate::watch::{Sight, State, next_smoothing, step_probability, view};

/// `pinhole watch`.
#[derive(Debug, Args)]
pub(super) struct Watch {
    #[command(flatten)]
    what: ModelAndPhotos,
    #[command(flatten)]
    on: OnBoard,
    /// Least time from one picture to the next, ms
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = between::<u64>(0, 3_600_000))]
    every: u64,
    /// Stop after so many pictures
    #[arg(long, value_name = "COUNT", value_parser = at_least::<u64>(0))]
    frames: Option<u64>,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug)]
enum Key {
    Quit,
    Pause,
    Next,
    /// Another policy, from the one before.
    Policy(fn(Policy) -> Policy),
}

/// Longest time without looking at the keys, ms.
const KEYS_EVERY: Duration = Duration::from_millis(50);

impl Watch {
    pub(super) fn run(&self, bench: &Bench) -> Result<ExitCode> {
        if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
            return Err(miette!(
                help = "run it in one; `pinhole simulate` says the same line by line",
                "watch needs a terminal"
            ));
        }
        self.on.check(if self.what.has_photos() { Photos::BeforeTheCamera } else { Photos::Elsewhere })?;
        let trained = self.what.trained()?;
        let mut camera = self.on.camera(bench, &trained, || self.what.paths(trained.model.model().input()), false)?;
        let declared = self.on.board.declaration();
        let packed = trained.model.packed(self.on.board.packing()).into_diagnostic()?;
        let predicted = predict(&packed.model(), declared.core).map(|work| work.time_ms(declared.clock_hz));
        let identity = camera.device().identity();
        let eye = if self.on.board.is_emulated() { self.on.emulated_camera().name() } else { "its own" };
        let mut state = State::new(
            format!("{}, {}, camera {eye}", identity.board, identity.kernel),
            identity.input_side.into(),
            trained.model.model().class_names().map(str::to_owned).collect(),
            predicted,
        );
        state.policy = camera.device_mut().policy()?;
        let mut terminal = ratatui::try_init().into_diagnostic()?;
        let result = self.watch(&mut terminal, &mut state, &mut camera);
        ratatui::restore();
        result.map(|()| ExitCode::SUCCESS)
    }

    fn watch(
        &self,
        terminal: &mut ratatui::DefaultTerminal,
        state: &mut State,
        camera: &mut BoardCamera,
    ) -> Result<()> {
        let start = Instant::now();
        let mut due = start;
        loop {
            loop {
                terminal.draw(|frame| view::draw(frame, state)).into_diagnostic()?;
                let until = if state.paused { KEYS_EVERY } else { due.saturating_duration_since(Instant::now()) };
                match key(until.min(KEYS_EVERY))? {
                    Some(Key::Quit) => return Ok(()),
                    Some(Key::Pause) => state.paused = !state.paused,
                    Some(Key::Next) => break,
                    Some(Key::Policy(change)) => set_policy(camera, state, change)?,
                    None if !state.paused && Instant::now() >= due => break,
                    None => {}
                }
            }
            due = Instant::now() + Duration::from_millis(self.every);
            match capture(camera)? {
                Ok(sight) => state.saw(sight, start.elapsed()),
                Err(trouble) => state.trouble = Some(trouble),
            }
            let lines: Vec<String> = camera.device_mut().logs().iter().map(ToString::to_string).collect();
            state.logged(lines.iter().map(String::as_str));
            if self.frames.is_some_and(|most| state.frames >= most) {
                terminal.draw(|frame| view::draw(frame, state)).into_diagnostic()?;
                return Ok(());
            }
        }
    }
}

/// One capture; the inner error is the device's, and it can be tried again.
fn capture(camera: &mut BoardCamera) -> Result<Result<Sight, String>> {
    match camera.capture(Report::AllValues).and_then(|frame| Ok((frame, camera.device_mut().statistics()?))) {
        Ok((frame, statistics)) => {
            Ok(Sight::of(frame, &statistics).ok_or_else(|| "the device left integers out".to_owned()))
        }
        Err(error) if error.is_passing() => Ok(Err(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// Changes the policy on the device, where it holds until a reset.
fn set_policy(camera: &mut BoardCamera, state: &mut State, change: fn(Policy) -> Policy) -> Result<()> {
    let policy = change(state.policy);
    match camera.device_mut().set_policy(policy) {
        Ok(()) => state.policy = policy,
        Err(error) if error.is_passing() => state.trouble = Some(error.to_string()),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// What was pressed, if anything was within this time.
fn key(wait: Duration) -> Result<Option<Key>> {
    if !event::poll(wait).into_diagnostic()? {
        return Ok(None);
    }
    let Event::Key(pressed) = event::read().into_diagnostic()? else { return Ok(None) };
    if pressed.kind == KeyEventKind::Release {
        return Ok(None);
    }
    Ok(match pressed.code {
        KeyCode::Char('c') if pressed.modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Quit),
        KeyCode::Char('q') | KeyCode::Esc => Some(Key::Quit),
        KeyCode::Char(' ') => Some(Key::Pause),
        KeyCode::Char('n') | KeyCode::Right => Some(Key::Next),
        KeyCode::Char('+' | '=') => Some(Key::Policy(|policy| step_probability(policy, 1))),
        KeyCode::Char('-') => Some(Key::Policy(|policy| step_probability(policy, -1))),
        KeyCode::Char('s') => Some(Key::Policy(next_smoothing)),
        _ => None,
    })
}
