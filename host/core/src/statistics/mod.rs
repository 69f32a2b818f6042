//! Statistics: conclusions from some photos and seeds that hold beyond them.
//!
//! All results are closed-form, or summed in a fixed order from `+ - * /` and square roots, which IEEE 754 rounds the same
//! everywhere. So the same inputs give the same bits on every machine.
//!
//! | question | function |
//! |---|---|
//! | In which range is the true accuracy, given this number of photos? | [`wilson`] |
//! | In which range is the mean of several classes' recalls? | [`mean_of_proportions`] |
//! | What is the minimum sample size for this error rate? | [`minimum_sample_size`] |
//! | How much does the seed matter? | [`Spread::of`] |
//! | Is one network better than another on the same photos? | [`mcnemar`] |
//! | ... and if several are compared at once? | [`holm`] |
//! | Is a decision with a probability of 0.9 right nine times in ten? | [`reliability`] |

mod comparison;
mod interval;
mod mean;
mod reliability;
mod spread;

pub use comparison::{holm, mcnemar};
pub use interval::{Interval, minimum_sample_size, wilson};
pub use mean::{Proportion, mean_of_proportions};
pub use reliability::{DecidedProbability, Reliability, ReliabilityBin, reliability};
pub use spread::Spread;
