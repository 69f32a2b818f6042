//! Pinhole's host side.
pub mod random;
