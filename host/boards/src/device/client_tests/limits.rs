//! Limits of an exchange, and answers that cannot be right.

use super::*;

/// A stream without an end that is no answer, at 1,000 bytes per second.
struct Endless {
    /// Sent again and again; the host's requests are ignored.
    bytes: Vec<u8>,
    position: usize,
    now: Instant,
}

impl Endless {
    fn client(bytes: &[u8]) -> Client<Self> {
        Client::new(Self { bytes: bytes.to_vec(), position: 0, now: Instant::now() }, SILENCE)
    }
}

impl Read for Endless {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let [byte, ..] = bytes else { return Ok(0) };
        *byte = self.bytes[self.position % self.bytes.len()];
        self.position += 1;
        self.now += Duration::from_millis(1);
        Ok(1)
    }
}

impl Write for Endless {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Endless {
    fn set_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn now(&self) -> Instant {
        self.now
    }
}

/// Each exchange ends, the first one and the one that resynchronizes first, although there is always a byte to read.
#[test]
fn bytes_that_are_no_answer_extend_no_exchange() {
    let stale = frame_of(&Response::Accepted);
    for bytes in [&[0xFF][..], &[0], b"I (12) main: hello\r\n"] {
        let mut client = Endless::client(bytes);
        for _ in 0..3 {
            let begun = client.exchange.stream.now;
            assert!(matches!(client.capture(Report::AllValues), Err(ClientError::Babble { .. })), "{bytes:?}");
            assert_eq!(client.exchange.stream.now - begun, SILENCE, "{bytes:?}");
        }
    }
    // The first answer belongs to another request, and so do all that follow.
    let mut client = Endless::client(&stale);
    assert!(matches!(client.policy(), Err(ClientError::OutOfTurn(_))));
    assert!(matches!(client.policy(), Err(ClientError::Babble { .. })));
}

#[test]
fn a_device_that_does_not_read_is_given_up() {
    struct Deaf(Instant);
    impl Read for Deaf {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::TimedOut.into())
        }
    }
    impl Write for Deaf {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.0 += Duration::from_millis(100);
            Err(ErrorKind::TimedOut.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Transport for Deaf {
        fn set_timeout(&mut self, _: Duration) -> io::Result<()> {
            Ok(())
        }
        fn now(&self) -> Instant {
            self.0
        }
    }
    let mut client = Client::new(Deaf(Instant::now()), SILENCE);
    assert!(matches!(client.identify(), Err(ClientError::Timeout)));
}

/// A device that is busy or has much to report gets its time: here two silences before values, and one before the decision.
#[test]
fn messages_of_the_answer_extend_the_exchange() {
    let pause = SILENCE - Duration::from_secs(1);
    let mut client = Script::client(|_| vec![values(0, 0, &[1])]);
    client.exchange.begin();
    client.exchange.send(&Request::Capture { report: Report::AllValues }).unwrap();
    assert!(matches!(client.exchange.message(), Ok(Response::Values(_))));
    for _ in 0..2 {
        client.exchange.stream.now += pause;
        client.exchange.goes_on();
        client.exchange.stream.answers.extend(frame_of(&values(0, 1, &[2])));
        assert!(matches!(client.exchange.message(), Ok(Response::Values(_))));
    }
    // But not for ever.
    for _ in 0..2 {
        client.exchange.stream.now += pause;
        client.exchange.goes_on();
    }
    assert!(matches!(client.exchange.message(), Err(ClientError::Endless(_))));
}

#[test]
fn a_request_to_stop_ends_the_wait() {
    let mut client = Script::client(|_| vec![]);
    client.stop().request();
    assert!(matches!(client.capture(Report::AllValues), Err(ClientError::Stopped)));
    assert!(matches!(client.identify(), Err(ClientError::Stopped)));
}

#[test]
fn empty_values_and_values_nobody_asked_for_are_errors() {
    let mut client = Script::client(|_| vec![values(0, 0, &[]), decided()]);
    assert!(matches!(client.capture(Report::AllValues), Err(ClientError::OutOfTurn(_))));
    let mut client = Script::client(|_| vec![values(0, 0, &[1]), decided()]);
    assert!(matches!(client.capture(Report::Decision), Err(ClientError::OutOfTurn(_))));
}

/// An identified device with 4x4 gray pixels and 5 classes; its next answers are these.
fn identified(answer: Vec<Response>) -> Client<Script<impl FnMut(Request<'_>) -> Vec<Response> + Send>> {
    let Response::Identity(mut identity) = identity(PROTOCOL) else { unreachable!() };
    identity.pipeline = pinhole_shared::pixels::PIPELINE_ID;
    let mut client = Script::client(move |request| match request {
        Request::Identify => vec![Response::Identity(identity.clone())],
        _ => answer.clone(),
    });
    client.identify().unwrap();
    client
}

#[test]
fn answers_that_the_identity_contradicts_are_errors() {
    let all = |pixels: &[i32], logits: &[i32], last| vec![values(0, 0, pixels), values(1, 0, logits), last];
    let decision = |class, probability, answer| {
        let decision = Decision { class, probability: Probability(probability) };
        Response::Decided(Decided { decision, verdict: Verdict::Class(answer) })
    };
    let capture = |answer| identified(answer).capture(Report::AllValues);
    assert!(capture(all(&[0; 16], &[1; 5], decided())).is_ok());
    assert!(capture(all(&[255; 16], &[i32::MIN; 5], decision(4, 65_536, 4))).is_ok());
    for wrong in [
        all(&[0; 15], &[1; 5], decided()),
        all(&[0; 17], &[1; 5], decided()),
        all(&[256; 16], &[1; 5], decided()),
        all(&[-5; 16], &[1; 5], decided()),
        all(&[0; 16], &[1; 4], decided()),
        all(&[0; 16], &[1; 6], decided()),
        all(&[0; 16], &[1; 5], decision(5, 1, 0)),
        all(&[0; 16], &[1; 5], decision(0, 1, u16::MAX)),
        all(&[0; 16], &[1; 5], decision(0, 65_537, 0)),
        vec![values(0, 0, &[0; 16]), decided()],
        vec![decided()],
    ] {
        let result = capture(wrong.clone());
        assert!(matches!(result, Err(ClientError::Impossible(_))), "{wrong:?}: {result:?}");
    }
}
