//! Pinhole's host side: from photos to a model file, and the proof that the device decides the same.
//!
//! Five crates, which this one puts together and gives on under one name; none of them reaches up or sideways but as drawn:
//!
//! ```text
//!            core            photos, recipes, model files, the host's engine
//!          /   |   \
//!     train boards convert   float network -> model file | model file -> a board's answers | other tools' files
//!         \    |
//!           lab              what is measured, and how it is shown: evaluation, study, report
//! ```
//!
//! | module | from -> to |
//! |---|---|
//! | [`app`] | a request -> its result, with facts on the way: what commands do, without a command line |
//! | [`watch`] | captures of a device -> a screen of them |
//! | [`doctor`] | this machine -> what is there, what needs it, what mends it |
//! | [`cli`] | commands: it parses and prints, the modules do the work |

pub use pinhole_boards::{
    bench, board, board_camera, budget, cache, device, emulator, firmware, flash_file, platform, probe, prove, settings,
};
pub use pinhole_convert::{export, import};
pub use pinhole_core::{
    artifacts, choice, data, inference, model_file, photos, random, recipe, statistics, suggest, synthetic,
};
pub use pinhole_lab::{evaluate, explain, report, study, threshold, tune};
pub use pinhole_train as train;
pub use pinhole_train::{finetune, quantize, runs};

pub mod app;
pub mod cli;
pub mod doctor;
pub mod watch;
