//! Device of training's forward and backward passes: the processor or a graphics card. The processor uses our
//! operations, which give the same bytes everywhere; a card uses candle's own.
//!
//! A card computes one batch at a time ([`pass`]): it receives weights and batch, and returns gradients. All else stays
//! on the processor: photos and augmentation, the optimizer, running statistics, validation. So the meaning of a recipe
//! does not depend on the card. But sums on a card have another order: the same seed gives nearly the same network, not
//! the same bytes.

mod activation;
mod pass;
#[cfg(test)]
mod tests;
mod window;

use candle_core::Device;
use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(super) use activation::{above_zero, activated};
pub(super) use pass::{Left, Pass, on_device};
pub(super) use window::{largest, sum, under};

/// Device that computes the gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    /// The processor, with all cores: the same bytes on any machine.
    #[default]
    Cpu,
    /// The first graphics card, in a build with the feature `cuda` or `metal`.
    Gpu,
}

/// Error: there is no graphics card to train on.
#[derive(Debug, Error, Diagnostic)]
pub enum AcceleratorError {
    /// The program was built without support for graphics cards.
    #[error("this Pinhole was built without support for graphics cards")]
    #[diagnostic(help(
        "build it with `cargo build --release --features cuda` (NVIDIA, needs CUDA's compiler) or `--features metal` \
         (Apple), or train on the processor"
    ))]
    NotBuilt,
    /// No graphics card was found.
    #[error("no graphics card can be used: {0}")]
    #[diagnostic(help("install the card's driver, or train on the processor"))]
    None(#[source] candle_core::Error),
}

impl Accelerator {
    /// Returns the graphics card, or `None` for the processor.
    ///
    /// # Errors
    /// [`AcceleratorError`].
    pub(super) fn card(self) -> Result<Option<Device>, AcceleratorError> {
        match self {
            Self::Cpu => Ok(None),
            Self::Gpu => first_card().map(Some),
        }
    }

    /// Checks that this device can be used, before photos are read.
    ///
    /// # Errors
    /// [`AcceleratorError`].
    pub fn check(self) -> Result<(), AcceleratorError> {
        self.card().map(drop)
    }

    /// Returns true if this is the processor.
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
