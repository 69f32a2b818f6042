//! Everything that must be bit-equal on the PC and on the device, written once.
//!
//! A photo's way through this crate, and the room each step lives in:
//!
//! | step | module | from -> to |
//! |---|---|---|
//! | pixels | [`pixels`] | camera-like rows -> the network's 8-bit input |
//! | shapes | [`shape`] | sizes of tensors, and of the windows that slide over them |
//! | model | [`model`] | bytes of a model file -> borrowed, checked layers |
//! | layout | [`layout`] | where in a layer's bytes each weight lies |
//! | kernels | [`kernel`] | activations and weights -> 32-bit accumulators |
//! | fixed point | [`fixed`] | accumulators -> the next layer's activations, class probability |
//! | engine | [`engine`] | input -> decision, layer by layer |
//! | policy | [`policy`] | decisions -> an answer, or "unknown" |
//! | link | [`link`] | messages between host and device |
//!
//! No allocation, no unsafe code, and no floating point on the way from pixels to a decision (the only floats are
//! the scales in a model file, which reports read). Both sides compile this source; equality is not an agreement
//! between two implementations but the absence of a second one.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod decision;
pub mod engine;
pub mod fixed;
pub mod kernel;
pub mod layout;
pub mod link;
pub mod model;
mod numbered;
pub mod pixels;
pub mod policy;
pub mod shape;

/// CRC-32 as in zip: of model files and of messages.
pub(crate) const CRC: crc::Crc<u32, CrcTable> = crc::Crc::<u32, CrcTable>::new(&crc::CRC_32_ISO_HDLC);

/// A device would rather have a kilobyte of flash than a start a tenth of a second sooner.
#[cfg(target_os = "none")]
type CrcTable = crc::NoTable;
#[cfg(not(target_os = "none"))]
type CrcTable = crc::Table<1>;
