//! A request to stop waiting for a device.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request to stop waiting for a device, from another thread than the one that waits. Clones are the same request.
///
/// Once it is made, the exchange that is running and every later one end with
/// [`ClientError::Stopped`](super::ClientError::Stopped), within a tenth of a second or so.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Makes the request. It cannot be taken back.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Returns true if the request was made.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
