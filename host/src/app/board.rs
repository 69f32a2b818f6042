//! Boards to run on: starts an emulated one, or connects to a real one.

use std::path::PathBuf;

use miette::Diagnostic;
use pinhole_boards::board::Board;
use pinhole_boards::board_camera::BoardCamera;
use pinhole_boards::device::{
    AttachedDevice, CameraKind, InferenceDevice as _, InferenceDeviceError, SerialError, SerialName, open_serial,
};
use pinhole_boards::emulator::{EmulatedBoard, EmulatorError, emulator};
use pinhole_boards::firmware::{Firmware, FirmwareError, packed_for};
use pinhole_boards::probe::{Attachment, DebugProbeSelector, DebugProbes, ProbeError, Unlock, connect};
use pinhole_core::choice::Choice as _;
use pinhole_core::words::counted;
use pinhole_shared::link::Identity;
use pinhole_shared::pixels::InputShape;
use pinhole_train::runs::Trained;
use thiserror::Error;

use super::events::{Events, Note, Progress, Task};

/// Error of starting or reaching a board.
#[derive(Debug, Error, Diagnostic)]
pub enum BoardError {
    /// The camera delivers gray pictures, but the network requires color.
    #[error("the camera {} gives gray pictures, and the model {} needs colors", camera.name(), model.display())]
    #[diagnostic(help("use another camera (--camera photos, or arducam-mini), or train with --color gray"))]
    GrayCamera {
        /// The camera.
        camera: CameraKind,
        /// The model.
        model: PathBuf,
    },
    /// The camera's largest pictures are smaller than the network's input.
    #[error(
        "the camera {} gives pictures of at most {longest}x{longest} pixels, and the input of the model {} is {input}",
        camera.name(), model.display()
    )]
    #[diagnostic(help("use another camera (--camera photos, or arducam-mini), or train with a smaller input"))]
    SmallCamera {
        /// The camera.
        camera: CameraKind,
        /// Longest side of an input for it, px.
        longest: u16,
        /// The model.
        model: PathBuf,
        /// The model's input.
        input: InputShape,
    },
    /// A connection was given for an emulated board.
    #[error("the board {} is emulated: --probe and --port are for real boards", board.name())]
    #[diagnostic(help("leave out --probe and --port, or give your real board with --board"))]
    NoWay {
        /// The board.
        board: Board,
    },
    /// A camera, or photos for it, were given for a board that has its own camera.
    #[error("the board {} has its own camera, so --camera and photos cannot be used", board.name())]
    #[diagnostic(help("leave out --camera and the photos, or use an emulated board"))]
    OwnCamera {
        /// The board.
        board: Board,
    },
    /// A different board is on the serial port.
    #[error("the device on {port} is the board {got}, not {}", board.name())]
    #[diagnostic(help("give --board {got} if that is your board"))]
    OtherBoard {
        /// The port.
        port: String,
        /// Name of the board on the port.
        got: String,
        /// The expected board.
        board: Board,
    },
    /// A different model is on the board.
    #[error(
        "the board runs the model {there:#010x}, not {} (which is {here:#010x} in flash)", model.display()
    )]
    #[diagnostic(help(
        "give the model that is on the board, or flash this one: pinhole flash {} --board {} --model-only",
        model.display(), board.name()
    ))]
    OtherModel {
        /// The expected model.
        model: PathBuf,
        /// The board.
        board: Board,
        /// Checksum of the expected model, packed.
        here: u32,
        /// Checksum of the model on the board.
        there: u32,
    },
    /// The board says that it runs the model, but its numbers are not the model's.
    #[error(
        "the board says that it runs the model {}, and that this takes {got} (the model takes {expected})", model.display()
    )]
    #[diagnostic(help("the firmware on the board is not what it says: write it anew with `pinhole flash`"))]
    OtherNumbers {
        /// The model.
        model: PathBuf,
        /// The board's input and number of classes, in words.
        got: String,
        /// Those of the model.
        expected: String,
    },
    /// The emulator or the board in it failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Emulator(#[from] EmulatorError),
    /// The firmware is not available, or does not suit the model.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Firmware(#[from] FirmwareError),
    /// The debug probe, or the chip behind it, failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Probe(#[from] ProbeError),
    /// The serial port does not open.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Serial(#[from] SerialError),
    /// The device on the serial port does not answer.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] InferenceDeviceError),
}

/// Starts an emulated board with this camera and model.
///
/// # Errors
/// [`BoardError`].
pub fn start_board(
    board: Board,
    camera: CameraKind,
    trained: &Trained,
    events: &mut dyn Events,
) -> Result<EmulatedBoard, BoardError> {
    let (input, model) = (trained.model.model().input(), trained.model_path.clone());
    if !camera.sees(input.color) {
        return Err(BoardError::GrayCamera { camera, model });
    }
    if let Some(longest) = camera.longest_side_px().filter(|&longest| input.longer_side() > longest) {
        return Err(BoardError::SmallCamera { camera, longest, model, input });
    }
    // This comes before the note and the progress: the emulator may be missing, and making a private copy reports its
    // own steps.
    emulator()?;
    // cargo shows its own progress if this builds the firmware.
    events.note(&Note::of_firmware(&Firmware::of(board)?));
    let log = events.log();
    events.progress(&Progress::Begins(Task::StartingBoard));
    let board = EmulatedBoard::start_model(board, &trained.model, &trained.model_path, camera, log);
    events.progress(&Progress::Ends);
    Ok(board?)
}

/// Connection to a board that is not emulated.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Debug probe to use if several are connected.
    pub probe: Option<DebugProbeSelector>,
    /// Serial port to use instead of a debug probe.
    pub port: Option<SerialName>,
}

impl Connection {
    /// Connects to the firmware that runs on a board.
    ///
    /// # Errors
    /// [`BoardError`].
    pub fn open(
        &self,
        debug_probes: &DebugProbes,
        board: Board,
        events: &mut dyn Events,
    ) -> Result<AttachedDevice, BoardError> {
        if let Some(name) = &self.port {
            let device = AttachedDevice::on(Box::new(open_serial(name)?))?;
            let got = &device.identity().board;
            if got != board.name() {
                return Err(BoardError::OtherBoard { port: name.port.clone(), got: got.to_string(), board });
            }
            return Ok(device);
        }
        let firmware = Firmware::of(board)?;
        let log = events.log();
        events.progress(&Progress::Begins(Task::ReachingBoard));
        let device = Attachment::new(debug_probes, board, self.probe.as_ref(), Unlock::No)
            .and_then(|attachment| connect(attachment, &firmware, log));
        events.progress(&Progress::Ends);
        let device = device?;
        if !device.has_log() {
            events.note(&Note::NoLog);
        }
        Ok(device)
    }
}

/// Checks that the board runs this model, and that its identity has the model's input and number of classes.
///
/// # Errors
/// [`BoardError::OtherModel`], [`BoardError::OtherNumbers`], [`BoardError::Firmware`].
pub fn check_model(trained: &Trained, board: Board, identity: &Identity) -> Result<(), BoardError> {
    let packed = packed_for(board, &trained.model, &trained.model_path)?;
    let (model, trained) = (packed.model(), trained.model_path.clone());
    let (here, there) = (model.checksum(), identity.model_checksum);
    if here != there {
        return Err(BoardError::OtherModel { model: trained, board, here, there });
    }
    if identity.input() == Some(model.input()) && identity.classes == model.classes() {
        return Ok(());
    }
    let unknown = || format!("{}x{} pixels of an unknown kind", identity.input_width, identity.input_height);
    let input = identity.input().map_or_else(unknown, |input| input.to_string());
    let in_words = |input: String, classes: u16| format!("{input} for {}", counted(classes.into(), "class"));
    let (got, expected) = (in_words(input, identity.classes), in_words(model.input().to_string(), model.classes()));
    Err(BoardError::OtherNumbers { model: trained, got, expected })
}

/// Destination of the given photos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Photos {
    /// The board's camera: photos are shown to it.
    BeforeTheCamera,
    /// Not the camera, or there are no photos.
    Elsewhere,
}

/// A board, and the connection to it.
#[derive(Clone, Debug)]
pub struct BoardTarget {
    /// The board.
    pub board: Board,
    /// Camera of an emulated board; if absent, photos without a camera driver.
    pub camera: Option<CameraKind>,
    /// Connection to a real board.
    pub connection: Connection,
}

impl BoardTarget {
    /// Refuses a connection to an emulated board, and a camera or photos for a board that has its own camera.
    ///
    /// # Errors
    /// [`BoardError::NoWay`], [`BoardError::OwnCamera`].
    pub fn check(&self, photos: Photos) -> Result<(), BoardError> {
        let (board, connection) = (self.board, &self.connection);
        if board.is_emulated() && (connection.probe.is_some() || connection.port.is_some()) {
            return Err(BoardError::NoWay { board });
        }
        if !board.is_emulated() && (self.camera.is_some() || photos == Photos::BeforeTheCamera) {
            return Err(BoardError::OwnCamera { board });
        }
        Ok(())
    }

    /// Returns the camera of an emulated board.
    pub fn emulated_camera(&self) -> CameraKind {
        self.camera.unwrap_or_default()
    }

    /// Returns the board's camera. An emulated board is started with this model and these photos for its camera. A real
    /// board is connected to, and must run this model.
    ///
    /// # Errors
    /// [`BoardError`].
    pub fn camera(
        &self,
        debug_probes: &DebugProbes,
        trained: &Trained,
        photos: Vec<PathBuf>,
        events: &mut dyn Events,
    ) -> Result<BoardCamera, BoardError> {
        if self.board.is_emulated() {
            let board = start_board(self.board, self.emulated_camera(), trained, events)?;
            return Ok(BoardCamera::with_photos(Box::new(board), photos));
        }
        let device = self.connection.open(debug_probes, self.board, events)?;
        check_model(trained, self.board, device.identity())?;
        Ok(BoardCamera::new(Box::new(device)))
    }
}
