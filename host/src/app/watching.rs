//! Watching a board: captures frames and changes the policy between them. The front end decides when.

use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use miette::Diagnostic;
use pinhole_boards::board_camera::{BoardCamera, BoardCameraError};
use pinhole_boards::budget::predict::predict;
use pinhole_boards::device::Stop;
use pinhole_core::choice::Choice as _;
use pinhole_core::model_file::PackError;
use pinhole_shared::link::Report;
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::Policy;
use pinhole_train::runs::Trained;
use thiserror::Error;

use super::board::BoardTarget;
use crate::watch::{ClassifiedFrame, WatchState};

/// Longest time that a board gets to end when nobody watches it any more.
const END_TIMEOUT: Duration = Duration::from_secs(3);

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
    /// The thread that asks the board has panicked. What it printed says more.
    #[error("watching the board failed")]
    #[diagnostic(help("this is a bug: please report it with the message above"))]
    Ended,
}

/// A board that is being watched. A thread of its own waits for the board, so that no method of this waits: whatever the board
/// does, the front end can show the state and listen to the user. Dropping it ends the wait for the board.
pub struct Watching {
    /// Everything known about the board, for display.
    pub state: WatchState,
    /// `None` when it is dropped.
    orders: Option<Sender<Order>>,
    outcomes: Receiver<Outcome>,
    stop: Stop,
    capturing: bool,
    /// The policy that the board is being told.
    telling: Option<Policy>,
    /// The policy that it is to have.
    wanted: Policy,
}

/// An order to the board's thread.
enum Order {
    Capture,
    SetPolicy(Policy),
}

/// The result of an order.
enum Outcome {
    Captured {
        /// `None` if integers are missing or cannot be right.
        frame: Result<Option<ClassifiedFrame>, BoardCameraError>,
        /// The device's log so far.
        log: Vec<String>,
        /// Time since the start.
        at: Duration,
    },
    PolicySet(Result<(), BoardCameraError>),
}

impl Watching {
    /// Begins to watch, without capturing a frame. This asks the board for its policy, and waits for it.
    ///
    /// # Errors
    /// [`WatchError`].
    pub fn new(mut camera: BoardCamera, target: &BoardTarget, trained: &Trained) -> Result<Self, WatchError> {
        let declared = target.board.declaration();
        let packed = trained.model.packed(target.board.packing())?;
        let predicted = predict(&packed.model(), declared.core).map(|work| work.time_ms(declared.clock_hz));
        let identity = camera.device().identity();
        let eye = if target.board.is_emulated() { target.emulated_camera().name() } else { "its own" };
        let model = trained.model.model();
        let mut state = WatchState::new(
            format!("{}, {}, camera {eye}", identity.board, identity.kernel),
            model.input().size(),
            model.class_names().map(str::to_owned).collect(),
            predicted,
        );
        state.policy = camera.device_mut().policy().map_err(BoardCameraError::from)?;
        let stop = camera.device().stop();
        let (orders, received) = mpsc::channel();
        let (sender, outcomes) = mpsc::channel();
        let (input, classes, started) = (model.input(), state.classes.len(), Instant::now());
        let mut worker = Worker { camera, input, classes, started };
        thread::spawn(move || {
            while let Ok(order) = received.recv() {
                if sender.send(worker.carry_out(order)).is_err() {
                    break;
                }
            }
            // In this order: the end of the outcomes says that the board is let go.
            drop(worker);
            drop(sender);
        });
        let wanted = state.policy;
        Ok(Self { state, orders: Some(orders), outcomes, stop, capturing: false, telling: None, wanted })
    }

    /// Begins to capture a frame, unless one is being captured.
    pub fn capture(&mut self) {
        if !std::mem::replace(&mut self.capturing, true) {
            self.order(Order::Capture);
        }
    }

    /// Returns true while a frame is being captured.
    pub fn is_capturing(&self) -> bool {
        self.capturing
    }

    /// Changes the policy on the device until a reset, as soon as the device has time. The state has the new policy when the
    /// device has it.
    pub fn set_policy(&mut self, change: impl FnOnce(Policy) -> Policy) {
        self.wanted = change(self.wanted);
        self.tell_policy();
    }

    /// Takes what has come of captures and changes into the state. Returns true if the state has changed. A passing fault of
    /// the camera or of the link becomes part of the state.
    ///
    /// # Errors
    /// [`WatchError`] if a fault is not passing.
    pub fn update(&mut self) -> Result<bool, WatchError> {
        let mut changed = false;
        loop {
            match self.outcomes.try_recv() {
                Ok(outcome) => self.take(outcome)?,
                Err(TryRecvError::Empty) => return Ok(changed),
                Err(TryRecvError::Disconnected) => return Err(WatchError::Ended),
            }
            changed = true;
        }
    }

    fn take(&mut self, outcome: Outcome) -> Result<(), BoardCameraError> {
        match outcome {
            Outcome::Captured { frame, log, at } => {
                self.capturing = false;
                self.state.logged(log.iter().map(String::as_str));
                match frame {
                    Ok(Some(frame)) => self.state.add_frame(frame, at),
                    Ok(None) => {
                        self.state.trouble = Some("the device's answer does not fit its model".to_owned());
                    }
                    Err(error) => self.fault(error)?,
                }
            }
            Outcome::PolicySet(result) => {
                let told = self.telling.take().unwrap_or(self.wanted);
                match result {
                    Ok(()) => self.state.policy = told,
                    Err(error) => {
                        self.wanted = self.state.policy;
                        self.fault(error)?;
                    }
                }
                self.tell_policy();
            }
        }
        Ok(())
    }

    fn fault(&mut self, error: BoardCameraError) -> Result<(), BoardCameraError> {
        if !error.is_passing() {
            return Err(error);
        }
        self.state.trouble = Some(error.to_string());
        Ok(())
    }

    /// Tells the device the wanted policy, one at a time.
    fn tell_policy(&mut self) {
        if self.telling.is_none() && self.wanted != self.state.policy {
            self.telling = Some(self.wanted);
            self.order(Order::SetPolicy(self.wanted));
        }
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // A thread that has ended is noticed by the next update.
            let _ = orders.send(order);
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.request();
        self.orders = None;
        // An emulator and a debug probe end in order, if they do so soon. Until then, what they still send is of no interest.
        let deadline = Instant::now() + END_TIMEOUT;
        while self.outcomes.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() {}
    }
}

/// The board's side, on its own thread.
struct Worker {
    camera: BoardCamera,
    input: InputShape,
    classes: usize,
    started: Instant,
}

impl Worker {
    fn carry_out(&mut self, order: Order) -> Outcome {
        match order {
            Order::Capture => {
                let frame = self.capture();
                let log = self.camera.device_mut().logs().iter().map(ToString::to_string).collect();
                Outcome::Captured { frame, log, at: self.started.elapsed() }
            }
            Order::SetPolicy(policy) => {
                Outcome::PolicySet(self.camera.device_mut().set_policy(policy).map_err(BoardCameraError::from))
            }
        }
    }

    fn capture(&mut self) -> Result<Option<ClassifiedFrame>, BoardCameraError> {
        let frame = self.camera.capture(Report::AllValues)?;
        let statistics = self.camera.device_mut().statistics()?;
        Ok(ClassifiedFrame::of(frame, &statistics, self.input, self.classes))
    }
}
