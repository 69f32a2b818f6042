//! The policy: when the model answers "unknown", as requested or chosen on photos.

use std::path::{Path, PathBuf};

use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::{Dataset, PhotoOptions};
use pinhole_lab::threshold::{self, Coverage, Judged};
use pinhole_shared::policy::Policy;

use super::super::events::{Events, tell_of_enlarged, tell_of_photos};
use super::super::photos::{compare, read};
use super::QuantizationError;

/// Settings of a policy.
#[derive(Clone, Debug, Default)]
pub struct PolicyRequest {
    /// Least probability of the class, 0..=1; below it, the answer is "unknown".
    pub min_confidence: Option<f64>,
    /// Largest fraction of wrong answers, 0..=1. The least probability is chosen on `validation` to keep it; then
    /// `min_confidence` is ignored.
    pub error_rate: Option<f64>,
    /// Folder of labeled photos that the network was not trained on. They also choose the epoch of fine-tuning.
    pub validation: Option<PathBuf>,
    /// Number of camera frames that must agree; if absent, every frame is answered by itself.
    pub smooth: Option<Votes>,
}

/// Number of frames that must agree, out of the last frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Votes {
    /// Frames that must agree: more than half.
    pub needed: u8,
    /// Number of last frames.
    pub window: u8,
}

/// A policy, and the origin of its least probability.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The policy.
    pub policy: Policy,
    /// The chosen threshold, if the least probability was chosen on photos.
    pub threshold: Option<Threshold>,
}

/// A least probability that was chosen on photos.
#[derive(Clone, Debug)]
pub struct Threshold {
    /// Wanted error rate.
    pub wanted: f64,
    /// Results of the chosen threshold on the photos.
    pub left: Coverage,
    /// Results of the threshold whose 95 % interval of the error rate stays within the wanted one; `None` if there is
    /// none.
    pub supported: Option<Coverage>,
    /// True if the same photos also chose the kept epoch.
    pub of_training: bool,
    /// Results of other thresholds.
    pub table: Vec<Coverage>,
}

impl PolicyRequest {
    /// Returns true if any setting of the policy itself is given.
    pub(super) fn is_given(&self) -> bool {
        self.min_confidence.is_some() || self.error_rate.is_some() || self.smooth.is_some()
    }

    /// Checks that the policy is not chosen on training photos, before any work is done.
    pub(super) fn check(&self, calibration: &Path) -> Result<(), QuantizationError> {
        match &self.validation {
            None if self.error_rate.is_some() => Err(QuantizationError::NoValidation),
            Some(folder) if same_place(folder, calibration) => {
                Err(QuantizationError::TrainedOn { folder: folder.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Returns the policy for a model that was calibrated on these photos. `chose_epoch` is the folder of the photos
    /// that chose its epoch, if known.
    pub(super) fn choose(
        &self,
        model: &ModelFile,
        calibration: &Dataset,
        chose_epoch: Option<&Path>,
        options: &PhotoOptions,
        events: &mut dyn Events,
    ) -> Result<Chosen, QuantizationError> {
        let threshold = match (self.error_rate, &self.validation) {
            (Some(wanted), Some(folder)) => {
                let of_training = chose_epoch.is_some_and(|other| same_place(folder, other));
                Some(Threshold { of_training, ..choose(model, calibration, folder, wanted, options, events)? })
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

/// Returns true if two paths are the same file or folder, however they are written.
pub(super) fn same_place(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

fn choose(
    model: &ModelFile,
    calibration: &Dataset,
    folder: &Path,
    wanted: f64,
    options: &PhotoOptions,
    events: &mut dyn Events,
) -> Result<Threshold, QuantizationError> {
    let photos = read(options.of(folder), calibration.input, Some(&calibration.classes), None, events)?;
    let mut duplicates =
        compare(&calibration.examples, &photos.examples, &photos.classes, options, calibration.input, events)
            .duplicates;
    duplicates.retain(|pair| pair.across);
    tell_of_photos(&photos.warnings, &duplicates, &[], events);
    tell_of_enlarged(photos.enlarged, photos.input, events);
    let judged = Judged::all(model, &photos);
    Ok(Threshold {
        wanted,
        left: threshold::choose(&judged, wanted)?,
        supported: threshold::supported(&judged, wanted),
        of_training: false,
        table: threshold::table(&judged),
    })
}
