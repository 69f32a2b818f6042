//! Operations on image tensors for training: convolution, batch normalization, activation and pooling.
//!
//! A batch is a tensor batch x (channels * height * width), with channel planes one after another (NCHW). Sums along
//! rows of a plane vectorize this way, and a channel's statistics are sums over contiguous memory. Weights are in the
//! device's order: outputs x (kernel row, kernel column, input channel), depthwise channels x (kernel row, kernel
//! column).
//!
//! The same seed trains the same bytes on any machine and any number of threads (see [`super::matrix`]). So every sum
//! here has a fixed order, whatever vectors and threads compute it:
//! - elements of matrix products add their terms one after another ([`super::matrix`]);
//! - sums along memory have a fixed number of partial sums, added in a fixed order ([`super::simd`]);
//! - sums over a batch add images, or chunks of [`CHUNK`] images, in order.

mod activate;
mod conv;
mod layout;
mod lowering;
mod norm;
mod pool;
#[cfg(test)]
mod tests;

use candle_core::{Result, Storage, Tensor, bail};

use super::optimizer::contiguous;

pub(crate) use activate::{ActivateOp, Clamp};
pub(crate) use conv::ConvOp;
pub(crate) use layout::{FlattenOp, to_planes_first};
pub(crate) use norm::{BatchStatistics, EPSILON, NormOp};
pub(crate) use pool::{GlobalAverageOp, PoolOp};

/// Images that one thread takes at a time. Gradients by weights are summed over the images of a chunk, then over the
/// chunks, both in order.
const CHUNK: usize = 8;

/// Calls `f` with the values of a tensor on the CPU. A contiguous tensor is not copied.
fn with_values<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
    // Gradients of broadcasts have strides of 0.
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { bail!("the training operations run on the CPU") };
    f(contiguous(storage, layout)?)
}
