//! Tests of the client against a scripted device.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use pinhole_shared::decision::{Decision, Probability};
use pinhole_shared::link::frame::{FRAME_BYTES, Receiver, encode};
use pinhole_shared::link::{
    CHUNK_PIXELS, Identity, Measured, PROTOCOL, Refusal, Report, Request, Response, Unit, Values,
};
use pinhole_shared::policy::{Decided, Policy, Verdict};

use super::{Client, ClientError, Transport};

mod limits;

/// The longest silence that the clients of these tests accept.
const SILENCE: Duration = Duration::from_secs(12);

/// A device that answers requests by a script. Without an answer, reads time out, by a clock of their own.
struct Script<F> {
    receiver: Receiver,
    answer: F,
    answers: VecDeque<u8>,
    closed: bool,
    now: Instant,
    timeout: Duration,
}

impl<F: FnMut(Request<'_>) -> Vec<Response> + Send> Script<F> {
    fn new(answer: F) -> Self {
        let (receiver, answers) = (Receiver::default(), VecDeque::new());
        Self { receiver, answer, answers, closed: false, now: Instant::now(), timeout: Duration::ZERO }
    }

    fn client(answer: F) -> Client<Self> {
        Client::new(Self::new(answer), SILENCE)
    }
}

fn frame_of(response: &Response) -> Vec<u8> {
    encode(response, &mut [0; FRAME_BYTES]).unwrap().to_vec()
}

impl<F> Read for Script<F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.answers.is_empty() && !self.closed {
            self.now += self.timeout;
            return Err(io::Error::from(ErrorKind::WouldBlock));
        }
        // Reads return small pieces that end anywhere.
        let bite = bytes.len().min(5);
        self.answers.read(&mut bytes[..bite])
    }
}

impl<F: FnMut(Request<'_>) -> Vec<Response>> Write for Script<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            let responses = match self.receiver.push::<Request<'_>>(byte) {
                None => continue,
                Some(Ok(request)) => (self.answer)(request),
                Some(Err(_)) => vec![Response::Refused(Refusal::Garbled)],
            };
            self.answers.extend(responses.iter().flat_map(frame_of));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F: FnMut(Request<'_>) -> Vec<Response> + Send> Transport for Script<F> {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.timeout = timeout;
        Ok(())
    }

    fn now(&self) -> Instant {
        self.now
    }
}

fn identity(protocol: u16) -> Response {
    Response::Identity(Identity {
        protocol,
        board: "scripted".try_into().unwrap(),
        kernel: "none".try_into().unwrap(),
        pipeline: 1,
        model_checksum: 2,
        model_bytes: 3,
        input_height: 4,
        input_width: 4,
        classes: 5,
    })
}

fn decided() -> Response {
    let decision = Decision { class: 1, probability: Probability(60_000) };
    Response::Decided(Decided { decision, verdict: Verdict::Unknown })
}

fn values(stage: u16, offset: u32, values: &[i32]) -> Response {
    Response::Values(Values { stage, offset, values: heapless_of(values) })
}

fn heapless_of<T: FromIterator<i32>>(values: &[i32]) -> T {
    values.iter().copied().collect()
}

#[test]
fn another_protocol_is_refused() {
    let mut client = Script::client(|_| vec![identity(PROTOCOL + 1)]);
    let Err(ClientError::Protocol { got }) = client.identify() else { panic!("accepted") };
    assert_eq!(got, PROTOCOL + 1);
    assert!(Script::client(|_| vec![identity(PROTOCOL)]).identify().is_ok());
}

#[test]
fn an_input_is_sent_in_chunks() {
    let mut got = Vec::new();
    let input: Vec<u8> = (0..CHUNK_PIXELS * 2 + 7).map(|index| index as u8).collect();
    let mut client = Script::client(|request| {
        let Request::Input { offset, pixels } = request else { panic!("{request:?}") };
        assert_eq!(offset as usize, got.len());
        got.extend_from_slice(pixels);
        vec![Response::Accepted]
    });
    client.send_input(&input).unwrap();
    drop(client);
    assert_eq!(got, input);
}

#[test]
fn values_become_stages() {
    let mut client = Script::client(|request| {
        assert_eq!(request, Request::Classify { report: Report::AllValues });
        vec![values(0, 0, &[1, 2]), values(0, 2, &[3]), values(1, 0, &[-4]), values(2, 0, &[5]), decided()]
    });
    let inference = client.classify(Report::AllValues).unwrap();
    assert_eq!(inference.stages, [vec![1, 2, 3], vec![-4], vec![5]]);
    assert_eq!((inference.decision.class, inference.decision.probability), (1, Probability(60_000)));
    assert_eq!(inference.verdict, Verdict::Unknown);
}

#[test]
fn values_with_a_gap_are_an_error() {
    for gap in [values(0, 3, &[4]), values(2, 0, &[4]), values(0, 0, &[1]), values(1, 1, &[1])] {
        let mut client = Script::client(move |request| match request {
            Request::Identify => vec![identity(PROTOCOL)],
            _ => vec![values(0, 0, &[1, 2]), gap.clone(), decided()],
        });
        assert!(matches!(client.capture(Report::AllValues), Err(ClientError::OutOfTurn(_))));
        client.identify().unwrap();
    }
}

#[test]
fn a_policy_is_asked_for_and_set() {
    let policy = Policy::new(Probability(50_000), 2, 3).unwrap();
    let mut client = Script::client(move |request| match request {
        Request::Policy => vec![Response::Policy(policy)],
        Request::SetPolicy(set) if set == policy.into() => vec![Response::Accepted],
        _ => vec![Response::Refused(Refusal::Policy)],
    });
    assert_eq!(client.policy().unwrap(), policy);
    client.set_policy(policy).unwrap();
    assert!(matches!(client.set_policy(Policy::NONE), Err(ClientError::Refused(Refusal::Policy))));
}

fn measured(part: u16, count: u64) -> Response {
    Response::Measured(Measured { part, unit: Unit::Instructions, count })
}

#[test]
fn measured_parts_become_a_measurement() {
    let mut client = Script::client(|request| {
        assert_eq!(request, Request::Measure);
        vec![measured(0, u64::MAX), measured(1, 5), measured(2, 0), Response::MeasuredStack(9), decided()]
    });
    let measurement = client.measure().unwrap();
    assert_eq!((measurement.unit, measurement.whole), (Unit::Instructions, u64::MAX));
    assert_eq!((measurement.layers, measurement.stack_bytes), (vec![5, 0], 9));
    assert_eq!(measurement.decision.class, 1);
}

#[test]
fn measured_parts_that_make_no_sense_are_an_error() {
    let cycles = Response::Measured(Measured { part: 1, unit: Unit::Cycles, count: 3 });
    let endless = (0..=1000).map(|part| measured(part, 1)).collect();
    for answer in [vec![measured(1, 1)], vec![measured(0, 1), measured(2, 1)], vec![measured(0, 1), cycles], endless] {
        let mut client = Script::client(move |request| match request {
            Request::Identify => vec![identity(PROTOCOL)],
            _ => [answer.clone(), vec![Response::MeasuredStack(9), decided()]].concat(),
        });
        assert!(matches!(client.measure(), Err(ClientError::OutOfTurn(_))));
        client.identify().unwrap();
    }
    let mut client = Script::client(|_| vec![measured(0, 1), decided()]);
    assert!(matches!(client.measure(), Err(ClientError::OutOfTurn(_))), "no stack was measured");
    let mut client = Script::client(|_| vec![Response::MeasuredStack(9), decided()]);
    assert!(matches!(client.measure(), Err(ClientError::OutOfTurn(_))), "nothing was measured");
    let mut client = Script::client(|_| vec![measured(0, 1), values(0, 0, &[1])]);
    assert!(matches!(client.measure(), Err(ClientError::OutOfTurn(_))));
}

#[test]
fn refusals_are_errors_and_change_nothing() {
    let mut client = Script::client(|request| match request {
        Request::Identify => vec![identity(PROTOCOL)],
        _ => vec![Response::Refused(Refusal::NoInput)],
    });
    assert!(matches!(client.classify(Report::Decision), Err(ClientError::Refused(Refusal::NoInput))));
    client.identify().unwrap();
}

/// The answer to an abandoned request arrives before the answer to the next one.
#[test]
fn late_answers_are_not_mistaken_for_others() {
    let mut requests = 0;
    let mut client = Script::client(|request| {
        requests += 1;
        match (requests, request) {
            // Too late: the client has seen a timeout.
            (1, _) => vec![],
            (2, Request::Identify) => vec![values(0, 0, &[1]), decided(), identity(PROTOCOL)],
            (3, Request::Statistics) => vec![Response::Statistics(Default::default())],
            other => panic!("{other:?}"),
        }
    });
    assert!(matches!(client.capture(Report::AllValues), Err(ClientError::Timeout)));
    client.statistics().unwrap();
}

#[test]
fn a_damaged_answer_is_an_error_and_the_next_one_is_understood() {
    let mut client = Script::client(|_| vec![identity(PROTOCOL)]);
    client.exchange.stream.answers.extend([1, 2, 3, 0]);
    assert!(matches!(client.identify(), Err(ClientError::Frame(_))));
    client.identify().unwrap();
}

#[test]
fn a_garbled_request_is_an_error_and_the_next_one_is_understood() {
    let mut client = Script::client(|_| vec![identity(PROTOCOL)]);
    client.exchange.stream.write_all(&[7, 7]).unwrap();
    assert!(matches!(client.identify(), Err(ClientError::Refused(Refusal::Garbled))));
    client.identify().unwrap();
}

#[test]
fn the_end_of_the_stream_is_told_from_silence() {
    let mut client = Script::client(|_| vec![]);
    assert!(matches!(client.identify(), Err(ClientError::Timeout)));
    client.exchange.stream.closed = true;
    assert!(matches!(client.identify(), Err(ClientError::Closed)));
}

/// A stream that delivers random bytes instead of answers until `noise_left` is used up.
struct Noisy<F> {
    script: Script<F>,
    state: u64,
    noise_left: usize,
}

impl<F> Read for Noisy<F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.noise_left == 0 {
            return self.script.read(bytes);
        }
        let bite = bytes.len().min(997).min(self.noise_left);
        for byte in &mut bytes[..bite] {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.state >> 56) as u8;
        }
        self.noise_left -= bite;
        Ok(bite)
    }
}

impl<F: FnMut(Request<'_>) -> Vec<Response>> Write for Noisy<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.script.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F: FnMut(Request<'_>) -> Vec<Response> + Send> Transport for Noisy<F> {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.script.set_timeout(timeout)
    }

    fn now(&self) -> Instant {
        self.script.now
    }
}

/// A million random bytes arrive instead of answers. Every request ends with an error; afterwards the device is
/// understood again.
#[test]
fn a_million_bytes_wedge_nothing() {
    let script = Script::new(|_: Request<'_>| vec![identity(PROTOCOL)]);
    let mut client = Client::new(Noisy { script, state: 1, noise_left: 1_000_000 }, SILENCE);
    let mut failures = 0;
    // The first try uses up at least one frame of noise; later tries use up what resynchronization takes.
    let identity = loop {
        match client.identify() {
            Ok(identity) => break identity,
            Err(_) => failures += 1,
        }
        assert!(failures < 1_000_000, "they never find each other");
    };
    assert_eq!(identity.board.as_str(), "scripted");
    assert!(failures >= 1, "noise was taken for an answer");
}
