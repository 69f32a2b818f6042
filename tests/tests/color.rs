//! Color networks: from photos through training, quantization and the emulated boards to a proof.
//!
//! A machine on which the emulator cannot run fails these tests.

use std::path::Path;

use image::{Rgb, RgbImage};
use pinhole::board::Board;
use pinhole::device::{ClientError, InferenceDevice as _, InferenceDeviceError};
use pinhole::emulator::EmulatedBoard;
use pinhole::photos::Picture;
use pinhole::quantize::dequantize;
use pinhole::random::Random;
use pinhole_core::testing::{pictures, untrained};
use pinhole_shared::link::{Refusal, Report};
use pinhole_shared::pixels::{Color, InputShape, PictureSize, PixelFormat};
use pinhole_tests::tensors::{ALL_KINDS, FIRST_LAYER, network_of};
use pinhole_tests::{Ran, on_disk, pinhole, run_folder, synthetic, temporary};

const BOARDS: [Board; 2] = [Board::Qemu, Board::QemuM0plus];

/// A network with dense layers only.
const DENSE: &str = "[[layer]]\noutputs = 10\nactivation = \"sigmoid\"\n";

fn started(board: Board, path: &Path) -> EmulatedBoard {
    EmulatedBoard::start(board, path).unwrap_or_else(|error| panic!("{error}"))
}

/// Every kind of layer, a first layer with its own loop for gray pictures, and a dense one: over the link and through
/// the camera path, on both cores.
#[test]
fn boards_give_the_hosts_integers() {
    for (layers, side) in [(ALL_KINDS, 17), (FIRST_LAYER, 17), (DENSE, 9)] {
        let input = InputShape::rgb(side);
        let pictures = pictures(input, 4);
        let (_, file) = network_of(layers, &pictures);
        assert_eq!(file.model().input(), input);
        let (_folder, path) = on_disk(file.bytes());
        let mut engine = file.engine();
        for board in BOARDS {
            let mut running = started(board, &path);
            assert_eq!(running.identity().input(), Some(input));
            for example in &pictures.examples {
                let got = running.classify(&example.pixels, Report::AllValues).unwrap();
                assert_eq!(got, engine.run_all(&example.pixels), "{board:?}");
            }
            let mut random = Random::seeded(5);
            for format in [PixelFormat::Rgb565, PixelFormat::Rgb888] {
                let size = PictureSize { width: 31, height: 26 };
                let bytes = format.row_bytes(size.width) * usize::from(size.height);
                let rows = (0..bytes).map(|_| random.below(256) as u8).collect();
                let picture = Picture::new(size, format, rows).unwrap();
                let expected = engine.run_all(&picture.shrink(input).unwrap());
                running.show(picture).unwrap();
                assert_eq!(running.capture(Report::AllValues).unwrap(), expected, "{board:?}, {format:?}");
            }
        }
    }
}

/// Gray pictures are refused as inputs.
#[test]
fn a_gray_camera_is_refused() {
    let (_, file) = network_of(DENSE, &pictures(InputShape::rgb(9), 3));
    let (_folder, path) = on_disk(file.bytes());
    let mut board = started(Board::Qemu, &path);
    let size = PictureSize { width: 12, height: 10 };
    let picture = Picture::new(size, PixelFormat::Gray8, vec![7; 120]).unwrap();
    board.show(picture).unwrap();
    let error = board.capture(Report::Decision).unwrap_err();
    assert!(matches!(error, InferenceDeviceError::Request(ClientError::Refused(Refusal::Picture))), "{error:?}");
    assert!(error.to_string().contains("without the colors it sees"), "{error}");
}

/// A first layer reads red, green and blue of a pixel, in this order: with weights for one channel alone, only that one
/// counts.
#[test]
fn channels_keep_their_order() {
    let pictures = pictures(InputShape::rgb(4), 3);
    let (network, file) = network_of("", &pictures);
    let mut engine = file.engine();
    let one = |channel: usize| (0..48).map(|byte| if byte % 3 == channel { 255 } else { 0 }).collect::<Vec<u8>>();
    for channel in 0..3 {
        let float = network.logits(&[&one(channel)]).unwrap();
        let got = engine.run_all(&one(channel)).stages.pop().unwrap();
        for (float, got) in float[0].iter().zip(got) {
            // Half a step of 8-bit weights for each of 16 pixels, and of the bias.
            assert!((f64::from(*float) - f64::from(got) / 65_536.0).abs() < 0.05, "channel {channel}: {float}, {got}");
        }
    }
    let back = dequantize(&file.model(), &untrained(pictures.input, ""));
    assert_eq!(back.recipe.input.color, Color::Rgb);
}

/// Photos of two classes that differ in hue and not in luma: a gray network cannot distinguish them, a color network
/// must. Then all commands that a user would run.
#[test]
fn what_differs_in_hue_alone_is_learned() {
    let folder = temporary();
    let mut random = Random::seeded(9);
    for (class, hue) in [("cyan", [0.0, 0.35, 0.35]), ("red", [0.9, 0.0, 0.0])] {
        for (set, count) in [("train", 12), ("validation", 6)] {
            let below = folder.path().join(set).join(class);
            std::fs::create_dir_all(&below).unwrap();
            for number in 0..count {
                let photo = RgbImage::from_fn(40, 36, |_, _| {
                    let luma = 90.0 + f64::from(random.below(60) as u32);
                    Rgb(hue.map(|share| (luma * (0.35 + share)) as u8))
                });
                photo.save(below.join(format!("{number}.png"))).unwrap();
            }
        }
    }
    let recipe = folder.path().join("small.toml");
    let text = "input_side = 12\n[training]\nepochs = 60\nbatch = 8\nlearning_rate = 0.01\n\
                [training.augment]\nshift = 0.1\nbrightness = 0.05\nblur = 0.5\nnoise = 0.02\n\
                [[layer]]\nkind = \"conv\"\nchannels = 4\nkernel = 3\npadding = 1\nactivation = \"relu\"\npool = 2\n\
                [[layer]]\noutputs = 6\nactivation = \"sigmoid\"\n";
    std::fs::write(&recipe, text).unwrap();
    let run = |color: &str| {
        let out = folder.path().join(color);
        let train = Ran::of(
            pinhole(["train"])
                .arg(folder.path().join("train"))
                .arg("--validation")
                .arg(folder.path().join("validation"))
                .arg("--recipe")
                .arg(&recipe)
                .args(["--color", color, "--out"])
                .arg(&out)
                .arg("--json"),
        );
        train.ok();
        let report = std::fs::read_to_string(out.join("report.html")).unwrap();
        assert!(report.contains("data:image/png;base64,"));
        out
    };
    let out = run("rgb");
    let photos = folder.path().join("validation");
    let evaluated = Ran::of(pinhole(["evaluate"]).arg(&out).arg(&photos).arg("--json")).ok().json();
    assert_eq!(evaluated["int8"]["accuracy"], 1.0, "{evaluated}");
    let inspected = Ran::of(pinhole(["inspect"]).arg(&out).arg("--json")).ok().json();
    assert_eq!((&inspected["color"], &inspected["input_side"]), (&"rgb".into(), &12.into()));
    for board in BOARDS {
        let proof =
            Ran::of(pinhole(["prove"]).arg(&out).arg(&photos).args(["--board", board.name(), "--json"])).ok().json();
        assert_eq!((&proof["photos"], &proof["mismatches"]), (&12.into(), &0.into()), "{proof}");
    }
    let prove_with = |camera: &str| {
        let with = ["--board", "qemu", "--json", "--camera", camera];
        Ran::of(pinhole(["prove"]).arg(&out).arg(&photos).args(with))
    };
    // Through a module's driver, in RGB565.
    let proof = prove_with("arducam-mini").ok().json();
    assert_eq!((&proof["photos"], &proof["mismatches"]), (&12.into(), &0.into()), "{proof}");
    let ran = prove_with("arducam-mega");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("gives gray pictures") && ran.stderr.contains("--color gray"), "{}", ran.stderr);
    let page = folder.path().join("why.html");
    Ran::of(pinhole(["explain"]).arg(&out).arg(photos.join("red")).arg("--out").arg(&page)).ok();
    assert!(std::fs::read_to_string(page).unwrap().contains("data:image/png;base64,"));

    // A captured picture, as a file, is a valid input: the same bytes.
    let captured = folder.path().join("captured");
    Ran::of(
        pinhole(["capture", "--label", "red", "--count", "1", "--model"])
            .arg(&out)
            .arg("--photos")
            .arg(photos.join("red"))
            .arg(&captured),
    )
    .ok();
    let saved = image::open(captured.join("red").join("red-0001.png")).unwrap();
    let first = pinhole::photos::decode::read_input(&photos.join("red").join("0.png"), InputShape::rgb(12)).unwrap();
    assert_eq!(saved.as_rgb8().unwrap().as_raw(), &first.pixels);

    let gray = run("gray");
    let evaluated = Ran::of(pinhole(["evaluate"]).arg(&gray).arg(&photos).arg("--json")).ok().json();
    let accuracy = evaluated["int8"]["accuracy"].as_f64().unwrap();
    assert!(accuracy < 0.9, "luma gives them away: {accuracy}");
}

/// Networks of different colors have different first layers, so neither can continue from the other.
#[test]
fn a_gray_network_does_not_go_on_in_color() {
    let folder = temporary();
    let ran = Ran::of(
        pinhole(["train"])
            .arg(synthetic("train"))
            .arg("--from")
            .arg(run_folder().path())
            .args(["--color", "rgb", "--out"])
            .arg(folder.path().join("out")),
    );
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("sees pictures in gray, and rgb was asked for"), "{}", ran.stderr);
}
