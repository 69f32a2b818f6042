//! Cameras of emulated devices: the host's end.

use std::borrow::Cow;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use embedded_hal::i2c::{ErrorKind as I2cErrorKind, NoAcknowledgeSource, Operation as I2cOperation};
use embedded_hal::spi::Operation as SpiOperation;
use pinhole_cameras::arducam_mega;
use pinhole_cameras::arducam_mini::Config;
use pinhole_cameras::model::{
    BusSettings, MegaModel, MiniBoard, MiniModel, Module, Photo, Strictness, expected_color_rows, expected_rows,
};
use pinhole_cameras::ov2640::Window;
use pinhole_core::choice::Choice;
use pinhole_core::photos::Picture;
use pinhole_remote_bus::host::{Target, serve};
use pinhole_remote_bus::wire::Status;
use pinhole_shared::pixels::{Color, InputShape, PictureSize, PixelFormat};

use super::Replay;

/// A camera that can be plugged into an emulated device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CameraKind {
    /// Photos, row by row, without a camera's driver.
    #[default]
    Photos,
    /// A software model of the ArduCAM Mini 2MP Plus, behind the driver that runs on real boards.
    ArducamMini,
    /// A software model of the ArduCAM Mega, behind the driver that runs on real boards.
    ArducamMega,
}

impl Choice for CameraKind {
    const ALL: &'static [Self] = &[Self::Photos, Self::ArducamMini, Self::ArducamMega];

    fn name(self) -> &'static str {
        match self {
            Self::Photos => "photos",
            Self::ArducamMini => "arducam-mini",
            Self::ArducamMega => "arducam-mega",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Photos => "Photos as rows of pixels, without a camera driver",
            Self::ArducamMini => {
                "A software model of the ArduCAM Mini 2MP Plus, with the driver that runs on real boards"
            }
            Self::ArducamMega => "A software model of the ArduCAM Mega, with the driver that runs on real boards",
        }
    }
}

impl CameraKind {
    /// Returns true if it can serve a network with this color mode.
    pub fn sees(self, color: Color) -> bool {
        color == Color::Gray || self != Self::ArducamMega
    }

    /// Returns the longest side of an input that it can serve, px; `None` if it can serve all inputs that fit a board.
    pub fn longest_side_px(self) -> Option<u16> {
        (self == Self::ArducamMega).then_some(arducam_mega::Size::Px320.side())
    }
}

/// The host's end of a camera. It runs on its own thread.
#[derive(Debug)]
pub enum CameraServer {
    /// Photos, served by a [`Replay`].
    Photos(Replay),
    /// A software model of a camera module.
    Module(ModelCamera),
}

/// Software model of a camera module, which answers on a device's buses.
pub struct ModelCamera {
    kind: CameraKind,
    module: SharedModule,
    thread: Option<JoinHandle<()>>,
}

type SharedModule = Arc<Mutex<Box<dyn Module + Send>>>;

/// The Mega's identification byte: second generation, which is sold now.
const MEGA_ID: u8 = 0x85;

/// Seed of all randomness of a module, such as its sensor's first pictures.
const SEED: u64 = 1;

impl CameraServer {
    /// Serves a camera on this stream until it ends or fails.
    pub fn serve<S: Read + Write + Send + 'static>(kind: CameraKind, stream: S) -> Self {
        let dark = Photo::from_fn(1, 1, |_, _| 0);
        // A panic on a broken rule would end this thread, not the command. So broken rules are recorded instead.
        let mut module: Box<dyn Module + Send> = match kind {
            CameraKind::Photos => return Self::Photos(Replay::serve(stream)),
            CameraKind::ArducamMini => Box::new(MiniModel::new(MiniBoard::PLUS, BusSettings::default(), dark, SEED)),
            CameraKind::ArducamMega => Box::new(MegaModel::new(MEGA_ID, BusSettings::default(), dark, SEED)),
        };
        module.set_strictness(Strictness::Record);
        let module = Arc::new(Mutex::new(module));
        let mut wires = Wires(Arc::clone(&module));
        let thread = thread::spawn(move || {
            // The end of the stream is the end of the device; the user of the link notices it there.
            let _ = serve(stream, &mut wires);
        });
        Self::Module(ModelCamera { kind, module, thread: Some(thread) })
    }

    /// Shows a picture to the camera: every later capture sees it.
    pub fn show(&self, picture: Picture) {
        match self {
            Self::Photos(replay) => replay.show(picture),
            Self::Module(camera) => camera.module().show(photo(&picture)),
        }
    }

    /// Returns what the device must receive of a picture, for a network with this input. This is computed from the
    /// camera's settings alone, not through its buses.
    pub fn seen<'p>(&self, picture: &'p Picture, input: InputShape) -> Cow<'p, Picture> {
        match self {
            Self::Photos(_) => Cow::Borrowed(picture),
            Self::Module(camera) => {
                // A board that has no such settings does not start.
                let Some(window) = window(camera.kind, input) else { return Cow::Borrowed(picture) };
                let size = PictureSize { width: window.out_width, height: window.out_height };
                let (format, rows) = match input.color {
                    Color::Gray => (PixelFormat::Gray8, expected_rows(&photo(picture), &window, false, false)),
                    Color::Rgb => (PixelFormat::Rgb565, expected_color_rows(&photo(picture), &window, false, false)),
                };
                Picture::new(size, format, rows).map_or(Cow::Borrowed(picture), Cow::Owned)
            }
        }
    }

    /// Returns the rules of the module that the driver has broken so far, in words.
    pub fn breaches(&self) -> Vec<String> {
        match self {
            Self::Photos(_) => Vec::new(),
            Self::Module(camera) => camera.module().breaches().iter().map(ToString::to_string).collect(),
        }
    }

    /// Waits for the thread. Call it when the stream has ended; until then it blocks.
    pub fn join(&mut self) {
        match self {
            Self::Photos(replay) => replay.join(),
            Self::Module(camera) => {
                if let Some(thread) = camera.thread.take() {
                    // A panic there has been printed already, and there is nothing left to save.
                    let _ = thread.join();
                }
            }
        }
    }
}

impl std::fmt::Debug for ModelCamera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelCamera").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl ModelCamera {
    fn module(&self) -> MutexGuard<'_, Box<dyn Module + Send>> {
        self.module.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the window that a module's pictures show, as the board sets it up for a network with this input.
fn window(kind: CameraKind, input: InputShape) -> Option<Window> {
    match kind {
        CameraKind::Photos => None,
        CameraKind::ArducamMini => Some(Config::for_input(input).ok()?.window()),
        CameraKind::ArducamMega => Some(MegaModel::window(arducam_mega::Config::for_input(input)?.size)),
    }
}

/// Converts a picture to the models' format.
fn photo(picture: &Picture) -> Photo {
    let PictureSize { width, height } = picture.size();
    let format = picture.format();
    let pixels = picture.rows().flat_map(|row| row.chunks_exact(format.pixel_bytes()));
    let photo = if format.has_color() {
        Photo::rgb(width.into(), height.into(), pixels.flat_map(|pixel| format.rgb(pixel)).collect())
    } else {
        Photo::new(width.into(), height.into(), pixels.map(|pixel| format.luma(pixel)).collect())
    };
    // A picture of no pixels cannot be read from a file.
    photo.unwrap_or_else(|| Photo::from_fn(1, 1, |_, _| 0))
}

/// Buses of a module.
struct Wires(SharedModule);

impl Wires {
    fn module(&self) -> MutexGuard<'_, Box<dyn Module + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target for Wires {
    fn spi(&mut self, operations: &mut [SpiOperation<'_, u8>]) -> Result<(), Status> {
        self.module().spi_transaction(operations).map_err(|_| Status::Failed)
    }

    fn i2c(&mut self, address: u8, operations: &mut [I2cOperation<'_>]) -> Result<(), Status> {
        self.module().i2c_transaction(address, operations).map_err(|kind| match kind {
            I2cErrorKind::NoAcknowledge(NoAcknowledgeSource::Data) => Status::NoData,
            I2cErrorKind::NoAcknowledge(_) => Status::NoAddress,
            _ => Status::Failed,
        })
    }

    fn delay(&mut self, ns: u64) {
        self.module().delay_ns(ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module's settings exist exactly for the inputs that it sees and reaches. 1024 px is the longest side of a recipe's input.
    #[test]
    fn cameras_serve_what_they_say() {
        for kind in [CameraKind::ArducamMini, CameraKind::ArducamMega] {
            for color in Color::ALL {
                for side in (8..=1024).step_by(11).chain([320, 321, 1024]) {
                    for (height, width) in [(side, 8), (8, side), (side, side)] {
                        let input = InputShape { height, width, color, ..InputShape::gray(1) };
                        let serves = kind.sees(color) && kind.longest_side_px().is_none_or(|longest| side <= longest);
                        assert_eq!(window(kind, input).is_some(), serves, "{kind:?}, {input}");
                    }
                }
            }
        }
    }
}
