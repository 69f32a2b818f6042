//! Code that must be bit-identical on PC and device, written once.
//!
//! The steps from a photo to an answer, and their modules:
//!
//! | step | module | from -> to |
//! |---|---|---|
//! | pixels | [`pixels`] | camera-like rows -> the network's 8-bit input |
//! | shapes | [`shape`] | sizes of tensors and sliding windows |
//! | model | [`model`] | bytes of a model file -> borrowed, checked layers |
//! | layers | [`layer`] | what each kind of layer is: fields, checks, memory, and what runs it |
//! | layout | [`layout`] | offset of each weight in a layer's bytes |
//! | kernels | [`kernel`] | activations and weights -> 32-bit accumulators |
//! | fixed point | [`fixed`] | accumulators -> the next layer's activations, class probability |
//! | engine | [`engine`] | input -> decision, layer by layer |
//! | policy | [`policy`] | decisions -> an answer, or "unknown" |
//! | link | [`link`] | messages between host and device |
//!
//! No allocation and no unsafe code. No floating point between pixels and decision: the only floats are the scales in a
//! model file, for reports. Both sides compile this source, so there is no second implementation to keep equal.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod decision;
pub mod engine;
pub mod fixed;
pub mod kernel;
pub mod layer;
pub mod layout;
pub mod link;
pub mod model;
mod numbered;
pub mod pixels;
pub mod policy;
pub mod shape;

/// CRC-32 as in zip, of model files and of messages.
pub(crate) const CRC: crc::Crc<u32, CrcTable> = crc::Crc::<u32, CrcTable>::new(&crc::CRC_32_ISO_HDLC);

/// Without a table: on a device a kilobyte of flash is worth more than a start 0.1 s sooner.
#[cfg(target_os = "none")]
type CrcTable = crc::NoTable;
#[cfg(not(target_os = "none"))]
type CrcTable = crc::Table<1>;
