//! The device interface of an emulated board.

use std::borrow::Cow;
use std::time::Duration;

use pinhole_core::inference::Inference;
use pinhole_core::photos::Picture;
use pinhole_shared::link::{Identity, Report, Statistics};
use pinhole_shared::policy::Policy;

use super::EmulatedBoard;
use super::qemu::LONGEST_SILENCE;
use crate::device::{InferenceDevice, InferenceDeviceError, LogLine, Stop};
use crate::firmware::Firmware;

/// Lower bound of the rate at which the emulator takes rows on a busy machine (measured: 40,000 to 187,000 bytes per
/// second).
const SLOWEST_CAMERA_BYTES_PER_S: f64 = 10_000.0;

/// The errors of each method are [`InferenceDeviceError::Request`] and [`InferenceDeviceError::Stopped`]; those of
/// captures also [`InferenceDeviceError::CameraMisused`].
impl InferenceDevice for EmulatedBoard {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn classify(&mut self, input: &[u8], report: Report) -> Result<Inference, InferenceDeviceError> {
        let result = self.client.send_input(input).and_then(|()| self.client.classify(report));
        result.map_err(|error| self.explain(error))
    }

    fn show(&mut self, picture: Picture) -> Result<(), InferenceDeviceError> {
        let bytes: usize = picture.rows().map(<[u8]>::len).sum();
        self.rows_time = Duration::from_secs_f64(bytes as f64 / SLOWEST_CAMERA_BYTES_PER_S);
        self.camera.show(picture);
        Ok(())
    }

    fn seen<'p>(&self, picture: &'p Picture) -> Cow<'p, Picture> {
        match self.identity.input() {
            Some(input) => self.camera.seen(picture, input),
            None => Cow::Borrowed(picture),
        }
    }

    fn capture(&mut self, report: Report) -> Result<Inference, InferenceDeviceError> {
        // The link is silent while the rows are transferred over the camera's line: minutes for a large photo.
        self.client.set_silence(LONGEST_SILENCE + self.rows_time);
        let result = self.client.capture(report).map_err(|error| self.explain(error));
        self.client.set_silence(LONGEST_SILENCE);
        let breaches = self.camera.breaches();
        if breaches.is_empty() { result } else { Err(InferenceDeviceError::CameraMisused { breaches }) }
    }

    fn policy(&mut self) -> Result<Policy, InferenceDeviceError> {
        self.client.policy().map_err(|error| self.explain(error))
    }

    fn set_policy(&mut self, policy: Policy) -> Result<(), InferenceDeviceError> {
        self.client.set_policy(policy).map_err(|error| self.explain(error))
    }

    fn statistics(&mut self) -> Result<Statistics, InferenceDeviceError> {
        self.client.statistics().map_err(|error| self.explain(error))
    }

    fn logs(&mut self) -> Vec<LogLine> {
        self.logs.lines()
    }

    fn stop(&self) -> Stop {
        self.client.stop()
    }

    fn firmware(&self) -> Option<&Firmware> {
        Some(&self.firmware)
    }
}
