//! Policies: turn decisions into answers by a probability threshold and a vote over frames.
//!
//! The network decides on every frame, even one unlike anything it was trained on. A [`Policy`] defines when that
//! decision is an answer: its probability reaches the threshold, and enough of the last frames agree. Otherwise the
//! answer is "unknown".

use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Probability};
use crate::fixed::Q16_ONE;

/// Maximum window, frames.
pub const MAX_WINDOW: u8 = 16;

/// Largest probability, Q16: certainty.
const CERTAIN: u32 = Q16_ONE as u32;

/// A valid policy: the threshold and the vote that make a decision an answer. Using it cannot fail.
///
/// ```
/// use pinhole_shared::decision::{Decision, Probability};
/// use pinhole_shared::policy::{Policy, Smoother, Verdict};
/// let policy = Policy::new(Probability(52_429), 2, 3).unwrap(); // 0.8, and 2 of the last 3 frames
/// let decided = |class, probability| Decision { class, probability: Probability(probability) };
/// assert_eq!(policy.judge(decided(1, 60_000)), Verdict::Class(1));
/// assert_eq!(policy.judge(decided(1, 40_000)), Verdict::Unknown);
/// let mut smoother = Smoother::default();
/// assert_eq!(smoother.see(&policy, decided(1, 60_000)), Verdict::Unknown); // one vote
/// assert_eq!(smoother.see(&policy, decided(0, 40_000)), Verdict::Unknown);
/// assert_eq!(smoother.see(&policy, decided(1, 60_000)), Verdict::Class(1)); // two of three
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedPolicy")]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Policy {
    min_probability: Probability,
    needed: u8,
    window: u8,
}

/// A policy from a file or the link, not yet checked. Same fields as [`Policy`], in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UncheckedPolicy {
    /// Minimum probability of an answer, Q16.
    pub min_probability: Probability,
    /// Frames that must agree.
    pub needed: u8,
    /// Window: number of last frames that vote.
    pub window: u8,
}

/// Reasons why a policy is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PolicyError {
    /// The probability is above certainty.
    Probability {
        /// Probability, Q16.
        got: u32,
    },
    /// `window` is 0 or above [`MAX_WINDOW`], `needed` exceeds `window`, or `needed` is no majority, so that two
    /// classes could both reach it.
    Votes {
        /// Frames that must agree.
        needed: u8,
        /// Number of last frames that vote.
        window: u8,
    },
}

impl core::fmt::Display for PolicyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Probability { got } => write!(f, "a least probability of {got} of {CERTAIN} parts"),
            Self::Votes { needed, window } => {
                write!(f, "{needed} of {window} frames, which is not more than half of 1 to {MAX_WINDOW}")
            }
        }
    }
}

impl core::error::Error for PolicyError {}

impl Policy {
    /// Every decision is an answer, for each frame alone.
    pub const NONE: Self = Self { min_probability: Probability(0), needed: 1, window: 1 };

    /// Creates a policy: a class is the answer if `needed` of the last `window` frames decided for it. Each of these
    /// needs a probability of at least `min_probability` (0..=65,536; 0: any).
    ///
    /// `window` is 1..=[`MAX_WINDOW`] frames. `needed` is more than half of it, so at most one class can reach it and
    /// ties cannot occur. 1 of 1 means no smoothing.
    ///
    /// # Errors
    /// [`PolicyError`] for the first argument out of its range.
    pub const fn new(min_probability: Probability, needed: u8, window: u8) -> Result<Self, PolicyError> {
        if min_probability.0 > CERTAIN {
            return Err(PolicyError::Probability { got: min_probability.0 });
        }
        // A window of 0 fails too: 0 is not more than half of it.
        if window > MAX_WINDOW || needed > window || needed <= window / 2 {
            return Err(PolicyError::Votes { needed, window });
        }
        Ok(Self { min_probability, needed, window })
    }

    /// Minimum probability of an answer; 0: no minimum.
    pub const fn min_probability(&self) -> Probability {
        self.min_probability
    }

    /// Frames that must agree, 1..=[`Policy::window`].
    pub const fn needed(&self) -> u8 {
        self.needed
    }

    /// Number of last frames that vote, 1..=[`MAX_WINDOW`].
    pub const fn window(&self) -> u8 {
        self.window
    }

    /// Judges one frame alone: its class, if its probability reaches the threshold.
    pub fn judge(&self, decision: Decision) -> Verdict {
        if decision.probability >= self.min_probability { Verdict::Class(decision.class) } else { Verdict::Unknown }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::NONE
    }
}

impl TryFrom<UncheckedPolicy> for Policy {
    type Error = PolicyError;

    fn try_from(policy: UncheckedPolicy) -> Result<Self, PolicyError> {
        Self::new(policy.min_probability, policy.needed, policy.window)
    }
}

impl From<Policy> for UncheckedPolicy {
    fn from(Policy { min_probability, needed, window }: Policy) -> Self {
        Self { min_probability, needed, window }
    }
}

/// Answer under a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verdict {
    /// Index of the class.
    Class(u16),
    /// No answer: the probability is too low, or too few frames agree.
    #[default]
    Unknown,
}

/// A decision and the answer under the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decided {
    /// The decision on this frame.
    pub decision: Decision,
    /// The answer under the policy. With smoothing, not always the class of this frame.
    pub verdict: Verdict,
}

const FRAMES: usize = MAX_WINDOW as usize;

/// Verdicts of the last frames, each judged alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Smoother {
    /// Latest first. Frames not yet seen are unknown, which votes for no class.
    latest: [Verdict; FRAMES],
}

impl Smoother {
    /// Takes the next frame's decision and returns the answer. That is the class with enough votes among the last
    /// frames, including this one; else unknown. At most one class has enough.
    ///
    /// Call it with the same policy; before changing the policy, call [`Smoother::reset`].
    pub fn see(&mut self, policy: &Policy, decision: Decision) -> Verdict {
        self.latest.copy_within(..FRAMES - 1, 1);
        self.latest[0] = policy.judge(decision);
        let frames = || self.latest.iter().take(policy.window.into());
        let votes = |class: Verdict| frames().filter(|&&vote| vote == class).count();
        let won = |&&vote: &&Verdict| vote != Verdict::Unknown && votes(vote) >= policy.needed.into();
        frames().find(won).copied().unwrap_or_default()
    }

    /// Forgets all frames.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests;
