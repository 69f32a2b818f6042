//! The device's program without hardware: capture, pixels, inference, report, link.
//!
//! Everything here is generic over the camera ([`camera::Camera`]), the link (a byte stream by `embedded-io`) and the
//! counter ([`counter::Counter`]). So `cargo test` runs it on the PC, and a board adds only pins, clocks and a memory
//! map.
//!
//! | module | content |
//! |---|---|
//! | [`camera`] | the camera trait: rows of one picture, from the top |
//! | [`replay`] | a camera with pictures from the host |
//! | [`test_card`] | a camera with synthetic pictures |
//! | [`capture`] | camera rows -> the network's input, one row at a time |
//! | [`counter`] | the counter trait: cost of an inference |
//! | [`device`] | receives requests and sends responses |
//! | [`standalone`] | a device without a host: capture, classify, show, repeat |
//! | [`event`] | events for the board's log |
//!
//! No allocation, no unsafe code. No input from the link or the camera can make it panic.
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
