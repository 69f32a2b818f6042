//! The device's log: defmt frames, decoded with the strings in its ELF file.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use defmt_decoder::{DecodeError, Table};

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

/// Collects a device's log on a thread of its own.
#[derive(Debug)]
pub(super) struct Logs {
    lines: Arc<Mutex<Vec<LogLine>>>,
    thread: Option<JoinHandle<()>>,
}

impl Logs {
    /// Reads frames from `stream` until it ends. `on_line` sees every line as it comes.
    pub(super) fn collect<R: Read + Send + 'static>(
        table: Table,
        mut stream: R,
        mut on_line: impl FnMut(&LogLine) + Send + 'static,
    ) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&lines);
        let thread = thread::spawn(move || {
            let mut decoder = table.new_stream_decoder();
            let mut bytes = [0; 1024];
            while let Ok(read @ 1..) = stream.read(&mut bytes) {
                decoder.received(bytes.get(..read).unwrap_or(&[]));
                loop {
                    let line = match decoder.decode() {
                        Ok(frame) => LogLine {
                            level: frame.level().map_or("", |level| level.as_str()),
                            message: frame.display_message().to_string(),
                        },
                        Err(DecodeError::UnexpectedEof) => break,
                        // rzcobs frames end with a zero, so the decoder goes on with the next one.
                        Err(DecodeError::Malformed) if table.encoding().can_recover() => continue,
                        Err(DecodeError::Malformed) => return,
                    };
                    on_line(&line);
                    collected.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            }
        });
        Self { lines, thread: Some(thread) }
    }

    /// The lines so far.
    pub(super) fn lines(&self) -> Vec<LogLine> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the last line. Call it when the stream's writer has ended.
    pub(super) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed already; the lines before it are kept.
            let _ = thread.join();
        }
    }
}
