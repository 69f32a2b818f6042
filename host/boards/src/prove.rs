//! The proof: every photo through the host engine and through a board's own camera path, every integer compared.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::inference::Inference;
use pinhole_core::model_file::portable::run_all_packed;
use pinhole_core::model_file::{ModelFile, PackError, Packing};
use pinhole_core::photos::{PhotoError, Picture, decode};
use pinhole_shared::link::Report;
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::{Smoother, Verdict};
use serde::Serialize;
use thiserror::Error;

use crate::device::{AttachedDevice, ClientError};
use crate::emulator::{EmulatedBoard, EmulatorError};
use crate::firmware::{Firmware, Origin, short_digest};

/// What a proof found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Proof {
    /// Photos compared.
    pub photos: usize,
    /// Integers compared: pixels, every layer's outputs, class, probability and verdict.
    pub values: usize,
    /// Integers that differ.
    pub mismatches: usize,
    /// The first one that differs.
    pub first: Option<Mismatch>,
    /// The firmware that an emulated board ran; absent for a board at hand, whose firmware is its own, and where none ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<ProvenFirmware>,
}

/// The firmware that a proof is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProvenFirmware {
    /// [`Firmware::digest`].
    pub digest: String,
    /// Whether it is the one inside this program; else it was built from source on this machine.
    pub prebuilt: bool,
}

impl ProvenFirmware {
    /// What a proof says of this firmware.
    pub fn of(firmware: &Firmware) -> Self {
        Self { digest: firmware.digest().to_owned(), prebuilt: *firmware.origin() == Origin::Prebuilt }
    }
}

/// An integer that differs between host and board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mismatch {
    /// The photo.
    pub photo: PathBuf,
    /// Where in the network.
    pub place: String,
    /// Index of the pixel or neuron.
    pub index: usize,
    /// The host's value, if it has one there.
    pub host: Option<i64>,
    /// The board's value, if it has one there.
    pub board: Option<i64>,
}

/// Why a proof could not be carried out.
#[derive(Debug, Error, Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
#[allow(missing_docs, reason = "each variant is the part it is named after")]
pub enum ProveError {
    Photo(#[from] PhotoError),
    Board(#[from] EmulatorError),
    Device(#[from] ClientError),
    Pack(#[from] PackError),
}

impl Proof {
    /// True when there was something to compare and all of it was equal.
    pub fn holds(&self) -> bool {
        self.values > 0 && self.mismatches == 0
    }

    /// The line a proof ends with.
    pub fn verdict(&self) -> String {
        let Self { photos, values, mismatches, .. } = self;
        let firmware = self.firmware.as_ref().map_or_else(String::new, |firmware| {
            let origin = if firmware.prebuilt { "prebuilt" } else { "built from source" };
            format!(" (firmware {}, {origin})", short_digest(&firmware.digest))
        });
        format!("compared {values} values on {photos} photos: {mismatches} mismatches{firmware}")
    }

    /// Compares one photo's integers.
    pub fn compare(&mut self, photo: &Path, host: &Inference, board: &Inference) {
        self.photos += 1;
        let layers = host.stages.len().max(board.stages.len());
        for stage in 0..layers {
            let place = if stage == 0 { "pixels".to_owned() } else { format!("layer {}", stage - 1) };
            let values = |inference: &Inference| {
                inference.stages.get(stage).into_iter().flatten().map(|&value| i64::from(value)).collect::<Vec<_>>()
            };
            self.compare_values(photo, &place, &values(host), &values(board));
        }
        let verdicts = [host.verdict, board.verdict].map(|verdict| match verdict {
            Verdict::Class(class) => [i64::from(class)],
            Verdict::Unknown => [-1],
        });
        let (host, board) = (host.decision, board.decision);
        self.compare_values(photo, "class", &[i64::from(host.class)], &[i64::from(board.class)]);
        let probabilities = [host.probability, board.probability].map(|probability| [i64::from(probability.0)]);
        self.compare_values(photo, "probability", &probabilities[0], &probabilities[1]);
        self.compare_values(photo, "verdict (-1 is unknown)", &verdicts[0], &verdicts[1]);
    }

    fn compare_values(&mut self, photo: &Path, place: &str, host: &[i64], board: &[i64]) {
        // A value one side does not have is a difference too.
        for index in 0..host.len().max(board.len()) {
            let (host, board) = (host.get(index).copied(), board.get(index).copied());
            self.values += 1;
            if host != board {
                self.mismatches += 1;
                self.first.get_or_insert_with(|| Mismatch {
                    photo: photo.to_owned(),
                    place: place.to_owned(),
                    index,
                    host,
                    board,
                });
            }
        }
    }
}

/// Proves a model on the emulated board: each photo's rows go to the board's camera, and what the board makes of them
/// is compared with the host's. `after_each` is called after each photo.
///
/// # Errors
/// [`ProveError`] when a photo cannot be used or the board fails; differences are no error but in the result.
pub fn prove(
    model: &ModelFile,
    board: &mut EmulatedBoard,
    photos: &[PathBuf],
    mut after_each: impl FnMut(),
) -> Result<Proof, ProveError> {
    let mut engine = model.engine();
    let shape = model.model().input();
    let mut proof = Proof { firmware: Some(ProvenFirmware::of(board.firmware())), ..Proof::default() };
    // The board's policy stays as it is, which should be the model's; both sides start without frames seen before.
    let (policy, mut smoother) = (model.model().policy(), Smoother::default());
    let own = board.policy()?;
    board.set_policy(own)?;
    for path in photos {
        // Gray rows where that is enough: a third of the bytes over the emulator's serial line, and the same input (a
        // test says so).
        let picture = decode::read(path)?.for_color(shape.color);
        let input = input(path, &board.seen(picture.clone()), shape)?;
        let mut host = engine.run_all(&input);
        host.verdict = smoother.see(&policy, host.decision);
        let board = board.capture(picture, Report::AllValues)?;
        proof.compare(path, &host, &board);
        after_each();
    }
    Ok(proof)
}

/// Proves a model on a device at hand: each photo goes through the host's pixel pipeline and over the link, as the camera
/// cannot be shown it. Verdicts are by the policy that the device answers by now. `after_each` is called after each photo.
///
/// # Errors
/// As [`prove`].
pub fn prove_attached(
    model: &ModelFile,
    device: &mut AttachedDevice,
    photos: &[PathBuf],
    mut after_each: impl FnMut(),
) -> Result<Proof, ProveError> {
    let mut engine = model.engine();
    let shape = model.model().input();
    let mut proof = Proof::default();
    let policy = device.patiently(AttachedDevice::policy)?;
    for path in photos {
        let input = input(path, &decode::read(path)?, shape)?;
        let mut host = engine.run_all(&input);
        host.verdict = policy.judge(host.decision);
        let board = device.patiently(|device| device.classify(&input, Report::AllValues))?;
        proof.compare(path, &host, &board);
        after_each();
    }
    Ok(proof)
}

/// Proves a model on what a device's own camera sees: the host starts from the pixels that the device reports, and all
/// that comes after them is compared. Verdicts are by the policy that the device answers by now. `after_each` is called after
/// each picture.
///
/// # Errors
/// [`ProveError::Device`].
pub fn prove_captures(
    model: &ModelFile,
    device: &mut AttachedDevice,
    captures: u32,
    mut after_each: impl FnMut(),
) -> Result<Proof, ProveError> {
    let mut engine = model.engine();
    let inputs = model.model().inputs();
    let mut proof = Proof::default();
    let policy = device.patiently(AttachedDevice::policy)?;
    let mut smoother = Smoother::default();
    let mut in_step = false;
    for capture in 1..=captures {
        let board = device.patiently(|device| {
            // Frames that the device saw and the host did not, before and where an answer got lost, are forgotten.
            if !in_step {
                device.set_policy(policy)?;
                smoother.reset();
            }
            in_step = false;
            device.capture(Report::AllValues)
        })?;
        in_step = true;
        let mut input: Vec<u8> = board.stages.first().into_iter().flatten().map(|&pixel| pixel as u8).collect();
        // Pixels that are missing are differences like any others.
        input.resize(inputs, 0);
        let mut host = engine.run_all(&input);
        host.verdict = smoother.see(&policy, host.decision);
        proof.compare(Path::new(&format!("capture {capture}")), &host, &board);
        after_each();
    }
    Ok(proof)
}

/// Proves a model without a board, emulated or at hand: each photo through the portable twin of a kernel, over the model packed
/// for that kernel. It is weaker than [`prove`]: the kernel's algorithm and the packing are the device's, its assembly, compiler,
/// camera and link are not there. `after_each` is called after each photo.
///
/// # Errors
/// [`ProveError::Photo`], [`ProveError::Pack`].
pub fn prove_portable(
    model: &ModelFile,
    packing: Packing,
    photos: &[PathBuf],
    mut after_each: impl FnMut(),
) -> Result<Proof, ProveError> {
    let packed = model.packed(packing)?;
    let mut engine = model.engine();
    let shape = model.model().input();
    let mut proof = Proof::default();
    for path in photos {
        let picture = decode::read(path)?;
        let host = engine.run_all(&input(path, &picture, shape)?);
        // The rows that an emulated board's camera would get.
        let seen = input(path, &picture.for_color(shape.color), shape)?;
        let twin = run_all_packed(packing, &packed.model(), &seen).expect("it was packed for this kernel");
        proof.compare(path, &host, &twin);
        after_each();
    }
    Ok(proof)
}

/// What the network is to get of a photo.
fn input(path: &Path, picture: &Picture, shape: InputShape) -> Result<Vec<u8>, PhotoError> {
    picture.shrink(shape).map_err(|reason| PhotoError::Photo { path: path.to_owned(), reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinhole_shared::decision::{Decision, Probability};

    fn inference(stages: &[&[i32]], class: u16) -> Inference {
        let decision = Decision { class, probability: Probability(9) };
        let stages = stages.iter().map(|stage| stage.to_vec()).collect();
        Inference { stages, decision, verdict: Verdict::Class(class) }
    }

    #[test]
    fn counts_and_names_differences() {
        let host = inference(&[&[1, 2], &[3]], 0);
        let mut proof = Proof::default();
        proof.compare(Path::new("a"), &host, &host);
        assert!(proof.holds());
        assert_eq!(proof.verdict(), "compared 6 values on 1 photos: 0 mismatches");
        proof.compare(Path::new("b"), &host, &inference(&[&[1, 2], &[4, 5]], 1));
        assert!(!proof.holds());
        assert_eq!((proof.values, proof.mismatches), (13, 4));
        let first = proof.first.unwrap();
        assert_eq!((first.photo, first.place.as_str(), first.index), ("b".into(), "layer 0", 0));
        assert_eq!((first.host, first.board), (Some(3), Some(4)));
        assert!(!Proof::default().holds(), "comparing nothing proves nothing");
    }
}
