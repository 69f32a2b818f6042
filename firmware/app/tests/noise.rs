//! A device on a link that loses, changes and inserts bytes.

mod support;

use pinhole_shared::decision::Probability;
use pinhole_shared::link::{Report, Request, Response};
use pinhole_shared::pixels::PixelFormat;
use pinhole_shared::policy::UncheckedPolicy;
use proptest::prelude::*;
use support::{FakeCamera, frame_of, serve};

const IDENTIFY: Request<'_> = Request::Identify;

fn camera() -> FakeCamera {
    FakeCamera::new(7, 5, PixelFormat::Gray8)
}

fn any_request() -> impl Strategy<Value = Vec<u8>> {
    let report = prop_oneof![Just(Report::Decision), Just(Report::AllValues)];
    prop_oneof![
        Just(frame_of(&Request::Identify)),
        Just(frame_of(&Request::Statistics)),
        Just(frame_of(&Request::Policy)),
        (any::<u32>(), 0..20_u8, 0..20_u8).prop_map(|(min, needed, window)| {
            let min_probability = Probability(min);
            frame_of(&Request::SetPolicy(UncheckedPolicy { min_probability, needed, window }))
        }),
        report.clone().prop_map(|report| frame_of(&Request::Classify { report })),
        report.prop_map(|report| frame_of(&Request::Capture { report })),
        (0..20_u32, proptest::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(offset, pixels)| frame_of(&Request::Input { offset, pixels: &pixels })),
    ]
}

/// A linear congruential generator.
fn generator(mut state: u64) -> impl FnMut() -> u8 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    }
}

const MILLION: usize = 1_000_000;

/// A million random bytes, and a million bytes of requests with one byte in a hundred lost, changed or doubled: the
/// device answers the next request.
#[test]
fn a_million_bytes_wedge_nothing() {
    let mut random = generator(1);
    let noise: Vec<u8> = (0..MILLION).map(|_| random()).collect();
    let input: Vec<u8> = (0..16).collect();
    let requests = [
        frame_of(&IDENTIFY),
        frame_of(&Request::Input { offset: 0, pixels: &input }),
        frame_of(&Request::Classify { report: Report::AllValues }),
        frame_of(&Request::Capture { report: Report::Decision }),
        frame_of(&Request::Statistics),
    ];
    let mut damaged = Vec::with_capacity(MILLION);
    let mut whole = requests.iter().cycle().flatten();
    while damaged.len() < MILLION {
        let &byte = whole.next().unwrap();
        match (random() < 3, random() % 3) {
            (true, 0) => {}
            (true, 1) => damaged.push(random()),
            (true, _) => damaged.extend([byte, byte]),
            (false, _) => damaged.push(byte),
        }
    }
    for (bytes, least) in [(noise, 0), (damaged, 10_000)] {
        let outcome = serve(camera(), bytes.into_iter().chain([0]).chain(frame_of(&IDENTIFY)).map(Ok));
        assert!(matches!(outcome.responses.last(), Some(Response::Identity(_))));
        // Most requests of the damaged stream are intact and answered; damage is detected.
        assert!(outcome.responses.len() >= least, "{} answers", outcome.responses.len());
        assert!(outcome.statistics.link_faults > 100, "{:?}", outcome.statistics);
    }
}

proptest! {
    /// For any bytes, the device neither panics nor stays silent, and answers the next request.
    #[test]
    fn any_bytes_are_survived(noise in proptest::collection::vec(any::<u8>(), 0..1500)) {
        let incoming = noise.into_iter().chain([0]).chain(frame_of(&IDENTIFY)).map(Ok);
        let outcome = serve(camera(), incoming);
        prop_assert!(matches!(outcome.responses.last(), Some(Response::Identity(_))));
    }

    /// Requests in any order, with bytes lost, changed and inserted between them.
    #[test]
    fn any_requests_with_faults_are_survived(
        frames in proptest::collection::vec(any_request(), 0..20),
        faults in proptest::collection::vec((any::<prop::sample::Index>(), 0..3_u8, any::<u8>()), 0..6),
    ) {
        let mut bytes = frames.concat();
        for (place, kind, byte) in faults {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                match kind {
                    0 => drop(bytes.remove(place)),
                    1 => bytes.insert(place, byte),
                    _ => bytes[place] = byte,
                }
            }
        }
        let incoming = bytes.into_iter().chain([0]).chain(frame_of(&IDENTIFY)).map(Ok);
        let outcome = serve(camera(), incoming);
        prop_assert!(matches!(outcome.responses.last(), Some(Response::Identity(_))));
    }
}
