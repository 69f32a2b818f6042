//! A child process that is killed when its owner is dropped.

use std::process::Child;

use crate::platform::watchdog;

/// A child process that is killed when this is dropped, and when this process ends in any way.
#[derive(Debug)]
pub struct KillOnDrop {
    pub(super) child: Child,
    watchdog: Option<Child>,
}

impl KillOnDrop {
    /// Takes over a process that has just been started.
    pub fn new(child: Child) -> Self {
        // An emulator does not notice that this process was killed. A board that waits for its link would then keep a
        // whole core busy for ever.
        let watchdog = watchdog(child.id());
        Self { child, watchdog }
    }

    /// Ends the process.
    pub fn kill(&mut self) {
        // First: the watchdog must not outlive the process, whose number another process may get.
        if let Some(mut watchdog) = self.watchdog.take() {
            let _ = watchdog.kill();
            let _ = watchdog.wait();
        }
        // Both fail only if it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.kill();
    }
}
