//! The camera that the host plugs in: which one is on the emulator's command line.

use pinhole_app::camera::{Camera, CameraError, CameraFault, Frame};
use pinhole_app::replay::{ReplayCamera, ReplayError};
use pinhole_cameras::arducam_mini::{ArducamMini, Config, MiniError};
use pinhole_cameras::square_for;
use pinhole_remote_bus::device::{Buses, Delay, I2cBus, Spi};
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
}

type BusSpi = Spi<'static, TimedUart>;
type BusI2c = I2cBus<'static, TimedUart>;
type BusDelay = Delay<'static, TimedUart>;

/// Why one of them gave no picture.
#[derive(Debug)]
pub(crate) enum HostCameraError {
    Replay(ReplayError),
    ArducamMini(MiniError),
}

impl CameraError for HostCameraError {
    fn fault(&self) -> CameraFault {
        match self {
            Self::Replay(error) => error.fault(),
            Self::ArducamMini(error) => error.fault(),
        }
    }
}

impl HostCamera {
    /// The camera on this line to the host, for a network with so many pixels a side. `None` when there is none of the name
    /// on the command line, or it cannot give such pictures.
    pub(crate) fn plugged_in(line: TimedUart, input_side: u16) -> Option<Self> {
        let arguments = env::args::<COMMAND_LINE_BYTES>().ok();
        let name = arguments.as_ref().and_then(|arguments| arguments.into_iter().nth(1)?.ok());
        match name {
            None | Some("photos") => Some(Self::Replay(ReplayCamera::new(line))),
            Some("arducam-mini") => {
                let config = Config::square(square_for(input_side)).ok()?;
                let buses = BUSES.init(Buses::new(line));
                Some(Self::ArducamMini(ArducamMini::new(buses.spi(), buses.i2c(), buses.delay(), config)))
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
            Self::ArducamMini(camera) => camera.start().map_err(|error| {
                defmt::warn!("{}", error);
                HostCameraError::ArducamMini(error)
            }),
        }
    }

    fn read_row(&mut self, row: &mut [u8]) -> Result<(), HostCameraError> {
        match self {
            Self::Replay(camera) => camera.read_row(row).map_err(HostCameraError::Replay),
            Self::ArducamMini(camera) => camera.read_row(row).map_err(|error| {
                defmt::warn!("{}", error);
                HostCameraError::ArducamMini(error)
            }),
        }
    }
}
