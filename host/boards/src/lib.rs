//! Boards, emulated and at hand: what they have room for, their firmware, how it gets there, and what they answer.
//!
//! | module | from -> to |
//! |---|---|
//! | [`board`] | which there are, and what they declare |
//! | [`budget`] | model and firmware against what a board has -> fits or not, and how long it takes |
//! | [`firmware`] | a board -> its firmware; a model file -> what goes into flash |
//! | [`flash_file`] | firmware and model -> a file that other tools flash |
//! | [`emulator`] | firmware and model -> a running emulated board |
//! | [`probe`] | firmware and model -> a board's flash; the link to it |
//! | [`device`] | what every device does, emulated or at hand; the host's side of the link |
//! | [`board_camera`] | a device, and photos before its camera -> one frame after the other |
//! | [`mod@bench`] | model file and board -> instructions of an inference |
//! | [`prove`] | host engine and device -> every integer compared |
//! | [`settings`] | options and environment -> where firmware and emulator come from |
//! | [`cache`] | the user's cache folder |
//! | [`platform`] | Linux, macOS, Windows -> what differs between them |

pub mod bench;
pub mod board;
pub mod board_camera;
pub mod budget;
pub mod cache;
pub mod device;
pub mod emulator;
pub mod firmware;
pub mod flash_file;
pub mod platform;
pub mod probe;
pub mod prove;
pub mod settings;
