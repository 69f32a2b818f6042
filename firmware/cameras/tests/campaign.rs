//! A thousand faults for each driver: any fault, at any transaction, for any duration.
//!
//! Each run must end in correct pictures or reported errors within the drivers' stated durations. Once the fault is
//! gone, the next picture must be correct. A wrong picture without an error fails the campaign, except for the faults
//! that the stream cannot reveal, listed in [`Run::cannot_show`]. Runs are deterministic for a seed; time is the
//! models' own.

mod common;

use std::collections::BTreeMap;

use common::photo;
use pinhole_app::camera::{Camera, CameraError};
use pinhole_cameras::arducam_mega::{self, ArducamMega, MegaError, Size};
use pinhole_cameras::arducam_mini::{self, ArducamMini, BusClocks, MiniError};
use pinhole_cameras::model::{
    Bench, BusSettings, Fault, MegaModel, MiniBoard, MiniModel, Module, Scheduled, SplitMix, Strictness, expected_rows,
};
use pinhole_cameras::ov2640::Window;
use pinhole_cameras::picture::DummyByte;

/// Runs per driver; the environment variable `PINHOLE_CAMPAIGN_RUNS` changes it.
fn runs() -> u64 {
    std::env::var("PINHOLE_CAMPAIGN_RUNS").map_or(1_000, |runs| runs.parse().unwrap())
}

/// Pictures captured while the fault is scheduled.
const PICTURES: u8 = 6;
const PHOTOS: u8 = 10;

#[derive(Clone, Copy)]
struct Limits {
    start_ms: u32,
    row_us: u32,
}

#[derive(Debug, Default)]
struct Tally {
    right: u32,
    errors: BTreeMap<String, u32>,
    not_shown: BTreeMap<String, u32>,
    longest_start_ms: u64,
}

struct Run {
    seed: u64,
    fault: Scheduled,
    is_mega: bool,
    /// True for a board with an unknown dummy-byte rule.
    learns: bool,
}

impl Run {
    /// Returns the reason if a wrong picture cannot be distinguished from a correct one under this fault.
    fn cannot_show(&self, got: &[u8], number: usize, photos: &[Vec<u8>]) -> Option<&'static str> {
        match self.fault.fault {
            Fault::FlipBit { bit, .. } => {
                let mut differences = got.iter().zip(&photos[number]).map(|(got, right)| got ^ right);
                differences.all(|bits| bits & !(1 << bit) == 0).then_some("bits of luma bytes")
            }
            Fault::StaleFrame if self.is_mega => {
                // Matches any photo, also one before exposure was steady: the model's takes five steps.
                let is_of = |photo: &[u8], steps: u32| {
                    got.iter().zip(photo).all(|(got, right)| u32::from(*got) == u32::from(*right) * steps / 5)
                };
                let is_old = photos.iter().any(|photo| (1..=5).any(|steps| is_of(photo, steps)));
                is_old.then_some("old pictures of the Mega, which cannot be stamped")
            }
            Fault::DropByte { byte: 2 } if self.learns => {
                let is_one_pixel = got.iter().zip(&photos[number]).filter(|(got, right)| got != right).count() == 1;
                is_one_pixel.then_some("the first pixel, lost where a dummy byte is possible but not known of")
            }
            _ => None,
        }
    }
}

fn draw_fault(random: &mut SplitMix, row_bytes: u64) -> Fault {
    // Equally likely before, in, and after a row's bytes; low indexes are those of registers.
    let byte = if random.below(2) == 0 { random.below(4) } else { random.below(row_bytes + 2) } as u32;
    let bit = random.below(8) as u8;
    let some = |random: &mut SplitMix, values: &[u64]| values[random.below(values.len() as u64) as usize];
    match random.below(25) {
        0 => Fault::Miso(0x00),
        1 => Fault::Miso(0xFF),
        2 => Fault::Miso(0x73),
        3 => Fault::Echo,
        4 => Fault::WrongPhase,
        5 => Fault::SpiError,
        6 => Fault::SpiErrorAfter,
        7 => Fault::FlipBit { byte, bit },
        8 => Fault::DropByte { byte },
        9 => Fault::InsertByte { byte },
        10 => Fault::Nack,
        11 => Fault::I2cError,
        12 => Fault::Version(some(random, &[0x00, 0xFF]) as u8),
        13 => Fault::Id(random.byte()),
        14 => Fault::NeverDone,
        15 => Fault::NoFrames,
        16 => Fault::DoneLate { ms: random.below(6_000) as u32 },
        17 => Fault::Length(match random.below(3) {
            0 => random.below(1 << 23) as u32,
            1 => some(random, &[0, 8, 0x7F_FFFF, 0xFF_FFFF]) as u32,
            _ => (row_bytes * row_bytes / 2 + random.below(40) - 20) as u32,
        }),
        18 => Fault::ShortFrame { bytes: random.below(row_bytes * 3) as u32 },
        19 => Fault::LongFrame { bytes: 1 + random.below(5_000) as u32 },
        20 => Fault::StaleFrame,
        21 => Fault::StaleFlag,
        22 => Fault::FlatFrame(some(random, &[0x00, 0x55, 0x80, 0xFF]) as u8),
        23 => some_state(random),
        _ => Fault::DarkFrames(random.below(12) as u32),
    }
}

fn some_state(random: &mut SplitMix) -> Fault {
    match random.below(4) {
        0 => Fault::Standby,
        1 => Fault::Reset,
        2 => Fault::SensorReset,
        _ => Fault::Busy,
    }
}

fn draw_schedule(random: &mut SplitMix, row_bytes: u64) -> Scheduled {
    let fault = draw_fault(random, row_bytes);
    let transactions = match random.below(6) {
        0 | 1 => 1,
        2 => 2,
        3 => 1 + random.below(20),
        4 => 1 + random.below(1_000),
        _ => u64::MAX,
    };
    // A first picture takes some 500 transactions, a later one some 200.
    Scheduled { fault, from: random.below(1_200), transactions }
}

/// Captures one picture; returns its luma, or the error. Panics if a stated duration is exceeded.
fn timed_picture<M: Module, C: Camera>(
    bench: &Bench<M>,
    camera: &mut C,
    limits: Limits,
    tally: &mut Tally,
) -> Result<Vec<u8>, C::Error> {
    let begin = bench.module().now_ns();
    let started = camera.start();
    let took = bench.module().now_ns() - begin;
    tally.longest_start_ms = tally.longest_start_ms.max(took / 1_000_000);
    assert!(took <= u64::from(limits.start_ms) * 1_000_000, "start took {took} ns");
    let frame = started?;
    let mut row = vec![0; frame.row_bytes()];
    let mut luma = Vec::new();
    for _ in 0..frame.size.height {
        let begin = bench.module().now_ns();
        let read = camera.read_row(&mut row);
        let took = bench.module().now_ns() - begin;
        assert!(took <= u64::from(limits.row_us) * 1_000, "a row took {took} ns");
        read?;
        luma.extend(row.iter().step_by(2));
    }
    Ok(luma)
}

fn run<M: Module, C: Camera>(
    run: &Run,
    bench: &Bench<M>,
    camera: &mut C,
    limits: Limits,
    expected: &[Vec<u8>],
    tally: &mut Tally,
) where
    C::Error: core::fmt::Debug,
{
    let photo_of = |picture: u8| (run.seed % u64::from(PHOTOS)) as u8 + picture;
    let Run { seed, fault, .. } = run;
    bench.module().set_strictness(Strictness::Record);
    bench.module().set_faults(vec![*fault]);
    for picture in 0..PICTURES {
        let number = usize::from(photo_of(picture) % PHOTOS);
        bench.module().show(photo(number as u8));
        match timed_picture(bench, camera, limits, tally) {
            Ok(luma) if luma == expected[number] => tally.right += 1,
            Ok(luma) => match run.cannot_show(&luma, number, expected) {
                Some(name) => *tally.not_shown.entry(name.into()).or_default() += 1,
                None => panic!("seed {seed}: a wrong picture passed for a right one, {fault:?}, picture {picture}"),
            },
            Err(error) => {
                let text = format!("{:?}", error.fault());
                *tally.errors.entry(text).or_default() += 1;
            }
        }
    }
    bench.module().set_faults(Vec::new());
    bench.module().set_strictness(Strictness::Panic);
    let number = usize::from(photo_of(PICTURES) % PHOTOS);
    bench.module().show(photo(number as u8));
    let recovered = timed_picture(bench, camera, limits, tally);
    match recovered {
        Ok(luma) => assert!(luma == expected[number], "seed {seed}: wrong after {fault:?}"),
        Err(error) => panic!("seed {seed}: no recovery from {fault:?}: {error:?}"),
    }
}

fn photos(window: &Window) -> Vec<Vec<u8>> {
    (0..PHOTOS).map(|number| expected_rows(&photo(number), window, false, false)).collect()
}

fn settings(random: &mut SplitMix) -> BusSettings {
    let spi_hz = [1_000_000, 4_000_000, 8_000_000][random.below(3) as usize];
    let i2c_hz = [100_000, 400_000][random.below(2) as usize];
    BusSettings { spi_hz, i2c_hz, ..BusSettings::default() }
}

#[test]
fn mini() {
    let configs = [96, 100].map(|side| arducam_mini::Config::square(side).unwrap());
    let expected = configs.map(|config| photos(&config.window()));
    let unknown = |dummy_byte| MiniBoard { version: 0x62, dummy_byte, ..MiniBoard::PLUS };
    let boards =
        [MiniBoard::PLUS, MiniBoard::PLUS, MiniBoard::OLD, unknown(DummyByte::None), unknown(DummyByte::FirstBurst)];
    let mut tally = Tally::default();
    for seed in 0..runs() {
        let mut random = SplitMix::new(seed);
        let settings = settings(&mut random);
        let chosen = random.below(2) as usize;
        let config = configs[chosen];
        let board = boards[random.below(boards.len() as u64) as usize];
        let fault = draw_schedule(&mut random, config.frame().row_bytes() as u64);
        let bench = Bench::new(MiniModel::new(board, settings, photo(0), seed));
        let mut camera = ArducamMini::new(bench.spi(), bench.i2c(), bench.delay(), config);
        let clocks = BusClocks { spi_hz: settings.spi_hz, i2c_hz: settings.i2c_hz };
        let limits = Limits {
            start_ms: arducam_mini::worst_start_ms(clocks),
            row_us: arducam_mini::worst_read_row_us(clocks, &config),
        };
        let case = Run { seed, fault, is_mega: false, learns: board.version == 0x62 };
        run::<_, ArducamMini<_, _, _>>(&case, &bench, &mut camera, limits, &expected[chosen], &mut tally);
    }
    println!("{tally:#?}");
    let errors: u32 = tally.errors.values().sum();
    assert!(errors > 500 && tally.right > 1_000, "the faults must be felt, and pass: {tally:?}");
}

#[test]
fn mega() {
    let expected = photos(&MegaModel::window(Size::Px96));
    let config = arducam_mega::Config::default();
    let mut tally = Tally::default();
    for seed in 0..runs() {
        let mut random = SplitMix::new(seed);
        let settings = settings(&mut random);
        let id = 0x81 + random.below(7) as u8;
        let fault = draw_schedule(&mut random, config.frame().row_bytes() as u64);
        let bench = Bench::new(MegaModel::new(id, settings, photo(0), seed));
        let mut camera = ArducamMega::new(bench.spi(), bench.delay(), config);
        let limits = Limits {
            start_ms: arducam_mega::worst_start_ms(settings.spi_hz),
            row_us: arducam_mega::worst_read_row_us(settings.spi_hz, &config),
        };
        let case = Run { seed, fault, is_mega: true, learns: false };
        run::<_, ArducamMega<_, _>>(&case, &bench, &mut camera, limits, &expected, &mut tally);
    }
    println!("{tally:#?}");
    let errors: u32 = tally.errors.values().sum();
    assert!(errors > 500 && tally.right > 1_000, "the faults must be felt, and pass: {tally:?}");
}

/// The fault that a device reports for each error, so that the tally cannot hide a driver that reports one kind for
/// all.
#[test]
fn errors_are_what_they_say() {
    use pinhole_app::camera::CameraFault::{Misuse, NoPicture, Timeout};
    assert_eq!([MiniError::Misuse, MiniError::DoneNotCleared].map(|error| error.fault()), [Misuse, NoPicture]);
    assert_eq!(
        [MegaError::Misuse, MegaError::DoneNotCleared, MegaError::CaptureTimeout].map(|error| error.fault()),
        [Misuse, NoPicture, Timeout]
    );
}
