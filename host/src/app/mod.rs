//! Use cases: what a command does, without how it was asked for or how it is shown.
//!
//! A front end (the command line, a page, a test) makes a request, hands over its [`Events`], and gets a result or an
//! error. Nothing in here prints, draws or listens to a keyboard.
//!
//! | module | from -> to |
//! |---|---|
//! | [`events`] | a running use case -> facts, for whoever started it |
//! | [`mod@train`] | photo folders -> run folder, also from a checkpoint on |
//! | [`mod@quantize`] | run folder and photos -> its model, quantized again |
//! | [`budget`] | model and board -> what it takes, whether it fits, how long it takes |
//! | [`flash`] | model and board -> the board's flash, or a file for other tools |
//! | [`board`] | a board -> running, or reached |
//! | [`capture`] | a board's camera -> training pictures |
//! | [`watching`] | a board's camera -> what there is to show of it |
//! | `job` | photo folders -> what a training makes of them |
//! | `observer` | a training between two epochs -> progress, a checkpoint, whether to stop |
//! | `rewrite` | a run whose model is new -> its report |

pub mod board;
pub mod budget;
pub mod capture;
pub mod events;
pub mod flash;
mod job;
mod observer;
pub mod quantize;
mod rewrite;
pub mod train;
pub mod watching;

#[cfg(test)]
mod tests;

pub use events::{Events, LogSink, Note, Progress, Work};
pub use job::{Continuation, EXPLAINED, Finished, HOLD_OUT, Job, JobData, load};
pub use rewrite::{Rewritten, rewrite_report};
