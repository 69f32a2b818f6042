//! Measured cost of an inference on a device.

use pinhole_shared::decision::Decision;
use pinhole_shared::link::Unit;

/// Cost of one inference on a device, by the device's own counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Unit of the counts.
    pub unit: Unit,
    /// Count of the whole inference.
    pub whole: u64,
    /// Count of each layer, in the network's order.
    pub layers: Vec<u64>,
    /// Stack of the whole inference, bytes.
    pub stack_bytes: u32,
    /// The device's decision.
    pub decision: Decision,
}
