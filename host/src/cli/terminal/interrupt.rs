//! Handling of Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::INTERRUPTED;

/// State of Ctrl-C. During training, the first press requests a stop. A second press, or a press at any other time,
/// ends the process.
pub(super) struct Interrupt(&'static AtomicBool);

impl Interrupt {
    /// From here on, the first Ctrl-C only requests a stop. Call it once per process.
    pub(super) fn catch() -> Result<Self, ctrlc::Error> {
        static TRAINING: AtomicBool = AtomicBool::new(false);
        let handler = || {
            if !TRAINING.swap(false, Ordering::SeqCst) {
                std::process::exit(i32::from(INTERRUPTED));
            }
        };
        TRAINING.store(true, Ordering::SeqCst);
        ctrlc::set_handler(handler)?;
        Ok(Self(&TRAINING))
    }

    pub(super) fn is_asked(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }

    /// From here on, Ctrl-C ends the process.
    pub(super) fn release(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
