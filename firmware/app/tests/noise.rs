//! A device on a line that loses, changes and invents bytes.

mod support;

use pinhole_shared::link::{Report, Request, Response};
use pinhole_shared::pixels::PixelFormat;
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
        report.clone().prop_map(|report| frame_of(&Request::Classify { report })),
        report.prop_map(|report| frame_of(&Request::Capture { report })),
        (0..20_u32, proptest::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(offset, pixels)| frame_of(&Request::Input { offset, pixels: &pixels })),
    ]
}

proptest! {
    /// Whatever arrives, the device neither panics nor stays silent, and understands the next request.
    #[test]
    fn any_bytes_are_survived(noise in proptest::collection::vec(any::<u8>(), 0..1500)) {
        let incoming = noise.into_iter().chain([0]).chain(frame_of(&IDENTIFY)).map(Ok);
        let outcome = serve(camera(), incoming);
        prop_assert!(matches!(outcome.responses.last(), Some(Response::Identity(_))));
    }

    /// Requests in any order, with bytes lost, changed and invented between them.
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
