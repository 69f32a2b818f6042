//! An emulated board: builds its firmware, runs it on QEMU with a model file in its flash, and communicates with it
//! like with any other device.
//!
//! | module | contents |
//! |---|---|
//! | `locate` | finding a working emulator on this machine or in Debian's archives |
//! | `flash_image` | converting a model file to the bytes of the board's flash |
//! | `identity` | is it the started board that answers? |
//! | `qemu` | starting a process with two serial lines from ELF and model |
//! | `device` | the device interface of an emulated board |
//! | `counting` | a board that only counts instructions |
//! | `testing` | functions for tests only |

mod counting;
mod device;
mod flash_image;
mod identity;
mod kill_on_drop;
pub mod locate;
mod qemu;
#[doc(hidden)]
pub mod testing;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pinhole_core::choice::Choice as _;
use pinhole_core::model_file::ModelFile;
use pinhole_core::shown::shown_lines;
use pinhole_shared::link::Identity;

use crate::board::Board;
use crate::cache;
use crate::device::logs::Logs;
use crate::device::{CameraKind, CameraServer, Client, ClientError, InferenceDeviceError, LogLine};
use crate::firmware::{Firmware, FirmwareError};
use crate::platform::LineStream;

pub use counting::CountingBoard;
pub use locate::{EmulatorProgram, LocateError};

/// Returns the emulator that boards run on: [`locate::find`], with its steps reported on stderr.
///
/// # Errors
/// [`EmulatorError::Locate`].
pub fn emulator() -> Result<EmulatorProgram, EmulatorError> {
    // A closed stderr is no error: nobody is left to read.
    let tell = |step: &locate::CopyStep| drop(writeln!(io::stderr(), "{}", shown_lines(&step.to_string())));
    Ok(locate::find(tell)?)
}

/// Error of an emulated board.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum EmulatorError {
    /// The board is not emulated.
    #[error("the board {} is not emulated", board.name())]
    #[diagnostic(help("use --board qemu, --board qemu-m0plus or --board qemu-m33"))]
    NotEmulated {
        /// The board.
        board: Board,
    },
    /// No emulator is available.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Locate(#[from] LocateError),
    /// A program could not be started.
    #[error("{program} could not be started")]
    Program {
        /// The program.
        program: String,
        /// Cause.
        source: io::Error,
    },
    /// The model file cannot be read.
    #[error("the model {} cannot be read", path.display())]
    #[diagnostic(help("check the path; `pinhole quantize` writes a model"))]
    Model {
        /// The model file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The model file is larger than the board's region for it.
    #[error("the model {} has {got} bytes, and the emulated board has room for {room}", path.display())]
    #[diagnostic(help("use a smaller input or fewer hidden neurons"))]
    ModelTooLarge {
        /// The model file.
        path: PathBuf,
        /// Its length, bytes.
        got: u64,
        /// The region's length, bytes.
        room: u64,
    },
    /// The firmware or the packed model cannot be written for the emulator to read.
    #[error("no temporary file can be written for the emulator")]
    #[diagnostic(help("check that the disk of the folder for temporary files has free space"))]
    Temporary(#[source] io::Error),
    /// The device on the emulated board's link is not the board that was started.
    #[error("the answer on the link is not from the emulated board {}: {reason}", board.name())]
    #[diagnostic(help(
        "another process of this machine may have connected in its place: its answers are not used; run the command again"
    ))]
    Impostor {
        /// The started board.
        board: Board,
        /// Reason, in words.
        reason: String,
    },
    /// The firmware cannot be built, or does not suit the model.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Firmware(#[from] FirmwareError),
    /// The device failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] InferenceDeviceError),
}

/// A running emulated board. The emulator ends when this is dropped.
#[derive(Debug)]
pub struct EmulatedBoard {
    client: Client<LineStream>,
    camera: CameraServer,
    /// Longest time that the rows of the picture shown to the camera need for the transfer.
    rows_time: Duration,
    qemu: qemu::Qemu,
    logs: Logs,
    identity: Identity,
    firmware: Firmware,
}

impl EmulatedBoard {
    /// Starts an emulated board and waits until the device has identified itself. The board's firmware comes from
    /// [`Firmware::of`]; the model file is packed for the board's kernel and placed in its flash.
    ///
    /// A file that is not a model goes to the board unchanged: the board's own check reports it.
    ///
    /// Several boards can run at once, each with its own emulator.
    ///
    /// # Errors
    /// Any [`EmulatorError`]; a model that the device refuses gives [`InferenceDeviceError::Stopped`] with its log.
    pub fn start(board: Board, model: &Path) -> Result<Self, EmulatorError> {
        let image = flash_image::EmulatorFlash::of(board, model)?;
        Self::start_image(Firmware::of(board)?, image, qemu::EmulatorClock::Host, CameraKind::Photos, |_| ())
    }

    /// Like [`EmulatedBoard::start`], with a loaded model (read from this path) and this camera. Each line of the
    /// device's log is passed to `on_line` as it arrives, on another thread.
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
        let image = flash_image::EmulatorFlash::of_model(board, model, path)?;
        Self::start_image(Firmware::of(board)?, image, qemu::EmulatorClock::Host, camera, on_line)
    }

    fn start_image(
        firmware: Firmware,
        image: flash_image::EmulatorFlash,
        clock: qemu::EmulatorClock,
        camera: CameraKind,
        on_line: impl FnMut(&LogLine) + Send + 'static,
    ) -> Result<Self, EmulatorError> {
        let board = firmware.board();
        let machine = board.machine().ok_or(EmulatorError::NotEmulated { board })?;
        let emulator = emulator()?;
        let table = firmware.log_table()?;
        let (scratch, waiting) =
            cache::scratch(|folder| qemu::Waiting::in_folder(folder.path())).map_err(EmulatorError::Temporary)?;
        let elf = scratch.write("firmware.elf", firmware.elf()).map_err(EmulatorError::Temporary)?;
        let model = image.file_in(&scratch).map_err(EmulatorError::Temporary)?;
        let setup = qemu::Setup {
            emulator: &emulator,
            machine,
            model_address: board.declaration().model.origin,
            elf: &elf,
            model: &model,
            clock,
            camera: camera.name(),
            waiting: &waiting,
        };
        let (mut qemu, output) = qemu::Qemu::start(setup)?;
        let mut logs = Logs::collect(table, output, on_line);
        let Some(connections) = waiting.connect(&mut qemu)? else { return Err(stopped(&mut qemu, &mut logs).into()) };
        // Bytes that reach the emulator before the device listens would stay there until more bytes follow.
        if !logs.wait_for_first(qemu::CONNECT_TIMEOUT) {
            return Err(stopped(&mut qemu, &mut logs).into());
        }
        // The device runs, so the emulator has connected and read the files: they are deleted now, so that a killed program
        // leaves none behind.
        drop((waiting, scratch));
        let camera = CameraServer::serve(camera, connections.camera);
        let mut client = Client::new(connections.link, qemu::LONGEST_SILENCE);
        let identity = match client.identify() {
            Ok(identity) => identity,
            Err(error) => return Err(explain(error, &mut qemu, &mut logs).into()),
        };
        identity::check(&identity, firmware.elf(), image.checksum())
            .map_err(|reason| EmulatorError::Impostor { board, reason })?;
        let rows_time = Duration::ZERO;
        Ok(Self { client, camera, rows_time, qemu, logs, identity, firmware })
    }

    fn explain(&mut self, error: ClientError) -> InferenceDeviceError {
        explain(error, &mut self.qemu, &mut self.logs)
    }
}

impl Drop for EmulatedBoard {
    fn drop(&mut self) {
        // The end of the emulator ends every stream that the threads read.
        self.qemu.kill();
        self.logs.join();
        self.camera.join();
    }
}

/// Converts an error of the link. A closed link means that the emulator ended, and its log explains more than the link
/// can.
fn explain(error: ClientError, qemu: &mut qemu::Qemu, logs: &mut Logs) -> InferenceDeviceError {
    match error {
        ClientError::Closed | ClientError::Stream(_) => stopped(qemu, logs),
        other => InferenceDeviceError::Request(other),
    }
}

fn stopped(qemu: &mut qemu::Qemu, logs: &mut Logs) -> InferenceDeviceError {
    let code = match qemu.ended() {
        Some(status) => status.to_string(),
        None => "it did not respond".to_owned(),
    };
    qemu.kill();
    logs.join();
    InferenceDeviceError::Stopped { code, log: logs.lines(), complaints: qemu.complaints() }
}
