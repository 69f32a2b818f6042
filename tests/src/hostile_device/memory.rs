//! The device on a stream in memory.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pinhole::device::Transport;
use pinhole_shared::link::frame::{FRAME_BYTES, Receiver, encode};
use pinhole_shared::link::{Refusal, Request, Response};

use super::{Now, Peer, Step, Steps};

/// Rate of the line by its own clock, bytes per second: 115,200 bits per second.
const BYTES_PER_S: f64 = 11_520.0;

/// A stream to a device. Time passes only by the bytes and pauses on the line, and by waits that end without a byte.
#[derive(Debug)]
pub struct MemoryLink {
    peer: Peer,
    receiver: Receiver,
    steps: Steps,
    timeout: Duration,
    began: Instant,
    passed: Arc<Mutex<Duration>>,
    /// True if bytes take no time.
    is_instant: bool,
    requests: u64,
}

impl MemoryLink {
    /// Creates the stream to this device.
    pub fn new(peer: Peer) -> Self {
        let (receiver, steps, passed) = (Receiver::default(), Steps::default(), Arc::default());
        let (timeout, began) = (Duration::ZERO, Instant::now());
        Self { peer, receiver, steps, timeout, began, passed, is_instant: false, requests: 0 }
    }

    /// The same stream, on which bytes take no time.
    pub fn instant(self) -> Self {
        Self { is_instant: true, ..self }
    }

    /// Returns the time that has passed, to read while a client has the stream.
    pub fn clock(&self) -> Arc<Mutex<Duration>> {
        Arc::clone(&self.passed)
    }

    fn pass(&self, time: Duration) {
        *self.passed.lock().expect("no test panics with it") += time;
    }

    fn pass_bytes(&self, count: usize) {
        if !self.is_instant {
            self.pass(Duration::from_secs_f64(count as f64 / BYTES_PER_S));
        }
    }

    fn timed_out<T>(&self) -> io::Result<T> {
        self.pass(self.timeout);
        Err(ErrorKind::TimedOut.into())
    }
}

impl Read for MemoryLink {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut left = self.timeout;
        loop {
            match self.steps.next() {
                Now::Idle => {
                    self.pass(left);
                    return Err(ErrorKind::TimedOut.into());
                }
                Now::Close => return Ok(0),
                Now::Pause(time) if time > left => {
                    self.steps.put_back(Step::Pause(time - left));
                    self.pass(left);
                    return Err(ErrorKind::TimedOut.into());
                }
                Now::Pause(time) => {
                    self.pass(time);
                    left -= time;
                }
                Now::Send(mut sent) => {
                    let count = sent.len().min(bytes.len());
                    if count == 0 {
                        continue;
                    }
                    let rest = sent.split_off(count);
                    bytes[..count].copy_from_slice(&sent);
                    self.steps.put_back(Step::Send(rest));
                    self.pass_bytes(count);
                    return Ok(count);
                }
            }
        }
    }
}

impl Write for MemoryLink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.steps.is_deaf() {
            return self.timed_out();
        }
        for &byte in bytes {
            let answer = match self.receiver.push::<Request<'_>>(byte) {
                None => continue,
                Some(Ok(request)) => self.peer.answer(&request),
                Some(Err(_)) => {
                    let mut buffer = [0; FRAME_BYTES];
                    let refused = encode(&Response::Refused(Refusal::Garbled), &mut buffer).expect("it fits");
                    vec![Step::Send(refused.to_vec())]
                }
            };
            // Some devices stop what they do when the next request comes.
            self.requests += 1;
            if self.requests.is_multiple_of(2) {
                self.steps.drop_endless();
            }
            self.steps.extend(answer);
        }
        self.pass_bytes(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for MemoryLink {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.timeout = timeout;
        Ok(())
    }

    fn now(&self) -> Instant {
        self.began + *self.passed.lock().expect("no test panics with it")
    }
}
