//! Where a training is.

use serde::{Deserialize, Serialize};

use super::super::optimizer::Moments;
use super::super::trainer::Epoch;

/// All that the epochs to come, and their outcome, depend on, beside what the training is made from: what
/// [`super::super::Training::state`] takes. Counts of epochs and updates follow from the list of epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// All epochs so far.
    pub(crate) epochs: Vec<Epoch>,
    /// The network after the best of them, tensor by tensor.
    pub(crate) best: Vec<Vec<f32>>,
    pub(crate) trainer: TrainerState,
}

impl TrainingState {
    /// All epochs so far.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }
}

/// The part of it that changes the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrainerState {
    /// The network after the last epoch, tensor by tensor; running statistics are tensors too.
    pub network: Vec<Vec<f32>>,
    /// Of every tensor that learns, layer by layer.
    pub optimizer: Vec<Moments>,
    /// The last epoch's order of the training photos, which the next one shuffles.
    pub order: Vec<usize>,
    /// Numbers drawn from the streams for shuffles, dropout, variations and grain.
    pub positions: [u128; 4],
}
