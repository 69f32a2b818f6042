//! Drivers of camera modules on `embedded-hal`, and software models of the modules.
//!
//! | module | what it is |
//! |---|---|
//! | [`arducam_mini`] | ArduCAM Mini 2MP Plus (and the older Mini 2MP): an OV2640 behind a frame buffer, SPI and I2C |
//! | [`arducam_mega`] | ArduCAM Mega: SPI only, both generations of its commands |
//! | [`ov2640`] | the sensor of the Mini: register tables, window and scale, SCCB access |
//! | [`picture`] | a picture's rows out of a module's frame buffer, and what shows that a byte is missing or old |
//! | [`probe`] | what is the matter between microcontroller and module when it does not answer |
//! | [`soft_i2c`] | an I2C controller of two pins, whose every wait ends |
//! | `model` | software models of both modules, stricter than the hardware (feature `model`, needs std) |
//!
//! The drivers implement [`pinhole_app::camera::Camera`]: pictures row by row, no frame in memory. They do not
//! allocate, every wait ends, and what a driver may take at most is a function of the bus clocks
//! ([`arducam_mini::worst_start_ms`] and its likes).
//!
//! Written from data sheets and vendors' documents and tested against the models; what awaits hardware is said where
//! it matters.
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
