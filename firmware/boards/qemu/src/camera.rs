//! The camera that the host plugs in: which one is on the emulator's command line.

use pinhole_app::camera::{Camera, CameraError, CameraFault, Frame};
use pinhole_app::replay::{ReplayCamera, ReplayError};
use pinhole_cameras::arducam_mega::{self, ArducamMega, MegaError};
use pinhole_cameras::arducam_mini::{self, ArducamMini, MiniError};
use pinhole_remote_bus::device::{Buses, Delay, I2cBus, Spi};
use pinhole_shared::pixels::InputShape;
use semihosting::experimental::env;
use static_cell::StaticCell;

use crate::uart::TimedUart;

/// Longest command line, bytes. The host's is shorter; without one, QEMU gives the firmware's path.
const COMMAND_LINE_BYTES: usize = 64;

static BUSES: StaticCell<Buses<TimedUart>> = StaticCell::new();

/// One of the cameras.
pub(crate) enum HostCamera {
    /// Rows of pictures, without a module's buses.
    Replay(ReplayCamera<TimedUart>),
    /// A driver on buses that the host answers for.
    ArducamMini(ArducamMini<BusSpi, BusI2c, BusDelay>),
    /// Another.
    ArducamMega(ArducamMega<BusSpi, BusDelay>),
}

type BusSpi = Spi<'static, TimedUart>;
type BusI2c = I2cBus<'static, TimedUart>;
type BusDelay = Delay<'static, TimedUart>;

/// Why one of them gave no picture.
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
    /// The camera on this line to the host, for a network with this input. `None` when there is none of the name
    /// on the command line, or it cannot give such pictures.
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

/// The log has a driver's own words; the rest of the program knows only what kind of fault it was.
fn of_mini(error: MiniError) -> HostCameraError {
    defmt::warn!("{}", error);
    HostCameraError::ArducamMini(error)
}

fn of_mega(error: MegaError) -> HostCameraError {
    defmt::warn!("{}", error);
    HostCameraError::ArducamMega(error)
}
