//! Pinhole's host side.
pub mod draw;
pub mod photos;
pub mod random;
pub mod recipe;
pub mod train;
