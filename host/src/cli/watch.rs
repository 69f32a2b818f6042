//! `pinhole watch`.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use miette::{IntoDiagnostic as _, Result, miette};
use pinhole_shared::link::Report;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use super::emulate::{Target, start_board_with};
use crate::budget::predict::predict;
use crate::emulator::EmulatedBoard;
use crate::photos::decode;
use crate::watch::{Sight, Stages, State, view};

/// `pinhole watch`.
#[derive(Debug, Args)]
pub(super) struct Watch {
    #[command(flatten)]
    target: Target,
    /// Least time from one picture to the next, ms
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    every: u64,
    /// Stop after so many pictures
    #[arg(long)]
    frames: Option<u64>,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Quit,
    Pause,
    Next,
}

/// Longest time without looking at the keys, ms.
const KEYS_EVERY: Duration = Duration::from_millis(50);

impl Watch {
    pub(super) fn run(&self) -> Result<ExitCode> {
        if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
            return Err(miette!(
                help = "run it in one; `pinhole simulate` says the same line by line",
                "watch needs a terminal"
            ));
        }
        let trained = self.target.trained()?;
        let photos = self.target.photos(&trained)?;
        if photos.is_empty() {
            return Err(miette!(
                help = "give photos, or a folder that has some",
                "there is no photo to show the camera"
            ));
        }
        let mut board = start_board_with(self.target.board.0, self.target.camera, &trained, false)?;
        let declared = self.target.board.0.declaration();
        let packed = trained.model.packed(self.target.board.0.packing()).into_diagnostic()?;
        let predicted = predict(&packed.model(), declared.core).map(|work| work.time_ms(declared.clock_hz));
        let identity = board.identity();
        let mut state = State::new(
            format!("{}, {}, camera {}", identity.board, identity.kernel, self.target.camera.name()),
            identity.input_side.into(),
            trained.model.model().class_names().map(str::to_owned).collect(),
            predicted,
        );
        let mut terminal = ratatui::try_init().into_diagnostic()?;
        let result = self.watch(&mut terminal, &mut state, &mut board, &photos);
        ratatui::restore();
        result.map(|()| ExitCode::SUCCESS)
    }

    fn watch(
        &self,
        terminal: &mut ratatui::DefaultTerminal,
        state: &mut State,
        board: &mut EmulatedBoard,
        photos: &[PathBuf],
    ) -> Result<()> {
        let start = Instant::now();
        let mut due = start;
        for path in photos.iter().cycle() {
            loop {
                terminal.draw(|frame| view::draw(frame, state)).into_diagnostic()?;
                let until = if state.paused { KEYS_EVERY } else { due.saturating_duration_since(Instant::now()) };
                match key(until.min(KEYS_EVERY))? {
                    Some(Key::Quit) => return Ok(()),
                    Some(Key::Pause) => state.paused = !state.paused,
                    Some(Key::Next) => break,
                    None if !state.paused && Instant::now() >= due => break,
                    None => {}
                }
            }
            due = Instant::now() + Duration::from_millis(self.every);
            match look(board, path)? {
                Ok(sight) => state.saw(sight, start.elapsed()),
                Err(trouble) => state.trouble = Some(trouble),
            }
            let lines: Vec<String> = board.logs().iter().map(ToString::to_string).collect();
            state.logged(lines.iter().map(String::as_str));
            if self.frames.is_some_and(|most| state.frames >= most) {
                terminal.draw(|frame| view::draw(frame, state)).into_diagnostic()?;
                return Ok(());
            }
        }
        Ok(())
    }
}

/// One look; the inner error is the device's, and it can be tried again.
fn look(board: &mut EmulatedBoard, path: &std::path::Path) -> Result<Result<Sight, String>> {
    let started = Instant::now();
    let picture = decode::read(path)?.to_gray();
    let photo = started.elapsed();
    let started = Instant::now();
    let inference = match board.capture(picture, Report::AllValues) {
        Ok(inference) => inference,
        Err(crate::emulator::EmulatorError::Device(error)) => return Ok(Err(error.to_string())),
        Err(error) => return Err(error.into()),
    };
    let stages = Stages { photo, device: started.elapsed() };
    Ok(Sight::of(&inference, Some(path.to_owned()), stages).ok_or_else(|| "the device left integers out".to_owned()))
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
        _ => None,
    })
}
