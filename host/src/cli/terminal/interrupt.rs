//! Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::INTERRUPTED;

/// Whether Ctrl-C was pressed. While training, the first one asks it to stop; a second one, or one at any other time,
/// ends the process.
pub(super) struct Interrupt(&'static AtomicBool);

impl Interrupt {
    /// From here on the first Ctrl-C only asks. To be called once in a process.
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

    /// From here on Ctrl-C ends the process.
    pub(super) fn release(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
