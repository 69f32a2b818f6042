//! Repetition of requests that fail in passing.

use super::{InferenceDevice, InferenceDeviceError};

/// Largest number of tries of one request.
const TRIES: u32 = 4;

/// A device with retries if bytes may get lost on the way to it ([`InferenceDevice::is_lossy`]).
#[derive(Debug)]
pub struct WithRetries<'d> {
    device: &'d mut dyn InferenceDevice,
    repeated: u32,
}

impl<'d> WithRetries<'d> {
    /// Wraps a device that has not been asked anything yet.
    pub fn new(device: &'d mut dyn InferenceDevice) -> Self {
        Self { device, repeated: 0 }
    }

    /// Returns the device itself, without retries.
    pub fn device(&mut self) -> &mut dyn InferenceDevice {
        &mut *self.device
    }

    /// Does something with the device. If the device is lossy, passing failures are repeated, up to four tries in all.
    ///
    /// # Errors
    /// Error of the last try.
    pub fn ask<T>(
        &mut self,
        mut action: impl FnMut(&mut dyn InferenceDevice) -> Result<T, InferenceDeviceError>,
    ) -> Result<T, InferenceDeviceError> {
        let tries = if self.device.is_lossy() { TRIES } else { 1 };
        for _ in 1..tries {
            match action(&mut *self.device) {
                Err(error) if error.is_passing() => self.repeated += 1,
                result => return result,
            }
        }
        action(&mut *self.device)
    }

    /// Returns the number of repetitions so far.
    pub fn repeated(&self) -> u32 {
        self.repeated
    }
}
