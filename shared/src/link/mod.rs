//! Messages between host and device, over any byte stream.
//!
//! The host sends a [`Request`]; the device answers with one or more [`Response`]s. The last one is never
//! [`Response::Values`], [`Response::Measured`] or [`Response::MeasuredStack`]. Messages are encoded with postcard and
//! framed with COBS and a CRC-32 ([`frame`]), so either side finds the next message after lost or spurious bytes.
//!
//! [`PROTOCOL`] is the version, sent in [`Identity`]. The host reads it first and refuses any other version. A change
//! to a message, or to the order of an enum's variants, changes the version.

mod checksum;
pub mod frame;
pub mod replay;

pub use checksum::Checksum;

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use crate::pixels::InputShape;
use crate::policy::{Decided, Policy, UncheckedPolicy};

/// Version of the messages in this module.
pub const PROTOCOL: u16 = 4;

/// Maximum pixels in one [`Request::Input`].
pub const CHUNK_PIXELS: usize = 256;

/// Maximum values in one [`Response::Values`].
pub const CHUNK_VALUES: usize = 64;

/// Maximum length of a board or kernel name, bytes.
pub const NAME_BYTES: usize = 24;

/// Name of a board or kernel.
pub type Name = String<NAME_BYTES>;

/// Requests of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Asks for the device's identity. Answer: [`Response::Identity`].
    Identify,
    /// Sends pixels of an input, from `offset` on. Answer: [`Response::Accepted`]. An input is complete when these
    /// requests, starting at 0 and without a gap, have covered its last pixel.
    Input {
        /// Index of the first pixel.
        offset: u32,
        /// At most [`CHUNK_PIXELS`] pixels.
        #[serde(borrow)]
        pixels: &'a [u8],
    },
    /// Classifies the input sent before. Answer: [`Response::Decided`], after the values asked for.
    Classify {
        /// Values to report before the decision.
        report: Report,
    },
    /// Captures a frame with the camera and classifies it. Answers are those of [`Request::Classify`], but the verdict
    /// covers the last captured frames together ([`crate::policy::Smoother`]).
    Capture {
        /// Values to report before the decision.
        report: Report,
    },
    /// Asks for the counters since start. Answer: [`Response::Statistics`].
    Statistics,
    /// Measures the classification of the input sent before. Answers: [`Response::Measured`] for the whole inference,
    /// then for every layer in order; [`Response::MeasuredStack`]; [`Response::Decided`]. The device classifies the
    /// input many times. Its statistics do not change, except the deepest stack.
    Measure,
    /// Asks for the current policy. Answer: [`Response::Policy`]. After a reset this is the model file's policy.
    Policy,
    /// Sets the policy until the next reset. Answer: [`Response::Accepted`]. Frames captured before are forgotten.
    SetPolicy(UncheckedPolicy),
}

/// Values of an inference that the device reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// The decision only.
    Decision,
    /// The input's pixels and every layer's outputs, then the decision.
    AllValues,
}

/// Responses of the device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "one lives at a time, and there is no heap to box into")]
pub enum Response {
    /// Answer to [`Request::Identify`].
    Identity(Identity),
    /// The pixels or the policy were accepted.
    Accepted,
    /// Part of the values of the inference being reported.
    Values(Values),
    /// Decision and verdict, the last response of a classification. For an input sent by the host, the verdict covers
    /// that input alone.
    Decided(Decided),
    /// Answer to [`Request::Statistics`].
    Statistics(Statistics),
    /// The request was not carried out.
    Refused(Refusal),
    /// Cost of one part of the inference being measured.
    Measured(Measured),
    /// Stack used by the inference being measured, bytes, counted from the device's call.
    MeasuredStack(u32),
    /// Answer to [`Request::Policy`].
    Policy(Policy),
}

/// Identity of the device, its model and its kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// [`PROTOCOL`] of the device.
    pub protocol: u16,
    /// Board name.
    pub board: Name,
    /// [`crate::kernel::Kernel::NAME`] of the device's kernel.
    pub kernel: Name,
    /// Pixel pipeline of the device's model. It implies the input's colors and the fit of pictures
    /// ([`InputShape::of_pipeline`]).
    pub pipeline: u32,
    /// CRC-32 of the model file in flash.
    pub model_checksum: u32,
    /// Length of the model file, bytes.
    pub model_bytes: u32,
    /// Height of the network's input, px.
    pub input_height: u16,
    /// Width of the network's input, px.
    pub input_width: u16,
    /// Number of classes.
    pub classes: u16,
}

impl Identity {
    /// Returns the network's input shape; `None` if the pipeline is unknown.
    pub fn input(&self) -> Option<InputShape> {
        InputShape::of_pipeline(self.pipeline, self.input_height, self.input_width)
    }
}

/// Consecutive values of one stage of an inference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    /// 0: the input's pixels; n: the outputs of layer n - 1.
    pub stage: u16,
    /// Index of the first value.
    pub offset: u32,
    /// The values.
    pub values: Vec<i32, CHUNK_VALUES>,
}

/// Cost of one part of an inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Measured {
    /// 0: the whole inference, from the input's pixels to the decision, without observing the layers. n: layer n - 1,
    /// up to its outputs. The whole less the sum of the layers is the cost of the decision, except for the few units
    /// that observing the layers adds.
    pub part: u16,
    /// Unit of `count`.
    pub unit: Unit,
    /// Count, in `unit`.
    pub count: u64,
}

/// Unit of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Instructions executed; an emulator measures nothing else.
    Instructions,
    /// Clock cycles of the core.
    Cycles,
}

/// Counters since the device started, and statistics of the last input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Statistics {
    /// Frames captured and shrunk.
    pub captures: u32,
    /// Inputs classified.
    pub decisions: u32,
    /// Captures that failed.
    pub camera_faults: u32,
    /// Frames on the link that could not be decoded.
    pub link_faults: u32,
    /// Deepest stack use so far, bytes.
    pub stack_bytes: u32,
    /// Duration of the last capture, from exposure to the network's input, µs by the device's own clock.
    pub capture_us: u32,
    /// Duration of the last inference, without reporting it, µs by the device's own clock.
    pub inference_us: u32,
    /// Mean of the last input's bytes, over all channels, 0..=255, rounded.
    pub brightness: u8,
    /// Standard deviation of the last input's bytes, over all channels, 0..=128. For display only: micromath's square
    /// root is a few percent off. Near 0: a covered lens or a blank wall.
    pub contrast: u8,
}

/// Reasons why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refusal {
    /// The message could not be decoded: damaged, too long, or of another protocol version.
    Garbled,
    /// No complete input has been sent.
    NoInput,
    /// The pixels do not continue the input, or exceed its end.
    WrongOffset,
    /// The camera failed.
    Camera,
    /// The picture is unsuitable: smaller than the network's input, too wide for the device's row buffer, or gray while
    /// the network's input is in color.
    Picture,
    /// The policy is invalid: see [`crate::policy::PolicyError`].
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
