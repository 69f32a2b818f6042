//! The host's side of the link: one method per request.

use std::io::{self, ErrorKind, Read, Write};

use pinhole_core::inference::Inference;
use pinhole_shared::link::frame::{FRAME_BYTES, FrameError, Receiver, encode};
use pinhole_shared::link::{
    CHUNK_PIXELS, Identity, Measured, PROTOCOL, Refusal, Report, Request, Response, Statistics, Values,
};
use pinhole_shared::model::MAX_LAYERS;
use pinhole_shared::policy::{Decided, Policy};

use super::Measurement;

/// Largest number of answers to earlier requests that are skipped when the link is resynchronized.
const MOST_STALE_ANSWERS: usize = 10_000;

/// Largest number of values that a device may report of one inference. A device that reports more is broken.
const MOST_VALUES: usize = 1 << 24;

/// Error of a request.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ClientError {
    /// Nothing arrived within the stream's timeout.
    #[error("the device did not answer in time")]
    #[diagnostic(help("check that the device runs and that nothing else uses its link; then try again"))]
    Timeout,
    /// The stream ended.
    #[error("the device closed the link")]
    #[diagnostic(help("the device stopped or was unplugged; see its log for the cause"))]
    Closed,
    /// The stream failed.
    #[error("the link to the device failed")]
    Stream(#[source] io::Error),
    /// An answer could not be read.
    #[error("an answer of the device could not be decoded")]
    #[diagnostic(help("bytes were lost on the link; try again, and check the cable if it happens often"))]
    Frame(#[source] FrameError),
    /// The device refused the request.
    #[error("the device refused the request: {0}")]
    #[diagnostic(help("{}", advice(*_0)))]
    Refused(Refusal),
    /// The device speaks another version of the protocol.
    #[error("the device uses version {got} of the link's protocol, and this Pinhole uses version {PROTOCOL}")]
    #[diagnostic(help("build and flash the firmware of this version of Pinhole"))]
    Protocol {
        /// The device's version.
        got: u16,
    },
    /// The device's answer belongs to another request.
    #[error("the device answered another request ({0})")]
    #[diagnostic(help("an earlier exchange was cut short; try again"))]
    OutOfTurn(&'static str),
}

impl ClientError {
    /// Returns true if the same request may succeed when repeated, for example after lost bytes or a camera fault.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Timeout | Self::Frame(_) | Self::OutOfTurn(_) => true,
            Self::Refused(refusal) => {
                matches!(refusal, Refusal::Garbled | Refusal::NoInput | Refusal::WrongOffset | Refusal::Camera)
            }
            Self::Closed | Self::Stream(_) | Self::Protocol { .. } => false,
        }
    }
}

/// The host's side of a link.
///
/// The stream should have a read timeout (as `UnixStream::set_read_timeout` sets it): without one, a device that stopped
/// answering blocks the caller for ever. After an error, the next request first resynchronizes both sides. So a client
/// stays usable as long as its stream is.
#[derive(Debug)]
pub struct Client<S> {
    pub(super) stream: S,
    receiver: Receiver,
    /// Bytes read from the stream. Those from `position` on are not processed yet.
    unread: Vec<u8>,
    position: usize,
    /// True after a failed exchange: answers to it may still arrive.
    out_of_step: bool,
}

impl<S: Read + Write> Client<S> {
    /// Creates a client on a stream to a device.
    pub fn new(stream: S) -> Self {
        Self { stream, receiver: Receiver::default(), unread: Vec::new(), position: 0, out_of_step: false }
    }

    /// Asks the device for its identity, and checks that it speaks this protocol version.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] if it speaks another version, or any other [`ClientError`].
    pub fn identify(&mut self) -> Result<Identity, ClientError> {
        match self.exchange(&Request::Identify)? {
            Response::Identity(identity) if identity.protocol == PROTOCOL => Ok(identity),
            Response::Identity(identity) => Err(ClientError::Protocol { got: identity.protocol }),
            other => Err(self.out_of_turn(&other)),
        }
    }

    /// Sends an input: all of its bytes, row by row.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if it has more pixels than the device's model takes (too few are noticed when the input
    /// is classified), or any other [`ClientError`].
    pub fn send_input(&mut self, input: &[u8]) -> Result<(), ClientError> {
        let mut offset = 0;
        for pixels in input.chunks(CHUNK_PIXELS) {
            match self.exchange(&Request::Input { offset, pixels })? {
                Response::Accepted => {}
                other => return Err(self.out_of_turn(&other)),
            }
            offset += pixels.len() as u32;
        }
        Ok(())
    }

    /// Classifies the input sent before.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if no complete input was sent, or any other [`ClientError`].
    pub fn classify(&mut self, report: Report) -> Result<Inference, ClientError> {
        self.infer(&Request::Classify { report })
    }

    /// Captures a picture with the device's camera and classifies it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the camera fails or its picture does not suit the model, or any other
    /// [`ClientError`].
    pub fn capture(&mut self, report: Report) -> Result<Inference, ClientError> {
        self.infer(&Request::Capture { report })
    }

    /// Returns the device's counters.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub fn statistics(&mut self) -> Result<Statistics, ClientError> {
        match self.exchange(&Request::Statistics)? {
            Response::Statistics(statistics) => Ok(statistics),
            other => Err(self.out_of_turn(&other)),
        }
    }

    /// Returns the policy by which the device answers.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub fn policy(&mut self) -> Result<Policy, ClientError> {
        match self.exchange(&Request::Policy)? {
            Response::Policy(policy) => Ok(policy),
            other => Err(self.out_of_turn(&other)),
        }
    }

    /// Makes the device answer by this policy until it is reset, and forget the frames captured before.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub fn set_policy(&mut self, policy: Policy) -> Result<(), ClientError> {
        match self.exchange(&Request::SetPolicy(policy.into()))? {
            Response::Accepted => Ok(()),
            other => Err(self.out_of_turn(&other)),
        }
    }

    /// Makes the device count the cost of classifying the input sent before.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if no complete input was sent, or any other [`ClientError`].
    pub fn measure(&mut self) -> Result<Measurement, ClientError> {
        let mut parts: Vec<Measured> = Vec::new();
        let mut response = self.exchange(&Request::Measure)?;
        while let Response::Measured(part) = response {
            let in_order = usize::from(part.part) == parts.len() && parts.len() <= MAX_LAYERS;
            if !in_order || parts.first().is_some_and(|first| first.unit != part.unit) {
                return Err(self.failed(ClientError::OutOfTurn("a measured part that does not follow the ones before")));
            }
            parts.push(part);
            response = self.receive()?;
        }
        let Response::MeasuredStack(stack_bytes) = response else { return Err(self.out_of_turn(&response)) };
        match (self.receive()?, parts.as_slice()) {
            (Response::Decided(decided), [whole, layers @ ..]) => Ok(Measurement {
                unit: whole.unit,
                whole: whole.count,
                layers: layers.iter().map(|layer| layer.count).collect(),
                stack_bytes,
                decision: decided.decision,
            }),
            (other, _) => Err(self.out_of_turn(&other)),
        }
    }

    fn infer(&mut self, request: &Request<'_>) -> Result<Inference, ClientError> {
        let mut stages = Vec::new();
        let mut response = self.exchange(request)?;
        while let Response::Values(values) = &response {
            if append(&mut stages, values).is_none() {
                self.out_of_step = true;
                return Err(ClientError::OutOfTurn("values that do not continue the ones before"));
            }
            response = self.receive()?;
        }
        match response {
            Response::Decided(Decided { decision, verdict }) => Ok(Inference { stages, decision, verdict }),
            other => Err(self.out_of_turn(&other)),
        }
    }

    /// Sends a request and waits for the first answer to it.
    fn exchange(&mut self, request: &Request<'_>) -> Result<Response, ClientError> {
        if self.out_of_step {
            self.fall_in_step()?;
        }
        self.send(request)?;
        self.receive()
    }

    /// Resynchronizes after a failed exchange. Ends a partial frame that the device may hold, then skips answers up to
    /// one that can only belong to the new request.
    fn fall_in_step(&mut self) -> Result<(), ClientError> {
        (self.receiver, self.unread, self.position) = (Receiver::default(), Vec::new(), 0);
        self.write(&[0])?;
        self.send(&Request::Identify)?;
        for _ in 0..MOST_STALE_ANSWERS {
            match self.receive_any() {
                Ok(Response::Identity(_)) => {
                    self.out_of_step = false;
                    return Ok(());
                }
                Ok(_) | Err(ClientError::Frame(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ClientError::OutOfTurn("endless answers"))
    }

    fn send(&mut self, request: &Request<'_>) -> Result<(), ClientError> {
        let mut buffer = [0; FRAME_BYTES];
        let frame = encode(request, &mut buffer).map_err(ClientError::Frame)?;
        self.write(frame)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let result = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
        result.map_err(|error| self.failed(stream_error(error)))
    }

    /// Returns the next answer; a refusal is an error.
    fn receive(&mut self) -> Result<Response, ClientError> {
        match self.receive_any() {
            // The device did not understand the request, so bytes were damaged: the next request resynchronizes first.
            Ok(Response::Refused(Refusal::Garbled)) => Err(self.failed(ClientError::Refused(Refusal::Garbled))),
            Ok(Response::Refused(refusal)) => Err(ClientError::Refused(refusal)),
            Ok(response) => Ok(response),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn receive_any(&mut self) -> Result<Response, ClientError> {
        loop {
            while let Some(&byte) = self.unread.get(self.position) {
                self.position += 1;
                if let Some(message) = self.receiver.push(byte) {
                    return message.map_err(ClientError::Frame);
                }
            }
            self.unread.resize(4096, 0);
            let read = self.stream.read(&mut self.unread);
            self.unread.truncate(*read.as_ref().unwrap_or(&0));
            self.position = 0;
            match read {
                Ok(0) => return Err(ClientError::Closed),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(stream_error(error)),
            }
        }
    }

    fn failed(&mut self, error: ClientError) -> ClientError {
        self.out_of_step = true;
        error
    }

    fn out_of_turn(&mut self, response: &Response) -> ClientError {
        self.failed(ClientError::OutOfTurn(match response {
            Response::Identity(_) => "identity",
            Response::Accepted => "accepted",
            Response::Values(_) => "values",
            Response::Decided(_) => "decision",
            Response::Statistics(_) => "statistics",
            Response::Refused(_) => "refusal",
            Response::Measured(_) => "measured part",
            Response::MeasuredStack(_) => "measured stack",
            Response::Policy(_) => "policy",
        }))
    }
}

/// Returns advice on a refusal.
fn advice(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Garbled => "bytes were lost on the link; try again, and check the cable if it happens often",
        Refusal::NoInput | Refusal::WrongOffset => "send an input with exactly as many pixels as the model's input",
        Refusal::Camera => "check the camera and its wiring; the device's log shows what failed",
        Refusal::Policy => "use a window of at most 16 frames, of which more than half must agree",
        Refusal::Picture => "use a picture at least as large as the model's input; the device's log shows both sizes",
    }
}

/// Appends values; `None` if they do not continue the values received so far, or if there are too many.
fn append(stages: &mut Vec<Vec<i32>>, values: &Values) -> Option<()> {
    if usize::from(values.stage) == stages.len() && values.offset == 0 {
        stages.push(Vec::new());
    }
    let total: usize = stages.iter().map(Vec::len).sum();
    let count = stages.len();
    let stage = stages.last_mut()?;
    let continues = usize::from(values.stage) + 1 == count && values.offset as usize == stage.len();
    (continues && total <= MOST_VALUES).then(|| stage.extend_from_slice(&values.values))
}

fn stream_error(error: io::Error) -> ClientError {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => ClientError::Timeout,
        ErrorKind::BrokenPipe
        | ErrorKind::ConnectionAborted
        | ErrorKind::ConnectionReset
        | ErrorKind::UnexpectedEof
        | ErrorKind::WriteZero => ClientError::Closed,
        _ => ClientError::Stream(error),
    }
}
