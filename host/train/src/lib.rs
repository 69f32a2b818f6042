//! Training: photos and a recipe in, the float network with the best validation loss out; then [`quantize`] makes a model
//! file of it, [`finetune`] trains on by the device's integers, and [`runs`] keeps it all on disk.
//!
//! candle holds the tensors and runs autograd; the two places where it would spend nearly all of its time are
//! operations of ours (`dense`, `optimizer` and the product both use, `matrix`), which also make the result the same
//! on every machine. The operations over pictures (`spatial`) are as well. A test compares them with candle's own operations and optimizer.

mod accelerator;
mod arithmetic;
mod augment;
mod checkpoint;
mod dense;
mod exact;
pub mod finetune;
mod grain;
mod layer_state;
mod loss;
mod matrix;
mod network;
mod optimizer;
pub mod quantize;
pub mod runs;
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
pub use loss::{cross_entropy, softmax};
pub use trainer::arg_max;
