//! The standalone loop: capture, classify, show, repeat; requests of a host are served in between.
//!
//! Every wait ends. A failing camera is retried at growing intervals ([`Pace::retry_after_ms`]). A host that goes
//! silent in the middle of a request blocks nothing: [`embedded_io::ReadReady`] is checked before every byte. The
//! watchdog is fed once per round and before every inference, so anything that hangs ends in a reset.
//!
//! # What a host can delay
//! A request that the device understands pauses the loop's own pictures, because a picture would overwrite an input that
//! the host is sending. Other bytes pause nothing. Whatever arrives, the loop takes at least half as many pictures as without
//! a host:
//!
//! - A pause ends [`Pace::host_quiet_ms`] after the last request, and at most [`Pace::longest_pause_ms`] after its first.
//! - After a pause, the loop owes the pictures that it has missed. It takes them before it serves another request: at its
//!   usual pace, or, as soon as the host sends anything, one after the other.
//! - A round answers at most one frame. Then it takes a picture that is due.
//!
//! A picture that the host requests ([`pinhole_shared::link::Request::Capture`]) is none of the loop's own. No pictures are owed
//! while the camera fails: a try is then late by [`Pace::longest_pause_ms`] at most.

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
    /// Pause of captures after a host's request that was understood, ms, because the host may be sending an input.
    pub host_quiet_ms: u32,
    /// Maximum pause, ms, counted from its first request. The pictures missed in it follow.
    pub longest_pause_ms: u32,
    /// Wait after the first camera failure, ms; doubled after each further one.
    pub first_retry_ms: u32,
    /// Maximum wait after a camera failure, ms.
    pub longest_retry_ms: u32,
}

impl Pace {
    /// Two captures per second; 1 s to 30 s after a camera failure; 2 s after a host's request, 4 s while it goes on.
    pub const DEFAULT: Self = Self {
        frame_ms: 500,
        host_quiet_ms: 2_000,
        longest_pause_ms: 4_000,
        first_retry_ms: 1_000,
        longest_retry_ms: 30_000,
    };

    /// Returns the wait after this number of consecutive failures (at least one), ms.
    pub const fn retry_after_ms(&self, failures: u32) -> u32 {
        let doublings = if failures == 0 { 0 } else { failures - 1 };
        let wait = if doublings < 32 { (self.first_retry_ms as u64) << doublings } else { u64::MAX };
        if wait < self.longest_retry_ms as u64 { wait as u32 } else { self.longest_retry_ms }
    }
}

/// Maximum length of one sleep, ms: the latency of a host's request.
const NAP_MS: u32 = 20;
/// The same in a pause. An input of many requests should be complete before the pause ends.
const PAUSE_NAP_MS: u32 = 2;
/// Maximum bytes taken from the link per round, so that a babbling link cannot block the loop.
const ROUND_BYTES: u32 = 4096;

/// State of the loop: time of the next frame, number of consecutive camera failures, and what a host has delayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandaloneLoop {
    next_frame_ms: u64,
    failures: u32,
    /// Time of the first request of the current pause.
    paused_ms: Option<u64>,
    /// Pictures missed in the last pause and not yet taken. Meanwhile no request is served.
    owed: u32,
    /// Duration of the last frame, capture and inference, ms.
    last_frame_ms: u32,
}

impl StandaloneLoop {
    /// Runs one round: feeds the watchdog, answers a received request, captures a picture if one is due, else sleeps.
    ///
    /// Its duration is at most that of one request, one picture and one inference.
    pub fn round<K: Kernel, C: Camera, L: Read + ReadReady + Write, N: Counter, F: FnMut(&Event)>(
        &mut self,
        device: &mut Device<'_, '_, K, C, L, N, F>,
        platform: &mut impl Platform,
        pace: &Pace,
    ) {
        platform.feed_watchdog();
        let before = platform.now_ms();
        let mut answered = false;
        if self.owed == 0 {
            answered = serve(device, &mut || platform.feed_watchdog());
            if device.take_understood() {
                let start = *self.paused_ms.get_or_insert(before);
                let quiet_until = platform.now_ms().saturating_add(pace.host_quiet_ms.into());
                let latest = start.saturating_add(pace.longest_pause_ms.into());
                self.next_frame_ms = self.next_frame_ms.max(quiet_until.min(latest));
            }
        } else if device.is_waiting() {
            self.next_frame_ms = before;
        }
        let now = platform.now_ms();
        if now < self.next_frame_ms {
            // A host that was answered may already have sent the next request.
            if !answered {
                let left = u32::try_from(self.next_frame_ms - now).unwrap_or(u32::MAX);
                platform.sleep(left.min(if self.paused_ms.is_some() { PAUSE_NAP_MS } else { NAP_MS }));
            }
            return;
        }
        platform.feed_watchdog();
        self.frame(device, platform, pace, now);
    }

    /// Takes a picture, classifies and shows it, and sets the time of the next one.
    fn frame<K: Kernel, C: Camera, L: Read + ReadReady + Write, N: Counter, F: FnMut(&Event)>(
        &mut self,
        device: &mut Device<'_, '_, K, C, L, N, F>,
        platform: &mut impl Platform,
        pace: &Pace,
        now: u64,
    ) {
        let result = device.classify_frame(&mut || platform.feed_watchdog());
        let end = platform.now_ms();
        // While the camera fails there are no pictures to miss.
        if let Some(start) = self.paused_ms.take().filter(|_| self.failures == 0) {
            let period = pace.frame_ms.max(self.last_frame_ms).max(1);
            self.owed = u32::try_from(now.saturating_sub(start).div_ceil(period.into())).unwrap_or(u32::MAX);
        }
        self.owed = self.owed.saturating_sub(1);
        self.last_frame_ms = u32::try_from(end.saturating_sub(now)).unwrap_or(u32::MAX);
        let wait_ms = match result {
            Ok(decided) => {
                self.failures = 0;
                platform.show(FrameResult::Decided(decided));
                pace.frame_ms
            }
            Err(()) => {
                self.failures = self.failures.saturating_add(1);
                // There was no picture to miss.
                self.owed = 0;
                platform.show(FrameResult::Missing);
                pace.retry_after_ms(self.failures)
            }
        };
        // A failing capture may take long, so the wait starts after it. Otherwise the period counts from start to
        // start.
        let from = if self.failures > 0 { end } else { now };
        self.next_frame_ms = from.saturating_add(wait_ms.into());
    }
}

/// Serves received bytes, up to the end of a frame; returns true if they ended one.
fn serve<K: Kernel, C: Camera, L: Read + ReadReady + Write, N: Counter, F: FnMut(&Event)>(
    device: &mut Device<'_, '_, K, C, L, N, F>,
    feed: &mut dyn FnMut(),
) -> bool {
    for _ in 0..ROUND_BYTES {
        match device.serve_waiting(feed) {
            Ok(Some(false)) => {}
            Ok(Some(true)) => return true,
            Ok(None) | Err(LinkError::Closed) => return false,
            Err(error) => {
                device.link_failed(&error);
                return false;
            }
        }
    }
    false
}
