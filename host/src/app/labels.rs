//! Training photos whose label is doubted.

use std::collections::HashMap;
use std::path::Path;

use pinhole_core::path_text::path_text;
use pinhole_core::photos::{self, Dataset, DuplicatePhotos, Example, NearDuplicate};
use pinhole_lab::verdict::DoubtedLabel;
use pinhole_train::runs::{JobError, RunSummary};
use pinhole_train::{Network, cross_validated};

/// Returns the training photos whose label is doubted most. A linear classifier on the network's features is cross-validated on
/// them: each photo is judged by one that was not trained on it. A network that was trained on these photos repeats the wrong
/// labels that it learned, so `network` is preferably one that has not seen them.
///
/// # Errors
/// [`JobError`] if candle fails.
pub(super) fn doubted_labels(
    network: &Network,
    training: &Dataset,
    duplicates: &[DuplicatePhotos],
    seed: u64,
) -> Result<Vec<DoubtedLabel>, JobError> {
    let groups = groups_of(training, duplicates);
    Ok(DoubtedLabel::of_cross_validation(training, &cross_validated(network, training, &groups, seed)?))
}

/// Returns the doubted training photos that a run's summary lists: they do not depend on the model's quantization, and the
/// network that the training continued from may be gone. A photo whose label was corrected since then is no longer listed.
pub(super) fn recorded_doubts(run: &RunSummary, training: &Dataset) -> Vec<DoubtedLabel> {
    let class = |example: &Example| training.classes[usize::from(example.class)].clone();
    let photos: HashMap<String, (&Path, String)> = training
        .examples
        .iter()
        .map(|example| (path_text(&example.path), (example.path.as_path(), class(example))))
        .collect();
    let recorded = run.doubted_training.as_ref().and_then(|labels| labels.as_array());
    recorded
        .into_iter()
        .flatten()
        .filter_map(|label| {
            let (path, class) = photos.get(label["path"].as_str()?)?;
            (label["class"] == class.as_str()).then_some(())?;
            Some(DoubtedLabel {
                path: (*path).to_owned(),
                class: class.clone(),
                decided: label["decided"].as_str()?.to_owned(),
                probability: label["probability"].as_f64()?,
                own_probability: label["own_probability"].as_f64()?,
            })
        })
        .collect()
}

/// Returns the group of each photo, as [`photos::groups`] does, by near-duplicates among them.
fn groups_of(training: &Dataset, duplicates: &[DuplicatePhotos]) -> Vec<usize> {
    let indices: HashMap<&Path, usize> =
        training.examples.iter().enumerate().map(|(index, example)| (example.path.as_path(), index)).collect();
    let pairs: Vec<NearDuplicate> = duplicates
        .iter()
        .filter_map(|pair| {
            let (one, other) = (*indices.get(pair.first.as_path())?, *indices.get(pair.second.as_path())?);
            Some(NearDuplicate { first: one.min(other), second: one.max(other), distance: 0, mirrored: pair.mirrored })
        })
        .collect();
    photos::groups(training.examples.len(), &pairs)
}
