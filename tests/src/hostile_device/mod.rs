//! A device that does what no device should: test equipment for the host's side of the link.
//!
//! | module | contents |
//! |---|---|
//! | `peer` | a device that answers every request rightly, and tells lies at chosen requests |
//! | `lie` | the lies: noise, floods, drips, wrong numbers, resets, silence |
//! | `memory` | the device on a stream in memory, with a clock of its own: no test waits |
//! | `port` | the device behind a pseudo terminal, for commands with `--port` |
//! | `pair` | pseudo terminals that no other program inherits |
//! | `screen` | a terminal for commands that need one |

mod lie;
mod memory;
#[cfg(unix)]
mod pair;
mod peer;
#[cfg(unix)]
mod port;
#[cfg(unix)]
mod screen;

pub use lie::Lie;
pub use memory::MemoryLink;
#[cfg(unix)]
pub use pair::start;
pub use peer::Peer;
#[cfg(unix)]
pub use port::HostilePort;
#[cfg(unix)]
pub use screen::Screen;

use std::collections::VecDeque;
use std::time::Duration;

/// A step of a device on its line.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends nothing for this time.
    Pause(Duration),
    /// Does these steps again and again.
    Forever(Vec<Step>),
    /// Sends values that continue an answer, without an end. The number of values before, and of each message.
    Values(u32, usize),
    /// Takes no more bytes.
    Deaf,
    /// Closes the line.
    Close,
}

/// The steps that a device has before it.
#[derive(Debug, Default)]
pub(crate) struct Steps(VecDeque<Step>);

/// The next action on the line.
#[derive(Debug)]
pub(crate) enum Now {
    Send(Vec<u8>),
    Pause(Duration),
    Close,
    /// Nothing, until a request comes.
    Idle,
}

impl Steps {
    pub(crate) fn extend(&mut self, steps: Vec<Step>) {
        self.0.extend(steps);
    }

    /// Puts back what could not be done as a whole.
    pub(crate) fn put_back(&mut self, step: Step) {
        self.0.push_front(step);
    }

    /// Drops a step that has no end, so that the steps behind it are done.
    pub(crate) fn drop_endless(&mut self) {
        self.0.retain(|step| !matches!(step, Step::Forever(_) | Step::Values(..)));
    }

    pub(crate) fn is_deaf(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Deaf))
    }

    pub(crate) fn next(&mut self) -> Now {
        match self.0.pop_front() {
            None => Now::Idle,
            Some(Step::Send(bytes)) => Now::Send(bytes),
            Some(Step::Pause(time)) => Now::Pause(time),
            Some(Step::Deaf) => {
                self.put_back(Step::Deaf);
                Now::Idle
            }
            Some(Step::Close) => {
                self.put_back(Step::Close);
                Now::Close
            }
            Some(Step::Values(offset, count)) => {
                self.put_back(Step::Values(offset + count as u32, count));
                Now::Send(peer::values(1, offset, &vec![1; count]))
            }
            Some(Step::Forever(steps)) => {
                self.put_back(Step::Forever(steps.clone()));
                for step in steps.into_iter().rev() {
                    self.put_back(step);
                }
                self.next()
            }
        }
    }
}
