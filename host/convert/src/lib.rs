//! Converts model files to and from the formats of other tools.
//!
//! | module | from -> to |
//! |---|---|
//! | [`export`] | model file -> C header, TensorFlow Lite file |
//! | [`import`] | TensorFlow Lite file -> model file |
//! | `tflite` | TensorFlow Lite's format, read and written |
//! | `c_header` | a model file's bytes -> a C header, for firmware other than Pinhole's |

mod c_header;
pub mod export;
pub mod import;
mod tflite;
