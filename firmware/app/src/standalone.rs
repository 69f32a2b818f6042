//! The standalone loop: capture, classify, show, and again; a host is answered in between.
//!
//! Nothing here waits for ever. A camera that fails is tried again later and later ([`Pace::retry_after_ms`]); a host that
//! falls silent in the middle of a request holds up nothing ([`embedded_io::ReadReady`] is asked before every byte); and
//! the watchdog is fed once a round, so that whatever does hang ends in a reset.

use embedded_io::{Read, ReadReady, Write};
use pinhole_shared::kernel::Kernel;
use pinhole_shared::policy::Decided;

use crate::camera::Camera;
use crate::counter::Counter;
use crate::device::{Device, LinkError};
use crate::event::Event;

/// A board as the standalone loop needs it: time, watchdog, and something to show a result on.
///
/// # Contract, for implementors
/// `sleep` returns after `ms` or earlier, never much later, and may let the core sleep. No method panics.
pub trait Platform {
    /// Milliseconds since the start.
    fn now_ms(&mut self) -> u64;

    /// Lets time go by.
    fn sleep(&mut self, ms: u32);

    /// Keeps the watchdog from resetting the board for another while.
    fn feed_watchdog(&mut self);

    /// Shows people what the device sees.
    fn show(&mut self, frame: FrameResult);
}

/// The result of one frame, to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameResult {
    /// A picture was classified. What to show is the verdict, which may be "unknown".
    Decided(Decided),
    /// The camera gave no picture.
    Missing,
}

/// How often things happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the start of one picture to the start of the next, ms. 0: as fast as it goes.
    pub frame_ms: u32,
    /// After a host's request no pictures are taken for so long, ms: the host may be sending an input of its own.
    pub host_quiet_ms: u32,
    /// After the first failure of the camera the next try waits so long, after each further one twice as long, ms.
    pub first_retry_ms: u32,
    /// But no longer than this, ms.
    pub longest_retry_ms: u32,
}

impl Pace {
    /// Twice a second; a second after a camera's fault, half a minute at most; two seconds after a host.
    pub const DEFAULT: Self =
        Self { frame_ms: 500, host_quiet_ms: 2_000, first_retry_ms: 1_000, longest_retry_ms: 30_000 };

    /// How long to wait after so many failures in a row, at least one.
    pub const fn retry_after_ms(&self, failures: u32) -> u32 {
        let doublings = if failures == 0 { 0 } else { failures - 1 };
        let wait = if doublings < 32 { (self.first_retry_ms as u64) << doublings } else { u64::MAX };
        if wait < self.longest_retry_ms as u64 { wait as u32 } else { self.longest_retry_ms }
    }
}

/// Longest sleep in one piece, ms: a host that calls is answered after it.
const NAP_MS: u32 = 20;
/// Most bytes taken from the link in one round, so that a chattering one starves nothing: a few requests' worth.
const ROUND_BYTES: u32 = 4096;

/// The loop's state: when the next frame is due, and failures of the camera in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandaloneLoop {
    next_frame_ms: u64,
    failures: u32,
}

impl StandaloneLoop {
    /// One round: feeds the watchdog, answers what has arrived, takes a picture if one is due, sleeps a little if not.
    ///
    /// Takes at most what a picture, an inference and some answers take.
    pub fn round<K: Kernel, C: Camera, L: Read + ReadReady + Write, N: Counter, F: FnMut(&Event)>(
        &mut self,
        device: &mut Device<'_, '_, K, C, L, N, F>,
        platform: &mut impl Platform,
        pace: &Pace,
    ) {
        platform.feed_watchdog();
        if self.serve(device) {
            let quiet_until = platform.now_ms().saturating_add(pace.host_quiet_ms.into());
            self.next_frame_ms = self.next_frame_ms.max(quiet_until);
        }
        let now = platform.now_ms();
        if now < self.next_frame_ms {
            let left = u32::try_from(self.next_frame_ms - now).unwrap_or(u32::MAX);
            platform.sleep(left.min(NAP_MS));
            return;
        }
        let wait_ms = match device.classify_frame() {
            Ok(decided) => {
                self.failures = 0;
                platform.show(FrameResult::Decided(decided));
                pace.frame_ms
            }
            Err(()) => {
                self.failures = self.failures.saturating_add(1);
                platform.show(FrameResult::Missing);
                pace.retry_after_ms(self.failures)
            }
        };
        // A failure may have taken long itself: the wait comes after it. Frames are paced from start to start.
        let from = if self.failures > 0 { platform.now_ms() } else { now };
        self.next_frame_ms = from.saturating_add(wait_ms.into());
    }

    /// Answers what has arrived; whether anything did that was a request.
    fn serve<K: Kernel, C: Camera, L: Read + ReadReady + Write, N: Counter, F: FnMut(&Event)>(
        &mut self,
        device: &mut Device<'_, '_, K, C, L, N, F>,
    ) -> bool {
        let mut asked = false;
        for _ in 0..ROUND_BYTES {
            match device.serve_waiting() {
                Ok(Some(answered)) => asked |= answered,
                Ok(None) | Err(LinkError::Closed) => break,
                Err(error) => {
                    device.link_failed(&error);
                    break;
                }
            }
        }
        asked
    }
}
