//! Layers as operators.

pub(super) mod dense;
pub(super) mod pool;
