//! The device: receives requests and sends responses.

use embedded_io::{Error as _, Read, ReadReady, Write};
use pinhole_shared::decision::Decision;
use pinhole_shared::engine::Engine;
use pinhole_shared::kernel::Kernel;
use pinhole_shared::link::frame::{FrameError, Receiver};
use pinhole_shared::link::{Identity, Measured, Name, PROTOCOL, Refusal, Report, Request, Response, Statistics};
use pinhole_shared::policy::{Decided, Policy, Smoother, UncheckedPolicy};

use crate::camera::Camera;
use crate::capture::{Buffers, CaptureError, capture};
use crate::counter::Counter;
use crate::event::Event;
use crate::light::light;
use crate::measure::{Costs, measure, run};
use crate::report::{send, send_layer, send_values};

/// The parts of a device.
#[derive(Debug)]
pub struct Parts<'m, 'b, K, C, L, N> {
    /// Name of the board, at most [`pinhole_shared::link::NAME_BYTES`] bytes (a longer one is reported as empty).
    pub board: &'static str,
    /// The engine, with the model it runs.
    pub engine: Engine<'m, 'b, K>,
    /// Source of pictures.
    pub camera: C,
    /// The byte stream to the host.
    pub link: L,
    /// Counter for measuring the cost of an inference.
    pub counter: N,
    /// Working memory.
    pub buffers: Buffers<'b>,
}

/// Reasons why a device could not be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DeviceError {
    /// [`Buffers::input`] is shorter than the model's input.
    InputBuffer {
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// [`Buffers::sums`] is shorter than a row of the model's input.
    SumsBuffer {
        /// Elements needed.
        expected: usize,
        /// Elements given.
        got: usize,
    },
}

impl core::fmt::Display for DeviceError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::InputBuffer { expected, got } => {
                write!(f, "the model takes {expected} bytes of pixels, there is room for {got}")
            }
            Self::SumsBuffer { expected, got } => write!(f, "the pixels need {expected} sums, there is room for {got}"),
        }
    }
}

impl core::error::Error for DeviceError {}

/// Reasons why a response could not be sent or a request not be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkError<E> {
    /// The stream ended. A UART never ends.
    Closed,
    /// The stream failed.
    Stream(E),
    /// A response is longer than a frame; no response of the protocol is.
    Frame(FrameError),
}

impl<E: core::fmt::Display> core::fmt::Display for LinkError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Closed => f.write_str("the link ended"),
            Self::Stream(error) => write!(f, "the link failed: {error}"),
            Self::Frame(error) => error.fmt(f),
        }
    }
}

impl<E: core::fmt::Debug + core::fmt::Display> core::error::Error for LinkError<E> {}

/// A running device: serves one host over its link.
///
/// An input sent over the link stays complete, and can be classified again, until another input starts or a picture is
/// captured.
///
/// Answers follow a policy ([`Policy`]): the model's, until the host sets another one. Captured frames are smoothed,
/// whoever requested them. Earlier frames are forgotten if a capture fails (they may be outdated) and if another policy
/// is set (their votes were counted under the previous one). Inputs from the host are judged alone and leave the
/// camera's frames unchanged.
#[derive(Debug)]
pub struct Device<'m, 'b, K, C, L, N, F> {
    /// Separate from the rest, because a request borrows it while it is served.
    receiver: Receiver,
    /// True if a request was understood since [`Device::take_understood`].
    understood: bool,
    station: Station<'m, 'b, K, C, L, N, F>,
}

impl<'m, 'b, K: Kernel, C: Camera, L: Read + Write, N: Counter, F: FnMut(&Event)> Device<'m, 'b, K, C, L, N, F> {
    /// Creates a device from these parts; it reports events to `log`.
    ///
    /// # Errors
    /// [`DeviceError`] if a buffer is too short for the engine's model.
    pub fn new(parts: Parts<'m, 'b, K, C, L, N>, log: F) -> Result<Self, DeviceError> {
        let Parts { board, engine, camera, link, mut counter, buffers: Buffers { input, row, sums } } = parts;
        let model = engine.model();
        let (expected, got) = (model.inputs(), input.len());
        let input = input.get_mut(..expected).ok_or(DeviceError::InputBuffer { expected, got })?;
        let (expected, got) = (model.input().row_bytes(), sums.len());
        let sums = sums.get_mut(..expected).ok_or(DeviceError::SumsBuffer { expected, got })?;
        counter.paint_stack();
        let policy = model.policy();
        let station = Station {
            board,
            engine,
            camera,
            link,
            counter,
            buffers: Buffers { input, row, sums },
            filled: 0,
            policy,
            smoother: Smoother::default(),
            statistics: Statistics::default(),
            log,
        };
        Ok(Self { receiver: Receiver::default(), understood: false, station })
    }

    /// Serves requests until the stream ends; on a UART, forever. Stream errors are logged and do not end it.
    pub fn serve(&mut self) {
        loop {
            match self.serve_one() {
                Ok(()) => {}
                Err(LinkError::Closed) => return,
                Err(error) => self.link_failed(&error),
            }
        }
    }

    /// Logs a link error.
    pub(crate) fn link_failed(&mut self, error: &LinkError<L::Error>) {
        match error {
            LinkError::Closed => {}
            LinkError::Stream(error) => (self.station.log)(&Event::LinkFault(error.kind())),
            LinkError::Frame(error) => (self.station.log)(&Event::FrameFault(*error)),
        }
    }

    /// Waits for one frame and answers it, even if it cannot be decoded.
    ///
    /// # Errors
    /// [`LinkError`] of the stream. The device stays usable: bytes received so far are kept, and the frame's checksum
    /// detects lost bytes.
    pub fn serve_one(&mut self) -> Result<(), LinkError<L::Error>> {
        while !self.serve_byte(&mut || ())? {}
        Ok(())
    }

    /// Waits for a byte. If it ends a frame, answers the frame, even if it cannot be decoded. Returns true if it ended
    /// a frame. Calls `feed` before every inference, and after every layer that is reported.
    fn serve_byte(&mut self, feed: &mut dyn FnMut()) -> Result<bool, LinkError<L::Error>> {
        let mut byte = [0];
        if self.station.link.read(&mut byte).map_err(LinkError::Stream)? == 0 {
            return Err(LinkError::Closed);
        }
        let [byte] = byte;
        match self.receiver.push(byte) {
            None => Ok(false),
            Some(Ok(request)) => {
                self.understood = true;
                self.station.answer(request, feed).map(|()| true)
            }
            Some(Err(error)) => self.station.garbled(error).map(|()| true),
        }
    }

    /// Takes a byte from the link, if there is one, as [`Device::serve_one`] does. Returns true if it ended a frame, and
    /// `None` if there is none. Never waits for the host.
    pub(crate) fn serve_waiting(&mut self, feed: &mut dyn FnMut()) -> Result<Option<bool>, LinkError<L::Error>>
    where
        L: ReadReady,
    {
        if self.station.link.read_ready().map_err(LinkError::Stream)? {
            self.serve_byte(feed).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Returns true if a byte is waiting. A link that fails has none.
    pub(crate) fn is_waiting(&mut self) -> bool
    where
        L: ReadReady,
    {
        self.station.link.read_ready().unwrap_or(false)
    }

    /// Returns true if a request was understood since the last call, even if its answer could not be sent.
    pub(crate) fn take_understood(&mut self) -> bool {
        core::mem::take(&mut self.understood)
    }

    /// Captures a picture and classifies it without sending a response. Calls `feed` in between. Errors are in the log.
    pub(crate) fn classify_frame(&mut self, feed: &mut dyn FnMut()) -> Result<Decided, ()> {
        self.station.classify_frame(feed)
    }

    /// Returns the counters.
    pub fn statistics(&self) -> Statistics {
        self.station.statistics
    }
}

/// Origin of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Sent over the link: independent inputs, in any order.
    Host,
    /// Captured: one of a sequence of frames.
    Camera,
}

/// The device without its receiver.
#[derive(Debug)]
struct Station<'m, 'b, K, C, L, N, F> {
    board: &'static str,
    engine: Engine<'m, 'b, K>,
    camera: C,
    link: L,
    counter: N,
    /// Input and sums, cut to the model's size.
    buffers: Buffers<'b>,
    /// Pixels of the input received over the link, without a gap.
    filled: usize,
    /// The current policy.
    policy: Policy,
    /// The last captured frames.
    smoother: Smoother,
    statistics: Statistics,
    log: F,
}

impl<K: Kernel, C: Camera, L: Read + Write, N: Counter, F: FnMut(&Event)> Station<'_, '_, K, C, L, N, F> {
    fn answer(&mut self, request: Request<'_>, feed: &mut dyn FnMut()) -> Result<(), LinkError<L::Error>> {
        match request {
            Request::Identify => {
                (self.log)(&Event::Identified);
                let identity = Response::Identity(self.identity());
                send(&mut self.link, &identity)
            }
            Request::Input { offset, pixels } => match self.take(offset, pixels) {
                Ok(()) => send(&mut self.link, &Response::Accepted),
                Err(refusal) => self.refuse(refusal),
            },
            Request::Classify { .. } | Request::Measure if self.filled != self.buffers.input.len() => {
                self.refuse(Refusal::NoInput)
            }
            Request::Classify { report } => self.classify(report, Source::Host, feed),
            Request::Capture { report } => self.capture_and_classify(report, feed),
            Request::Measure => self.measure(feed),
            Request::Policy => send(&mut self.link, &Response::Policy(self.policy)),
            Request::SetPolicy(policy) => self.set_policy(policy),
            Request::Statistics => {
                self.statistics.stack_bytes = self.statistics.stack_bytes.max(self.counter.deepest_stack());
                send(&mut self.link, &Response::Statistics(self.statistics))
            }
        }
    }

    fn garbled(&mut self, error: FrameError) -> Result<(), LinkError<L::Error>> {
        count(&mut self.statistics.link_faults);
        (self.log)(&Event::FrameFault(error));
        self.refuse(Refusal::Garbled)
    }

    fn refuse(&mut self, refusal: Refusal) -> Result<(), LinkError<L::Error>> {
        (self.log)(&Event::Refused(refusal));
        send(&mut self.link, &Response::Refused(refusal))
    }

    fn identity(&self) -> Identity {
        let model = self.engine.model();
        Identity {
            protocol: PROTOCOL,
            board: Name::try_from(self.board).unwrap_or_default(),
            kernel: Name::try_from(K::NAME).unwrap_or_default(),
            pipeline: model.input().pipeline_id(),
            model_checksum: model.checksum(),
            model_bytes: model.file_bytes(),
            input_height: model.input().height,
            input_width: model.input().width,
            classes: model.classes(),
        }
    }

    /// Stores pixels from the host; offset 0 starts a new input. Refused pixels leave the input unchanged.
    fn take(&mut self, offset: u32, pixels: &[u8]) -> Result<(), Refusal> {
        let start = usize::try_from(offset).map_err(|_| Refusal::WrongOffset)?;
        if start != 0 && start != self.filled {
            return Err(Refusal::WrongOffset);
        }
        let end = start.checked_add(pixels.len()).ok_or(Refusal::WrongOffset)?;
        self.buffers.input.get_mut(start..end).ok_or(Refusal::WrongOffset)?.copy_from_slice(pixels);
        self.filled = end;
        if end == self.buffers.input.len() {
            (self.log)(&Event::InputComplete);
        }
        Ok(())
    }

    fn capture_and_classify(&mut self, report: Report, feed: &mut dyn FnMut()) -> Result<(), LinkError<L::Error>> {
        match self.capture() {
            Ok(()) => self.classify(report, Source::Camera, feed),
            Err(CaptureError::Camera(_)) => self.refuse(Refusal::Camera),
            Err(CaptureError::Pixels(_) | CaptureError::RowTooLong { .. }) => self.refuse(Refusal::Picture),
        }
    }

    fn set_policy(&mut self, policy: UncheckedPolicy) -> Result<(), LinkError<L::Error>> {
        let Ok(policy) = Policy::try_from(policy) else { return self.refuse(Refusal::Policy) };
        self.policy = policy;
        self.smoother.reset();
        (self.log)(&Event::PolicySet(policy));
        send(&mut self.link, &Response::Accepted)
    }

    fn classify_frame(&mut self, feed: &mut dyn FnMut()) -> Result<Decided, ()> {
        self.capture().map_err(|_| ())?;
        feed();
        self.note_light();
        // Cannot fail: as in `classify`.
        let start = self.counter.now_us();
        let decision = run(&mut self.engine, self.buffers.input, &mut |_, _| ()).map_err(|_| ())?;
        self.statistics.inference_us = self.counter.now_us().wrapping_sub(start);
        Ok(self.decided(decision, Source::Camera))
    }

    fn capture(&mut self) -> Result<(), CaptureError> {
        // The picture overwrites any input from the host.
        self.filled = 0;
        let input = self.engine.model().input();
        let start = self.counter.now_us();
        match capture(&mut self.camera, &mut self.buffers, input) {
            Ok(frame) => {
                self.statistics.capture_us = self.counter.now_us().wrapping_sub(start);
                count(&mut self.statistics.captures);
                (self.log)(&Event::Captured(frame));
                Ok(())
            }
            Err(error) => {
                self.smoother.reset();
                (self.log)(&Event::CaptureFailed(error));
                if matches!(error, CaptureError::Camera(_)) {
                    count(&mut self.statistics.camera_faults);
                }
                Err(error)
            }
        }
    }

    fn note_light(&mut self) {
        let look = light(self.buffers.input);
        (self.statistics.brightness, self.statistics.contrast) = (look.brightness, look.contrast);
    }

    /// Returns the decision and its verdict; counts and logs them.
    fn decided(&mut self, decision: Decision, source: Source) -> Decided {
        let verdict = match source {
            Source::Host => self.policy.judge(decision),
            Source::Camera => self.smoother.see(&self.policy, decision),
        };
        let decided = Decided { decision, verdict };
        count(&mut self.statistics.decisions);
        (self.log)(&Event::Decided(decided));
        decided
    }

    fn classify(&mut self, report: Report, source: Source, feed: &mut dyn FnMut()) -> Result<(), LinkError<L::Error>> {
        feed();
        self.note_light();
        let Self { engine, link, buffers, counter, .. } = self;
        let input = &*buffers.input;
        let mut sent = Ok(());
        let mut start = counter.now_us();
        let decided = if report == Report::AllValues {
            sent = send_values(link, 0, input.iter().map(|&pixel| i32::from(pixel)));
            feed();
            start = counter.now_us();
            run(engine, input, &mut |layer, values| {
                let before = counter.now_us();
                if sent.is_ok() {
                    sent = send_layer(link, layer, values);
                }
                feed();
                // Exclude the time spent on reporting.
                start = start.wrapping_add(counter.now_us().wrapping_sub(before));
            })
        } else {
            run(engine, input, &mut |_, _| ())
        };
        self.statistics.inference_us = self.counter.now_us().wrapping_sub(start);
        sent?;
        match decided {
            Ok(decision) => {
                let decided = self.decided(decision, source);
                send(&mut self.link, &Response::Decided(decided))
            }
            // Cannot happen: the input buffer was cut to the model's length.
            Err(_) => self.refuse(Refusal::NoInput),
        }
    }

    fn measure(&mut self, feed: &mut dyn FnMut()) -> Result<(), LinkError<L::Error>> {
        let Self { engine, counter, buffers, .. } = self;
        // Measuring repaints the stack, so take its maximum first.
        self.statistics.stack_bytes = self.statistics.stack_bytes.max(counter.deepest_stack());
        // Cannot fail: as in `classify`.
        let Ok(costs) = measure(engine, counter, buffers.input, feed) else { return self.refuse(Refusal::NoInput) };
        let layers = costs.layers.iter().take(self.engine.model().layers().len());
        for (part, &count) in (0_u16..).zip(core::iter::once(&costs.whole).chain(layers)) {
            let measured = Measured { part, unit: N::UNIT, count };
            if part == 0 {
                (self.log)(&Event::Measured(measured));
            }
            send(&mut self.link, &Response::Measured(measured))?;
        }
        send(&mut self.link, &Response::MeasuredStack(costs.stack_bytes))?;
        let Costs { decision, .. } = costs;
        send(&mut self.link, &Response::Decided(Decided { decision, verdict: self.policy.judge(decision) }))
    }
}

/// Adds one, saturating at the maximum.
fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
