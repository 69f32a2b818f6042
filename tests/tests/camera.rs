//! A camera driver in emulated code, with its buses served by a software model on the host. The device must read the
//! pictures shown to the module, and decide as the host does on the same pixels.

use std::path::PathBuf;

use pinhole::board::Board;
use pinhole::choice::Choice as _;
use pinhole::device::{CameraKind, InferenceDevice as _};
use pinhole::emulator::EmulatedBoard;
use pinhole::model_file::ModelFile;
use pinhole::photos::{Picture, decode, read_unlabeled};
use pinhole::prove::{ProofInputs, prove};
use pinhole::random::Random;
use pinhole_shared::link::Report;
use pinhole_shared::pixels::{InputShape, PictureSize, PixelFormat};
use pinhole_tests::handmade::tiny;
use pinhole_tests::{Ran, bundled_model, photos, pinhole, synthetic};

const MODULES: [CameraKind; 2] = [CameraKind::ArducamMini, CameraKind::ArducamMega];

fn board(board: Board, camera: CameraKind, model: &ModelFile) -> EmulatedBoard {
    EmulatedBoard::start_model(board, model, &bundled_model(), camera, |_| ())
        .unwrap_or_else(|error| panic!("{error:?}"))
}

fn pictures(folders: &[PathBuf]) -> Vec<PathBuf> {
    read_unlabeled(folders, InputShape::gray(50)).unwrap().0.into_iter().map(|photo| photo.path).collect()
}

/// Every integer, including pixels, on synthetic pictures, and on real photos if present.
#[test]
fn the_device_sees_what_the_camera_is_shown() {
    let model = ModelFile::read(&bundled_model()).unwrap();
    let mut folders = vec![synthetic("validation")];
    folders.extend(photos().map(|folder| folder.join("article").join("test")));
    let paths = pictures(&folders);
    for camera in MODULES {
        for emulated in [Board::Qemu, Board::QemuM0plus] {
            let mut device = board(emulated, camera, &model);
            let proof = prove(&model, &mut device, ProofInputs::Photos(&paths), || ()).unwrap();
            assert!(proof.holds() && proof.photos == paths.len(), "{emulated:?}, {camera:?}: {proof:?}");
        }
    }
}

/// Pictures of all shapes, larger and smaller than the crop, and another input size. The device's input differs for
/// each picture: none is an old one.
#[test]
fn pictures_of_any_shape() {
    let mut random = Random::seeded(5);
    for side in [4, 31] {
        let model = ModelFile::from_bytes(tiny(side).bytes()).unwrap();
        let mut engine = model.engine();
        for camera in MODULES {
            let mut device = board(Board::Qemu, camera, &model);
            let mut seen: Vec<Vec<i32>> = Vec::new();
            for (width, height) in [(40, 40), (1, 1), (640, 480), (30, 200), (1601, 1201)] {
                let bytes = usize::from(width) * usize::from(height) * 3;
                let rows = (0..bytes).map(|_| random.below(256) as u8).collect();
                let picture = Picture::new(PictureSize { width, height }, PixelFormat::Rgb888, rows).unwrap();
                let expected = engine.run_all(&device.seen(&picture).shrink(InputShape::gray(side)).unwrap());
                device.show(picture).unwrap();
                let got = device.capture(Report::AllValues).unwrap();
                assert_eq!(got, expected, "{camera:?}, {width}x{height}");
                assert!(!seen.contains(&got.stages[0]), "{camera:?}: an old picture");
                seen.push(got.stages[0].clone());
            }
        }
    }
}

/// As `pinhole simulate` reports it.
#[test]
fn decisions_are_those_of_classify_on_the_same_pixels() {
    let model = ModelFile::read(&bundled_model()).unwrap();
    let mut engine = model.engine();
    for camera in MODULES {
        let device = board(Board::Qemu, camera, &model);
        let args = ["simulate", "drawn", "--camera", camera.name(), "--json", "--photos"];
        let told = Ran::of(pinhole(args).arg(synthetic("validation"))).ok().json();
        let told = told.as_array().unwrap();
        assert_eq!(told.len(), 14);
        for photo in told {
            let picture = decode::read(photo["path"].as_str().unwrap().as_ref()).unwrap();
            let pixels = device.seen(&picture).shrink(InputShape::gray(50)).unwrap();
            let decision = engine.run(&pixels);
            let class = model.model().class_names().nth(decision.class.into()).unwrap();
            assert_eq!(photo["class"], class);
            assert_eq!(photo["probability"], decision.probability.to_f64());
        }
    }
}
