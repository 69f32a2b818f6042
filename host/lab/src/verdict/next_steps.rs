//! What a reader of a verdict may do next.

use serde::Serialize;

/// A command to run next, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NextStep {
    /// Purpose, without a full stop.
    pub why: String,
    /// The command, with the paths of this run; absent if it is nothing to run.
    pub command: Option<String>,
}
