//! An emulated board: builds its firmware, runs it on QEMU with a model file in its flash, and talks to it as to any
//! other device.
//!
//! | module | what happens there |
//! |---|---|
//! | `locate` | this machine, or Debian's archives -> an emulator that works |
//! | `flash_image` | model file -> the bytes that go into the board's flash |
//! | `qemu` | ELF and model -> a running process with two serial lines |
//! | `counting` | a board that only counts instructions |
//! | `testing` | what only tests need |

mod counting;
mod flash_image;
mod kill_on_drop;
pub mod locate;
mod qemu;
#[doc(hidden)]
pub mod testing;

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pinhole_core::choice::Choice as _;
use pinhole_core::inference::Inference;
use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::Picture;
use pinhole_shared::link::{Identity, Report, Statistics};
use pinhole_shared::policy::Policy;

use crate::board::Board;
use crate::device::logs::Logs;
use crate::device::{CameraKind, Client, ClientError, HostCamera, LogLine};
use crate::firmware::{Firmware, FirmwareError};

pub use counting::CountingBoard;
pub use locate::{Emulator, LocateError};

/// The emulator that boards run on: [`locate::find`], with its steps told on stderr.
///
/// # Errors
/// [`EmulatorError::Locate`].
pub fn emulator() -> Result<Emulator, EmulatorError> {
    // A closed stderr is no error: nobody is left to read.
    let tell = |step: &locate::Step| drop(writeln!(io::stderr(), "{step}"));
    Ok(locate::find(tell)?)
}

/// Why an emulated board does not run, or did not answer.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum EmulatorError {
    /// The board is not emulated.
    #[error("the board {} is not emulated", board.name())]
    #[diagnostic(help("use --board qemu or --board qemu-m0plus"))]
    NotEmulated {
        /// The board.
        board: Board,
    },
    /// There is no emulator.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Locate(#[from] LocateError),
    /// A program could not be started.
    #[error("{program} could not be started")]
    Program {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The model file cannot be read.
    #[error("the model {} cannot be read", path.display())]
    #[diagnostic(help("check the path; `pinhole quantize` writes a model"))]
    Model {
        /// The model file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The model file is larger than the board's region for it.
    #[error("the model {} has {got} bytes, the emulated board has room for {room}", path.display())]
    #[diagnostic(help("use a smaller input or fewer hidden neurons"))]
    ModelTooLarge {
        /// The model file.
        path: PathBuf,
        /// Its length, bytes.
        got: u64,
        /// The region's length, bytes.
        room: u64,
    },
    /// The packed model cannot be written for the emulator to read.
    #[error("no temporary file can be written for the emulator")]
    #[diagnostic(help("check that the folder for temporary files has room"))]
    Temporary(#[source] io::Error),
    /// The connections to the emulator failed.
    #[error("the connection to the emulator failed")]
    Socket(#[source] io::Error),
    /// The emulator or the firmware on it stopped.
    #[error("the emulated board stopped ({code}); {}", said(log, complaints))]
    #[diagnostic(help(
        "the last lines above say why; a model it refuses is best written anew with `pinhole quantize`"
    ))]
    Stopped {
        /// How it ended.
        code: String,
        /// The device's log.
        log: Vec<LogLine>,
        /// What the emulator itself complained about.
        complaints: String,
    },
    /// The driver did what the camera does not allow.
    #[error("the camera's driver broke its rules: {}", breaches.join("; "))]
    #[diagnostic(help("this is a mistake in the driver, also where hardware would let it pass"))]
    CameraMisused {
        /// How, in words.
        breaches: Vec<String>,
    },
    /// The firmware cannot be built, or the model does not go with it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Firmware(#[from] FirmwareError),
    /// The device runs, but a request failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] ClientError),
}

fn said(log: &[LogLine], complaints: &str) -> String {
    let mut lines: Vec<String> = log.iter().map(LogLine::to_string).collect();
    lines.extend(complaints.lines().map(str::to_owned));
    match lines.get(lines.len().saturating_sub(12)..) {
        None | Some([]) => "it logged nothing".to_owned(),
        Some(last) => format!("its last words:\n{}", last.join("\n")),
    }
}

/// Slower than the emulator takes rows on a busy machine (it was seen to take 40,000 to 187,000 bytes a second).
const SLOWEST_CAMERA_BYTES_PER_S: f64 = 10_000.0;

/// A running emulated board. The emulator ends when this is dropped.
#[derive(Debug)]
pub struct EmulatedBoard {
    client: Client<TcpStream>,
    /// The client's own stream once more, for its timeout.
    link: TcpStream,
    camera: HostCamera,
    qemu: qemu::Qemu,
    logs: Logs,
    identity: Identity,
    firmware: Firmware,
}

impl EmulatedBoard {
    /// Takes the board's firmware ([`Firmware::of`]), packs this model file for the board's kernel, starts the emulator with it in the board's flash, and waits until the device has said who it is.
    ///
    /// A file that is no model goes to the board as it is: the board's own check is what says so.
    ///
    /// Several boards can run at once, each with its own emulator.
    ///
    /// # Errors
    /// Any [`EmulatorError`]; a model the device refuses comes as [`EmulatorError::Stopped`] with its log.
    pub fn start(board: Board, model: &Path) -> Result<Self, EmulatorError> {
        let image = flash_image::FlashImage::of(board, model)?;
        Self::start_image(Firmware::of(board)?, image, qemu::Clock::Host, CameraKind::Photos, |_| ())
    }

    /// [`EmulatedBoard::start`] with a model that has been read, from this path, and this camera plugged in, showing every
    /// line of the device's log as it comes, on another thread.
    ///
    /// # Errors
    /// As [`EmulatedBoard::start`].
    pub fn start_model(
        board: Board,
        model: &ModelFile,
        path: &Path,
        camera: CameraKind,
        on_line: impl FnMut(&LogLine) + Send + 'static,
    ) -> Result<Self, EmulatorError> {
        let image = flash_image::FlashImage::of_model(board, model, path)?;
        Self::start_image(Firmware::of(board)?, image, qemu::Clock::Host, camera, on_line)
    }

    fn start_image(
        firmware: Firmware,
        image: flash_image::FlashImage,
        clock: qemu::Clock,
        camera: CameraKind,
        on_line: impl FnMut(&LogLine) + Send + 'static,
    ) -> Result<Self, EmulatorError> {
        let board = firmware.board();
        let machine = board.machine().ok_or(EmulatorError::NotEmulated { board })?;
        let emulator = emulator()?;
        let table = firmware.log_table()?;
        let elf = flash_image::temporary(firmware.elf())?;
        let setup = qemu::Setup {
            emulator: &emulator,
            machine,
            model_address: board.declaration().model.origin,
            elf: elf.path(),
            model: image.path(),
            clock,
            camera: camera.name(),
        };
        let (mut qemu, waiting, output) = qemu::Qemu::start(setup)?;
        let mut logs = Logs::collect(table, output, on_line);
        let Some(connections) = waiting.connect(&mut qemu)? else { return Err(stopped(&mut qemu, &mut logs)) };
        // Bytes that reach the emulator before the device listens would wait there for the ones after them.
        if !logs.wait_for_first(qemu::CONNECT_TIMEOUT) {
            return Err(stopped(&mut qemu, &mut logs));
        }
        // The device runs, so the emulator has read it: it is not left for a killed program to clean up.
        drop((elf, image));
        let camera = HostCamera::serve(camera, connections.camera);
        let link = connections.link.try_clone().map_err(EmulatorError::Socket)?;
        let mut client = Client::new(connections.link);
        let identity = match client.identify() {
            Ok(identity) => identity,
            Err(error) => return Err(explain(error, &mut qemu, &mut logs)),
        };
        Ok(Self { client, link, camera, qemu, logs, identity, firmware })
    }

    /// Who the device is and what it runs.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The firmware that it runs.
    pub fn firmware(&self) -> &Firmware {
        &self.firmware
    }

    /// Sends an input (all bytes of it, row by row) and has it classified.
    ///
    /// # Errors
    /// [`EmulatorError::Device`] or [`EmulatorError::Stopped`].
    pub fn classify(&mut self, input: &[u8], report: Report) -> Result<Inference, EmulatorError> {
        let result = self.client.send_input(input).and_then(|()| self.client.classify(report));
        result.map_err(|error| self.explain(error))
    }

    /// Holds a picture before the device's camera and has it captured and classified.
    ///
    /// # Errors
    /// [`EmulatorError::Device`] or [`EmulatorError::Stopped`].
    pub fn capture(&mut self, picture: Picture, report: Report) -> Result<Inference, EmulatorError> {
        // The link is silent while the rows go over the camera's line, for minutes if it is a large photo.
        let bytes: usize = picture.rows().map(<[u8]>::len).sum();
        let rows_time = Duration::from_secs_f64(bytes as f64 / SLOWEST_CAMERA_BYTES_PER_S);
        self.link.set_read_timeout(Some(qemu::READ_TIMEOUT + rows_time)).map_err(EmulatorError::Socket)?;
        self.camera.show(picture);
        let result = self.client.capture(report).map_err(|error| self.explain(error));
        self.link.set_read_timeout(Some(qemu::READ_TIMEOUT)).map_err(EmulatorError::Socket)?;
        let breaches = self.camera.breaches();
        if breaches.is_empty() { result } else { Err(EmulatorError::CameraMisused { breaches }) }
    }

    /// What the device must get of a picture held before its camera: the picture itself, or what the camera's window
    /// shows of it.
    pub fn seen(&self, picture: Picture) -> Picture {
        match self.identity.input() {
            Some(input) => self.camera.seen(picture, input),
            None => picture,
        }
    }

    /// The device's counters.
    ///
    /// # Errors
    /// [`EmulatorError::Device`] or [`EmulatorError::Stopped`].
    pub fn statistics(&mut self) -> Result<Statistics, EmulatorError> {
        self.client.statistics().map_err(|error| self.explain(error))
    }

    /// When the device's decisions are answers.
    ///
    /// # Errors
    /// [`EmulatorError::Device`] or [`EmulatorError::Stopped`].
    pub fn policy(&mut self) -> Result<Policy, EmulatorError> {
        self.client.policy().map_err(|error| self.explain(error))
    }

    /// Has the device answer by this policy, and forget the frames captured before.
    ///
    /// # Errors
    /// [`EmulatorError::Device`] or [`EmulatorError::Stopped`].
    pub fn set_policy(&mut self, policy: Policy) -> Result<(), EmulatorError> {
        self.client.set_policy(policy).map_err(|error| self.explain(error))
    }

    /// The device's log so far. A line may arrive a moment after the answer it belongs to.
    pub fn logs(&self) -> Vec<LogLine> {
        self.logs.lines()
    }

    fn explain(&mut self, error: ClientError) -> EmulatorError {
        explain(error, &mut self.qemu, &mut self.logs)
    }
}

impl Drop for EmulatedBoard {
    fn drop(&mut self) {
        // The emulator's end is the end of every stream the threads read.
        self.qemu.kill();
        self.logs.join();
        self.camera.join();
    }
}

/// A link that ended means an emulator that ended; its log says more than the link can.
fn explain(error: ClientError, qemu: &mut qemu::Qemu, logs: &mut Logs) -> EmulatorError {
    match error {
        ClientError::Closed | ClientError::Stream(_) => stopped(qemu, logs),
        other => EmulatorError::Device(other),
    }
}

fn stopped(qemu: &mut qemu::Qemu, logs: &mut Logs) -> EmulatorError {
    let code = match qemu.ended() {
        Some(status) => status.to_string(),
        None => "it hung".to_owned(),
    };
    qemu.kill();
    logs.join();
    EmulatorError::Stopped { code, log: logs.lines(), complaints: qemu.complaints() }
}
