//! The ArduCAM Mega driver against its model: pictures, transcripts, and the error for each fault.

mod common;

use common::{assert_golden, photo, picture};
use pinhole_app::camera::{Camera, CameraError, CameraFault};
use pinhole_app::capture::{Buffers, capture};
use pinhole_cameras::arducam_mega::{ArducamMega, Config, MegaError, Size, worst_start_ms};
use pinhole_cameras::model::{
    Bench, Breach, BusSettings, DelayPort, Fault, MegaModel, Module, Photo, Scheduled, SpiPort, Strictness,
    expected_rows,
};
use pinhole_cameras::picture::{DummyByte, PictureError};
use pinhole_cameras::probe::WireFault;
use pinhole_shared::pixels::{InputShape, PixelFormat, Shrink};

type Mega = ArducamMega<SpiPort<MegaModel>, DelayPort<MegaModel>>;

fn bench(id: u8) -> Bench<MegaModel> {
    Bench::new(MegaModel::new(id, BusSettings::default(), photo(0), 1))
}

fn camera(bench: &Bench<MegaModel>, size: Size) -> Mega {
    ArducamMega::new(bench.spi(), bench.delay(), Config { size, ..Config::default() })
}

fn expected(photo: &Photo, size: Size) -> Vec<u8> {
    expected_rows(photo, &MegaModel::window(size), false, false)
}

fn running() -> (Bench<MegaModel>, Mega) {
    let bench = bench(0x86);
    bench.module().set_strictness(Strictness::Record);
    let mut camera = camera(&bench, Size::Px96);
    assert_eq!(picture(&mut camera), Ok(expected(&photo(0), Size::Px96)));
    (bench, camera)
}

/// Without faults, the next picture is correct, and shows another photo than before.
fn recovers(bench: &Bench<MegaModel>, camera: &mut Mega) {
    bench.module().set_faults(Vec::new());
    bench.module().set_strictness(Strictness::Panic);
    bench.module().show(photo(9));
    assert_eq!(picture(camera), Ok(expected(&photo(9), Size::Px96)));
}

/// Returns the driver's error for a permanent fault after a picture.
fn answer(fault: Fault) -> MegaError {
    let (bench, mut camera) = running();
    bench.module().set_faults(vec![Scheduled::always(fault)]);
    let start = bench.module().now_ns();
    let error = picture(&mut camera).unwrap_err();
    let most = u64::from(worst_start_ms(4_000_000)) + 200;
    assert!(bench.module().now_ns() - start <= most * 1_000_000);
    recovers(&bench, &mut camera);
    error
}

#[test]
fn pictures_of_all_modules_and_sizes() {
    for id in 0x81..=0x87 {
        for size in [Size::Px96, Size::Px128, Size::Px320] {
            let bench = bench(id);
            let mut camera = camera(&bench, size);
            for number in 0..3 {
                bench.module().show(photo(number));
                assert_eq!(picture(&mut camera), Ok(expected(&photo(number), size)), "{id:02X}, {size:?}");
            }
        }
    }
}

#[test]
fn the_networks_input_is_the_average_of_what_the_module_looks_at() {
    for side in [50, 96] {
        let bench = bench(0x82);
        let mut camera = camera(&bench, Size::Px96);
        let shape = InputShape::gray(side);
        let (mut input, mut row, mut sums) = (vec![0; shape.bytes()], [0; 192], vec![0; shape.row_bytes()]);
        let mut buffers = Buffers { input: &mut input, row: &mut row, sums: &mut sums };
        let frame = capture(&mut camera, &mut buffers, shape).unwrap();
        let mut averaged = vec![0; shape.bytes()];
        let mut shrink = Shrink::new(frame.size, PixelFormat::Gray8, shape, &mut sums, &mut averaged).unwrap();
        for row in expected(&photo(0), Size::Px96).chunks(96) {
            shrink.row(row).unwrap();
        }
        shrink.finish().unwrap();
        assert_eq!(input, averaged);
    }
}

#[test]
fn transcripts_of_the_first_picture() {
    for (name, id) in [("mega-first-96", 0x82), ("mega-second-96", 0x86)] {
        let bench = bench(id);
        bench.module().record();
        picture(&mut camera(&bench, Size::Px96)).unwrap();
        assert_golden(name, &bench.module().transcript());
    }
}

#[test]
fn stated_times() {
    assert_eq!([1_000_000, 4_000_000, 8_000_000].map(worst_start_ms), [6140, 6030, 6012]);
}

#[test]
fn callers_that_break_the_contract_get_an_error() {
    let bench = bench(0x86);
    let mut camera = camera(&bench, Size::Px96);
    let mut row = vec![0; 192];
    assert_eq!(camera.read_row(&mut row), Err(MegaError::Misuse));
    camera.start().unwrap();
    assert_eq!(camera.read_row(&mut row[1..]), Err(MegaError::Misuse));
    assert_eq!(camera.read_row(&mut row), Err(MegaError::Misuse));
    assert_eq!(picture(&mut camera), Ok(expected(&photo(0), Size::Px96)));
    assert_eq!(camera.read_row(&mut row), Err(MegaError::Misuse));
}

#[test]
fn wires_are_told_apart() {
    let answers = [
        (Fault::Miso(0x00), WireFault::StuckLow),
        (Fault::Miso(0xFF), WireFault::StuckHigh),
        (Fault::Miso(0x82), WireFault::SameValue { value: 0x82 }),
        (Fault::Echo, WireFault::Echo),
        (Fault::WrongPhase, WireFault::WrongPhase),
    ];
    for (fault, expected) in answers {
        assert_eq!(answer(fault), MegaError::Wires(expected));
    }
    assert_eq!(answer(Fault::SpiError).fault(), CameraFault::Bus);
    assert_eq!(answer(Fault::SpiErrorAfter).fault(), CameraFault::Bus);
}

#[test]
fn modules_that_are_none() {
    for id in [0x00, 0x40, 0x80, 0x88, 0xFF] {
        let bench = bench(0x86);
        bench.module().set_faults(vec![Scheduled::always(Fault::Id(id))]);
        assert_eq!(camera(&bench, Size::Px96).start(), Err(MegaError::Id { got: id }));
    }
}

#[test]
fn a_module_that_stays_busy() {
    assert!(matches!(answer(Fault::Busy), MegaError::Wires(_)), "the scratch register cannot be read");
    let (bench, mut camera) = running();
    let from = bench.module().transactions();
    // Shorter than the driver's wait.
    bench.module().set_faults(vec![Scheduled { fault: Fault::Busy, from, transactions: 10 }]);
    assert!(picture(&mut camera).is_ok());
    recovers(&bench, &mut camera);
}

#[test]
fn captures_that_do_not_end_or_have_another_length() {
    assert_eq!(answer(Fault::NeverDone), MegaError::CaptureTimeout);
    assert_eq!(answer(Fault::NoFrames), MegaError::CaptureTimeout);
    assert_eq!(answer(Fault::Standby), MegaError::CaptureTimeout);
    assert_eq!(answer(Fault::DoneLate { ms: 900 }).fault(), CameraFault::Timeout);
    // Lengths that users report if the dummy byte is not skipped.
    for got in [0, 18_431, 18_433, 8_390_520] {
        assert_eq!(answer(Fault::Length(got)), MegaError::FrameLength { got, expected: 18_432 });
    }
    // "Only 95 lines of valid data".
    let short = answer(Fault::ShortFrame { bytes: 192 });
    assert_eq!(short, MegaError::FrameLength { got: 18_240, expected: 18_432 });
    assert_eq!(answer(Fault::FlatFrame(0)), MegaError::Picture(PictureError::Flat { row: 0, value: 0 }));
    assert_eq!(answer(Fault::FlatFrame(0x80)), MegaError::Picture(PictureError::Flat { row: 95, value: 0x80 }));
}

#[test]
fn damaged_rows() {
    for fault in
        [Fault::DropByte { byte: 30 }, Fault::DropByte { byte: 31 }, Fault::InsertByte { byte: 9 }, Fault::Miso(0)]
    {
        for row in [0, 1, 95] {
            let (bench, mut camera) = running();
            camera.start().unwrap();
            let from = bench.module().transactions() + row;
            bench.module().set_faults(vec![Scheduled { fault, from, transactions: 1 }]);
            let mut bytes = vec![0; 192];
            let read = (0..96).take_while(|_| camera.read_row(&mut bytes).is_ok()).count();
            assert_eq!(read as u64, row, "{fault:?}");
            recovers(&bench, &mut camera);
        }
    }
}

#[test]
fn a_dummy_byte_that_is_not_there() {
    let bench = bench(0x86);
    let config = Config { dummy_byte: DummyByte::None, ..Config::default() };
    let mut camera = ArducamMega::new(bench.spi(), bench.delay(), config);
    assert_eq!(camera.start(), Err(MegaError::Picture(PictureError::Shifted { row: 0 })));
}

#[test]
fn old_and_dark_pictures() {
    // The flag is cleared by the reset, and the capture then does not start.
    assert_eq!(answer(Fault::StaleFlag), MegaError::CaptureTimeout);
    let bench = bench(0x86);
    bench.module().set_faults(vec![Scheduled::always(Fault::DarkFrames(5))]);
    assert_eq!(picture(&mut camera(&bench, Size::Px96)), Ok(expected(&photo(0), Size::Px96)));
}

#[test]
fn the_model_tells_what_a_driver_must_not_do() {
    use embedded_hal::spi::Operation;
    let bench = bench(0x86);
    let mut module = bench.module();
    module.set_strictness(Strictness::Record);
    let mut byte = [0];
    module.spi_transaction(&mut [Operation::Write(&[0xA0, 3])]).unwrap();
    module.delay_ns(200_000_000);
    module.spi_transaction(&mut [Operation::Write(&[0x40]), Operation::Read(&mut byte)]).unwrap();
    module.spi_transaction(&mut [Operation::Write(&[0xA0, 3])]).unwrap();
    module.spi_transaction(&mut [Operation::Write(&[0xA1, 0])]).unwrap();
    assert_eq!(module.breaches(), [Breach::Busy, Breach::CutCommand { command: 0x40 }, Breach::Busy]);
    assert!(module.i2c_transaction(0x30, &mut []).is_err());
}
