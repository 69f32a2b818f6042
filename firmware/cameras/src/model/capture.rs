//! A module's frame buffer and the capture into it.

use super::breach::Breach;
use super::wires::Wires;

/// Contents of the buffer after a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The frame, with `extra` bytes added or, if negative, missing.
    Frame { extra: i64 },
    /// The same byte throughout.
    Flat(u8),
    /// The previous contents of the buffer.
    Stale,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    /// Waits for the first frame that starts after this time.
    Armed {
        after_ns: u64,
        outcome: Outcome,
    },
    /// A frame is being received.
    Filling {
        frame: Vec<u8>,
        outcome: Outcome,
    },
}

/// Frames follow one another; a capture takes the first one that starts after it was armed.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    period_ns: u64,
    last_start_ns: u64,
    state: State,
    buffer: Vec<u8>,
    read_at: usize,
    done: bool,
    /// No burst has read from the buffer since the capture.
    pub(super) is_fresh: bool,
    /// The last byte read, repeated if there is nothing to read.
    last_read: u8,
}

/// Divisor of the frame period for the duration of VSYNC: 4 of 1248 lines.
const VSYNC_PARTS: u64 = 312;

impl Capture {
    /// Creates frames with this period, the first one `phase_ns` from now.
    pub(super) fn new(period_ns: u64, phase_ns: u64) -> Self {
        Self {
            period_ns,
            last_start_ns: phase_ns,
            state: State::Idle,
            buffer: Vec::new(),
            read_at: 0,
            done: false,
            is_fresh: true,
            last_read: 0x55,
        }
    }

    /// Lets time pass; `next_frame` returns the bytes of a starting frame, if they are needed.
    ///
    /// If `frozen`, no frames start.
    pub(super) fn advance(
        &mut self,
        now_ns: u64,
        frozen: bool,
        mut frame_starts: impl FnMut(bool) -> Option<Vec<u8>>,
        mut random: impl FnMut() -> u8,
    ) {
        if frozen {
            self.last_start_ns = self.last_start_ns.max(now_ns);
            return;
        }
        while self.last_start_ns + self.period_ns <= now_ns {
            self.last_start_ns += self.period_ns;
            if let State::Filling { frame, outcome } = &mut self.state {
                match outcome {
                    Outcome::Frame { extra } => {
                        let length = (frame.len() as i64 + *extra).max(0) as usize;
                        frame.resize_with(length, &mut random);
                        self.buffer = std::mem::take(frame);
                    }
                    Outcome::Flat(value) => self.buffer = vec![*value; frame.len()],
                    Outcome::Stale => {}
                }
                (self.done, self.is_fresh, self.read_at) = (true, true, 0);
                self.state = State::Idle;
            }
            let wanted = match self.state {
                State::Armed { after_ns, outcome } if self.last_start_ns >= after_ns => Some(outcome),
                _ => None,
            };
            let frame = frame_starts(wanted.is_some());
            if let (Some(outcome), Some(frame)) = (wanted, frame) {
                self.state = State::Filling { frame, outcome };
            }
        }
    }

    pub(super) fn vsync(&self, now_ns: u64) -> bool {
        now_ns >= self.last_start_ns && now_ns - self.last_start_ns < self.period_ns / VSYNC_PARTS
    }

    pub(super) fn is_under_way(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Aborts a capture in progress, as a reset of the module does.
    pub(super) fn abort(&mut self) {
        (self.state, self.done, self.read_at) = (State::Idle, false, 0);
    }

    pub(super) fn clear(&mut self, wires: &mut Wires) {
        if self.is_under_way() {
            wires.breach(Breach::CaptureUnderWay);
        }
        self.abort();
    }

    pub(super) fn reset_pointers(&mut self, wires: &mut Wires) {
        if self.is_under_way() {
            wires.breach(Breach::CaptureUnderWay);
        }
        self.read_at = 0;
    }

    pub(super) fn arm(&mut self, after_ns: u64, outcome: Outcome, wires: &mut Wires) {
        if self.is_under_way() {
            wires.breach(Breach::CaptureUnderWay);
        }
        self.state = State::Armed { after_ns, outcome };
    }

    /// Returns the bytes in the buffer; during a frame, those already received.
    pub(super) fn length(&self, now_ns: u64) -> usize {
        match &self.state {
            State::Filling { frame, .. } => {
                let passed = now_ns.saturating_sub(self.last_start_ns).min(self.period_ns);
                (frame.len() as u64 * passed / self.period_ns) as usize
            }
            _ => self.buffer.len(),
        }
    }

    pub(super) fn next_byte(&mut self, wires: &mut Wires) -> u8 {
        if !self.done {
            wires.breach(Breach::ReadBeforeDone);
        } else if self.read_at >= self.buffer.len() {
            wires.breach(Breach::ReadBeyondEnd);
        }
        if let Some(byte) = self.buffer.get(self.read_at) {
            self.last_read = *byte;
        }
        self.read_at += 1;
        self.last_read
    }
}

/// Returns a YUV422 frame, luma first: `luma` alternates with the chroma byte `chroma(pixel index)`.
pub(super) fn yuv422(luma: &[u8], chroma: impl Fn(usize) -> u8) -> Vec<u8> {
    luma.iter().enumerate().flat_map(|(index, luma)| [*luma, chroma(index)]).collect()
}
