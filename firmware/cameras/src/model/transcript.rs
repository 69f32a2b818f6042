//! Transcript of the bus traffic, as text.
//!
//! `[87 80]` is a transaction over SPI: bytes sent, and after `>` the byte read at the same time.
//! `[3C + 200 bytes, 1234ABCD]` is a burst with the FNV-1a hash of the bytes read. `<12 80>` is a message written to
//! the sensor and `<> 26` one read. Waits follow the transaction they come after, and equal lines are counted.

use std::fmt::Write as _;

use embedded_hal::i2c::Operation;

/// Lines of a transcript.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript {
    lines: Vec<String>,
}

impl Transcript {
    pub(super) fn line(&mut self, line: String) {
        self.lines.push(line);
    }

    pub(super) fn i2c(&mut self, operations: &[Operation<'_>], acknowledged: bool) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ");
        for operation in operations {
            let line = match operation {
                Operation::Write(bytes) => format!("<{}>", hex(bytes)),
                Operation::Read(bytes) => format!("<> {}", hex(bytes)),
            };
            self.line(if acknowledged { line } else { format!("{line} not acknowledged") });
        }
    }

    pub(super) fn wait(&mut self, ns: u64) {
        let wait = if ns.is_multiple_of(1_000_000) {
            format!("wait {} ms", ns / 1_000_000)
        } else {
            format!("wait {} us", ns / 1_000)
        };
        match self.lines.last_mut() {
            Some(line) => *line = format!("{line} {wait}"),
            None => self.lines.push(wait),
        }
    }

    /// Returns the text; consecutive equal lines are merged.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for run in self.lines.chunk_by(|one, other| one == other) {
            let Some(line) = run.first() else { continue };
            text.push_str(line);
            if run.len() > 1 {
                let _ = write!(text, " ({} times)", run.len());
            }
            text.push('\n');
        }
        text
    }
}

/// Bytes of one SPI transaction.
#[derive(Clone, Debug, Default)]
pub(super) struct SpiLine {
    text: String,
    /// Consecutive bytes read without sending; summarized once there are many.
    read: Vec<u8>,
    first: bool,
}

/// Maximum bytes read that are written out.
const MOST_SHOWN: usize = 16;

impl SpiLine {
    pub(super) fn byte(&mut self, sent: u8, read: Option<u8>) {
        // The answer to the first byte is undefined on both modules.
        match read {
            Some(read) if self.first => self.read.push(read),
            _ => {
                let _ = write!(self.text, "{sent:02X} ");
            }
        }
        self.first = true;
    }

    pub(super) fn finish(mut self) -> String {
        if self.read.len() > MOST_SHOWN {
            let hash = self
                .read
                .iter()
                .fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
            let _ = write!(self.text, "+ {} bytes, {hash:08X}", self.read.len());
        } else {
            for read in &self.read {
                let _ = write!(self.text, ">{read:02X} ");
            }
        }
        format!("[{}]", self.text.trim_end())
    }
}
