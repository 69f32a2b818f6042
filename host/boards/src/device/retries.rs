//! Requests that are made again.

use super::{Device, DeviceError};

/// Most tries of one request.
const TRIES: u32 = 4;

/// A device, asked with retries where bytes get lost on the way to it ([`Device::is_lossy`]).
#[derive(Debug)]
pub struct WithRetries<'d> {
    device: &'d mut dyn Device,
    repeated: u32,
}

impl<'d> WithRetries<'d> {
    /// Nothing asked yet.
    pub fn new(device: &'d mut dyn Device) -> Self {
        Self { device, repeated: 0 }
    }

    /// The device, asked once.
    pub fn device(&mut self) -> &mut dyn Device {
        &mut *self.device
    }

    /// Does something with the device; with a lossy one again where that fails in passing, four times at most.
    ///
    /// # Errors
    /// The last try's.
    pub fn ask<T>(
        &mut self,
        mut action: impl FnMut(&mut dyn Device) -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        let tries = if self.device.is_lossy() { TRIES } else { 1 };
        for _ in 1..tries {
            match action(&mut *self.device) {
                Err(error) if error.is_passing() => self.repeated += 1,
                result => return result,
            }
        }
        action(&mut *self.device)
    }

    /// How often something was done again so far.
    pub fn repeated(&self) -> u32 {
        self.repeated
    }
}
