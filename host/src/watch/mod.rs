//! Live view of a device: its camera's frames as the network sees them, and the network's decisions.
//!
//! [`ClassifiedFrame`] is one capture with its results, [`WatchState`] everything known so far, [`view`] draws a screen
//! of it. The command itself controls the terminal.

mod pixels;
pub mod view;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use pinhole_boards::board_camera::CapturedFrame;
use pinhole_shared::decision::Probability;
use pinhole_shared::fixed::{Q16_ONE, exp_neg_q15};
use pinhole_shared::link::Statistics;
use pinhole_shared::pixels::{InputShape, PictureSize};
use pinhole_shared::policy::{Policy, Verdict};

/// Number of captures over which the frame rate is averaged.
const RATE_FRAMES: usize = 20;
/// Number of log lines that are kept.
const LOG_LINES: usize = 200;

/// A capture and its classification.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifiedFrame {
    /// The photo shown to the camera, if known.
    pub shown: Option<PathBuf>,
    /// The network's input, row by row, the channels of a pixel together.
    pub pixels: Vec<u8>,
    /// Probability of each class, 0..=1.
    pub probabilities: Vec<f64>,
    /// Index of the class of the decision.
    pub class: usize,
    /// The device's answer under its policy.
    pub verdict: Verdict,
    /// Time of each stage.
    pub stages: Stages,
}

/// Times of the stages of a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// From exposure to the network's input, by the device's clock.
    pub capture: Duration,
    /// The inference, by the device's clock.
    pub inference: Duration,
    /// Reading the photo for an emulated board's camera from disk and converting it.
    pub photo: Option<Duration>,
    /// From the request to the last answer, including the report of every integer, by the host's clock.
    pub device: Duration,
}

impl ClassifiedFrame {
    /// Extracts the results of a capture that was reported with all of its integers, by a network with this input and number
    /// of classes. `None` if integers are missing or there are too many, or if a pixel or a class is out of range.
    pub fn of(frame: CapturedFrame, statistics: &Statistics, input: InputShape, classes: usize) -> Option<Self> {
        let pixels = frame.pixels(input).ok()?;
        let CapturedFrame { inference, shown, photo, device } = frame;
        let logits = inference.stages.get(1..)?.last()?;
        let answered = match inference.verdict {
            Verdict::Class(class) => class,
            Verdict::Unknown => inference.decision.class,
        };
        if logits.len() != classes || usize::from(answered.max(inference.decision.class)) >= classes {
            return None;
        }
        let probabilities = probabilities(logits);
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

/// Returns the probability of each class, 0..=1, from its logits: those of [`pinhole_shared::decision::probability`], by its
/// arithmetic, so that the display shows the numbers of the device's decision. This takes one pass over the logits, and not
/// one for each class.
fn probabilities(logits: &[i32]) -> Vec<f64> {
    let Some(&largest) = logits.iter().max() else { return Vec::new() };
    let shares: Vec<u64> = logits.iter().map(|&logit| exp_neg_q15(largest.abs_diff(logit)).into()).collect();
    // At least 32,768: the largest logit's share.
    let sum: u64 = shares.iter().sum();
    let rounded = |share: u64| (share * Q16_ONE as u64 + sum / 2).checked_div(sum).unwrap_or(0);
    shares.into_iter().map(|share| rounded(share) as f64 / f64::from(Q16_ONE)).collect()
}

/// Everything that the view shows.
#[derive(Clone, Debug)]
pub struct WatchState {
    /// Board and kernel.
    pub device: String,
    /// Width and height of the network's input, px.
    pub size: PictureSize,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Predicted time of an inference on the board, ms, if there is a prediction.
    pub predicted_ms: Option<f64>,
    /// The device's policy.
    pub policy: Policy,
    /// The last capture.
    pub frame: Option<ClassifiedFrame>,
    /// Reason why the last attempt gave no capture.
    pub trouble: Option<String>,
    /// Number of captures so far.
    pub frames: u64,
    /// True while it waits for a key.
    pub paused: bool,
    /// The device's log, oldest first.
    pub log: VecDeque<String>,
    /// Times of the last captures, since the start.
    taken: VecDeque<Duration>,
}

impl WatchState {
    /// Creates the state before the first capture.
    pub fn new(device: String, size: PictureSize, classes: Vec<String>, predicted_ms: Option<f64>) -> Self {
        Self {
            device,
            size,
            classes,
            predicted_ms,
            policy: Policy::NONE,
            frame: None,
            trouble: None,
            frames: 0,
            paused: false,
            log: VecDeque::new(),
            taken: VecDeque::new(),
        }
    }

    /// Adds a capture that was taken at this time since the start.
    pub fn add_frame(&mut self, frame: ClassifiedFrame, at: Duration) {
        self.frame = Some(frame);
        self.trouble = None;
        self.frames += 1;
        self.taken.push_back(at);
        if self.taken.len() > RATE_FRAMES {
            self.taken.pop_front();
        }
    }

    /// Replaces the log by the device's log so far.
    pub fn logged<'l>(&mut self, lines: impl DoubleEndedIterator<Item = &'l str>) {
        self.log = lines.rev().take(LOG_LINES).map(str::to_owned).collect();
        self.log.make_contiguous().reverse();
    }

    /// Returns the frames per second over the last captures; `None` if there are fewer than two.
    pub fn frames_per_s(&self) -> Option<f64> {
        let (first, last) = (self.taken.front()?, self.taken.back()?);
        let span = last.checked_sub(*first).filter(|span| !span.is_zero())?;
        Some((self.taken.len() - 1) as f64 / span.as_secs_f64())
    }
}

/// Choices of smoothing: how many of the last frames must agree, and of how many.
const SMOOTHING: [(u8, u8); 4] = [(1, 1), (2, 3), (3, 5), (5, 9)];
/// Step of the least probability: a twentieth.
const STEP: i64 = Q16_ONE as i64 / 20;

/// Returns the policy with its least probability changed by this number of twentieths, within 0..=1.
pub fn step_probability(policy: Policy, twentieths: i64) -> Policy {
    let stepped = (i64::from(policy.min_probability().0) + twentieths * STEP).clamp(0, Q16_ONE.into());
    Policy::new(Probability(stepped as u32), policy.needed(), policy.window()).unwrap_or(policy)
}

/// Returns the policy with the next longer smoothing; after the longest, no smoothing.
pub fn next_smoothing(policy: Policy) -> Policy {
    let longer = SMOOTHING.into_iter().find(|&(_, window)| window > policy.window());
    let (needed, window) = longer.unwrap_or(SMOOTHING[0]);
    Policy::new(policy.min_probability(), needed, window).unwrap_or(policy)
}

#[cfg(test)]
mod tests;
