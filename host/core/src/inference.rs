//! All integers of one inference, from whichever engine.

use pinhole_shared::decision::Decision;
use pinhole_shared::policy::Verdict;

/// What an engine, here or on a device, made of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    /// The integers of every stage, as far as they were asked for: first the input's pixels, then each layer's
    /// outputs. Empty when only the decision was asked for.
    pub stages: Vec<Vec<i32>>,
    /// The decision.
    pub decision: Decision,
    /// The answer under the engine's policy: to this input alone, or, where a device captured it, to the last frames
    /// together.
    pub verdict: Verdict,
}
