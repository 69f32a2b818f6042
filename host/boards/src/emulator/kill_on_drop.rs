//! A child process that is killed when its owner is dropped.

use std::process::Child;

use crate::platform::watchdog;

/// A child process that is killed when this is dropped, and when this process ends in whatever way.
#[derive(Debug)]
pub struct KillOnDrop {
    pub(super) child: Child,
    watchdog: Option<Child>,
}

impl KillOnDrop {
    /// Takes a process that has just been started.
    pub fn new(child: Child) -> Self {
        // An emulator does not notice that this process was killed, and a board that waits for its link takes a whole core
        // for ever.
        let watchdog = watchdog(child.id());
        Self { child, watchdog }
    }

    /// Ends it.
    pub fn kill(&mut self) {
        // First: it must not outlive the process, whose number may be another's by then.
        if let Some(mut watchdog) = self.watchdog.take() {
            let _ = watchdog.kill();
            let _ = watchdog.wait();
        }
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.kill();
    }
}
