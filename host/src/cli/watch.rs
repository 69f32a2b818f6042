//! `pinhole watch`.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use miette::{IntoDiagnostic as _, Result, miette};
use pinhole_boards::probe::DebugProbes;
use pinhole_shared::policy::Policy;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use super::capture::before_camera;
use super::model_and_photos::ModelAndPhotos;
use super::target::OnBoard;
use super::terminal::Terminal;
use super::values::{at_least, between};
use crate::app::board::Photos;
use crate::app::watching::Watching;
use crate::watch::{next_smoothing, step_probability, view};

/// `pinhole watch`.
#[derive(Debug, Args)]
pub(super) struct Watch {
    #[command(flatten)]
    what: ModelAndPhotos,
    #[command(flatten)]
    on: OnBoard,
    /// Minimum time between two pictures, ms
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = between::<u64>(0, 3_600_000))]
    every: u64,
    /// Stop after this many pictures
    #[arg(long, value_name = "COUNT", value_parser = at_least::<u64>(0))]
    frames: Option<u64>,
}

/// Action of a key.
#[derive(Clone, Copy, Debug)]
enum Key {
    Quit,
    Pause,
    Next,
    /// Changes the policy.
    Policy(fn(Policy) -> Policy),
}

/// Longest time between two checks of the keyboard, ms.
const KEYS_EVERY: Duration = Duration::from_millis(50);

impl Watch {
    pub(super) fn run(&self, debug_probes: &DebugProbes) -> Result<ExitCode> {
        if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
            return Err(miette!(
                help = "run it in a terminal; `pinhole simulate` prints the same, line by line",
                "`pinhole watch` needs a terminal"
            ));
        }
        let target = self.on.target();
        target.check(if self.what.has_photos() { Photos::BeforeTheCamera } else { Photos::Elsewhere })?;
        let trained = self.what.trained()?;
        let photos = before_camera(&target, &self.what, &trained)?;
        let camera = target.camera(debug_probes, &trained, photos, &mut Terminal::new())?;
        let mut watching = Watching::new(camera, &target, &trained)?;
        let mut terminal = ratatui::try_init().into_diagnostic()?;
        let result = self.watch(&mut terminal, &mut watching);
        ratatui::restore();
        result.map(|()| ExitCode::SUCCESS)
    }

    fn watch(&self, terminal: &mut ratatui::DefaultTerminal, watching: &mut Watching) -> Result<()> {
        let mut due = Instant::now();
        loop {
            loop {
                terminal.draw(|frame| view::draw(frame, &watching.state)).into_diagnostic()?;
                let until =
                    if watching.state.paused { KEYS_EVERY } else { due.saturating_duration_since(Instant::now()) };
                match key(until.min(KEYS_EVERY))? {
                    Some(Key::Quit) => return Ok(()),
                    Some(Key::Pause) => watching.state.paused = !watching.state.paused,
                    Some(Key::Next) => break,
                    Some(Key::Policy(change)) => watching.set_policy(change)?,
                    None if !watching.state.paused && Instant::now() >= due => break,
                    None => {}
                }
            }
            due = Instant::now() + Duration::from_millis(self.every);
            watching.capture()?;
            if self.frames.is_some_and(|most| watching.state.frames >= most) {
                terminal.draw(|frame| view::draw(frame, &watching.state)).into_diagnostic()?;
                return Ok(());
            }
        }
    }
}

/// Returns the action of the key pressed within this time; `None` if there is none.
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
