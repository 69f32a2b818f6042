//! Any bytes as a checkpoint: an accepted one is written and read back equal.

use std::path::Path;

use pinhole::train::Checkpoint;

/// Reads the bytes as a checkpoint. Returns true if it is accepted.
///
/// # Panics
/// If an accepted checkpoint is another one when it is written and read back.
pub fn case(data: &[u8]) -> bool {
    let path = Path::new("checkpoint");
    let Ok(checkpoint) = Checkpoint::from_bytes(data, path) else { return false };
    // Bytes, not values: NaN is not equal to itself.
    let written = checkpoint.to_bytes();
    let again = Checkpoint::from_bytes(&written, path).expect("what was written is read");
    assert!(again.to_bytes() == written, "it is another checkpoint when it is read back");
    true
}
