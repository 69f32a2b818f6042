//! Code shared by all boards.
//!
//! | module | content |
//! |---|---|
//! | [`model`] | the model file in its own memory region |
//! | [`stack`] | maximum stack use |
//! | [`memory`] | working memory of a board, in the declared sizes |
//! | `clock` | SysTick clock: milliseconds, cycles, waits, sleep (feature `alone`) |
//! | `rtt` | link and log over RTT (feature `alone`) |
//! | `standalone` | standalone program: loop, watchdog, LED (feature `alone`) |
#![no_std]

#[cfg(feature = "standalone")]
pub mod clock;
pub mod memory;
pub mod model;
#[cfg(feature = "standalone")]
pub mod rtt;
pub mod stack;
#[cfg(feature = "standalone")]
pub mod standalone;
