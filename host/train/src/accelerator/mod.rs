//! What computes the forward and backward passes of training: the processor, by the operations of ours that give the same
//! bytes everywhere, or a graphics card, by candle's own operations.
//!
//! A card takes over a batch at a time ([`pass`]): the weights and the batch go there, the gradients come back. Everything
//! else stays on the processor: photos and their variations, the optimizer, running statistics, validation. So what
//! a recipe means does not depend on the card; but sums there have an order of
//! their own, and the same seed gives nearly the same network, not the same bytes.

mod pass;
#[cfg(test)]
mod tests;
mod window;

use candle_core::Device;
use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(super) use pass::Pass;

/// What a training computes its gradients on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    /// The processor, all cores: the same bytes on any machine.
    #[default]
    Cpu,
    /// The first graphics card, in a build with the feature `cuda` or `metal`.
    Gpu,
}

/// Why there is no card to train on.
#[derive(Debug, Error, Diagnostic)]
pub enum AcceleratorError {
    /// The program cannot use any.
    #[error("this Pinhole was built without support for graphics cards")]
    #[diagnostic(help(
        "build it with `cargo build --release --features cuda` (NVIDIA, needs CUDA's compiler) or `--features metal` \
         (Apple), or train on the processor"
    ))]
    NotBuilt,
    /// It found none.
    #[error("no graphics card can be used: {0}")]
    #[diagnostic(help("check that the card's driver is installed, or train on the processor"))]
    None(#[source] candle_core::Error),
}

impl Accelerator {
    /// The card; `None` for the processor.
    ///
    /// # Errors
    /// [`AcceleratorError`].
    pub(super) fn card(self) -> Result<Option<Device>, AcceleratorError> {
        match self {
            Self::Cpu => Ok(None),
            Self::Gpu => first_card().map(Some),
        }
    }

    /// Whether it can be used: known before photos are read.
    ///
    /// # Errors
    /// [`AcceleratorError`].
    pub fn check(self) -> Result<(), AcceleratorError> {
        self.card().map(drop)
    }

    /// Whether this is the processor.
    pub fn is_cpu(&self) -> bool {
        *self == Self::Cpu
    }
}

#[cfg(feature = "cuda")]
fn first_card() -> Result<Device, AcceleratorError> {
    Device::new_cuda(0).map_err(AcceleratorError::None)
}

#[cfg(all(feature = "metal", not(feature = "cuda")))]
fn first_card() -> Result<Device, AcceleratorError> {
    Device::new_metal(0).map_err(AcceleratorError::None)
}

#[cfg(not(any(feature = "cuda", feature = "metal")))]
fn first_card() -> Result<Device, AcceleratorError> {
    Err(AcceleratorError::NotBuilt)
}
