//! Training: photos and a recipe in, the float network with the best validation loss out.
//!
//! candle holds the tensors and runs autograd; the two places where it would spend nearly all of its time are
//! operations of ours ([`dense`], [`optimizer`] and the product both use, [`matrix`]), which also make the result the same
//! on every machine. The operations over pictures ([`spatial`]) are as well. A test compares them with candle's own operations and optimizer.

mod accelerator;
mod arithmetic;
mod augment;
mod checkpoint;
mod dense;
mod exact;
mod grain;
mod layer_state;
mod loss;
mod matrix;
mod network;
mod optimizer;
mod schedule;
mod spatial;
mod trainer;
mod training;
mod transfer;

#[cfg(test)]
mod tests;

pub use accelerator::{Accelerator, AcceleratorError};
pub use checkpoint::{Checkpoint, CheckpointError, Identity, TrainingState};
pub use network::{BatchNorm, FloatConv, FloatLayer, Network, NetworkError};
pub use trainer::{Epoch, TrainError, Trainer};
pub use training::{Outcome, Stopped, Training, train};
pub use transfer::{LastLayer, Pretrained, TransferError, transfer};

pub(crate) use arithmetic::{Arithmetic, Stage};
pub(crate) use exact::Exact;
pub(crate) use loss::{cross_entropy, softmax};
pub(crate) use trainer::arg_max;
