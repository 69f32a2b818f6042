//! Result of a proof.

use std::path::{Path, PathBuf};

use pinhole_core::inference::Inference;
use pinhole_shared::policy::Verdict;
use serde::Serialize;

use crate::firmware::{Firmware, FirmwareOrigin, short_digest};

/// Result of a proof.
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
    /// Firmware of an emulated board. Absent for a real board, which has its own firmware, and if none ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<ProvenFirmware>,
    /// Number of requests that were repeated because they had failed in passing.
    #[serde(skip)]
    pub repeated: u32,
}

/// The firmware of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProvenFirmware {
    /// [`Firmware::digest`].
    pub digest: String,
    /// True if it is bundled with this program; false if it was built from source on this machine.
    pub prebuilt: bool,
}

impl ProvenFirmware {
    /// Returns the facts about this firmware.
    pub fn of(firmware: &Firmware) -> Self {
        Self { digest: firmware.digest().to_owned(), prebuilt: *firmware.origin() == FirmwareOrigin::Prebuilt }
    }
}

/// An integer that differs between host and board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mismatch {
    /// The photo.
    #[serde(serialize_with = "pinhole_core::path_text::serialize")]
    pub photo: PathBuf,
    /// Location in the network: the pixels, a layer, or the answer.
    #[serde(rename = "place")]
    pub location: String,
    /// Index of the pixel or neuron.
    pub index: usize,
    /// The host's value; `None` if there is none.
    pub host: Option<i64>,
    /// The board's value; `None` if there is none.
    pub board: Option<i64>,
}

impl Proof {
    /// Returns true if there were values to compare and all were equal.
    pub fn holds(&self) -> bool {
        self.values > 0 && self.mismatches == 0
    }

    /// Returns the last line of a proof's output.
    pub fn verdict(&self) -> String {
        let Self { photos, values, mismatches, .. } = self;
        let firmware = self.firmware.as_ref().map_or_else(String::new, |firmware| {
            let origin = if firmware.prebuilt { "prebuilt" } else { "built from source" };
            format!(" (firmware {}, {origin})", short_digest(&firmware.digest))
        });
        format!("compared {values} values on {photos} photos: {mismatches} mismatches{firmware}")
    }

    /// Compares one photo's integers.
    pub(super) fn compare(&mut self, photo: &Path, host: &Inference, board: &Inference) {
        self.photos += 1;
        let layers = host.stages.len().max(board.stages.len());
        for stage in 0..layers {
            let location = if stage == 0 { "pixels".to_owned() } else { format!("layer {}", stage - 1) };
            let values = |inference: &Inference| {
                inference.stages.get(stage).into_iter().flatten().map(|&value| i64::from(value)).collect::<Vec<_>>()
            };
            self.compare_values(photo, &location, &values(host), &values(board));
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

    fn compare_values(&mut self, photo: &Path, location: &str, host: &[i64], board: &[i64]) {
        // A value that only one side has is a difference too.
        for index in 0..host.len().max(board.len()) {
            let (host, board) = (host.get(index).copied(), board.get(index).copied());
            self.values += 1;
            if host != board {
                self.mismatches += 1;
                self.first.get_or_insert_with(|| Mismatch {
                    photo: photo.to_owned(),
                    location: location.to_owned(),
                    index,
                    host,
                    board,
                });
            }
        }
    }
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
        assert_eq!((first.photo, first.location.as_str(), first.index), ("b".into(), "layer 0", 0));
        assert_eq!((first.host, first.board), (Some(3), Some(4)));
        assert!(!Proof::default().holds(), "comparing nothing proves nothing");
    }
}
