//! Use cases: the work of the commands, independent of how it is requested or displayed.
//!
//! A front end (the command line, a page, a test) makes a request, passes its [`Events`], and receives a result or an
//! error. Nothing in this module prints, draws or reads the keyboard.
//!
//! | module | from -> to |
//! |---|---|
//! | [`events`] | a running use case -> facts and progress, for its front end |
//! | [`mod@train`] | photo folders -> run folder, also from a checkpoint |
//! | [`mod@quantize`] | run folder and photos -> its model, quantized again |
//! | [`budget`] | model and board -> memory needs, whether they fit, and the time of an inference |
//! | [`flash`] | model and board -> the board's flash, or a file for other tools |
//! | [`board`] | a board -> a running emulator, or a connection |
//! | [`capture`] | a board's camera -> training pictures |
//! | [`watching`] | a board's camera -> the state of the live view |
//! | `compare` | photos -> near-duplicates among them |
//! | [`next_steps()`] | a run and its verdict -> the commands that follow |
//! | `board_rows` | a model -> its memory and time on every board |
//! | `command` | a training -> the command that says the same |
//! | `job` | photo folders -> results of a training |
//! | `observer` | a training between two epochs -> progress, a checkpoint, and the decision to stop |
//! | `rewrite` | a run with a new model -> its report |

pub mod board;
mod board_rows;
pub mod budget;
pub mod capture;
mod command;
pub mod events;
pub mod flash;
mod job;
mod labels;
mod next_steps;
mod observer;
mod photos;
pub mod quantize;
mod report_page;
mod rewrite;
pub mod train;
pub mod watching;

#[cfg(test)]
mod tests;

pub use events::{Events, LogSink, Note, Progress, Task};
pub use job::{EXPLAINED, FinishedTraining, HOLD_OUT, Job, JobData, PretrainedInit, load};
pub use next_steps::next_steps;
pub use photos::read as read_photos;
pub use rewrite::{Rewritten, rewrite_report};
