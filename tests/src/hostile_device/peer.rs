//! A device that answers every request, rightly or with a lie.

use pinhole::random::Random;
use pinhole_shared::decision::{Decision, Probability};
use pinhole_shared::link::frame::{FRAME_BYTES, encode};
use pinhole_shared::link::{
    CHUNK_VALUES, Identity, Measured, PROTOCOL, Report, Request, Response, Statistics, Unit, Values,
};
use pinhole_shared::pixels::{InputShape, PIPELINE_ID};
use pinhole_shared::policy::{Decided, Policy, Verdict};

use super::{Lie, Step};

/// A device with a network of this identity.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its identity, as it states it.
    pub identity: Identity,
    /// Number of outputs of each layer but the last one, which has one for each class.
    pub hidden: Vec<usize>,
    /// The lie that it tells at each request, counted from 0 with its first one; none where there is none.
    lies: Vec<Option<Lie>>,
    requests: usize,
    random: Random,
}

impl Peer {
    /// A device that tells no lies, with an input of 8x8 gray pixels and 3 classes.
    pub fn honest() -> Self {
        let identity = Identity {
            protocol: PROTOCOL,
            board: "scripted".try_into().expect("it is short"),
            kernel: "none".try_into().expect("it is short"),
            pipeline: PIPELINE_ID,
            model_checksum: 2,
            model_bytes: 3_000,
            input_height: 8,
            input_width: 8,
            classes: 3,
        };
        Self { identity, hidden: vec![130], lies: Vec::new(), requests: 0, random: Random::seeded(1) }
    }

    /// A device that tells lies at random. The same seed gives the same ones.
    pub fn seeded(seed: u64) -> Self {
        let mut random = Random::seeded(seed);
        let lies = (0..40).map(|_| (random.below(5) < 2).then(|| Lie::any(&mut random))).collect();
        Self { lies, random, ..Self::honest() }
    }

    /// The same device, which tells this lie at a request (counted from 0) and at all later ones.
    pub fn lying_from(self, request: usize, lie: Lie) -> Self {
        let mut lies = vec![None; request];
        lies.extend(std::iter::repeat_n(Some(lie), 1_000));
        Self { lies, ..self }
    }

    /// The network's input; `None` if the device says that it has none that exists.
    pub fn input(&self) -> Option<InputShape> {
        self.identity.input()
    }

    /// Returns the answer to a request, as steps on the line.
    pub fn answer(&mut self, request: &Request<'_>) -> Vec<Step> {
        let number = self.requests;
        self.requests += 1;
        match self.lies.get(number).copied().flatten() {
            Some(lie) => lie.told(self, request),
            None => vec![Step::Send(self.right_answer(request))],
        }
    }

    pub(super) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Returns the bytes of the right answer.
    pub(super) fn right_answer(&self, request: &Request<'_>) -> Vec<u8> {
        match request {
            Request::Identify => frame(&Response::Identity(self.identity.clone())),
            Request::Input { .. } | Request::SetPolicy(_) => frame(&Response::Accepted),
            Request::Statistics => frame(&Response::Statistics(Statistics::default())),
            Request::Policy => frame(&Response::Policy(Policy::NONE)),
            Request::Classify { report } | Request::Capture { report } => {
                let bytes = self.input().map_or(0, |input| input.bytes()).min(1 << 14);
                let pixels = vec![7; bytes];
                self.inference(*report, &pixels, usize::from(self.identity.classes), decided(0, 0))
            }
            Request::Measure => {
                let parts = 0..self.hidden.len() as u16 + 2;
                let measured = parts.map(|part| Measured { part, unit: Unit::Cycles, count: 5 });
                let mut bytes: Vec<u8> = measured.flat_map(|part| frame(&Response::Measured(part))).collect();
                bytes.extend(frame(&Response::MeasuredStack(9)));
                bytes.extend(frame(&Response::Decided(decided(0, 0))));
                bytes
            }
        }
    }

    /// Returns the bytes of an inference with these pixels, this number of logits, and this decision.
    pub(super) fn inference(&self, report: Report, pixels: &[i32], logits: usize, decided: Decided) -> Vec<u8> {
        let mut bytes = Vec::new();
        if report == Report::AllValues {
            bytes.extend(values(0, 0, pixels));
            for (&outputs, stage) in self.hidden.iter().chain([&logits]).zip(1..) {
                bytes.extend(values(stage, 0, &vec![1; outputs]));
            }
        }
        bytes.extend(frame(&Response::Decided(decided)));
        bytes
    }
}

/// Returns a decision for this class, and the answer.
pub(super) fn decided(class: u16, answer: u16) -> Decided {
    let decision = Decision { class, probability: Probability(30_000) };
    Decided { decision, verdict: Verdict::Class(answer) }
}

/// Returns values of a stage from this one on, in as many frames as they need.
pub(super) fn values(stage: u16, offset: u32, all: &[i32]) -> Vec<u8> {
    let chunks = all.chunks(CHUNK_VALUES).zip((offset..).step_by(CHUNK_VALUES));
    let message = |(chunk, offset): (&[i32], u32)| Values { stage, offset, values: chunk.iter().copied().collect() };
    chunks.flat_map(|chunk| frame(&Response::Values(message(chunk)))).collect()
}

/// Returns a response as a frame.
pub(super) fn frame(response: &Response) -> Vec<u8> {
    encode(response, &mut [0; FRAME_BYTES]).expect("a response fits").to_vec()
}
