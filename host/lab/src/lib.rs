//! What is measured of networks, and how it is shown.
//!
//! | module | from -> to |
//! |---|---|
//! | [`evaluate`] | both networks -> scores and disagreements |
//! | [`threshold`] | decisions on labeled photos -> when to answer "unknown" |
//! | [`explain`] | one input, covered patch by patch -> which pixels decided |
//! | [`study`] | photos and many recipes -> what can be said of them |
//! | [`tune`] | photos and a budget -> networks on the front of accuracy and cost |
//! | [`report`] | all of it -> one HTML file |

pub mod evaluate;
pub mod explain;
pub mod report;
pub mod study;
pub mod threshold;
pub mod tune;
