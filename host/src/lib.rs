//! Pinhole's host side: from photos to a model file, and the proof that the device computes the same integers.
//!
//! This crate re-exports five other crates under one name. Their only dependencies on each other point downward to
//! `core`, as drawn:
//!
//! ```text
//!           lab              evaluation, studies, reports
//!         /    |
//!     train boards convert   training and quantization | boards and proofs | TensorFlow Lite and C
//!          \   |   /
//!            core            photos, recipes, model files, the host's engine
//! ```
//!
//! | module | from -> to |
//! |---|---|
//! | [`app`] | a request -> its result, with notes and progress: use cases of the commands, without a command line |
//! | [`watch`] | captures of a device -> a screen of them |
//! | [`doctor`] | this machine -> its state, the requirements of the commands, and remedies |
//! | [`cli`] | arguments -> use cases; notes and results -> text |

pub use pinhole_boards::{
    bench, board, board_camera, budget, cache, device, emulator, firmware, flash_file, platform, probe, prove, settings,
};
pub use pinhole_convert::{export, import};
pub use pinhole_core::{
    artifacts, choice, data, inference, model_file, photos, random, recipe, simd, statistics, suggest, synthetic,
};
pub use pinhole_lab::{evaluate, explain, report, study, threshold, tune, verdict};
pub use pinhole_train as train;
pub use pinhole_train::{finetune, quantize, runs};

pub mod app;
pub mod cli;
pub mod doctor;
pub mod watch;
