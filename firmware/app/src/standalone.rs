//! The standalone loop: capture, classify, show, repeat; requests of a host are served in between.
//!
//! Every wait ends. A failing camera is retried at growing intervals ([`Pace::retry_after_ms`]). A host that goes
//! silent in the middle of a request blocks nothing: [`embedded_io::ReadReady`] is checked before every byte. The
//! watchdog is fed once per round, so anything that hangs ends in a reset.

use embedded_io::{Read, ReadReady, Write};
use pinhole_shared::kernel::Kernel;
use pinhole_shared::policy::Decided;

use crate::camera::Camera;
use crate::counter::Counter;
use crate::device::{Device, LinkError};
use crate::event::Event;

/// Platform of the standalone loop: time, watchdog and a display for results.
///
/// # Contract, for implementors
/// `sleep` returns after `ms` or earlier, never much later, and may let the core sleep. No method may panic.
pub trait Platform {
    /// Returns milliseconds since the start.
    fn now_ms(&mut self) -> u64;

    /// Sleeps for at most `ms`.
    fn sleep(&mut self, ms: u32);

    /// Feeds the watchdog.
    fn feed_watchdog(&mut self);

    /// Shows the result of a frame.
    fn show(&mut self, frame: FrameResult);
}

/// Result of one frame, to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameResult {
    /// The frame was classified. Show the verdict, which may be "unknown".
    Decided(Decided),
    /// The camera gave no picture.
    Missing,
}

/// Timing of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Period of captures, ms. 0: as fast as possible.
    pub frame_ms: u32,
    /// Pause of captures after a host's request, ms, because the host may be sending an input.
    pub host_quiet_ms: u32,
    /// Wait after the first camera failure, ms; doubled after each further one.
    pub first_retry_ms: u32,
    /// Maximum wait after a camera failure, ms.
    pub longest_retry_ms: u32,
}

impl Pace {
    /// Two captures per second; 1 s to 30 s after a camera failure; 2 s after a host's request.
    pub const DEFAULT: Self =
        Self { frame_ms: 500, host_quiet_ms: 2_000, first_retry_ms: 1_000, longest_retry_ms: 30_000 };

    /// Returns the wait after this number of consecutive failures (at least one), ms.
    pub const fn retry_after_ms(&self, failures: u32) -> u32 {
        let doublings = if failures == 0 { 0 } else { failures - 1 };
        let wait = if doublings < 32 { (self.first_retry_ms as u64) << doublings } else { u64::MAX };
        if wait < self.longest_retry_ms as u64 { wait as u32 } else { self.longest_retry_ms }
    }
}

/// Maximum length of one sleep, ms: the latency of a host's request.
const NAP_MS: u32 = 20;
/// Maximum bytes taken from the link per round, so that a babbling link cannot block the loop. Enough for a few
/// requests.
const ROUND_BYTES: u32 = 4096;

/// State of the loop: time of the next frame and number of consecutive camera failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandaloneLoop {
    next_frame_ms: u64,
    failures: u32,
}

impl StandaloneLoop {
    /// Runs one round: feeds the watchdog, serves received requests, captures a picture if one is due, else sleeps.
    ///
    /// Its duration is at most that of one picture, one inference and a few responses.
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
        // A failing capture may take long, so the wait starts after it. Otherwise the period counts from start to
        // start.
        let from = if self.failures > 0 { platform.now_ms() } else { now };
        self.next_frame_ms = from.saturating_add(wait_ms.into());
    }

    /// Serves received bytes; returns true if they contained a request.
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
