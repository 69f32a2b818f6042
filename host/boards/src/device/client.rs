//! The host's side of the link: one method per request.

use std::time::Duration;

use pinhole_core::inference::Inference;
use pinhole_shared::link::{
    CHUNK_PIXELS, Identity, Measured, PROTOCOL, Refusal, Report, Request, Response, Statistics,
};
use pinhole_shared::model::MAX_LAYERS;
use pinhole_shared::policy::{Decided, Policy};

use super::answer::{Sizes, Stages};
use super::exchange::Exchange;
use super::transport::Transport;
use super::{ClientError, Measurement, Stop};

/// Largest number of answers to earlier requests that are skipped when the link is resynchronized.
const MOST_STALE_ANSWERS: usize = 10_000;

/// The host's side of a link.
///
/// No request waits for ever, whatever the device does: an exchange, from the first byte of a request to the last message of
/// its answer, has the limits below.
///
/// | limit | value |
/// |---|---|
/// | time without a message that continues the answer | the longest silence of a working device |
/// | time of the whole exchange | three silences, and the time of its bytes at [`Transport::least_bytes_per_s`] (at most 3 min) |
/// | bytes without a message that continues the answer | 16 MiB |
/// | answers to earlier requests | 10,000 |
/// | values of an answer | 2^24, in at most one stage per layer and one for the pixels |
///
/// Bytes that are no message, and messages that belong to something else, extend no limit. After an error, the next request
/// first resynchronizes both sides, within the limits of that request. So a client stays usable as long as its stream is.
///
/// Once the device has identified itself, its answers are checked against its identity: number and range of the pixels, number
/// of the logits, class, probability.
#[derive(Debug)]
pub struct Client<S> {
    pub(super) exchange: Exchange<S>,
    /// Sizes in the device's identity; `None` before it has identified itself.
    sizes: Option<Sizes>,
    /// True after a failed exchange: answers to it may still arrive.
    out_of_step: bool,
}

impl<S: Transport> Client<S> {
    /// Creates a client on a stream to a device that is never silent for longer than `silence` while it works on a request.
    pub fn new(stream: S, silence: Duration) -> Self {
        Self { exchange: Exchange::new(stream, silence), sizes: None, out_of_step: false }
    }

    /// Sets the longest silence of a working device, for the requests that follow.
    pub fn set_silence(&mut self, silence: Duration) {
        self.exchange.set_silence(silence);
    }

    /// Returns the request to stop waiting, which another thread may make.
    pub fn stop(&self) -> Stop {
        self.exchange.stop.clone()
    }

    /// Asks the device for its identity, and checks that it speaks this protocol version.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] if it speaks another version, or any other [`ClientError`].
    pub fn identify(&mut self) -> Result<Identity, ClientError> {
        match self.exchange(&Request::Identify)? {
            Response::Identity(identity) if identity.protocol == PROTOCOL => {
                self.sizes = Some(Sizes::of(&identity));
                Ok(identity)
            }
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
        // All chunks are one exchange: a device that takes its time for each would have too much of it.
        self.exchange.begin();
        for pixels in input.chunks(CHUNK_PIXELS) {
            match self.ask(&Request::Input { offset, pixels })? {
                Response::Accepted => self.exchange.goes_on(),
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
        self.infer(&Request::Classify { report }, report)
    }

    /// Captures a picture with the device's camera and classifies it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the camera fails or its picture does not suit the model, or any other
    /// [`ClientError`].
    pub fn capture(&mut self, report: Report) -> Result<Inference, ClientError> {
        self.infer(&Request::Capture { report }, report)
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
            self.exchange.goes_on();
            response = self.receive()?;
        }
        let Response::MeasuredStack(stack_bytes) = response else { return Err(self.out_of_turn(&response)) };
        self.exchange.goes_on();
        match (self.receive()?, parts.as_slice()) {
            (Response::Decided(decided), [whole, layers @ ..]) => {
                self.check(&decided)?;
                Ok(Measurement {
                    unit: whole.unit,
                    whole: whole.count,
                    layers: layers.iter().map(|layer| layer.count).collect(),
                    stack_bytes,
                    decision: decided.decision,
                })
            }
            (other, _) => Err(self.out_of_turn(&other)),
        }
    }

    fn infer(&mut self, request: &Request<'_>, report: Report) -> Result<Inference, ClientError> {
        let mut stages = Stages::new(self.sizes, report);
        let mut response = self.exchange(request)?;
        while let Response::Values(values) = &response {
            stages.add(values).map_err(|error| self.failed(error))?;
            self.exchange.goes_on();
            response = self.receive()?;
        }
        let Response::Decided(decided) = response else { return Err(self.out_of_turn(&response)) };
        self.check(&decided)?;
        let Decided { decision, verdict } = decided;
        Ok(Inference { stages: stages.finish()?, decision, verdict })
    }

    fn check(&self, decided: &Decided) -> Result<(), ClientError> {
        self.sizes.map_or(Ok(()), |sizes| sizes.check(decided))
    }

    /// Begins an exchange, sends a request and waits for the first message of its answer.
    fn exchange(&mut self, request: &Request<'_>) -> Result<Response, ClientError> {
        self.exchange.begin();
        self.ask(request)
    }

    /// Sends a request, as part of the exchange that has begun, and waits for the first message of its answer.
    fn ask(&mut self, request: &Request<'_>) -> Result<Response, ClientError> {
        if self.out_of_step {
            self.fall_in_step()?;
        }
        self.exchange.send(request).map_err(|error| self.failed(error))?;
        self.receive()
    }

    /// Resynchronizes after a failed exchange. Ends a partial frame that the device may hold, then skips answers up to
    /// one that can only belong to the new request.
    fn fall_in_step(&mut self) -> Result<(), ClientError> {
        self.exchange.forget();
        self.exchange.write(&[0])?;
        self.exchange.send(&Request::Identify)?;
        for _ in 0..MOST_STALE_ANSWERS {
            match self.exchange.message() {
                Ok(Response::Identity(_)) => {
                    self.exchange.goes_on();
                    self.out_of_step = false;
                    return Ok(());
                }
                Ok(_) | Err(ClientError::Frame(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ClientError::Endless("it sent 10,000 answers to earlier requests"))
    }

    /// Returns the next answer; a refusal is an error.
    fn receive(&mut self) -> Result<Response, ClientError> {
        match self.exchange.message() {
            // The device did not understand the request, so bytes were damaged: the next request resynchronizes first.
            Ok(Response::Refused(Refusal::Garbled)) => Err(self.failed(ClientError::Refused(Refusal::Garbled))),
            Ok(Response::Refused(refusal)) => Err(ClientError::Refused(refusal)),
            Ok(response) => Ok(response),
            Err(error) => Err(self.failed(error)),
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
