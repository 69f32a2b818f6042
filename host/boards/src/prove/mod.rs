//! The proof: runs every picture through the host's engine and through a device, and compares every integer.

mod proof;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::inference::Inference;
use pinhole_core::model_file::{HostEngine, ModelFile};
use pinhole_core::photos::{PhotoError, Unlabeled, decode};
use pinhole_shared::link::Report;
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::{Policy, Smoother};
use thiserror::Error;

use crate::device::{InferenceDevice, InferenceDeviceError, WithRetries};

pub use proof::{Mismatch, Proof, ProvenFirmware};

/// Error of a proof.
#[derive(Debug, Error, Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
#[allow(missing_docs, reason = "each variant is the part it is named after")]
pub enum ProveError {
    Photo(#[from] PhotoError),
    Device(#[from] InferenceDeviceError),
}

/// Pictures of a proof. The way they enter the device decides how much of it is covered.
#[derive(Clone, Copy, Debug)]
pub enum ProofInputs<'p> {
    /// Photos shown to the device's camera: the whole device is covered. The host judges by the model's policy, which
    /// the device should have.
    Photos(&'p [PathBuf]),
    /// Inputs that go to the device over its link, with the photos they come from. The camera is not covered. The host
    /// judges by the policy that the device has now.
    Inputs(&'p [Unlabeled]),
    /// This number of captures by the device's own camera. The host starts from the pixels that the device reports. It
    /// judges by the policy that the device has now.
    Captures(u32),
}

impl ProofInputs<'_> {
    /// Returns the number of pictures.
    pub fn len(&self) -> usize {
        match self {
            Self::Photos(photos) => photos.len(),
            Self::Inputs(inputs) => inputs.len(),
            Self::Captures(count) => *count as usize,
        }
    }

    /// Returns true if there are no pictures, so that nothing would be proven.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Proves a model on a device: compares the device's results for each picture with the host's. Calls `after_each` after
/// each picture. Each photo is decoded once.
///
/// # Errors
/// [`ProveError`] if a photo cannot be used or the device fails. Differences are part of the result, not an error.
///
/// # Panics
/// If one of [`ProofInputs::Inputs`] does not have as many bytes as the model takes.
pub fn prove(
    model: &ModelFile,
    device: &mut dyn InferenceDevice,
    pictures: ProofInputs<'_>,
    mut after_each: impl FnMut(),
) -> Result<Proof, ProveError> {
    let mut proof = Proof { firmware: device.firmware().map(ProvenFirmware::of), ..Proof::default() };
    let mut sides = Sides::new(model, device, pictures)?;
    for number in 0..pictures.len() {
        let (picture, [host, board]) = match pictures {
            ProofInputs::Photos(photos) => (photos[number].clone(), sides.photo(&photos[number])?),
            ProofInputs::Inputs(inputs) => (inputs[number].path.clone(), sides.input(&inputs[number].pixels)?),
            ProofInputs::Captures(_) => (format!("capture {}", number + 1).into(), sides.capture()?),
        };
        proof.compare(&picture, &host, &board);
        after_each();
    }
    proof.repeated = sides.device.repeated();
    Ok(proof)
}

/// The two sides that are compared: the host's engine and a device. Results are in this order.
struct Sides<'a> {
    engine: HostEngine<'a>,
    shape: InputShape,
    device: WithRetries<'a>,
    /// The device's policy.
    devices_policy: Policy,
    /// The policy that the host judges by.
    policy: Policy,
    /// The frames that the host has processed.
    smoother: Smoother,
    /// True if the device has processed the same frames.
    in_step: bool,
}

impl<'a> Sides<'a> {
    fn new(
        model: &'a ModelFile,
        device: &'a mut dyn InferenceDevice,
        pictures: ProofInputs<'_>,
    ) -> Result<Self, InferenceDeviceError> {
        let mut device = WithRetries::new(device);
        let devices_policy = device.ask(|device| device.policy())?;
        let policy = match pictures {
            ProofInputs::Photos(_) => model.model().policy(),
            ProofInputs::Inputs(_) | ProofInputs::Captures(_) => devices_policy,
        };
        let (engine, shape) = (model.engine(), model.model().input());
        Ok(Self { engine, shape, device, devices_policy, policy, smoother: Smoother::default(), in_step: false })
    }

    /// Shows a photo to the device's camera.
    fn photo(&mut self, path: &Path) -> Result<[Inference; 2], ProveError> {
        // Gray rows if the network sees gray: a third of the bytes over an emulator's serial line, and the same input
        // (there is a test of this).
        let picture = decode::read_for(path, self.shape)?;
        let device = self.device.device();
        let input = device.seen(&picture).shrink(self.shape);
        let input = input.map_err(|reason| PhotoError::Photo { path: path.to_owned(), reason: reason.into() })?;
        device.show(picture)?;
        let board = self.next_frame()?;
        Ok([self.host_frame(&input), board])
    }

    /// Sends an input over the link. Its verdict is for this input alone.
    fn input(&mut self, input: &[u8]) -> Result<[Inference; 2], ProveError> {
        let mut host = self.engine.run_all(input);
        host.verdict = self.policy.judge(host.decision);
        let board = self.device.ask(|device| device.classify(input, Report::AllValues))?;
        Ok([host, board])
    }

    /// Captures a picture with the device's own camera.
    fn capture(&mut self) -> Result<[Inference; 2], ProveError> {
        let board = self.next_frame()?;
        let mut input: Vec<u8> = board.stages.first().into_iter().flatten().map(|&pixel| pixel as u8).collect();
        // Missing pixels count as differences.
        input.resize(self.shape.bytes(), 0);
        Ok([self.host_frame(&input), board])
    }

    /// Captures the device's next frame. Both sides first forget earlier frames if only the device has processed some:
    /// before the proof, or when an answer got lost.
    fn next_frame(&mut self) -> Result<Inference, InferenceDeviceError> {
        let Self { device, devices_policy, smoother, in_step, .. } = self;
        device.ask(|device| {
            if !*in_step {
                device.set_policy(*devices_policy)?;
                smoother.reset();
            }
            *in_step = false;
            let inference = device.capture(Report::AllValues)?;
            *in_step = true;
            Ok(inference)
        })
    }

    /// Returns the host's result for the frame that the device has just captured.
    fn host_frame(&mut self, input: &[u8]) -> Inference {
        let mut host = self.engine.run_all(input);
        host.verdict = self.smoother.see(&self.policy, host.decision);
        host
    }
}
