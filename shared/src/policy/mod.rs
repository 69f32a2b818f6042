//! From decisions to answers: when to say nothing, and how many frames must agree.
//!
//! The network decides on every frame, however unlike anything it has seen that is. A [`Policy`] says when that decision is
//! an answer: it must be probable enough, and enough of the last frames must agree. Where not, the answer is "unknown".

use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Probability};
use crate::fixed::Q16_ONE;

/// Longest window, frames.
pub const MAX_WINDOW: u8 = 16;

/// Largest probability in Q16: certainty.
const CERTAIN: u32 = Q16_ONE as u32;

/// When a decision is an answer. Checked: whoever holds one can use it, and nothing about it can fail.
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

/// A policy as it stands in a file or comes over the link, before it is checked. Same fields, in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UncheckedPolicy {
    /// Least probability of an answer, Q16.
    pub min_probability: Probability,
    /// Frames that must agree.
    pub needed: u8,
    /// Of the last so many.
    pub window: u8,
}

/// Why there is no such policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PolicyError {
    /// A probability above certainty.
    Probability {
        /// Q16.
        got: u32,
    },
    /// No window, too long a window, more votes than frames, or so few that two classes could both have them.
    Votes {
        /// Frames that must agree.
        needed: u8,
        /// Of the last so many.
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
    /// Every decision is an answer, frame by frame.
    pub const NONE: Self = Self { min_probability: Probability(0), needed: 1, window: 1 };

    /// A policy that answers with a class which `needed` of the last `window` frames decided for, each with at least
    /// `min_probability` (0..=65,536; 0: whatever the probability).
    ///
    /// `window` is 1..=[`MAX_WINDOW`] frames; `needed` is more than half of them, so that no two classes can have as many
    /// votes, and no tie needs a rule. 1 of 1: no smoothing.
    ///
    /// # Errors
    /// [`PolicyError`] for the first argument out of its range.
    pub const fn new(min_probability: Probability, needed: u8, window: u8) -> Result<Self, PolicyError> {
        if min_probability.0 > CERTAIN {
            return Err(PolicyError::Probability { got: min_probability.0 });
        }
        // A window of 0 has no half that 0 would be more than.
        if window > MAX_WINDOW || needed > window || needed <= window / 2 {
            return Err(PolicyError::Votes { needed, window });
        }
        Ok(Self { min_probability, needed, window })
    }

    /// Least probability of an answer; 0: none.
    pub const fn min_probability(&self) -> Probability {
        self.min_probability
    }

    /// Frames that must agree, 1..=[`Policy::window`].
    pub const fn needed(&self) -> u8 {
        self.needed
    }

    /// Of the last so many frames, 1..=[`MAX_WINDOW`].
    pub const fn window(&self) -> u8 {
        self.window
    }

    /// The answer to one frame on its own: its class, if that is probable enough.
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

/// An answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verdict {
    /// This class.
    Class(u16),
    /// None: too improbable, or too few frames agree.
    #[default]
    Unknown,
}

/// What the network decided, and what is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decided {
    /// The decision on this frame.
    pub decision: Decision,
    /// The answer under the policy. With smoothing, not always the class of this frame.
    pub verdict: Verdict,
}

const FRAMES: usize = MAX_WINDOW as usize;

/// The last frames' verdicts, each on its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Smoother {
    /// The latest first. Before there were so many frames: unknown, which is a vote for nothing.
    latest: [Verdict; FRAMES],
}

impl Smoother {
    /// Takes in the next frame's decision, and gives the answer: the class that as many as are needed of the last frames,
    /// this one included, decided for; else unknown. At most one class has so many.
    ///
    /// Under one policy; before another one, [`Smoother::reset`].
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
