//! `pinhole watch`.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use miette::{IntoDiagnostic as _, Result, miette};
use pinhole_boards::probe::DebugProbes;
use pinhole_shared::policy::Policy;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal::disable_raw_mode;

use super::INTERRUPTED;
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
    /// No key of this view, or a new size of the terminal.
    Other,
}

/// Longest time between two checks of the keyboard and of signals.
const KEYS_EVERY: Duration = Duration::from_millis(50);
/// The same while the device is at work: its answer is shown that soon.
const ANSWERS_EVERY: Duration = Duration::from_millis(5);

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
        // Dropped before the board: the terminal is restored at once, and an error is printed to the restored terminal.
        let mut screen = Screen::open()?;
        self.watch(&mut screen, &mut watching)
    }

    /// Shows the board until a key, a signal or the number of frames ends it. Nothing here waits for the board.
    fn watch(&self, screen: &mut Screen, watching: &mut Watching) -> Result<ExitCode> {
        let (mut due, mut is_next, mut changed) = (Instant::now(), false, true);
        loop {
            if is_ended_by_signal() {
                return Ok(ExitCode::from(INTERRUPTED));
            }
            changed |= watching.update()?;
            if std::mem::take(&mut changed) {
                screen.terminal.draw(|frame| view::draw(frame, &watching.state)).into_diagnostic()?;
            }
            let now = Instant::now();
            if !watching.is_capturing() {
                if self.frames.is_some_and(|most| watching.state.frames >= most) {
                    return Ok(ExitCode::SUCCESS);
                }
                if std::mem::take(&mut is_next) || (!watching.state.paused && now >= due) {
                    due = now + Duration::from_millis(self.every);
                    watching.capture();
                }
            }
            let wait = match (watching.is_capturing(), watching.state.paused) {
                (true, _) => ANSWERS_EVERY,
                (false, true) => KEYS_EVERY,
                (false, false) => due.saturating_duration_since(now).min(KEYS_EVERY),
            };
            let Some(key) = key(wait)? else { continue };
            changed = true;
            match key {
                Key::Quit => return Ok(ExitCode::SUCCESS),
                Key::Pause => watching.state.paused = !watching.state.paused,
                Key::Next => is_next = true,
                Key::Policy(change) => watching.set_policy(change),
                Key::Other => {}
            }
        }
    }
}

/// The terminal, with the view instead of its text. It is restored when this is dropped: at the end, after an error, and while
/// a panic unwinds. Signals end the view, which drops it.
struct Screen {
    terminal: ratatui::DefaultTerminal,
}

impl Screen {
    fn open() -> Result<Self> {
        catch_signals()?;
        match ratatui::try_init() {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                // Some of it may have been set up.
                ratatui::restore();
                Err(error).into_diagnostic()
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// True once a signal has asked the view to end.
static SIGNALED: AtomicBool = AtomicBool::new(false);

/// From here on, the first signal that ends a process (SIGINT, SIGTERM, SIGHUP) only ends the view. The second ends the
/// process: the terminal may be stuck, so that nothing can be written to it.
fn catch_signals() -> Result<()> {
    let handler = || {
        if SIGNALED.swap(true, Ordering::SeqCst) {
            // What needs no writing.
            let _ = disable_raw_mode();
            std::process::exit(i32::from(INTERRUPTED));
        }
    };
    ctrlc::set_handler(handler).into_diagnostic()
}

fn is_ended_by_signal() -> bool {
    SIGNALED.load(Ordering::SeqCst)
}

/// Returns the action of the key pressed within this time; `None` if there is none.
fn key(wait: Duration) -> Result<Option<Key>> {
    if !event::poll(wait).into_diagnostic()? {
        return Ok(None);
    }
    let Event::Key(pressed) = event::read().into_diagnostic()? else { return Ok(Some(Key::Other)) };
    if pressed.kind == KeyEventKind::Release {
        return Ok(Some(Key::Other));
    }
    Ok(Some(match pressed.code {
        KeyCode::Char('c') if pressed.modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char(' ') => Key::Pause,
        KeyCode::Char('n') | KeyCode::Right => Key::Next,
        KeyCode::Char('+' | '=') => Key::Policy(|policy| step_probability(policy, 1)),
        KeyCode::Char('-') => Key::Policy(|policy| step_probability(policy, -1)),
        KeyCode::Char('s') => Key::Policy(next_smoothing),
        _ => Key::Other,
    }))
}
