//! All integers of one inference, by any engine.

use pinhole_shared::decision::Decision;
use pinhole_shared::policy::Verdict;

/// Result of one inference, by an engine on the host or on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    /// Integers of every stage: the input's pixels, then each layer's outputs. Empty if only the decision was asked for.
    pub stages: Vec<Vec<i32>>,
    /// The decision.
    pub decision: Decision,
    /// Answer under the engine's policy. It is for this input alone, or, if a device captured it, for the last frames together.
    pub verdict: Verdict,
}
