//! The host's camera; the emulator's command line selects its kind.

use pinhole_app::camera::{Camera, CameraError, CameraFault, Frame};
use pinhole_app::replay::{ReplayCamera, ReplayError};
use pinhole_cameras::arducam_mega::{self, ArducamMega, MegaError};
use pinhole_cameras::arducam_mini::{self, ArducamMini, MiniError};
use pinhole_remote_bus::device::{Buses, Delay, I2cBus, Spi};
use pinhole_shared::pixels::InputShape;
use semihosting::experimental::env;
use static_cell::StaticCell;

use crate::uart::TimedUart;

/// Maximum length of the command line, bytes. The host's is shorter; without one, QEMU passes the firmware's path.
const COMMAND_LINE_BYTES: usize = 64;

static BUSES: StaticCell<Buses<TimedUart>> = StaticCell::new();

/// The kinds of cameras.
pub(crate) enum HostCamera {
    /// Rows of pictures, without a module's buses.
    Replay(ReplayCamera<TimedUart>),
    /// The ArduCAM Mini driver on buses served by the host.
    ArducamMini(ArducamMini<BusSpi, BusI2c, BusDelay>),
    /// The ArduCAM Mega driver on buses served by the host.
    ArducamMega(ArducamMega<BusSpi, BusDelay>),
}

type BusSpi = Spi<'static, TimedUart>;
type BusI2c = I2cBus<'static, TimedUart>;
type BusDelay = Delay<'static, TimedUart>;

/// Errors of the cameras.
#[derive(Debug)]
pub(crate) enum HostCameraError {
    Replay(ReplayError),
    ArducamMini(MiniError),
    ArducamMega(MegaError),
}

impl CameraError for HostCameraError {
    fn fault(&self) -> CameraFault {
        match self {
            Self::Replay(error) => error.fault(),
            Self::ArducamMini(error) => error.fault(),
            Self::ArducamMega(error) => error.fault(),
        }
    }
}

impl HostCamera {
    /// Creates the camera on this link to the host, for a network with this input. `None` if the command line has no
    /// camera's name, or the camera cannot deliver such pictures.
    pub(crate) fn plugged_in(line: TimedUart, input: InputShape) -> Option<Self> {
        let arguments = env::args::<COMMAND_LINE_BYTES>().ok();
        let name = arguments.as_ref().and_then(|arguments| arguments.into_iter().nth(1)?.ok());
        match name {
            None | Some("photos") => Some(Self::Replay(ReplayCamera::new(line))),
            Some("arducam-mini") => {
                let config = arducam_mini::Config::for_input(input).ok()?;
                let buses = BUSES.init(Buses::new(line));
                Some(Self::ArducamMini(ArducamMini::new(buses.spi(), buses.i2c(), buses.delay(), config)))
            }
            Some("arducam-mega") => {
                let config = arducam_mega::Config::for_input(input)?;
                let buses = BUSES.init(Buses::new(line));
                Some(Self::ArducamMega(ArducamMega::new(buses.spi(), buses.delay(), config)))
            }
            Some(_) => None,
        }
    }
}

impl Camera for HostCamera {
    type Error = HostCameraError;

    fn start(&mut self) -> Result<Frame, HostCameraError> {
        match self {
            Self::Replay(camera) => camera.start().map_err(HostCameraError::Replay),
            Self::ArducamMini(camera) => camera.start().map_err(of_mini),
            Self::ArducamMega(camera) => camera.start().map_err(of_mega),
        }
    }

    fn read_row(&mut self, row: &mut [u8]) -> Result<(), HostCameraError> {
        match self {
            Self::Replay(camera) => camera.read_row(row).map_err(HostCameraError::Replay),
            Self::ArducamMini(camera) => camera.read_row(row).map_err(of_mini),
            Self::ArducamMega(camera) => camera.read_row(row).map_err(of_mega),
        }
    }
}

/// Logs the driver's detailed error; the rest of the program gets only the kind of fault.
fn of_mini(error: MiniError) -> HostCameraError {
    defmt::warn!("{}", error);
    HostCameraError::ArducamMini(error)
}

fn of_mega(error: MegaError) -> HostCameraError {
    defmt::warn!("{}", error);
    HostCameraError::ArducamMega(error)
}
