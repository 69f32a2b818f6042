//! Link and log over RTT: buffers in memory that a debug probe reads and fills while the core runs.
//!
//! | channel | content |
//! |---|---|
//! | up 0 | the log, by defmt; lines that nobody reads are dropped |
//! | up 1, down 0 | the link |

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use rtt_target::{ChannelMode, DownChannel, UpChannel};

use crate::clock::Clock;

/// Timeout of a write to a full buffer, ms. A probe polls far more often.
const STUCK_MS: u32 = 500;

/// The link over RTT.
pub struct RttLink {
    up: UpChannel,
    down: DownChannel,
    /// Byte taken by [`ReadReady`] and not yet read.
    peeked: Option<u8>,
    clock: Clock,
}

impl RttLink {
    /// Sets up RTT for link and log. Call it once, before anything is logged.
    pub fn start(clock: Clock) -> Self {
        let channels = rtt_target::rtt_init! {
            up: {
                0: { size: 1024, mode: ChannelMode::NoBlockSkip, name: "defmt" }
                1: { size: 1024, mode: ChannelMode::NoBlockTrim, name: "link" }
            }
            down: {
                0: { size: 512, mode: ChannelMode::NoBlockTrim, name: "link" }
            }
        };
        rtt_target::set_defmt_channel(channels.up.0);
        Self { up: channels.up.1, down: channels.down.0, peeked: None, clock }
    }
}

impl core::fmt::Debug for RttLink {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RttLink")
    }
}

impl ErrorType for RttLink {
    type Error = ErrorKind;
}

impl ReadReady for RttLink {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        if self.peeked.is_none() {
            let mut byte = [0];
            self.peeked = (self.down.read(&mut byte) > 0).then_some(byte[0]);
        }
        Ok(self.peeked.is_some())
    }
}

impl Read for RttLink {
    /// Sleeps until a byte has arrived.
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        let Some((first, rest)) = bytes.split_first_mut() else { return Ok(0) };
        while !self.read_ready()? {
            self.clock.sleep(1);
        }
        *first = self.peeked.take().unwrap_or_default();
        Ok(1 + self.down.read(rest))
    }
}

impl Write for RttLink {
    /// Fails with [`ErrorKind::TimedOut`] if nobody reads.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let start = self.clock.now_ms();
        loop {
            let written = self.up.write(bytes);
            if written > 0 {
                return Ok(written);
            }
            if self.clock.now_ms().wrapping_sub(start) >= STUCK_MS {
                return Err(ErrorKind::TimedOut);
            }
            self.clock.sleep(1);
        }
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
