//! The device's program without the device: capture, pixels, inference, report, link.
//!
//! Everything here is generic over the camera ([`camera::Camera`]), the link (a byte stream by `embedded-io`) and the
//! counter ([`counter::Counter`]), so plain `cargo test` runs it on the PC, and a board adds only pins, clocks and a
//! memory map.
//!
//! | module | what happens there |
//! |---|---|
//! | [`camera`] | what a camera must do: rows of one picture, from the top |
//! | [`replay`] | a camera whose pictures the host sends |
//! | [`test_card`] | a camera that draws |
//! | [`capture`] | camera rows -> the network's input, one row at a time |
//! | [`counter`] | what a board must do to count what an inference costs |
//! | [`device`] | requests in, answers out |
//! | [`standalone`] | a device without a host: capture, classify, show, and again |
//! | [`event`] | what happened, for the board's log |
//!
//! No allocation, no unsafe code, and no input over the link or from the camera makes it panic.
#![no_std]
#![forbid(unsafe_code)]

pub mod camera;
pub mod capture;
pub mod counter;
pub mod device;
pub mod event;
mod light;
mod measure;
pub mod replay;
mod report;
pub mod standalone;
pub mod test_card;
