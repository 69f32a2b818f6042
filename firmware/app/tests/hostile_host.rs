//! Whatever a host sends, the device takes its own pictures at no less than half their rate, feeds its watchdog, and answers the
//! next request.

mod support;

use std::rc::Rc;

use pinhole_shared::decision::Probability;
use pinhole_shared::link::frame::{FRAME_BYTES, encode};
use pinhole_shared::link::{Report, Request, Response};
use pinhole_shared::policy::UncheckedPolicy;
use serde::Serialize;
use support::world::{PACE, World, watch};
use support::{PIXELS, frame_of};

/// Duration of a script, ms.
const SCRIPT_MS: u64 = 30_000;
/// Inferences of one [`Request::Measure`] with the tests' counter.
const MEASURED: u64 = 11;

/// A linear congruential generator: numbers below a limit.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }

    fn bytes(&mut self, count: u64) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }
}

/// A request that is understood, sensible or not.
fn request(random: &mut Random) -> Vec<u8> {
    let report = [Report::Decision, Report::AllValues][random.below(2) as usize];
    let complete = [7; PIXELS];
    let few = random.bytes(9);
    frame_of(&match random.below(10) {
        0 => Request::Identify,
        1 => Request::Input { offset: 0, pixels: &complete },
        2 => Request::Input { offset: [0, 1, 9, 16, 17, u32::MAX][random.below(6) as usize], pixels: &few },
        3 => Request::Classify { report },
        4 | 5 => Request::Capture { report },
        6 => Request::Statistics,
        7 => Request::Measure,
        8 => Request::Policy,
        _ => {
            let min_probability = Probability([0, 1, 65_536, 65_537, u32::MAX][random.below(5) as usize]);
            let [needed, window] = [random.below(20) as u8, random.below(20) as u8];
            Request::SetPolicy(UncheckedPolicy { min_probability, needed, window })
        }
    })
}

/// An intact frame whose message is any bytes: perhaps a request with fields that lie.
fn lie(random: &mut Random) -> Vec<u8> {
    fn frame<M: Serialize>(message: &M) -> Vec<u8> {
        encode(message, &mut [0; FRAME_BYTES]).unwrap().to_vec()
    }
    let mut bytes: [u8; 16] = std::array::from_fn(|_| random.byte());
    // Most start as a request does.
    bytes[0] %= 12;
    let [a, b, c, d, e, ..] = bytes;
    match random.below(5) {
        0 => frame(&[a]),
        1 => frame(&[a, b]),
        2 => frame(&[a, b, c, d, e]),
        3 => frame(&(a, 0xFFFF_FFFF_u32, [b; 8])),
        _ => frame(&bytes),
    }
}

/// Returns the next bytes of a host.
fn piece(kind: u64, random: &mut Random) -> Vec<u8> {
    match kind {
        0 => {
            let count = 1 + random.below(600);
            random.bytes(count)
        }
        1 => vec![0x55; 1 + random.below(2_000) as usize],
        2 => vec![0x55, 0],
        3 => request(random),
        4 => frame_of(&Request::Identify),
        5 => frame_of(&Request::Capture { report: Report::AllValues }),
        6 => frame_of(&Request::Measure),
        7 => {
            // Cut off, with or without an end.
            let mut frame = request(random);
            frame.truncate(1 + random.below(frame.len() as u64) as usize);
            frame.extend((random.below(2) == 0).then_some(0));
            frame
        }
        8 => lie(random),
        _ => vec![0; 1 + random.below(100) as usize],
    }
}

const KINDS: u64 = 10;

/// A host by this seed: parts of one to ten seconds, each a flood, a drip or silence, of one kind of bytes or of all.
fn host(seed: u64) -> impl FnMut(u64) -> Option<u8> {
    let mut random = Random(seed);
    let (mut end, mut kind, mut wait_ms) = (0, 0, 0);
    let (mut bytes, mut next_ms) = (Vec::new().into_iter(), 0);
    move |now| {
        if now >= end {
            end = now + 1_000 + random.below(9_000);
            kind = random.below(KINDS + 1);
            wait_ms = [0, 0, 1, 30, 450, 700, 1_900, 20_000][random.below(8) as usize];
        }
        if let Some(byte) = bytes.next() {
            return Some(byte);
        }
        if now < next_ms {
            return None;
        }
        next_ms = now + wait_ms;
        let kind = if kind == KINDS { random.below(KINDS) } else { kind };
        bytes = piece(kind, &mut random).into_iter();
        bytes.next()
    }
}

/// Asserts that the device's own pictures come at half their rate at least, and that its watchdog is fed.
fn assert_alive(world: &Rc<World>, inference_ms: u64, what: &str) {
    let picture_ms = world.picture_ms.get() + inference_ms;
    let period = picture_ms.max(PACE.frame_ms.into());
    // One request that is not over when a pause should end: it measures, or sends to a host that does not read.
    let longest_request = MEASURED * inference_ms + picture_ms + 1_500;
    let late = u64::from(PACE.longest_pause_ms) + longest_request + period;
    let shown: Vec<u64> = world.shown.borrow().iter().map(|&(at, _)| at).collect();
    let times: Vec<u64> = [0].into_iter().chain(shown).chain([world.now_ms()]).collect();
    for (from, &start) in times.iter().enumerate() {
        for (to, &end) in times.iter().enumerate().skip(from + 1) {
            let (pictures, alone) = ((to - from) as u64, (end - start).saturating_sub(late) / period);
            assert!(
                2 * pictures >= alone,
                "{what}: {pictures} pictures from {start} to {end} ms, alone {alone}: {times:?}"
            );
        }
    }
    let fed = world.fed_ms.borrow();
    let longest = fed.windows(2).map(|two| two[1] - two[0]).max().unwrap();
    // A capture, or an inference and its report, or a write that nobody reads; and a round of bytes.
    assert!(longest <= picture_ms + 1_100, "{what}: not fed for {longest} ms");
}

#[test]
fn a_thousand_hosts_starve_nothing() {
    let mut understood = 0;
    for seed in 0..1_000 {
        let mut random = Random(seed ^ 0x5EED);
        let world = World::new();
        let inference_ms = [0, 3, 40, 200][random.below(4) as usize];
        world.set_inference_ms(inference_ms);
        world.picture_ms.set([1, 70, 300, 900][random.below(4) as usize]);
        // 100 kB/s, 50 kB/s, 115,200 baud.
        world.byte_us.set([10, 20, 87][random.below(3) as usize]);
        world.deaf.set(random.below(5) == 0);
        *world.source.borrow_mut() = Some(Box::new(host(seed)));
        let (answers, _) = watch(&world, SCRIPT_MS);
        understood += answers.iter().filter(|answer| !matches!(answer, Response::Refused(_))).count();
        assert_alive(&world, inference_ms, &format!("host {seed}"));
    }
    assert!(understood > 20_000, "{understood}");
}

/// Pictures that the device takes of its own in a minute.
fn pictures_in_a_minute(period_ms: u64, bytes: &[u8]) -> usize {
    let world = World::new();
    for at in (0..60_000).step_by(period_ms as usize) {
        world.send_bytes(at, bytes);
    }
    watch(&world, 60_000);
    world.shown.borrow().len()
}

#[test]
fn noise_delays_no_picture() {
    assert_eq!(pictures_in_a_minute(60_000, &[]), 120);
    for period_ms in [1, 100, 1_900] {
        for noise in [&[0x55, 0][..], &[0], &[0x55], &[0x11, 0x22, 0x33, 0], &frame_of(&Request::Identify)[1..]] {
            assert_eq!(pictures_in_a_minute(period_ms, noise), 120, "{noise:x?} every {period_ms} ms");
        }
    }
}

#[test]
fn requests_halve_the_rate_at_most() {
    for request in [
        Request::Identify,
        Request::Statistics,
        Request::Input { offset: 0, pixels: &[0; PIXELS] },
        Request::Capture { report: Report::Decision },
    ] {
        for period_ms in [10, 400, 1_900, 3_900] {
            let pictures = pictures_in_a_minute(period_ms, &frame_of(&request));
            assert!((56..=120).contains(&pictures), "{request:?} every {period_ms} ms: {pictures}");
        }
    }
}

/// An input of many requests, sent as fast as the device answers, is complete before the pause ends.
#[test]
fn an_input_fits_into_a_pause() {
    let world = World::new();
    let starts = (100_u32..12_000).step_by(300);
    for start in starts.clone().map(u64::from) {
        for offset in 0..PIXELS as u32 {
            world.send(start + u64::from(offset), &Request::Input { offset, pixels: &[9] });
        }
        world.send(start + PIXELS as u64, &Request::Classify { report: Report::Decision });
    }
    let (answers, _) = watch(&world, 13_000);
    let classified = answers.iter().filter(|answer| matches!(answer, Response::Decided(_))).count();
    // A pause's end cuts off one, or the pictures that are owed come in between.
    assert!(classified >= starts.len() - 4, "{classified} of {}", starts.len());
}
