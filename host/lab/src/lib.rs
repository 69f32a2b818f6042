//! Measures networks and reports the results.
//!
//! | module | from -> to |
//! |---|---|
//! | [`evaluate`] | both networks -> scores and disagreements |
//! | [`verdict`] | an evaluation and facts of the training -> how good the network is, in words and numbers |
//! | [`threshold`] | decisions on labeled photos -> the least probability of an answer |
//! | [`explain`] | one input, covered patch by patch -> the pixels that decided |
//! | [`study`] | photos and many recipes -> statistics of them |
//! | [`tune`] | photos and a budget -> networks on the front of accuracy and cost |
//! | [`report`] | all results -> one HTML file |

pub mod evaluate;
pub mod explain;
pub mod report;
pub mod study;
pub mod threshold;
pub mod tune;
pub mod verdict;
