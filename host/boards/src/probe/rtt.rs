//! The link and the log over RTT: buffers in the chip's memory that the probe reads and fills while the core runs.

use std::io::{self, ErrorKind, PipeWriter, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use probe_rs::rtt::{Error, Rtt, ScanRegion};

use super::{Attachment, ProbeError};
use crate::device::logs::Logs;
use crate::device::transport::Transport;
use crate::device::{AttachedDevice, InferenceDevice as _, LogLine, Silent};
use crate::firmware::Firmware;

/// Channels, as `firmware/runtime` sets them up.
const LOG_UP: usize = 0;
const LINK_UP: usize = 1;
const LINK_DOWN: usize = 0;

/// Symbol of RTT's control block, through which its buffers are found.
const CONTROL_BLOCK: &str = "_SEGGER_RTT";

/// Longest time from a reset until the buffers exist. Milliseconds are usual; a machine with much else to do takes longer.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for which old answers are discarded before the first request.
const QUIET: Duration = Duration::from_millis(30);
/// Time between two polls of buffers that were empty or full.
const POLL: Duration = Duration::from_millis(1);
/// Time between two searches for the buffers.
const SEARCH: Duration = Duration::from_millis(10);
/// After a pause of this length, a search is the first one again: nobody has waited meanwhile.
const FORGOTTEN: Duration = Duration::from_secs(2);

/// Connects to the firmware on a running chip.
///
/// The log is available only if the chip has exactly the firmware that this Pinhole builds, because the texts are in
/// the firmware's file. With other firmware the link may still work; it reports an error if it does not.
///
/// # Errors
/// [`ProbeError::NoLink`], [`ProbeError::Lost`], [`ProbeError::Firmware`], [`ProbeError::Device`],
/// [`ProbeError::OtherBoard`].
pub fn connect(
    mut attachment: Attachment,
    firmware: &Firmware,
    on_line: impl FnMut(&LogLine) + Send + 'static,
) -> Result<AttachedDevice, ProbeError> {
    let board = attachment.board;
    let mut same = true;
    for part in firmware.segments()? {
        same = same && attachment.holds(part.address, &part.bytes)?;
    }
    let known = if same { firmware.symbol(CONTROL_BLOCK)?.map(u64::from) } else { None };
    let region = known.map_or(ScanRegion::range(board.declaration().ram.addresses()), ScanRegion::Exact);
    let (log, logs) = if same {
        let (reader, writer) = io::pipe().map_err(ProbeError::Pipe)?;
        (Some(writer), Some(Logs::collect(firmware.log_table()?, reader, on_line)))
    } else {
        (None, None)
    };
    let mut stream = RttStream { attachment, region, rtt: None, searched: None, log, timeout: START_TIMEOUT };
    if let Err(error) = stream.find(START_TIMEOUT) {
        return Err(match error {
            Error::Probe(error) => stream.attachment.lost(error),
            error => ProbeError::NoLink { board, source: error.into() },
        });
    }
    let device = AttachedDevice::new(Box::new(stream), logs)
        .map_err(|Silent { error, last_words }| ProbeError::Device { board, last_words, source: error })?;
    let name = &device.identity().board;
    if name == board.name() { Ok(device) } else { Err(ProbeError::OtherBoard { board, got: name.to_string() }) }
}

/// Returns the time of the first search of a wait, from those of the first and the last search before.
fn first_search(before: Option<(Instant, Instant)>, now: Instant) -> Instant {
    before.filter(|&(_, last)| now.duration_since(last) < FORGOTTEN).map_or(now, |(first, _)| first)
}

/// Byte stream of the link.
struct RttStream {
    attachment: Attachment,
    region: ScanRegion,
    /// `None` after a reset of the device.
    rtt: Option<Rtt>,
    /// Times of the first and the last search after a reset; `None` while the buffers are known.
    searched: Option<(Instant, Instant)>,
    /// Pipe to the log's decoder.
    log: Option<PipeWriter>,
    timeout: Duration,
}

impl RttStream {
    /// Searches for the buffers until the device has set them up; at least once.
    fn find(&mut self, timeout: Duration) -> Result<(), Error> {
        let start = Instant::now();
        loop {
            let found = self.attachment.session.core(0).map_err(Error::from).and_then(|mut core| {
                let mut rtt = Rtt::attach_region(&mut core, &self.region)?;
                // During setup, some channels do not exist yet.
                let whole = rtt.up_channel(LINK_UP).is_some() && rtt.down_channel(LINK_DOWN).is_some();
                if whole { Ok(rtt) } else { Err(Error::MissingChannel(LINK_UP)) }
            });
            match found {
                Ok(rtt) => {
                    self.rtt = Some(rtt);
                    return Ok(());
                }
                Err(error) if start.elapsed() >= timeout => return Err(error),
                Err(_) => {}
            }
            thread::sleep(SEARCH);
        }
    }

    /// Moves bytes of a channel's buffer, in either direction, and returns their number. Returns 0 also after a reset
    /// of the device: then its buffers are searched for again.
    fn exchange(
        &mut self,
        action: impl FnOnce(&mut Rtt, &mut probe_rs::Core<'_>) -> Result<usize, Error>,
    ) -> io::Result<usize> {
        if self.rtt.is_none() {
            // One search a call, so that a read ends soon after its timeout.
            let now = Instant::now();
            let first = first_search(self.searched, now);
            self.searched = Some((first, now));
            match self.find(Duration::ZERO) {
                Ok(()) => self.searched = None,
                Err(_) if first.elapsed() < START_TIMEOUT => return Ok(0),
                Err(error) => {
                    self.searched = None;
                    return Err(io::Error::other(error));
                }
            }
        }
        let Some(rtt) = &mut self.rtt else { return Ok(0) };
        let done = self.attachment.session.core(0).map_err(Error::from).and_then(|mut core| action(rtt, &mut core));
        Ok(done.unwrap_or_else(|_| {
            // The device was reset, or cannot be reached during a reset: its buffers are searched for again, for a
            // while.
            self.rtt = None;
            0
        }))
    }

    fn fetch_log(&mut self) -> io::Result<()> {
        if self.log.is_none() || self.rtt.is_none() {
            return Ok(());
        }
        let mut bytes = [0; 1024];
        let count = self.exchange(|rtt, core| match rtt.up_channel(LOG_UP) {
            Some(channel) => channel.read(core, &mut bytes),
            None => Err(Error::MissingChannel(LOG_UP)),
        })?;
        if let Some(log) = &mut self.log {
            // The reader decodes as fast as it can. It ends with this stream, or earlier if the log cannot be decoded: then
            // there is no log any more, and the link goes on.
            if log.write_all(bytes.get(..count).unwrap_or_default()).is_err() {
                self.log = None;
            }
        }
        Ok(())
    }

    /// Repeats the action until it has moved something.
    fn within_timeout(&mut self, mut action: impl FnMut(&mut Self) -> io::Result<usize>) -> io::Result<usize> {
        let start = Instant::now();
        loop {
            self.fetch_log()?;
            match action(self)? {
                0 if start.elapsed() >= self.timeout => return Err(ErrorKind::TimedOut.into()),
                0 => thread::sleep(if self.rtt.is_some() { POLL } else { SEARCH }),
                count => return Ok(count),
            }
        }
    }
}

impl Read for RttStream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.within_timeout(|stream| {
            stream.exchange(|rtt, core| match rtt.up_channel(LINK_UP) {
                Some(channel) => channel.read(core, bytes),
                None => Err(Error::MissingChannel(LINK_UP)),
            })
        })
    }
}

impl Write for RttStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.within_timeout(|stream| {
            stream.exchange(|rtt, core| match rtt.down_channel(LINK_DOWN) {
                Some(channel) => channel.write(core, bytes),
                None => Err(Error::MissingChannel(LINK_DOWN)),
            })
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for RttStream {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.timeout = timeout;
        Ok(())
    }

    fn discard(&mut self) {
        let mut bytes = [0; 1024];
        let start = Instant::now();
        while start.elapsed() < QUIET {
            let read = self.exchange(|rtt, core| match rtt.up_channel(LINK_UP) {
                Some(channel) => channel.read(core, &mut bytes),
                None => Err(Error::MissingChannel(LINK_UP)),
            });
            // Errors show at the first request.
            if !matches!(read, Ok(1..)) {
                thread::sleep(POLL);
            }
        }
    }

    fn tend(&mut self) {
        // Errors show at the next request.
        let _ = self.fetch_log();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_begins_anew_after_a_pause() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(first_search(None, begin), begin);
        assert_eq!(first_search(Some((begin, after(8))), after(9)), begin);
        assert_eq!(first_search(Some((begin, after(8))), after(10)), after(10));
    }
}
