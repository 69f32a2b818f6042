//! Pinhole's host side.
pub mod draw;
pub mod model_file;
pub mod photos;
pub mod quantize;
pub mod random;
pub mod recipe;
pub mod train;
