//! When the model answers "unknown": as asked for, or chosen on photos.

use std::path::{Path, PathBuf};

use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::{self, Dataset, DuplicatePhotos, Example};
use pinhole_lab::threshold::{self, Coverage, Judged};
use pinhole_shared::policy::Policy;

use super::super::events::{Events, tell_of_photos};
use super::QuantizationError;

/// What makes a policy.
#[derive(Clone, Debug, Default)]
pub struct PolicyRequest {
    /// The answer is "unknown" where the class is less probable than this, 0..=1.
    pub min_confidence: Option<f64>,
    /// It is where needed so that at most this part of the answers is wrong, 0..=1. Chosen on `validation`; then
    /// `min_confidence` does not count.
    pub error_rate: Option<f64>,
    /// Folder of labeled photos that the network was not trained on. They also choose the epoch of fine-tuning.
    pub validation: Option<PathBuf>,
    /// Frames of the camera that must agree; without it every frame is answered by itself.
    pub smooth: Option<Votes>,
}

/// Frames that must agree, of the last so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Votes {
    /// So many must agree: more than half.
    pub needed: u8,
    /// Of so many.
    pub window: u8,
}

/// A policy, and where its least probability comes from.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The policy.
    pub policy: Policy,
    /// Where its least probability was chosen on photos.
    pub threshold: Option<Threshold>,
}

/// A least probability chosen on photos.
#[derive(Clone, Debug)]
pub struct Threshold {
    /// Error rate that was wanted.
    pub wanted: f64,
    /// What it leaves of them.
    pub left: Coverage,
    /// What one leaves that they can vouch for.
    pub vouched: Option<Coverage>,
    /// Whether they are also what the epoch that was kept was chosen by.
    pub of_training: bool,
    /// What others would leave.
    pub table: Vec<Coverage>,
}

impl PolicyRequest {
    /// Whether anything of the policy itself is asked for.
    pub(super) fn is_given(&self) -> bool {
        self.min_confidence.is_some() || self.error_rate.is_some() || self.smooth.is_some()
    }

    /// Refuses, before anything is done, to choose on photos that were trained on.
    pub(super) fn check(&self, calibration: &Path) -> Result<(), QuantizationError> {
        match &self.validation {
            None if self.error_rate.is_some() => Err(QuantizationError::NoValidation),
            Some(folder) if same_place(folder, calibration) => {
                Err(QuantizationError::TrainedOn { folder: folder.clone() })
            }
            _ => Ok(()),
        }
    }

    /// The policy for a model that was calibrated on these photos, and whose epoch was chosen by those of a folder, if that
    /// is known.
    pub(super) fn choose(
        &self,
        model: &ModelFile,
        calibration: &Dataset,
        chose_epoch: Option<&Path>,
        events: &mut dyn Events,
    ) -> Result<Chosen, QuantizationError> {
        let threshold = match (self.error_rate, &self.validation) {
            (Some(wanted), Some(folder)) => {
                let of_training = chose_epoch.is_some_and(|other| same_place(folder, other));
                Some(Threshold { of_training, ..choose(model, calibration, folder, wanted, events)? })
            }
            _ => None,
        };
        let given = threshold::at_least(self.min_confidence.unwrap_or(0.0));
        let least = threshold.as_ref().map_or(given, |threshold| threshold.left.min_probability);
        let Votes { needed, window } = self.smooth.unwrap_or(Votes { needed: 1, window: 1 });
        let policy = Policy::new(least, needed, window).map_err(QuantizationError::Policy)?;
        Ok(Chosen { policy, threshold })
    }
}

/// Whether two paths are one file or folder, however they are written.
pub(super) fn same_place(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

fn choose(
    model: &ModelFile,
    calibration: &Dataset,
    folder: &Path,
    wanted: f64,
    events: &mut dyn Events,
) -> Result<Threshold, QuantizationError> {
    let photos = photos::load(folder, calibration.input, Some(&calibration.classes))?;
    let examples: Vec<&Example> = calibration.examples.iter().chain(&photos.examples).collect();
    let pairs = photos::near_duplicates(&examples, calibration.input);
    let mut duplicates = DuplicatePhotos::of(&pairs, &examples, calibration.examples.len());
    duplicates.retain(|pair| pair.across);
    tell_of_photos(&photos.warnings, &duplicates, events);
    let judged = Judged::all(model, &photos);
    Ok(Threshold {
        wanted,
        left: threshold::choose(&judged, wanted)?,
        vouched: threshold::vouched(&judged, wanted),
        of_training: false,
        table: threshold::table(&judged),
    })
}
