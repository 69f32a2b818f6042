//! Core of Pinhole's host side, which its other crates build on.
//!
//! | module | from -> to |
//! |---|---|
//! | [`photos`] | files -> labeled network inputs (through the shared pixel pipeline) |
//! | [`recipe`] | TOML -> network and training settings |
//! | [`model_file`] | bytes -> the shared engine; layers -> bytes |
//! | [`simd`] | convolutions, and dense layers that read bytes, with vector instructions |
//! | [`inference`] | all integers of one input, from any engine |
//! | [`artifacts`] | bytes -> a file, whole or not at all; folders that Pinhole wrote, by kind |
//! | [`path_text`] | any path -> text for JSON |
//! | [`data`] | files bundled inside the program |
//! | [`choice`] | a name -> one of a few named values |
//! | [`synthetic`] | a seed -> synthetic pictures for tests and demos |
//! | [`statistics`] | scores of some photos and seeds -> intervals and comparisons that hold beyond them |
//! | [`random`] | a seed -> the same numbers on every machine |
//! | [`words`] | a count and a noun -> both in a sentence |
//! | [`suggest`] | a mistyped name -> the known one it probably means |

#![deny(unsafe_code)]

pub mod artifacts;
pub mod choice;
pub mod data;
pub mod inference;
pub mod model_file;
pub mod path_text;
pub mod photos;
pub mod random;
pub mod recipe;
pub mod shown;
pub mod simd;
pub mod statistics;
pub mod suggest;
pub mod synthetic;
#[doc(hidden)]
pub mod testing;
pub mod words;
