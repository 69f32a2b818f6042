//! The device behind a pseudo terminal.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pinhole_shared::link::Request;
use pinhole_shared::link::frame;
use serialport::{SerialPort as _, TTYPort};

use super::pair::pair;
use super::{Now, Peer, Step, Steps};

/// Longest wait of the device for a request: that soon it notices the end of the test.
const POLL: Duration = Duration::from_millis(20);

/// Largest write: a larger one may wait for room, without a timeout.
const WRITE_BYTES: usize = 256;

/// A device on a serial port, in real time, until this is dropped.
#[derive(Debug)]
pub struct HostilePort {
    name: String,
    /// Kept open, so that the port survives between two programs that open it.
    near: Option<File>,
    ends: Arc<AtomicBool>,
    heard: Receiver<String>,
    thread: Option<JoinHandle<()>>,
}

impl HostilePort {
    /// Starts the device.
    pub fn start(peer: Peer) -> Self {
        let (far, name, near) = pair(|name| File::open(name).expect("the near end opens"));
        let ends = Arc::new(AtomicBool::new(false));
        let (sender, heard) = mpsc::channel();
        let mut line = Line { port: far, peer, receiver: frame::Receiver::default(), heard: sender };
        let ended = Arc::clone(&ends);
        let thread = thread::spawn(move || line.serve(&ended));
        Self { name, near: Some(near), ends, heard, thread: Some(thread) }
    }

    /// Returns the port's name, for `--port`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until the device has received a request whose name (of the enum's variant) begins like this.
    ///
    /// # Panics
    /// If the device has ended, or no such request comes in ten minutes: the program has ended before.
    pub fn wait_for(&self, request: &str) {
        while !self.heard.recv_timeout(Duration::from_secs(600)).expect("the request comes").starts_with(request) {}
    }
}

impl Drop for HostilePort {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        self.near = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The device's end of the line.
struct Line {
    port: TTYPort,
    peer: Peer,
    receiver: frame::Receiver,
    heard: Sender<String>,
}

impl Line {
    fn serve(&mut self, ends: &AtomicBool) {
        self.port.set_timeout(POLL).expect("a port has a timeout");
        let mut steps = Steps::default();
        let (mut paused_until, mut written) = (Instant::now(), 0_u32);
        while !ends.load(Ordering::SeqCst) {
            if steps.is_deaf() {
                thread::sleep(POLL);
            } else if written.is_multiple_of(16) && !self.listen(&mut steps) {
                return;
            }
            if Instant::now() < paused_until {
                continue;
            }
            match steps.next() {
                Now::Idle => written = 0,
                Now::Pause(time) => (paused_until, written) = (Instant::now() + time, 0),
                Now::Close => return,
                Now::Send(mut bytes) => match self.port.write(&bytes[..bytes.len().min(WRITE_BYTES)]) {
                    Ok(count) => {
                        written += 1;
                        if count < bytes.len() {
                            steps.put_back(Step::Send(bytes.split_off(count)));
                        }
                    }
                    // The host does not read.
                    Err(error) if error.kind() == ErrorKind::TimedOut => {
                        written = 0;
                        steps.put_back(Step::Send(bytes));
                    }
                    Err(_) => return,
                },
            }
        }
    }

    /// Takes requests, if there are any. Returns false at the end of the line.
    fn listen(&mut self, steps: &mut Steps) -> bool {
        let mut bytes = [0; 512];
        let count = match self.port.read(&mut bytes) {
            Ok(0) => return false,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::TimedOut => 0,
            Err(_) => return false,
        };
        for &byte in &bytes[..count] {
            if let Some(Ok(request)) = self.receiver.push::<Request<'_>>(byte) {
                steps.extend(self.peer.answer(&request));
                // Nobody may wait for it.
                let _ = self.heard.send(format!("{request:?}"));
            }
        }
        true
    }
}
