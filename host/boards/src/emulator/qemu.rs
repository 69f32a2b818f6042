//! The emulator's process and its connections.

use std::io::{self, Read as _};
use std::path::Path;
use std::process::{ChildStdout, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::EmulatorError;
use super::kill_on_drop::KillOnDrop;
use super::locate::EmulatorProgram;
use crate::device::InferenceDeviceError;
use crate::firmware::system;
use crate::platform::{LineListener, LineStream};

/// A multiplexed line drops its escape character (control-A by default) and obeys the next one. No byte has this value.
const NO_ESCAPE: &str = "256";
/// Longest time from the start to the connections, and from there to the first line of the log. A second is usual, and on a
/// machine with much else to do it can be many. An emulator that ended is noticed at once: this is for one that hangs.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(300);
/// Longest silence on the link. It is far above any inference, also on a machine with much else to do. An emulator that ended is
/// noticed at once: this is for one that hangs.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(300);
/// One nanosecond of virtual time per instruction, independent of the host's clock; idle time is skipped.
const INSTRUCTION_CLOCK: [&str; 2] = ["-icount", "shift=0,sleep=off,align=off"];
/// Longest time that an emulator may take to exit after it closed its connections.
const EXIT_TIMEOUT: Duration = Duration::from_secs(60);

/// Time base of the emulated board's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EmulatorClock {
    /// The host's clock: timeouts are real time, and instructions take real time.
    Host,
    /// Instructions: a timer counts them. This is slower, and the same every time.
    Instructions,
}

/// Configuration of an emulator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup<'a> {
    /// The emulator.
    pub(super) emulator: &'a EmulatorProgram,
    /// QEMU's machine.
    pub(super) machine: &'a str,
    /// Address of the model in memory.
    pub(super) model_address: u32,
    /// Firmware of the board.
    pub(super) elf: &'a Path,
    /// File with the contents of its flash.
    pub(super) model: &'a Path,
    /// Time base of its clock.
    pub(super) clock: EmulatorClock,
    /// Name of its camera.
    pub(super) camera: &'a str,
    /// Where the emulator connects its serial lines.
    pub(super) waiting: &'a Waiting,
}

/// A running emulator. It is killed when dropped, and when this process ends in any way.
#[derive(Debug)]
pub(super) struct Qemu {
    process: KillOnDrop,
    complaints: Option<JoinHandle<Vec<u8>>>,
}

/// The host's ends of the emulator's serial lines.
#[derive(Debug)]
pub(super) struct Connections {
    /// UART0.
    pub(super) link: LineStream,
    /// UART1.
    pub(super) camera: LineStream,
}

impl Qemu {
    /// Starts the emulator. Also returns its semihosting output.
    ///
    /// # Errors
    /// [`EmulatorError::Program`] when it cannot be started, [`InferenceDeviceError::Socket`].
    pub(super) fn start(setup: Setup<'_>) -> Result<(Self, ChildStdout), EmulatorError> {
        let Setup { emulator, machine, model_address, elf, model, clock, camera, waiting } = setup;
        let mut command = emulator.command();
        command
            .args(["-machine", machine, "-nographic", "-monitor", "none"])
            .args(["-chardev", "stdio,id=log", "-semihosting-config"])
            .arg(format!("enable=on,target=native,chardev=log,arg=pinhole,arg={camera}"))
            .arg("-kernel")
            .arg(elf)
            .arg("-device")
            .arg(loader(model, model_address));
        for (id, listener) in [("link", &waiting.link), ("camera", &waiting.camera)] {
            let address = listener.address().map_err(InferenceDeviceError::Socket)?;
            command.arg("-chardev").arg(serial_line(id, &address));
            command.arg("-serial").arg(format!("chardev:{id}"));
        }
        command.args(["-echr", NO_ESCAPE]);
        if clock == EmulatorClock::Instructions {
            command.args(INSTRUCTION_CLOCK);
        }
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = spawned
            .map_err(|source| EmulatorError::Program { program: emulator.path().display().to_string(), source })?;
        let mut process = KillOnDrop::new(child);
        let missing = || InferenceDeviceError::Socket(io::Error::other("the emulator has no output"));
        let stdout = process.child.stdout.take().ok_or_else(missing)?;
        let complaints = process.child.stderr.take().map(|mut stderr| {
            thread::spawn(move || {
                let mut text = Vec::new();
                // Text that was read before an error is still worth showing.
                let _ = stderr.read_to_end(&mut text);
                text
            })
        });
        Ok((Self { process, complaints }, stdout))
    }

    /// Returns the exit status; `None` if the emulator does not end soon.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + EXIT_TIMEOUT;
        loop {
            if let Ok(Some(status)) = self.process.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns the error messages of the emulator. Call it after the emulator has ended.
    pub(super) fn complaints(&mut self) -> String {
        let text = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        system::last_lines(&text, 12)
    }

    /// Ends the emulator.
    pub(super) fn kill(&mut self) {
        self.process.kill();
    }
}

/// Listeners that the emulator will connect to. They belong to this process. Where the system allows it, no process of another user
/// can connect: what such a process sent would be taken for the board's answers.
#[derive(Debug)]
pub(super) struct Waiting {
    link: LineListener,
    camera: LineListener,
}

impl Waiting {
    /// Listens in a private folder.
    ///
    /// # Errors
    /// Those of [`LineListener::new`].
    pub(super) fn in_folder(folder: &Path) -> io::Result<Self> {
        Ok(Self { link: LineListener::new(folder, "link")?, camera: LineListener::new(folder, "camera")? })
    }

    /// Waits for both connections. `None` if the emulator ended first, or after a timeout.
    ///
    /// # Errors
    /// [`InferenceDeviceError::Socket`].
    pub(super) fn connect(&self, qemu: &mut Qemu) -> Result<Option<Connections>, InferenceDeviceError> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let Some(link) = accept(&self.link, qemu, deadline).map_err(InferenceDeviceError::Socket)? else {
            return Ok(None);
        };
        let Some(camera) = accept(&self.camera, qemu, deadline).map_err(InferenceDeviceError::Socket)? else {
            return Ok(None);
        };
        Ok(Some(Connections { link, camera }))
    }
}

fn accept(listener: &LineListener, qemu: &mut Qemu, deadline: Instant) -> io::Result<Option<LineStream>> {
    loop {
        if let Some(stream) = listener.accept()? {
            return Ok(Some(stream));
        }
        if matches!(qemu.process.child.try_wait(), Ok(Some(_))) || Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Returns QEMU's option for one serial line.
///
/// `mux` is only for its buffer: the emulated UART takes one byte at a time, and without the buffer every byte wakes
/// QEMU's main loop and waits for it. With the buffer, 150 KB/s instead of 16 KB/s reach the device (measured). A Unix
/// socket is no faster than TCP.
fn serial_line(id: &str, address: &str) -> String {
    format!("socket,id={id},{address},mux=on")
}

/// Returns QEMU's option that loads the model; a comma in a path is written twice there.
fn loader(model: &Path, address: u32) -> String {
    let path = model.display().to_string().replace(',', ",,");
    format!("loader,file={path},addr={address:#x},force-raw=on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_the_escape_character() {
        assert!(NO_ESCAPE.parse::<u32>().is_ok_and(|escape| escape > u32::from(u8::MAX)));
    }

    #[test]
    fn commas_in_the_models_path_are_doubled() {
        assert_eq!(loader(Path::new("a,b.pinhole"), 0x10_0000), "loader,file=a,,b.pinhole,addr=0x100000,force-raw=on");
    }
}
