//! Talking to a device: the host's side of the link and of the replayed camera, over any byte stream.

mod client;
mod replay;

pub use client::{Client, ClientError, Inference};
pub use replay::{Picture, PictureError, Replay};
