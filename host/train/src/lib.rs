//! Training: photos and a recipe give the float network with the best validation loss. [`quantize`] converts it to a
//! model file, [`finetune`] fine-tunes it with the device's integers, and [`runs`] reads and writes run folders.
//!
//! candle holds the tensors and runs autograd. The two operations where it would spend nearly all of its time are our
//! own: `dense` and `optimizer`. So are the operations on image tensors (`spatial`). All of them are on the matrix
//! product in `matrix` and the vector instructions in `simd`. They give the same result on every machine. Tests compare
//! them with candle's own operations and optimizer.
//!
//! A network is a sequence of layers. What is particular to one kind of layer is in its file in `layers`.

mod accelerator;
mod augment;
mod camera_noise;
mod checkpoint;
mod dense;
mod fake_quantization;
pub mod finetune;
mod flip_test;
pub mod layers;
mod linear_classifier;
mod loss;
mod matrix;
mod network;
mod optimizer;
mod quantization_aware;
pub mod quantize;
pub mod runs;
mod schedule;
mod simd;
mod spatial;
mod trainer;
mod training;
mod transfer;

#[cfg(test)]
mod tests;

pub use accelerator::{Accelerator, AcceleratorError};
pub use augment::augmented;
pub use checkpoint::{Checkpoint, CheckpointError, TrainingIdentity, TrainingState, digest};
pub use flip_test::FlipTest;
pub use layers::FloatLayer;
pub use linear_classifier::{cross_validated, most_probable};
pub use network::{Network, NetworkError};
pub use schedule::learning_rates;
pub use trainer::{DIVERGED_ADVICE, Epoch, TrainError, Trainer};
pub use training::{Stopped, Training, TrainingOutcome, train};
pub use transfer::{LastLayer, Pretrained, TransferError, transfer};

pub(crate) use fake_quantization::{FakeQuantization, FakeQuantized};
pub use loss::{cross_entropy, softmax};
pub(crate) use quantization_aware::QuantizationAware;
pub use trainer::arg_max;
