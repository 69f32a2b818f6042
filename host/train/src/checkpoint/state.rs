//! State of a training between two epochs.

use serde::{Deserialize, Serialize};

use super::super::optimizer::Moments;
use super::super::trainer::Epoch;

/// The state that all further epochs and their outcome depend on, beside the training's inputs. Taken by
/// [`super::super::Training::state`]. Counts of epochs and updates follow from the list of epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// All epochs so far.
    pub(crate) epochs: Vec<Epoch>,
    /// Parameters of the network after the best epoch, tensor by tensor.
    pub(crate) best: Vec<Vec<f32>>,
    pub(crate) trainer: TrainerState,
}

impl TrainingState {
    /// All epochs so far.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }
}

/// State of the trainer: the part that the next update depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrainerState {
    /// Parameters of the network after the last epoch, tensor by tensor; running statistics are tensors too.
    pub network: Vec<Vec<f32>>,
    /// Optimizer state of every trained tensor, layer by layer.
    pub optimizer: Vec<Moments>,
    /// Order of the training photos in the last epoch, which the next one shuffles.
    pub order: Vec<usize>,
    /// Positions in the random streams for shuffles, dropout, augmentation and camera noise.
    pub positions: [u128; 4],
}
