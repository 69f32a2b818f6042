//! A live view of a device: what its camera sees, as the network sees it, and what the network makes of it.
//!
//! [`Sight`] is one frame, [`State`] what is known so far, [`view`] a screen of it; the terminal itself is the command's.

mod pixels;
pub mod view;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use pinhole_boards::board_camera::Frame;
use pinhole_shared::decision::{Probability, probability};
use pinhole_shared::link::Statistics;
use pinhole_shared::policy::{Policy, Verdict};

/// Frames over which their rate is averaged.
const RATE_FRAMES: usize = 20;
/// Lines of the log that are kept.
const LOG_LINES: usize = 200;

/// One frame: a picture was captured and classified.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// What was held before the camera, where that is known.
    pub shown: Option<PathBuf>,
    /// The network's input, row by row, the channels of a pixel together.
    pub pixels: Vec<u8>,
    /// Each class' probability, 0..=1.
    pub probabilities: Vec<f64>,
    /// Index of the class decided for.
    pub class: usize,
    /// What the device answers, under its policy.
    pub verdict: Verdict,
    /// How long each stage took.
    pub stages: Stages,
}

/// Times of the stages of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// From exposure to the network's input, by the device's clock.
    pub capture: Duration,
    /// The inference, by the device's clock.
    pub inference: Duration,
    /// Reading the photo before an emulated board's camera from disk and turning it to gray.
    pub photo: Option<Duration>,
    /// From the request to the last answer, with reporting every integer, by the host's clock.
    pub device: Duration,
}

impl Sight {
    /// What a frame, reported with all of its integers, says. `None` when some are missing.
    pub fn of(frame: Frame, statistics: &Statistics) -> Option<Self> {
        let Frame { inference, shown, photo, device } = frame;
        let pixels = inference.stages.first()?.iter().map(|&pixel| u8::try_from(pixel).ok()).collect::<Option<_>>()?;
        let logits = inference.stages.get(1..)?.last()?;
        // The device's own arithmetic, so that what is shown is what it decided by.
        let probabilities = (0..logits.len()).map(|class| probability(logits, class).to_f64()).collect();
        let us = |us: u32| Duration::from_micros(us.into());
        let (capture, inference_time) = (us(statistics.capture_us), us(statistics.inference_us));
        Some(Self {
            shown,
            pixels,
            probabilities,
            class: inference.decision.class.into(),
            verdict: inference.verdict,
            stages: Stages { capture, inference: inference_time, photo, device },
        })
    }
}

/// All that a view shows.
#[derive(Clone, Debug)]
pub struct State {
    /// Board and kernel.
    pub device: String,
    /// Side of the network's input, px.
    pub side: usize,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// What an inference takes on the board, ms, where that is predicted.
    pub predicted_ms: Option<f64>,
    /// When the device's decisions are answers.
    pub policy: Policy,
    /// The last frame.
    pub sight: Option<Sight>,
    /// Why the last try gave none.
    pub trouble: Option<String>,
    /// Frames so far.
    pub frames: u64,
    /// Whether it waits for a key.
    pub paused: bool,
    /// The device's log, oldest first.
    pub log: VecDeque<String>,
    /// When the last frames were captured, since the start.
    taken: VecDeque<Duration>,
}

impl State {
    /// Nothing seen yet.
    pub fn new(device: String, side: usize, classes: Vec<String>, predicted_ms: Option<f64>) -> Self {
        Self {
            device,
            side,
            classes,
            predicted_ms,
            policy: Policy::NONE,
            sight: None,
            trouble: None,
            frames: 0,
            paused: false,
            log: VecDeque::new(),
            taken: VecDeque::new(),
        }
    }

    /// A frame was captured at this time since the start.
    pub fn saw(&mut self, sight: Sight, at: Duration) {
        self.sight = Some(sight);
        self.trouble = None;
        self.frames += 1;
        self.taken.push_back(at);
        if self.taken.len() > RATE_FRAMES {
            self.taken.pop_front();
        }
    }

    /// The device's log, as far as it has come.
    pub fn logged<'l>(&mut self, lines: impl DoubleEndedIterator<Item = &'l str>) {
        self.log = lines.rev().take(LOG_LINES).map(str::to_owned).collect();
        self.log.make_contiguous().reverse();
    }

    /// Frames a second over the last of them; `None` before there are two.
    pub fn frames_per_s(&self) -> Option<f64> {
        let (first, last) = (self.taken.front()?, self.taken.back()?);
        let span = last.checked_sub(*first).filter(|span| !span.is_zero())?;
        Some((self.taken.len() - 1) as f64 / span.as_secs_f64())
    }
}

/// Smoothing that can be chosen while watching: frames that must agree, of the last so many.
const SMOOTHING: [(u8, u8); 4] = [(1, 1), (2, 3), (3, 5), (5, 9)];
/// A step of the least probability: a twentieth.
const STEP: i64 = 65_536 / 20;

/// The policy with a least probability that is higher or lower by so many twentieths, from nothing to certainty.
pub fn step_probability(policy: Policy, twentieths: i64) -> Policy {
    let stepped = (i64::from(policy.min_probability().0) + twentieths * STEP).clamp(0, 65_536);
    Policy::new(Probability(stepped as u32), policy.needed(), policy.window()).unwrap_or(policy)
}

/// The policy with the next longer smoothing; after the longest none again.
pub fn next_smoothing(policy: Policy) -> Policy {
    let longer = SMOOTHING.into_iter().find(|&(_, window)| window > policy.window());
    let (needed, window) = longer.unwrap_or(SMOOTHING[0]);
    Policy::new(policy.min_probability(), needed, window).unwrap_or(policy)
}

#[cfg(test)]
mod tests;
