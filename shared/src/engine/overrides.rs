//! Layers that a caller computes itself.

use crate::layer::{Dense, Layer};

/// Code that computes layers in place of the engine: with instructions that a kernel does not have, or from sums that are known
/// already.
///
/// `index` is the layer's index among all layers. A function that returns false leaves the layer to the engine, whatever it has
/// written.
///
/// # Contract, for implementors
/// The integers are those of [`crate::kernel::Scalar`]: [`crate::model::Model::parse`] has shown that no later layer overflows with
/// these.
pub trait Overrides {
    /// False if no layer is computed, so that a device's program has none of this.
    const COMPUTES: bool = true;

    /// Computes the accumulators of a dense layer whose inputs are bytes: one for each output; there may be more, which do not
    /// matter.
    fn dense(&mut self, index: usize, dense: &Dense<'_>, input: &[u8], accumulators: &mut [i32]) -> bool;

    /// Computes the output of a layer that reads one tensor and writes one. Sums with an earlier layer's output do not come here.
    fn tensor(&mut self, index: usize, layer: &Layer<'_>, input: &[u8], output: &mut [u8]) -> bool;
}

/// The engine computes all layers.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoOverrides;

impl Overrides for NoOverrides {
    const COMPUTES: bool = false;

    #[inline(always)]
    fn dense(&mut self, _: usize, _: &Dense<'_>, _: &[u8], _: &mut [i32]) -> bool {
        false
    }

    #[inline(always)]
    fn tensor(&mut self, _: usize, _: &Layer<'_>, _: &[u8], _: &mut [u8]) -> bool {
        false
    }
}
