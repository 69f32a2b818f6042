//! A terminal for commands that need one.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serialport::{SerialPort as _, TTYPort};

use super::pair::{pair, start};

/// A terminal of 80x24 characters, which a program runs in.
#[derive(Debug)]
pub struct Screen {
    name: String,
    keys: TTYPort,
    ends: Arc<AtomicBool>,
    reader: Option<JoinHandle<Vec<u8>>>,
}

impl Screen {
    /// Opens a terminal, in the state in which a shell starts programs.
    pub fn open() -> Self {
        let (mut far, name, near) = pair(open);
        let keys = far.try_clone_native().expect("a handle can be copied");
        let ends = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&ends);
        let reader = thread::spawn(move || {
            // Kept until the end: without it, the terminal would end with the program.
            let _near = near;
            far.set_timeout(Duration::from_millis(20)).expect("a port has a timeout");
            let (mut shown, mut bytes) = (Vec::new(), [0; 4096]);
            loop {
                match far.read(&mut bytes) {
                    Ok(count) => shown.extend_from_slice(&bytes[..count]),
                    // All that the program has written has been read.
                    Err(error) if error.kind() == ErrorKind::TimedOut && ended.load(Ordering::SeqCst) => return shown,
                    Err(error) if error.kind() == ErrorKind::TimedOut => {}
                    Err(_) => return shown,
                }
            }
        });
        let screen = Self { name, keys, ends, reader: Some(reader) };
        screen.stty(&["sane", "rows", "24", "cols", "80"]);
        screen
    }

    /// Starts a program in this terminal.
    pub fn run(&self, command: &mut Command) -> Child {
        let end = || Stdio::from(self.near());
        start(command.stdin(end()).stdout(end()).stderr(end()))
    }

    /// Presses a key.
    pub fn press(&mut self, key: char) {
        self.keys.write_all(key.to_string().as_bytes()).expect("the terminal takes a key");
    }

    /// Returns the terminal's modes, as text.
    pub fn modes(&self) -> String {
        self.stty(&["-g"])
    }

    /// Returns all that the programs have written to it. Call it when they have ended.
    pub fn shown(mut self) -> String {
        self.ends.store(true, Ordering::SeqCst);
        let bytes = self.reader.take().map(JoinHandle::join);
        let bytes = bytes.and_then(Result::ok).expect("the terminal was read");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn near(&self) -> File {
        open(&self.name)
    }

    fn stty(&self, arguments: &[&str]) -> String {
        let mut stty = Command::new("stty");
        let child = start(stty.args(arguments).stdin(self.near()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let output = child.wait_with_output().expect("stty ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("stty prints text")
    }
}

/// Opens the near end of a terminal.
fn open(name: &str) -> File {
    File::options().read(true).write(true).open(name).expect("the near end opens")
}
