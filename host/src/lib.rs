//! Pinhole's host side: from photos to a model file, and the proof that the device decides the same.
//!
//! One direction of flow, one folder a stage:
//!
//! | stage | module | from -> to |
//! |---|---|---|
//! | photos | [`photos`] | files -> labeled network inputs (through the shared pixel pipeline) |
//! | recipe | [`recipe`] | TOML -> what to train |
//! | training | [`train`] | inputs and recipe -> float network |
//! | quantization | [`quantize`] | float network -> model file |
//! | fine-tuning | [`finetune`] | float network -> model file, trained on by the device's integers |
//! | model file | [`model_file`] | bytes -> the shared engine |
//! | inference | [`inference`] | all integers of one input, from any engine |
//! | evaluation | [`evaluate`] | both networks -> scores and disagreements |
//! | threshold | [`threshold`] | decisions on labeled photos -> when to answer "unknown" |
//! | statistics | [`statistics`] | scores of some photos and seeds -> what they say beyond them |
//! | explanation | [`explain`] | one input, covered patch by patch -> which pixels decided |
//! | report | [`report`] | all of it -> one HTML file |
//! | export | [`export`] | model file -> C header, TensorFlow Lite file |
//! | import | [`import`] | TensorFlow Lite file -> model file |
//! | workflow | [`workflow`] | photo folders -> run folder, the stages above in a row |
//! | run folder | [`run_folder`] | what a training leaves on disk |
//! | bundled models | [`shipped`] | a name -> a trained model inside the program |
//! | suggestions | [`suggest`] | a mistyped name -> the known one it probably means |
//! | source | [`source`] | a trained network, however it is kept -> what a training continues from |
//! | study | [`study`] | photos and many recipes -> what can be said of them |
//! | search | [`tune`] | photos and a budget -> networks on the front of accuracy and cost |
//! | boards | [`board`] | which there are, and what they declare |
//! | budget | [`budget`] | model and firmware against what a board has -> fits or not, and how long it takes |
//! | device | [`device`] | the host's side of the link |
//! | firmware | [`firmware`] | a board -> its firmware; a model file -> what goes into flash |
//! | flash file | [`flash_file`] | firmware and model -> a file that other tools flash |
//! | emulator | [`emulator`] | firmware and model -> a running emulated board |
//! | debug probe | [`probe`] | firmware and model -> a board's flash; the link to it |
//! | a board's camera | [`board_camera`] | a board, emulated or at hand -> one look after the other |
//! | benchmark | [`bench`] | model file and board -> instructions of an inference |
//! | proof | [`prove`] | host engine and board -> every integer compared |
//! | live view | [`watch`] | looks of a device -> a screen of them |
//! | settings | [`settings`] | options and environment -> where firmware and emulator come from |
//! | cache | [`cache`] | the user's cache folder |
//! | systems | `platform` | Linux, macOS, Windows -> what differs between them |
//! | doctor | [`doctor`] | this machine -> what is there, what needs it, what mends it |
//! | drawn data | [`draw`] | a seed -> drawn pictures to try it all on |
//!
//! [`cli`] parses commands and prints; everything it does is in the modules above.

pub mod bench;
pub mod board;
pub mod board_camera;
pub mod budget;
pub mod cache;
pub mod cli;
pub mod device;
pub mod doctor;
pub mod draw;
pub mod emulator;
pub mod evaluate;
pub mod explain;
pub mod export;
pub mod finetune;
pub mod firmware;
pub mod flash_file;
pub mod import;
pub mod inference;
pub mod model_file;
pub mod photos;
mod platform;
pub mod probe;
pub mod prove;
pub mod quantize;
pub mod random;
pub mod recipe;
pub mod report;
pub mod run_folder;
pub mod settings;
pub mod shipped;
pub mod source;
pub mod statistics;
pub mod study;
pub mod suggest;
pub mod threshold;
pub mod train;
pub mod tune;
pub mod watch;
pub mod workflow;
