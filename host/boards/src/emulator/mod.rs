//! An emulated board: builds its firmware, runs it on QEMU with a model file in its flash, and talks to it as to any
//! other device.
//!
//! | module | what happens there |
//! |---|---|
//! | `locate` | this machine, or Debian's archives -> an emulator that works |
//! | `flash_image` | model file -> the bytes that go into the board's flash |
//! | `qemu` | ELF and model -> a running process with two serial lines |
//! | `device` | what any device does, done by it |
//! | `counting` | a board that only counts instructions |
//! | `testing` | what only tests need |

mod counting;
mod device;
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
use pinhole_core::model_file::ModelFile;
use pinhole_shared::link::Identity;

use crate::board::Board;
use crate::device::logs::Logs;
use crate::device::{CameraKind, Client, ClientError, DeviceError, HostCamera, LogLine};
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

/// Why an emulated board does not run.
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
    /// The firmware cannot be built, or the model does not go with it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Firmware(#[from] FirmwareError),
    /// The device failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] DeviceError),
}

/// A running emulated board. The emulator ends when this is dropped.
#[derive(Debug)]
pub struct EmulatedBoard {
    client: Client<TcpStream>,
    /// The client's own stream once more, for its timeout.
    link: TcpStream,
    camera: HostCamera,
    /// Longest time that the rows of the picture before the camera are on their way.
    rows_time: Duration,
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
    /// Any [`EmulatorError`]; a model the device refuses comes as [`DeviceError::Stopped`] with its log.
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
        let Some(connections) = waiting.connect(&mut qemu)? else { return Err(stopped(&mut qemu, &mut logs).into()) };
        // Bytes that reach the emulator before the device listens would wait there for the ones after them.
        if !logs.wait_for_first(qemu::CONNECT_TIMEOUT) {
            return Err(stopped(&mut qemu, &mut logs).into());
        }
        // The device runs, so the emulator has read it: it is not left for a killed program to clean up.
        drop((elf, image));
        let camera = HostCamera::serve(camera, connections.camera);
        let link = connections.link.try_clone().map_err(DeviceError::Socket)?;
        let mut client = Client::new(connections.link);
        let identity = match client.identify() {
            Ok(identity) => identity,
            Err(error) => return Err(explain(error, &mut qemu, &mut logs).into()),
        };
        let rows_time = Duration::ZERO;
        Ok(Self { client, link, camera, rows_time, qemu, logs, identity, firmware })
    }

    fn explain(&mut self, error: ClientError) -> DeviceError {
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
fn explain(error: ClientError, qemu: &mut qemu::Qemu, logs: &mut Logs) -> DeviceError {
    match error {
        ClientError::Closed | ClientError::Stream(_) => stopped(qemu, logs),
        other => DeviceError::Request(other),
    }
}

fn stopped(qemu: &mut qemu::Qemu, logs: &mut Logs) -> DeviceError {
    let code = match qemu.ended() {
        Some(status) => status.to_string(),
        None => "it hung".to_owned(),
    };
    qemu.kill();
    logs.join();
    DeviceError::Stopped { code, log: logs.lines(), complaints: qemu.complaints() }
}
