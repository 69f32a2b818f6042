//! What boards share on the device.
//!
//! | module | what it is |
//! |---|---|
//! | [`model`] | the model file in its own region of memory |
//! | [`stack`] | how deep the stack has been |
//! | [`memory`] | the working memory of a board, of the sizes it declares |
//! | `clock` | time, by SysTick: milliseconds, cycles, waits, sleep (feature `alone`) |
//! | `rtt` | the link and the log over RTT (feature `alone`) |
//! | `alone` | a board on its own: the loop, the watchdog, the light (feature `alone`) |
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
