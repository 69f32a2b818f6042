//! Lies of a device: what it does instead of answering.

use std::time::Duration;

use pinhole::random::Random;
use pinhole_shared::decision::Probability;
use pinhole_shared::link::{Measured, Refusal, Report, Request, Response, Unit, Values};
use pinhole_shared::policy::{Decided, Verdict};

use super::peer::{decided, frame, values};
use super::{Peer, Step};

/// A lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Nothing is sent.
    Silence,
    /// The line is closed.
    Close,
    /// No more bytes are taken.
    Deaf,
    /// This byte, as fast as the line goes.
    Flood(u8),
    /// This byte, every four seconds.
    Drip(u8),
    /// A line of text each second.
    Text,
    /// Random bytes, and then the answer.
    Noise,
    /// Random bytes without an end.
    NoiseForever,
    /// Messages without values, without an end.
    EmptyValues,
    /// Messages of this number of values that continue an answer, without an end.
    EndlessValues(u8),
    /// Measured parts without an end.
    EndlessParts,
    /// The same intact message without an end.
    EndlessAnswers,
    /// The first half of the answer.
    Half,
    /// The answer twice.
    Twice,
    /// The answer with a changed byte.
    Damaged,
    /// The answer of a device that starts anew in its middle.
    Reset,
    /// The answer, one byte every four seconds.
    Slow,
    /// A refusal.
    Refused,
    /// A decision instead of what was asked for.
    OtherAnswer,
    /// An answer with this number of pixels.
    Pixels(u32),
    /// An answer with a pixel of this value.
    Pixel(i32),
    /// An answer with this number of logits.
    Logits(u32),
    /// An answer with this class.
    Class(u16),
    /// An answer with this verdict.
    Answered(u16),
    /// An answer with a probability above 1.
    Certain,
    /// Values that begin with the second stage.
    Gap,
    /// An identity with these sides, px.
    Sides(u16, u16),
    /// An identity with this number of classes.
    Classes(u16),
    /// An identity with an unknown pixel pipeline.
    Pipeline,
    /// An identity of another protocol version.
    Protocol,
    /// An identity whose name has control characters.
    Name,
}

impl Lie {
    /// Returns any lie.
    pub fn any(random: &mut Random) -> Self {
        let byte = random.below(256) as u8;
        let number = [0, 1, 63, 64, 65, 2_499, 65_535][random.below(7)];
        match random.below(31) {
            0 => Self::Silence,
            1 => Self::Close,
            2 => Self::Deaf,
            3 => Self::Flood(byte),
            4 => Self::Drip(byte),
            5 => Self::Text,
            6 => Self::Noise,
            7 => Self::NoiseForever,
            8 => Self::EmptyValues,
            9 => Self::EndlessValues(1 + byte % 64),
            10 => Self::EndlessParts,
            11 => Self::EndlessAnswers,
            12 => Self::Half,
            13 => Self::Twice,
            14 => Self::Damaged,
            15 => Self::Reset,
            16 => Self::Slow,
            17 => Self::Refused,
            18 => Self::OtherAnswer,
            19 => Self::Pixels(number),
            20 => Self::Pixel([-5, -1, 256, i32::MIN, i32::MAX][random.below(5)]),
            21 => Self::Logits(number),
            22 => Self::Class(3 + number as u16 % 65_532),
            23 => Self::Answered(3 + number as u16 % 65_532),
            24 => Self::Certain,
            25 => Self::Gap,
            26 => Self::Sides(number as u16, [0, 1, 8, 65_535][random.below(4)]),
            27 => Self::Classes(number as u16),
            28 => Self::Pipeline,
            29 => Self::Protocol,
            _ => Self::Name,
        }
    }

    /// Returns what the device does instead of answering this request. Lies about what was not asked for are right answers.
    pub(super) fn told(self, peer: &mut Peer, request: &Request<'_>) -> Vec<Step> {
        let report = match request {
            Request::Classify { report } | Request::Capture { report } => Some(*report),
            _ => None,
        };
        let mut right = peer.right_answer(request);
        let classes = usize::from(peer.identity.classes);
        let pixels = vec![7; peer.input().map_or(0, |input| input.bytes()).min(1 << 14)];
        let forever = |bytes: Vec<u8>, pause_ms: u64| {
            vec![Step::Forever(vec![Step::Send(bytes), Step::Pause(Duration::from_millis(pause_ms))])]
        };
        let lie_about = |lie: Decided| report.map(|report| peer.inference(report, &pixels, classes, lie));
        let inference = match self {
            Self::Class(class) => lie_about(decided(class, 0)),
            Self::Answered(class) => lie_about(decided(0, class)),
            Self::Certain => {
                let mut certain = decided(0, 0);
                certain.decision.probability = Probability(u32::MAX);
                lie_about(Decided { verdict: Verdict::Unknown, ..certain })
            }
            Self::Pixels(count) => {
                report.map(|report| peer.inference(report, &vec![7; count as usize], classes, decided(0, 0)))
            }
            Self::Pixel(value) => {
                let mut pixels = pixels.clone();
                pixels.pop();
                pixels.push(value);
                report.map(|report| peer.inference(report, &pixels, classes, decided(0, 0)))
            }
            Self::Logits(count) => report.map(|report| peer.inference(report, &pixels, count as usize, decided(0, 0))),
            Self::Gap => report.filter(|&report| report == Report::AllValues).map(|_| values(1, 0, &[1])),
            _ => None,
        };
        if let Some(inference) = inference {
            return vec![Step::Send(inference)];
        }
        let mut identity = peer.identity.clone();
        match self {
            Self::Sides(height, width) => (identity.input_height, identity.input_width) = (height, width),
            Self::Classes(classes) => identity.classes = classes,
            Self::Pipeline => identity.pipeline = 1,
            Self::Protocol => identity.protocol += 1,
            Self::Name => identity.board = "\u{1b}[2J\u{7}name".try_into().unwrap_or_default(),
            _ => {}
        }
        if *request == Request::Identify && identity != peer.identity {
            // It stays with what it has said.
            peer.identity = identity.clone();
            return vec![Step::Send(frame(&Response::Identity(identity)))];
        }
        let random = peer.random();
        match self {
            Self::Silence => Vec::new(),
            Self::Close => vec![Step::Close],
            Self::Deaf => vec![Step::Deaf],
            Self::Flood(byte) => forever(vec![byte; 4096], 0),
            Self::Drip(byte) => forever(vec![byte], 4_000),
            Self::Text => forever(b"I (1234) main: hello world\r\n".to_vec(), 1_000),
            Self::Noise => {
                let noise = (0..random.below(3_000)).map(|_| random.below(256) as u8).collect();
                vec![Step::Send(noise), Step::Send(right)]
            }
            Self::NoiseForever => forever((0..997).map(|_| random.below(256) as u8).collect(), 0),
            Self::EmptyValues => {
                forever(frame(&Response::Values(Values { stage: 0, offset: 0, values: Default::default() })), 0)
            }
            Self::EndlessValues(count) => {
                vec![Step::Send(values(0, 0, &pixels)), Step::Values(0, count.into())]
            }
            Self::EndlessParts => {
                let part = |part| Response::Measured(Measured { part, unit: Unit::Cycles, count: u64::MAX });
                vec![Step::Send((0..5_000).flat_map(|number| frame(&part(number))).collect())]
            }
            Self::EndlessAnswers => forever(right, 0),
            Self::Half => {
                right.truncate(right.len() / 2);
                vec![Step::Send(right)]
            }
            Self::Twice => vec![Step::Send(right.clone()), Step::Send(right)],
            Self::Damaged => {
                let place = random.below(right.len());
                right[place] ^= 1 + random.below(255) as u8;
                vec![Step::Send(right)]
            }
            Self::Reset => {
                let rest = right.split_off(right.len() / 2);
                let boot = [b"\0\0\xff\xffboot: 1.2\r\n".to_vec(), rest].concat();
                vec![Step::Send(right), Step::Pause(Duration::from_secs(2)), Step::Send(boot)]
            }
            Self::Slow => {
                let byte = |byte| [Step::Send(vec![byte]), Step::Pause(Duration::from_secs(4))];
                right.into_iter().flat_map(byte).collect()
            }
            Self::Refused => {
                let all = [Refusal::Garbled, Refusal::NoInput, Refusal::WrongOffset, Refusal::Camera, Refusal::Picture];
                vec![Step::Send(frame(&Response::Refused(all[random.below(5)])))]
            }
            Self::OtherAnswer => vec![Step::Send(frame(&Response::Decided(decided(0, 0))))],
            _ => vec![Step::Send(right)],
        }
    }
}
