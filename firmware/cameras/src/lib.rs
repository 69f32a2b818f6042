//! Drivers of camera modules on `embedded-hal`, and software models of the modules.
//!
//! | module | content |
//! |---|---|
//! | [`arducam_mini`] | ArduCAM Mini 2MP Plus (and the older Mini 2MP): an OV2640 behind a frame buffer, SPI and I2C |
//! | [`arducam_mega`] | ArduCAM Mega: SPI only, both generations of its commands |
//! | [`ov2640`] | the sensor of the Mini: register tables, window and scale, SCCB access |
//! | [`picture`] | reads a picture's rows from a module's frame buffer; detects missing and old bytes |
//! | [`probe`] | diagnosis of the wires between microcontroller and module |
//! | [`soft_i2c`] | an I2C controller on two pins, with limited waits |
//! | `model` | software models of both modules, stricter than the hardware (feature `model`, needs std) |
//!
//! The drivers implement [`pinhole_app::camera::Camera`]: pictures row by row, no frame in memory. They do not
//! allocate, and every wait ends. The maximum duration of a driver's calls is a function of the bus clocks
//! ([`arducam_mini::worst_start_ms`] and similar functions).
//!
//! The drivers are written from data sheets and vendors' documents, and tested against the models. Assumptions not
//! verified on hardware are listed in the drivers' documentation.
#![cfg_attr(not(any(test, feature = "model")), no_std)]
#![forbid(unsafe_code)]

pub mod arducam_mega;
pub mod arducam_mini;
#[cfg(feature = "model")]
pub mod model;
pub mod ov2640;
pub mod picture;
pub mod probe;
pub mod soft_i2c;
mod square;
mod time;

pub use square::{mega_size_for, square_for};
