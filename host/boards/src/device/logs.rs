//! The device's log: defmt frames, decoded with the strings in its ELF file.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use defmt_decoder::{DecodeError, Table};

/// Number of the last lines that are kept.
const LINES_KEPT: usize = 1_000;

/// Longest message that is kept, characters. Longer ones are cut off.
const LONGEST_MESSAGE: usize = 4_096;

/// Longest part of a frame, bytes: a longer one is noise. Its bytes are forgotten.
const MOST_FRAME_BYTES: usize = 1 << 16;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// `error`, `warn`, `info`, `debug` or `trace`; empty for a line without a level.
    pub level: &'static str,
    /// The message.
    pub message: String,
}

impl std::fmt::Display for LogLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:5} {}", self.level, self.message)
    }
}

/// Collects a device's log on its own thread.
#[derive(Debug)]
pub(crate) struct Logs {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    log: Mutex<Log>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Log {
    /// The last ones.
    lines: VecDeque<LogLine>,
    /// True if no more lines will come.
    ended: bool,
}

impl Log {
    fn add(&mut self, line: LogLine) {
        if self.lines.len() >= LINES_KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

impl Logs {
    /// Reads frames from `stream` until it ends. Each line is passed to `on_line` as it arrives.
    pub(crate) fn collect<R: Read + Send + 'static>(
        table: Table,
        stream: R,
        mut on_line: impl FnMut(&LogLine) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let collected = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            decode(&table, stream, |line| {
                on_line(&line);
                collected.change(|log| log.add(line));
            });
            collected.change(|log| log.ended = true);
        });
        Self { shared, thread: Some(thread) }
    }

    /// Returns the last lines so far, at most [`LINES_KEPT`].
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).lines.iter().cloned().collect()
    }

    /// Returns the last line so far.
    pub(crate) fn last_line(&self) -> Option<LogLine> {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).lines.back().cloned()
    }

    /// Waits for the first line. Returns false if the log ended without one, or if none came in time.
    pub(crate) fn wait_for_first(&self, timeout: Duration) -> bool {
        let log = self.shared.log.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = |log: &mut Log| log.lines.is_empty() && !log.ended;
        let waited = self.shared.changed.wait_timeout_while(log, timeout, silent);
        let (log, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !log.lines.is_empty()
    }

    /// Waits for the last line. Call it after the stream's writer has ended.
    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed already; the lines before it are kept.
            let _ = thread.join();
        }
    }
}

/// Decodes frames until the stream ends, fails, or cannot be decoded any more.
fn decode(table: &Table, mut stream: impl Read, mut on_line: impl FnMut(LogLine)) {
    let mut decoder = table.new_stream_decoder();
    let mut bytes = [0; 1024];
    // Bytes that the decoder holds at most.
    let mut held = 0;
    while let Ok(read @ 1..) = stream.read(&mut bytes) {
        decoder.received(bytes.get(..read).unwrap_or(&[]));
        held += read;
        loop {
            match decoder.decode() {
                Ok(frame) => {
                    held = 0;
                    let level = frame.level().map_or("", |level| level.as_str());
                    let message = frame.display_message().to_string().chars().take(LONGEST_MESSAGE).collect();
                    on_line(LogLine { level, message });
                }
                Err(DecodeError::UnexpectedEof) if held > MOST_FRAME_BYTES => {
                    (decoder, held) = (table.new_stream_decoder(), 0);
                    break;
                }
                Err(DecodeError::UnexpectedEof) => break,
                // Frames end with a zero byte, so the decoder can continue with the next frame.
                Err(DecodeError::Malformed) if table.encoding().can_recover() => held = 0,
                Err(DecodeError::Malformed) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_lines_go() {
        let mut log = Log::default();
        for number in 0..5 * LINES_KEPT {
            log.add(LogLine { level: "info", message: number.to_string() });
        }
        assert_eq!(log.lines.len(), LINES_KEPT);
        assert_eq!(log.lines.back().unwrap().message, (5 * LINES_KEPT - 1).to_string());
    }
}
