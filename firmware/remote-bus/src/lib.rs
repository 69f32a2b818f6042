//! SPI, I2C and time over a byte stream.
//!
//! An emulated board has no camera on its buses. Its drivers use [`device::Buses`] instead, which send every
//! transaction to the host. There, a software model of the camera answers ([`host`]). The drivers are the same code
//! that runs on hardware.
//!
//! | module | content |
//! |---|---|
//! | [`wire`] | the messages |
//! | [`device`] | `embedded-hal`'s traits over a stream |
//! | `host` | the host side, for any [`host::Target`] (feature `host`, needs std) |
#![cfg_attr(not(any(test, feature = "host")), no_std)]
#![forbid(unsafe_code)]

pub mod device;
#[cfg(any(test, feature = "host"))]
pub mod host;
pub mod wire;
