//! The messages host and device exchange, over any byte stream.
//!
//! The host sends a [`Request`], the device answers with one or more [`Response`]s, the last of which is anything but
//! [`Response::Values`], [`Response::Measured`] and [`Response::MeasuredStack`]. Messages are encoded with postcard and framed with COBS and a CRC-32 ([`frame`]), so either
//! side finds the start of the next message after lost or invented bytes.
//!
//! Versioned by [`PROTOCOL`], which [`Identity`] carries: the host reads it first and refuses another one. Changing a
//! message, or the order of an enum's variants, changes the version.

mod checksum;
pub mod frame;
pub mod replay;

pub use checksum::Checksum;

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use crate::pixels::{Color, InputShape};
use crate::policy::{Decided, Policy, UncheckedPolicy};

/// Version of the messages in this module.
pub const PROTOCOL: u16 = 3;

/// Most pixels in one [`Request::Input`].
pub const CHUNK_PIXELS: usize = 256;

/// Most values in one [`Response::Values`].
pub const CHUNK_VALUES: usize = 64;

/// Longest name of a board or kernel, bytes.
pub const NAME_BYTES: usize = 24;

/// A short name.
pub type Name = String<NAME_BYTES>;

/// What the host asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Who are you? Answer: [`Response::Identity`].
    Identify,
    /// Pixels of an input, from `offset` on. Answer: [`Response::Accepted`]. An input is complete when a request of
    /// this kind has covered its last pixel, having started at 0 and left no gap.
    Input {
        /// Index of the first pixel.
        offset: u32,
        /// At most [`CHUNK_PIXELS`] pixels.
        #[serde(borrow)]
        pixels: &'a [u8],
    },
    /// Classify the input sent before. Answer: [`Response::Decided`], after the values asked for.
    Classify {
        /// Whether to report all integers first.
        report: Report,
    },
    /// Capture a picture with the camera and classify it. Answers as [`Request::Classify`], but the verdict is that of the
    /// last captured frames together ([`crate::policy::Smoother`]).
    Capture {
        /// Whether to report all integers first.
        report: Report,
    },
    /// What happened so far? Answer: [`Response::Statistics`].
    Statistics,
    /// Count what it costs to classify the input sent before. Answer: [`Response::Measured`] for the whole inference,
    /// then for every layer in order, then
    /// [`Response::MeasuredStack`], then [`Response::Decided`]. The device classifies the input many times over;
    /// its statistics stay as they are, but for
    /// the deepest stack.
    Measure,
    /// When are decisions answers? Answer: [`Response::Policy`]. From the start, the model file's policy.
    Policy,
    /// From now on, and until a reset, decisions are answers by this policy. Answer: [`Response::Accepted`]. The frames
    /// captured before are forgotten.
    SetPolicy(UncheckedPolicy),
}

/// How much of an inference the device reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// The decision alone.
    Decision,
    /// The input's pixels and every layer's outputs, then the decision.
    AllValues,
}

/// What the device answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "one lives at a time, and there is no heap to box into")]
pub enum Response {
    /// Answer to [`Request::Identify`].
    Identity(Identity),
    /// The pixels, or the policy, were taken.
    Accepted,
    /// Some of the integers of the inference being reported.
    Values(Values),
    /// Decision and verdict: the last answer to a classification. Of an input that the host sent, the verdict is of that
    /// input alone.
    Decided(Decided),
    /// Answer to [`Request::Statistics`].
    Statistics(Statistics),
    /// The request was not carried out.
    Refused(Refusal),
    /// What one part of the inference being measured costs.
    Measured(Measured),
    /// Stack of the inference being measured, bytes: from where the device calls it.
    MeasuredStack(u32),
    /// Answer to [`Request::Policy`].
    Policy(Policy),
}

/// Who the device is and what it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// [`PROTOCOL`] of the device.
    pub protocol: u16,
    /// Board name.
    pub board: Name,
    /// [`crate::kernel::Kernel::NAME`] of the kernel it runs.
    pub kernel: Name,
    /// The device's pixel pipeline for its model, which says whether that sees colors ([`crate::pixels::Color::of_pipeline`]).
    pub pipeline: u32,
    /// CRC-32 of the model file in its flash.
    pub model_checksum: u32,
    /// Length of the model file, bytes.
    pub model_bytes: u32,
    /// Side of the network's square input, px.
    pub input_side: u16,
    /// Number of classes.
    pub classes: u16,
}

impl Identity {
    /// What its network takes; `None` when the pipeline is one that is not known here.
    pub fn input(&self) -> Option<InputShape> {
        Some(InputShape { side: self.input_side, color: Color::of_pipeline(self.pipeline)? })
    }
}

/// A run of integers of one stage of an inference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    /// 0: the input's pixels; n: the outputs of layer n - 1.
    pub stage: u16,
    /// Index of the first value.
    pub offset: u32,
    /// The values.
    pub values: Vec<i32, CHUNK_VALUES>,
}

/// What one part of an inference costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Measured {
    /// 0: the whole inference, from the input's pixels to the decision, undisturbed; n: layer n - 1, up to its
    /// outputs. What the whole costs beyond the layers' sum is the decision, give or take the few units by which
    /// watching the layers disturbs them.
    pub part: u16,
    /// What is counted.
    pub unit: Unit,
    /// How many.
    pub count: u64,
}

/// What a device counts when it measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Instructions executed: all that an emulator knows.
    Instructions,
    /// Cycles of the core's clock.
    Cycles,
}

/// Counters since the device started, and how the last input looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Statistics {
    /// Pictures captured and shrunk.
    pub captures: u32,
    /// Inputs classified.
    pub decisions: u32,
    /// Captures that failed.
    pub camera_faults: u32,
    /// Frames on the link that could not be read.
    pub link_faults: u32,
    /// Deepest stack so far, bytes.
    pub stack_bytes: u32,
    /// How long the last capture took, from exposure to the network's input, µs by the device's own clock.
    pub capture_us: u32,
    /// How long the last inference took, without reporting it, µs by the device's own clock.
    pub inference_us: u32,
    /// Mean brightness of the last input, in color of all its channels, 0..=255, rounded.
    pub brightness: u8,
    /// Standard deviation of the last input's bytes, in color those of all channels, 0..=128; for display only (micromath's square root is a few
    /// percent off). Near 0: a covered lens or a blank wall.
    pub contrast: u8,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refusal {
    /// The message could not be read: damaged, too long, or of another protocol version.
    Garbled,
    /// No complete input has been sent.
    NoInput,
    /// The pixels do not continue the input, or go past its end.
    WrongOffset,
    /// The camera failed.
    Camera,
    /// The picture does not suit: smaller than the network's input, too wide for the device's row buffer, or gray where the
    /// network sees colors.
    Picture,
    /// There is no such policy: see [`crate::policy::PolicyError`].
    Policy,
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Garbled => "the message arrived damaged",
            Self::NoInput => "no complete input was sent",
            Self::WrongOffset => "the pixels do not continue the input",
            Self::Camera => "the camera failed",
            Self::Picture => "the picture is smaller than the network's input, too wide for the device, or without the colors it sees",
            Self::Policy => "there is no such policy",
        })
    }
}

impl core::error::Error for Refusal {}
