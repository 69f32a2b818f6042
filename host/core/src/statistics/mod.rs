//! What numbers measured on some photos and some seeds say beyond those photos and seeds.
//!
//! All of it is closed-form or summed in a fixed order from `+ - * /` and square roots, which IEEE 754 rounds the same
//! everywhere: the same inputs give the same bits on every machine.
//!
//! | question | function |
//! |---|---|
//! | how far could this accuracy be off, with so few photos? | [`wilson`] |
//! | how many photos does it take to vouch for so few errors? | [`photos_to_vouch`] |
//! | how much does the seed matter? | [`Spread::of`] |
//! | is one network better than another on the same photos? | [`mcnemar`] |
//! | ... and when several are compared at once? | [`holm`] |
//! | does a probability of 0.9 mean right nine times in ten? | [`reliability`] |

mod comparison;
mod interval;
mod reliability;
mod spread;

pub use comparison::{holm, mcnemar};
pub use interval::{Interval, photos_to_vouch, wilson};
pub use reliability::{DecidedProbability, Reliability, ReliabilityBin, reliability};
pub use spread::Spread;
