//! The ArduCAM Mini driver against its model: pictures, transcripts, and the error for each fault.
//!
//! The faults are those that users and vendors report for the module; each test's name names its fault.

mod common;

use common::{assert_golden, photo, picture};
use embedded_hal::spi::MODE_1;
use pinhole_app::camera::{Camera, CameraError, CameraFault};
use pinhole_app::capture::{Buffers, capture};
use pinhole_cameras::arducam_mini::{ArducamMini, BusClocks, Config, MiniError, Stamps, worst_start_ms};
use pinhole_cameras::model::{
    Bench, Breach, BusSettings, DelayPort, Fault, I2cPort, MiniBoard, MiniModel, Module, Photo, Scheduled, SpiPort,
    Strictness, expected_color_rows, expected_rows,
};
use pinhole_cameras::picture::{DummyByte, PictureError};
use pinhole_cameras::probe::WireFault;
use pinhole_shared::pixels::{Color, Fit, InputShape, PixelFormat, Shrink};

type Camera_ = ArducamMini<SpiPort<MiniModel>, I2cPort<MiniModel>, DelayPort<MiniModel>>;

const SIDE: u16 = 100;

fn config() -> Config {
    Config::square(SIDE).unwrap()
}

fn bench(board: MiniBoard) -> Bench<MiniModel> {
    Bench::new(MiniModel::new(board, BusSettings::default(), photo(0), 1))
}

fn camera(bench: &Bench<MiniModel>, config: Config) -> Camera_ {
    ArducamMini::new(bench.spi(), bench.i2c(), bench.delay(), config)
}

fn expected(photo: &Photo) -> Vec<u8> {
    expected_rows(photo, &config().window(), false, false)
}

/// Returns a camera after its first picture, on a model that records breaches.
fn running(board: MiniBoard) -> (Bench<MiniModel>, Camera_) {
    let bench = bench(board);
    bench.module().set_strictness(Strictness::Record);
    let mut camera = camera(&bench, config());
    assert_eq!(picture(&mut camera), Ok(expected(&photo(0))));
    (bench, camera)
}

/// Returns the driver's error for a fault before the first start. Afterwards the fault is removed, and a picture must
/// succeed.
fn answer_at_power_up(fault: Fault) -> MiniError {
    let bench = bench(MiniBoard::PLUS);
    bench.module().set_strictness(Strictness::Record);
    bench.module().set_faults(vec![Scheduled::always(fault)]);
    let mut camera = camera(&bench, config());
    let error = picture(&mut camera).unwrap_err();
    recovers(&bench, &mut camera);
    error
}

/// Returns the driver's error for a permanent fault after a picture.
fn answer_later(fault: Fault) -> MiniError {
    let (bench, mut camera) = running(MiniBoard::PLUS);
    bench.module().set_faults(vec![Scheduled::always(fault)]);
    let start = bench.module().now_ns();
    let error = picture(&mut camera).unwrap_err();
    let most = u64::from(worst_start_ms(BusClocks { spi_hz: 4_000_000, i2c_hz: 100_000 })) + 200;
    assert!(bench.module().now_ns() - start <= most * 1_000_000);
    recovers(&bench, &mut camera);
    error
}

/// Without faults, the next picture is correct, and shows another photo than before.
fn recovers(bench: &Bench<MiniModel>, camera: &mut Camera_) {
    bench.module().set_faults(Vec::new());
    bench.module().set_strictness(Strictness::Panic);
    bench.module().show(photo(9));
    assert_eq!(picture(camera), Ok(expected(&photo(9))));
}

/// Schedules a fault of limited duration, `after` transactions from now.
fn passing(bench: &Bench<MiniModel>, fault: Fault, after: u64, transactions: u64) {
    let from = bench.module().transactions() + after;
    bench.module().set_faults(vec![Scheduled { fault, from, transactions }]);
}

#[test]
fn pictures_are_what_the_module_looks_at() {
    for board in [MiniBoard::PLUS, MiniBoard::OLD] {
        for (side, mirror, flip) in [(96, false, false), (100, true, false), (128, false, true), (40, true, true)] {
            let bench = bench(board);
            let mut config = Config::square(side).unwrap();
            (config.mirror, config.flip) = (mirror, flip);
            let mut camera = camera(&bench, config);
            for number in 0..6 {
                bench.module().show(photo(number));
                let expected = expected_rows(&photo(number), &config.window(), mirror, flip);
                assert_eq!(picture(&mut camera), Ok(expected), "{board:?}, {side}, photo {number}");
            }
            assert!(camera.exposure_settled());
        }
    }
}

/// A color photo, in levels that no exposure clips.
fn colors() -> Photo {
    let level = |i: usize| (20 + (i * 37 + i / 480 * 11) % 200) as u8;
    Photo::rgb(160, 120, (0..3 * 160 * 120).map(level).collect()).unwrap()
}

#[test]
fn pictures_in_color_are_what_the_module_looks_at() {
    for board in [MiniBoard::PLUS, MiniBoard::OLD] {
        for (mirror, flip) in [(false, false), (true, false), (false, true)] {
            let bench = bench(board);
            bench.module().show(colors());
            let mut config = Config::for_input(InputShape::rgb(50)).unwrap();
            (config.mirror, config.flip) = (mirror, flip);
            assert_eq!(config.frame().format, PixelFormat::Rgb565);
            let mut camera = camera(&bench, config);
            for _ in 0..3 {
                let frame = camera.start().unwrap();
                let mut rows = Vec::new();
                for _ in 0..frame.size.height {
                    let mut row = vec![0; frame.row_bytes()];
                    camera.read_row(&mut row).unwrap();
                    rows.extend(row);
                }
                assert!(rows == expected_color_rows(&colors(), &config.window(), mirror, flip), "{board:?}");
            }
        }
    }
}

/// For rectangles, and where pictures are not cropped, the whole field is seen: every pixel of it, in its place.
#[test]
fn pictures_of_the_whole_field_are_what_the_module_looks_at() {
    let input = InputShape { height: 46, width: 28, color: Color::Gray, fit: Fit::Stretch };
    for (input, size) in [
        (input, (128, 96)),
        (InputShape { height: 96, width: 96, ..input }, (128, 96)),
        (InputShape { height: 240, width: 96, fit: Fit::Crop, ..input }, (320, 240)),
    ] {
        for color in Color::ALL {
            let bench = bench(MiniBoard::PLUS);
            bench.module().show(colors());
            let config = Config::for_input(InputShape { color, ..input }).unwrap();
            let (window, whole) = (config.window(), (0, 0, 1600, 1200));
            assert_eq!((window.x, window.y, window.width, window.height), whole);
            let mut camera = camera(&bench, config);
            let frame = camera.start().unwrap();
            assert_eq!((frame.size.width, frame.size.height), size);
            let mut rows = Vec::new();
            for _ in 0..frame.size.height {
                let mut row = vec![0; frame.row_bytes()];
                camera.read_row(&mut row).unwrap();
                rows.extend(row);
            }
            let expected = match color {
                Color::Gray => {
                    rows = rows.into_iter().step_by(2).collect();
                    expected_rows(&colors(), &window, false, false)
                }
                Color::Rgb => expected_color_rows(&colors(), &window, false, false),
            };
            assert!(rows == expected, "{input}, {color}");
        }
    }
}

/// Dark and overexposed scenes are valid color pictures.
#[test]
fn black_and_white_in_color() {
    for byte in [0x00, 0xFF] {
        let bench = bench(MiniBoard::PLUS);
        bench.module().show(Photo::rgb(1, 1, vec![byte; 3]).unwrap());
        let mut camera = camera(&bench, Config::for_input(InputShape::rgb(50)).unwrap());
        assert_eq!(picture(&mut camera), Ok(vec![byte; 100 * 100]));
    }
}

/// The dummy-byte rule is learned from stamps, which color pictures lack. For an unknown version it must be configured.
#[test]
fn unknown_versions_are_not_guessed_in_color() {
    let unknown = MiniBoard { version: 0x61, dummy_byte: DummyByte::FirstBurst, tail_bytes: 8 };
    let bench = bench(unknown);
    bench.module().show(colors());
    let mut config = Config::for_input(InputShape::rgb(50)).unwrap();
    let mut unsure = camera(&bench, config);
    assert_eq!(unsure.start(), Err(MiniError::UnknownDummyByte { version: 0x61 }));
    config.dummy_byte = DummyByte::FirstBurst;
    let mut sure = camera(&bench, config);
    picture(&mut sure).unwrap();
}

/// Without stamps, a wrong length and a buffer that was never written are still detected.
#[test]
fn what_shows_without_stamps() {
    for fault in [Fault::ShortFrame { bytes: 20 }, Fault::FlatFrame(0x55), Fault::FlatFrame(0xAA)] {
        let bench = bench(MiniBoard::PLUS);
        bench.module().set_strictness(Strictness::Record);
        bench.module().show(colors());
        let mut camera = camera(&bench, Config::for_input(InputShape::rgb(96)).unwrap());
        picture(&mut camera).unwrap();
        bench.module().set_faults(vec![Scheduled::always(fault)]);
        let error = picture(&mut camera).unwrap_err();
        match fault {
            Fault::FlatFrame(byte) => {
                let flat = MiniError::Picture(PictureError::Flat { row: 95, value: byte });
                assert_eq!(error, flat);
            }
            _ => assert!(matches!(error, MiniError::FrameLength { .. }), "{error}"),
        }
        bench.module().set_faults(Vec::new());
        picture(&mut camera).unwrap();
    }
}

#[test]
fn the_networks_input_is_the_average_of_what_the_module_looks_at() {
    for (camera_side, side) in [(100, 50), (96, 96)] {
        let bench = bench(MiniBoard::PLUS);
        let config = Config::square(camera_side).unwrap();
        let mut camera = camera(&bench, config);
        let shape = InputShape::gray(side);
        let (mut input, mut row, mut sums) = (vec![0; shape.bytes()], [0; 400], vec![0; shape.row_bytes()]);
        let mut buffers = Buffers { input: &mut input, row: &mut row, sums: &mut sums };
        let frame = capture(&mut camera, &mut buffers, shape).unwrap();
        assert_eq!((frame.size.width, frame.format), (camera_side, PixelFormat::Yuv422));

        let mut expected = vec![0; shape.bytes()];
        let rows = expected_rows(&photo(0), &config.window(), false, false);
        let mut shrink = Shrink::new(frame.size, PixelFormat::Gray8, shape, &mut sums, &mut expected).unwrap();
        for row in rows.chunks(usize::from(camera_side)) {
            shrink.row(row).unwrap();
        }
        shrink.finish().unwrap();
        assert_eq!(input, expected);
    }
}

#[test]
fn transcripts_of_the_first_picture() {
    for (name, board, side) in [("mini-plus-96", MiniBoard::PLUS, 96), ("mini-old-100", MiniBoard::OLD, 100)] {
        let bench = bench(board);
        bench.module().record();
        picture(&mut camera(&bench, Config::square(side).unwrap())).unwrap();
        assert_golden(name, &bench.module().transcript());
    }
}

#[test]
fn stated_times() {
    let starts = [(1_000_000, 100_000), (4_000_000, 100_000), (8_000_000, 400_000)]
        .map(|(spi_hz, i2c_hz)| worst_start_ms(BusClocks { spi_hz, i2c_hz }));
    assert_eq!(starts, [6379, 6255, 6097]);
    let bench = bench(MiniBoard::PLUS);
    let mut camera = camera(&bench, config());
    picture(&mut camera).unwrap();
    let first_ms = bench.module().now_ns() / 1_000_000;
    assert!(first_ms < 1_400, "{first_ms} ms");
    fn can_move_to_another_thread<T: Send>(_: &T) {}
    can_move_to_another_thread(&*bench.module());
}

#[test]
fn a_picture_may_be_given_up() {
    let (bench, mut camera) = running(MiniBoard::PLUS);
    bench.module().set_strictness(Strictness::Panic);
    let mut row = vec![0; 200];
    for rows in [0, 1, 57] {
        camera.start().unwrap();
        (0..rows).for_each(|_| camera.read_row(&mut row).unwrap());
    }
    bench.module().show(photo(3));
    assert_eq!(picture(&mut camera), Ok(expected(&photo(3))));
}

#[test]
fn callers_that_break_the_contract_get_an_error() {
    let bench = bench(MiniBoard::PLUS);
    let mut camera = camera(&bench, config());
    let mut row = vec![0; 200];
    assert_eq!(camera.read_row(&mut row), Err(MiniError::Misuse));
    camera.start().unwrap();
    assert_eq!(camera.read_row(&mut row[..199]), Err(MiniError::Misuse));
    assert_eq!(camera.read_row(&mut row), Err(MiniError::Misuse));
    assert_eq!(picture(&mut camera), Ok(expected(&photo(0))));
    assert_eq!(camera.read_row(&mut row), Err(MiniError::Misuse));
    assert_eq!(MiniError::Misuse.fault(), CameraFault::Misuse);
}

// 1: the sensor acknowledges nothing after a reset of the microcontroller.
#[test]
fn a_module_in_standby_is_woken() {
    let bench = bench(MiniBoard::PLUS);
    passing(&bench, Fault::Standby, 0, 1);
    let mut camera = camera(&bench, config());
    assert_eq!(picture(&mut camera), Ok(expected(&photo(0))));
    passing(&bench, Fault::Standby, 0, 1);
    recovers_without_a_word(&bench, &mut camera);
}

/// A temporary fault; the next start succeeds without an error.
fn recovers_without_a_word(bench: &Bench<MiniModel>, camera: &mut Camera_) {
    bench.module().set_strictness(Strictness::Record);
    bench.module().show(photo(9));
    assert_eq!(picture(camera), Ok(expected(&photo(9))));
}

#[test]
fn a_sensor_that_acknowledges_nothing() {
    assert!(matches!(answer_at_power_up(Fault::Nack), MiniError::Sccb(_)));
    assert!(matches!(answer_later(Fault::Nack), MiniError::Sccb(_)));
    assert!(matches!(answer_later(Fault::Standby), MiniError::Wires(WireFault::Readback { address: 0x06, .. })));
    assert!(matches!(answer_later(Fault::I2cError), MiniError::Sccb(_)));
}

// 2: wrong identifications.
#[test]
fn another_sensor() {
    for id in [0x00, 0xFF, 0x56] {
        let error = answer_at_power_up(Fault::Id(id));
        assert_eq!(error, MiniError::SensorId { product: [id, 0x42], maker: [0x7F, 0xA2] });
        assert_eq!(error.fault(), CameraFault::Bus);
    }
    let bench = bench(MiniBoard::PLUS);
    // The first three reads of the identification.
    bench.module().set_faults(vec![Scheduled { fault: Fault::Id(0), from: 0, transactions: 45 }]);
    assert_eq!(picture(&mut camera(&bench, config())), Ok(expected(&photo(0))));
}

#[test]
fn a_version_that_is_none() {
    for got in [0x00, 0xFF] {
        assert_eq!(answer_at_power_up(Fault::Version(got)), MiniError::Version { got });
    }
}

// 3 to 6: wires.
#[test]
fn wires_are_told_apart() {
    let answers = [
        (Fault::Miso(0x00), WireFault::StuckLow),
        (Fault::Miso(0xFF), WireFault::StuckHigh),
        (Fault::Miso(0x73), WireFault::SameValue { value: 0x73 }),
        (Fault::Echo, WireFault::Echo),
        (Fault::WrongPhase, WireFault::WrongPhase),
    ];
    for (fault, answer) in answers {
        assert_eq!(answer_at_power_up(fault), MiniError::Wires(answer));
        assert_eq!(answer_later(fault), MiniError::Wires(answer));
    }
    let flipped = answer_later(Fault::FlipBit { byte: 1, bit: 0 });
    assert_eq!(flipped, MiniError::Wires(WireFault::Readback { address: 0, expected: 0x55, got: 0x54 }));
}

#[test]
fn a_failing_bus() {
    assert!(matches!(answer_at_power_up(Fault::SpiError), MiniError::Spi(_)));
    assert_eq!(answer_later(Fault::SpiErrorAfter).fault(), CameraFault::Bus);
}

// 7: the capture never ends.
#[test]
fn a_capture_that_does_not_end() {
    assert_eq!(answer_later(Fault::NeverDone), MiniError::CaptureTimeout { vsync_toggles: true });
    assert_eq!(answer_at_power_up(Fault::NoFrames), MiniError::CaptureTimeout { vsync_toggles: false });
    assert_eq!(answer_later(Fault::DoneLate { ms: 2_000 }).fault(), CameraFault::Timeout);
    let (bench, mut camera) = running(MiniBoard::PLUS);
    bench.module().set_faults(vec![Scheduled::always(Fault::DoneLate { ms: 100 })]);
    recovers_without_a_word(&bench, &mut camera);
}

// 8 to 10: lengths.
#[test]
fn captures_of_another_length() {
    for got in [0, 8, 19_999, 20_009, 0x5_FFFF, 0x7F_FFFF] {
        assert_eq!(answer_later(Fault::Length(got)), MiniError::FrameLength { got, expected: 20_000 });
    }
    let short = answer_later(Fault::ShortFrame { bytes: 9 });
    assert_eq!(short, MiniError::FrameLength { got: 19_999, expected: 20_000 });
    assert_eq!(answer_later(Fault::LongFrame { bytes: 1 }).fault(), CameraFault::NoPicture);
    // A single bad capture is repeated.
    let (bench, mut camera) = running(MiniBoard::PLUS);
    passing(&bench, Fault::ShortFrame { bytes: 500 }, 0, 10);
    recovers_without_a_word(&bench, &mut camera);
}

#[test]
fn the_old_board_has_no_tail() {
    let (bench, mut camera) = running(MiniBoard::OLD);
    bench.module().set_faults(vec![Scheduled::always(Fault::ShortFrame { bytes: 1 })]);
    assert_eq!(picture(&mut camera), Err(MiniError::FrameLength { got: 19_999, expected: 20_000 }));
}

// 11: one byte value throughout.
#[test]
fn flat_frames() {
    for value in [0x00, 0x55, 0xFF] {
        let error = answer_later(Fault::FlatFrame(value));
        assert_eq!(error, MiniError::Picture(PictureError::Flat { row: 0, value }));
        assert_eq!(error.fault(), CameraFault::Damaged);
    }
    // If the stamp equals that byte, only the last check fails.
    let bench = bench(MiniBoard::PLUS);
    bench.module().set_faults(vec![Scheduled::always(Fault::FlatFrame(0x80))]);
    let mut config = config();
    config.stamps = Stamps::Same;
    let flat = PictureError::Flat { row: 99, value: 0x80 };
    assert_eq!(picture(&mut camera(&bench, config)), Err(MiniError::Picture(flat)));
}

// 12: shifted by one byte.
#[test]
fn dummy_bytes() {
    let board = |version, dummy_byte| MiniBoard { version, dummy_byte, ..MiniBoard::PLUS };
    let first_picture = |board, rule| {
        let bench = bench(board);
        let mut config = config();
        config.dummy_byte = rule;
        picture(&mut camera(&bench, config))
    };
    let good = Ok(expected(&photo(0)));
    // Rules that are known, configured, or learned.
    assert_eq!(first_picture(board(0x40, DummyByte::FirstBurst), DummyByte::Auto), good);
    assert_eq!(first_picture(board(0x73, DummyByte::None), DummyByte::Auto), good);
    assert_eq!(first_picture(board(0x62, DummyByte::FirstBurst), DummyByte::Auto), good);
    assert_eq!(first_picture(board(0x62, DummyByte::None), DummyByte::Auto), good);
    for rule in [DummyByte::None, DummyByte::FirstBurst, DummyByte::EveryBurst] {
        assert_eq!(first_picture(board(0x73, rule), rule), good);
    }
    // Rules that are configured wrongly.
    let shifted = Err(MiniError::Picture(PictureError::Shifted { row: 0 }));
    assert_eq!(first_picture(board(0x73, DummyByte::FirstBurst), DummyByte::Auto), shifted);
    assert_eq!(first_picture(board(0x73, DummyByte::None), DummyByte::FirstBurst), shifted);
    let every = first_picture(board(0x73, DummyByte::EveryBurst), DummyByte::FirstBurst);
    assert!(matches!(every, Err(MiniError::Picture(PictureError::Damaged { row: 0, .. }))), "{every:?}");
}

// 14: bytes lost or changed in transit.
#[test]
fn damaged_rows() {
    for fault in [
        Fault::DropByte { byte: 77 },
        Fault::DropByte { byte: 78 },
        Fault::InsertByte { byte: 20 },
        Fault::FlipBit { byte: 150, bit: 3 },
        Fault::FlipBit { byte: 151, bit: 3 },
        Fault::Miso(0),
        Fault::Miso(0xFF),
        Fault::WrongPhase,
    ] {
        for row in [0, 1, 60, 99] {
            // The burst of row 0 continues after the peeked bytes: its odd bytes are chroma, in other rows the even
            // ones.
            if matches!(fault, Fault::FlipBit { byte, .. } if (byte % 2 == 0) == (row == 0)) {
                continue;
            }
            let (bench, mut camera) = running(MiniBoard::PLUS);
            camera.start().unwrap();
            passing(&bench, fault, row, 1);
            let mut bytes = vec![0; 200];
            let error = (0..100).find_map(|_| camera.read_row(&mut bytes).err()).unwrap();
            let MiniError::Picture(error) = error else { panic!("{error}") };
            let at = match error {
                PictureError::Flat { row, .. } | PictureError::Shifted { row } | PictureError::Damaged { row, .. } => {
                    row
                }
                _ => panic!("{error}"),
            };
            assert_eq!(u64::from(at), row, "{fault:?}");
            assert_eq!(camera.read_row(&mut bytes), Err(MiniError::Misuse));
            recovers(&bench, &mut camera);
        }
    }
}

#[test]
fn rows_that_stay_damaged_bring_the_module_up_anew() {
    let (bench, mut camera) = running(MiniBoard::PLUS);
    let mut bytes = vec![0; 200];
    let mut waits = Vec::new();
    for _ in 0..3 {
        let start = bench.module().now_ns();
        camera.start().unwrap();
        waits.push((bench.module().now_ns() - start) / 1_000_000);
        passing(&bench, Fault::Miso(0), 3, 1);
        assert!((0..100).any(|_| camera.read_row(&mut bytes).is_err()));
    }
    // A capture takes at most two frames; the waits of a bring-up alone take 300 ms.
    assert!(waits[0] < 140 && waits[1] < 140 && waits[2] > 300, "{waits:?}");
    recovers(&bench, &mut camera);
}

// 15: dark, or old pictures.
#[test]
fn dark_pictures_are_dropped() {
    for frames in [1, 5, 12] {
        let bench = bench(MiniBoard::PLUS);
        bench.module().set_faults(vec![Scheduled::always(Fault::DarkFrames(frames))]);
        let mut camera = camera(&bench, config());
        assert_eq!(picture(&mut camera), Ok(expected(&photo(0))), "{frames}");
        assert!(camera.exposure_settled());
    }
    let bench = bench(MiniBoard::PLUS);
    bench.module().set_faults(vec![Scheduled::always(Fault::DarkFrames(45))]);
    let mut camera = camera(&bench, config());
    assert!(picture(&mut camera).is_ok());
    assert!(!camera.exposure_settled(), "exposure that takes too long is told, and no reason to have no picture");
}

#[test]
fn old_pictures() {
    assert_eq!(answer_later(Fault::StaleFrame), MiniError::Picture(PictureError::Stale));
    assert_eq!(answer_later(Fault::StaleFrame).fault(), CameraFault::NoPicture);
    assert_eq!(answer_later(Fault::StaleFlag), MiniError::DoneNotCleared);
    let (bench, mut camera) = running(MiniBoard::PLUS);
    passing(&bench, Fault::StaleFrame, 0, 10);
    recovers_without_a_word(&bench, &mut camera);
}

#[test]
fn old_pictures_of_an_earlier_program() {
    for pictures in 1..8 {
        let (bench, mut first) = running(MiniBoard::PLUS);
        (1..pictures).for_each(|_| drop(picture(&mut first).unwrap()));
        bench.module().set_faults(vec![Scheduled::always(Fault::StaleFrame)]);
        let mut second = camera(&bench, config());
        for _ in 0..8 {
            assert_eq!(picture(&mut second), Err(MiniError::Picture(PictureError::Stale)));
        }
    }
}

#[test]
fn stamps_can_be_left_out() {
    let bench = bench(MiniBoard::PLUS);
    let mut config = config();
    config.stamps = Stamps::Same;
    let mut camera = camera(&bench, config);
    for _ in 0..2 {
        assert_eq!(picture(&mut camera), Ok(expected(&photo(0))));
        bench.module().set_faults(vec![Scheduled::always(Fault::StaleFrame)]);
        bench.module().show(photo(1));
    }
}

// 16: state left by an earlier program.
#[test]
fn the_module_is_taken_over_in_any_state() {
    for rows in [0, 1, 99] {
        let (bench, mut first) = running(MiniBoard::PLUS);
        bench.module().set_strictness(Strictness::Panic);
        first.start().unwrap();
        let mut row = vec![0; 200];
        (0..rows).for_each(|_| first.read_row(&mut row).unwrap());
        let mut second = camera(&bench, config());
        assert_eq!(picture(&mut second), Ok(expected(&photo(0))));
    }
    // During a capture, and with the sensor's other bank selected.
    let bench = bench(MiniBoard::PLUS);
    bench.module().set_faults(vec![Scheduled::always(Fault::DoneLate { ms: 5_000 })]);
    assert!(camera(&bench, config()).start().is_err());
    bench.module().set_faults(Vec::new());
    assert_eq!(picture(&mut camera(&bench, config())), Ok(expected(&photo(0))));
}

#[test]
fn a_module_that_resets_by_itself() {
    for fault in [Fault::Reset, Fault::SensorReset] {
        let (bench, mut camera) = running(MiniBoard::PLUS);
        passing(&bench, fault, 0, 1);
        recovers_without_a_word(&bench, &mut camera);
    }
    // While rows are read: the buffer restarts from its beginning.
    let (bench, mut camera) = running(MiniBoard::PLUS);
    camera.start().unwrap();
    passing(&bench, Fault::Reset, 50, 1);
    let mut row = vec![0; 200];
    let results: Vec<_> = (0..100).map(|_| camera.read_row(&mut row)).collect();
    assert_eq!(results[99], Err(MiniError::Picture(PictureError::Lost)));
    recovers(&bench, &mut camera);
}

// 19: an occasional missing acknowledge.
#[test]
fn a_missing_acknowledge_is_tried_again() {
    let after_init = 400;
    for at in 0..after_init {
        for transactions in [1, 3] {
            let bench = bench(MiniBoard::PLUS);
            bench.module().set_faults(vec![Scheduled { fault: Fault::Nack, from: at, transactions }]);
            assert_eq!(picture(&mut camera(&bench, config())), Ok(expected(&photo(0))), "{at}");
        }
    }
}

// Rules that the model enforces.
#[test]
fn the_model_tells_what_a_driver_must_not_do() {
    use embedded_hal::spi::Operation;
    let (bench, mut camera) = running(MiniBoard::PLUS);
    camera.start().unwrap();
    let mut module = bench.module();
    let mut breaches = |operations: &mut [Operation<'_, u8>]| {
        let before = module.breaches().len();
        module.spi_transaction(operations).unwrap();
        module.breaches()[before..].to_vec()
    };
    let mut byte = [0];
    let mut bytes = [0; 20_100];
    assert_eq!(breaches(&mut [Operation::Write(&[0x3C])]), [Breach::CutCommand { command: 0x3C }]);
    assert_eq!(breaches(&mut [Operation::Read(&mut byte)]), [Breach::CutCommand { command: 0x00 }]);
    assert_eq!(breaches(&mut [Operation::Write(&[0x84])]), [Breach::CutCommand { command: 0x84 }]);
    assert_eq!(breaches(&mut []), [Breach::EmptyTransaction]);
    assert_eq!(breaches(&mut [Operation::Write(&[0x80, 1, 2])]), [Breach::ExtraBytes { command: 0x80 }]);
    assert_eq!(breaches(&mut [Operation::Write(&[0xC0, 1])]), [Breach::NotWritable { address: 0x40 }]);
    let beyond = breaches(&mut [Operation::Write(&[0x3C]), Operation::Read(&mut bytes)]);
    assert_eq!((beyond.len(), beyond.first()), (20_100 + 9 - 20_008, Some(&Breach::ReadBeyondEnd)));
    assert_eq!(breaches(&mut [Operation::Write(&[0x84, 0x03])]), []);
    assert_eq!(breaches(&mut [Operation::Write(&[0x84, 0x02])]), [Breach::CaptureUnderWay]);
    assert_eq!(breaches(&mut [Operation::Write(&[0x84, 0x30])]), [Breach::CaptureUnderWay]);
    let early = breaches(&mut [Operation::Write(&[0x3D]), Operation::Read(&mut byte)]);
    assert_eq!(early, [Breach::ReadBeforeDone]);
    assert_eq!(breaches(&mut [Operation::Write(&[0x87, 0x80])]), []);
    assert_eq!(breaches(&mut [Operation::Write(&[0x40]), Operation::Read(&mut byte)]), [Breach::TooEarly]);
}

#[test]
fn the_model_knows_the_sensors_banks() {
    use embedded_hal::i2c::Operation;
    let bench = bench(MiniBoard::PLUS);
    let mut module = bench.module();
    module.set_strictness(Strictness::Record);
    module.delay_ns(10_000_000);
    for message in [[0xFF, 0x00].as_slice(), &[0x12, 0x40], &[0xDA, 0x00], &[0xFF, 0x01], &[0xDA, 0x10], &[0x0A, 0x00]]
    {
        module.i2c_transaction(0x30, &mut [Operation::Write(message)]).unwrap();
    }
    module.i2c_transaction(0x30, &mut [Operation::Write(&[0x04, 0x28, 0x00])]).unwrap();
    assert!(module.i2c_transaction(0x31, &mut [Operation::Write(&[0x04])]).is_err());
    let [mode, format, id] = [0x12, 0xDA, 0x0A];
    assert_eq!(
        module.breaches(),
        [
            Breach::WrongBank { address: mode },
            Breach::WrongBank { address: format },
            Breach::NotWritable { address: id },
            Breach::SensorMessage { bytes: 3 },
        ]
    );
}

#[test]
fn the_model_refuses_fast_clocks_and_other_modes() {
    let settings = BusSettings { spi_hz: 10_500_000, spi_mode: MODE_1, i2c_hz: 1_000_000 };
    let bench = Bench::new(MiniModel::new(MiniBoard::PLUS, settings, photo(0), 1));
    bench.module().set_strictness(Strictness::Record);
    let mut camera = camera(&bench, config());
    assert_eq!(camera.start(), Err(MiniError::Wires(WireFault::WrongPhase)));
    let module = bench.module();
    assert!(module.breaches().contains(&Breach::SpiMode));
    assert!(module.breaches().contains(&Breach::Clock { hz: 10_500_000 }));
}

#[test]
#[should_panic(expected = "the module needs SPI mode 0")]
fn breaches_panic_with_a_reason() {
    let settings = BusSettings { spi_mode: MODE_1, ..BusSettings::default() };
    let bench = Bench::new(MiniModel::new(MiniBoard::PLUS, settings, photo(0), 1));
    let _ = camera(&bench, config()).start();
}

#[test]
fn errors_say_what_to_check() {
    let fits = |error: MiniError| {
        let text = error.to_string();
        assert!(text.len() < 160, "{text}");
        text
    };
    assert!(fits(MiniError::Wires(WireFault::StuckLow)).contains("MISO"));
    assert!(fits(MiniError::SensorId { product: [0, 0], maker: [0xFF, 0xFF] }).contains("0000 by FFFF"));
    assert!(fits(MiniError::CaptureTimeout { vsync_toggles: false }).contains("power"));
}
