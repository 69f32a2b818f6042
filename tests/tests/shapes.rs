//! Inputs that are not square, and each fit of pictures into them: from photos through training, quantization, export and the
//! emulated boards to a proof.
//!
//! A machine on which the emulator cannot run fails these tests.

use std::path::{Path, PathBuf};

use image::imageops::{FilterType, resize};
use pinhole::board::Board;
use pinhole::device::InferenceDevice as _;
use pinhole::emulator::EmulatedBoard;
use pinhole::photos::{Picture, decode};
use pinhole::random::Random;
use pinhole_core::synthetic::{Set, drawings};
use pinhole_core::testing::pictures;
use pinhole_shared::link::Report;
use pinhole_shared::pixels::{Color, Fit, InputShape, PictureSize, PixelFormat};
use pinhole_tests::tensors::{ALL_KINDS, FIRST_LAYER, network_of};
use pinhole_tests::{Ran, on_disk, pinhole, read_json, temporary};

const BOARDS: [Board; 2] = [Board::Qemu, Board::QemuM0plus];

/// Two layers of a convolutional network, trained with every augmentation.
const LAYERS: &str = "[training]\nepochs = 2\nbatch = 8\nlearning_rate = 0.01\n\
     [training.augment]\nshift = 0.1\nzoom = 0.1\nrotation = 10\nflip = true\nbrightness = 0.05\nblur = 0.5\nnoise = 0.02\n\
     [[layer]]\nkind = \"conv\"\nchannels = 4\nkernel = 3\npadding = 1\nactivation = \"relu\"\npool = 2\n\
     [[layer]]\nkind = \"depthwise\"\nkernel = 3\nactivation = \"relu\"\n\
     [[layer]]\noutputs = 6\nactivation = \"sigmoid\"\n";

/// Writes drawings of two classes, shrunk to about this width and height: every third is as large, the others are larger or
/// smaller, and of other shapes.
fn write_drawings(folder: &Path, width: u32, height: u32) -> PathBuf {
    for (set, name, each) in [(Set::Train, "train", 9), (Set::Validation, "validation", 3)] {
        for (number, drawing) in drawings(3, each, set).into_iter().enumerate() {
            let class = folder.join(name).join(if number < each { "a" } else { "b" });
            std::fs::create_dir_all(&class).unwrap();
            let (width, height) = match number % 3 {
                0 => (width, height),
                1 => (width * 3, height * 2),
                _ => (width * 2 / 3, height * 3 / 4),
            };
            let small = resize(&drawing.picture, width, height, FilterType::Triangle);
            small.save(class.join(format!("{number}.png"))).unwrap();
        }
    }
    folder.join("validation")
}

fn trained(folder: &Path, [height, width]: [u16; 2], color: &str, fit: Fit) -> PathBuf {
    let recipe = folder.join("small.toml");
    std::fs::write(&recipe, format!("input_size = [{height}, {width}]\n{LAYERS}")).unwrap();
    let out = folder.join(fit.name());
    let train = Ran::of(
        pinhole(["train"])
            .arg(folder.join("train"))
            .arg("--validation")
            .arg(folder.join("validation"))
            .arg("--recipe")
            .arg(&recipe)
            .args(["--color", color, "--fit", fit.name(), "--json", "--out"])
            .arg(&out),
    )
    .ok();
    // Every third of 24 pictures is too small for its place in the input.
    assert_eq!(train.json()["enlarged_photos"], 8, "{fit}");
    assert!(train.stderr.contains(&format!("8 pictures smaller than the input of {width}x{height}")));
    out
}

/// Pictures of 46x28 and 20x32 pixels, as gestures and digits have them: trained, proved and simulated in every fit.
#[test]
fn small_rectangles_train_and_prove_on_both_boards() {
    for (size, color) in [([28, 46], "gray"), ([32, 20], "rgb")] {
        let folder = temporary();
        let [height, width] = size;
        let photos = write_drawings(folder.path(), width.into(), height.into());
        for fit in Fit::ALL {
            let out = trained(folder.path(), size, color, fit);
            let inspected = Ran::of(pinhole(["inspect"]).arg(&out).arg("--json")).ok().json();
            let told = (&inspected["input_height"], &inspected["input_width"], &inspected["fit"]);
            assert_eq!(told, (&height.into(), &width.into(), &fit.name().into()));
            assert!(inspected["input_side"].is_null(), "{inspected}");
            let text = Ran::of(pinhole(["inspect"]).arg(&out)).ok().stdout;
            assert!(text.contains(&format!("{width}x{height} {color}")) && text.contains(fit.name()), "{text}");
            let recipe = std::fs::read_to_string(out.join("recipe.toml")).unwrap();
            assert!(recipe.contains(&format!("input_size = [{height}, {width}]")), "{recipe}");
            assert_eq!(recipe.contains(&format!("fit = \"{fit}\"")), fit != Fit::Crop, "{recipe}");
            let classified = Ran::of(pinhole(["classify"]).arg(&out).arg(&photos).arg("--json")).ok().json();
            for board in BOARDS {
                let on = |command| {
                    Ran::of(pinhole([command]).arg(&out).arg(&photos).args(["--board", board.name(), "--json"]))
                };
                let proof = on("prove").ok().json();
                assert_eq!((&proof["photos"], &proof["mismatches"]), (&6.into(), &0.into()), "{fit}: {proof}");
                let simulated = on("simulate").ok().json();
                for (one, other) in simulated.as_array().unwrap().iter().zip(classified.as_array().unwrap()) {
                    assert_eq!((&one["path"], &one["probability"]), (&other["path"], &other["probability"]), "{fit}");
                }
            }
        }
    }
}

/// A module's driver delivers what the pixel pipeline needs: all of the sensor's field, or its square.
#[test]
fn a_camera_module_serves_every_fit() {
    let folder = temporary();
    let photos = write_drawings(folder.path(), 46, 28);
    for fit in Fit::ALL {
        let out = trained(folder.path(), [28, 46], "gray", fit);
        for camera in ["arducam-mini", "arducam-mega"] {
            let with = ["--board", "qemu", "--json", "--camera", camera, "--limit", "2"];
            let proof = Ran::of(pinhole(["prove"]).arg(&out).arg(&photos).args(with)).ok().json();
            assert_eq!((&proof["photos"], &proof["mismatches"]), (&2.into(), &0.into()), "{fit}, {camera}: {proof}");
        }
    }
}

/// Every kind of layer: over the link, and through the camera path.
#[test]
fn boards_give_the_hosts_integers() {
    let shapes = [
        InputShape { height: 17, width: 29, color: Color::Gray, fit: Fit::Stretch },
        InputShape { height: 31, width: 18, color: Color::Rgb, fit: Fit::Letterbox },
        InputShape { height: 19, width: 33, color: Color::Gray, fit: Fit::Crop },
    ];
    for (layers, input) in
        [ALL_KINDS, FIRST_LAYER, ""].into_iter().flat_map(|layers| shapes.map(|shape| (layers, shape)))
    {
        let pictures = pictures(input, 3);
        let (_, file) = network_of(layers, &pictures);
        assert_eq!(file.model().input(), input);
        let (_folder, path) = on_disk(file.bytes());
        let mut engine = file.engine();
        for board in BOARDS {
            let mut running = EmulatedBoard::start(board, &path).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(running.identity().input(), Some(input));
            for example in &pictures.examples {
                let got = running.classify(&example.pixels, Report::AllValues).unwrap();
                assert_eq!(got, engine.run_all(&example.pixels), "{board:?}, {input}");
            }
            let mut random = Random::seeded(5);
            for (format, width, height) in [(PixelFormat::Rgb565, 71, 40), (PixelFormat::Rgb888, 33, 66)] {
                let size = PictureSize { width, height };
                let bytes = format.row_bytes(width) * usize::from(height);
                let rows = (0..bytes).map(|_| random.below(256) as u8).collect();
                let picture = Picture::new(size, format, rows).unwrap();
                let expected = engine.run_all(&picture.shrink(input).unwrap());
                running.show(picture).unwrap();
                assert_eq!(running.capture(Report::AllValues).unwrap(), expected, "{board:?}, {input}, {format:?}");
            }
        }
    }
}

/// Gray inputs above 96 pixels, and inputs of any shape, as far as the board's buffers reach.
#[test]
fn a_large_gray_input_fits_where_color_would() {
    for (height, width) in [(166, 166), (96, 288)] {
        let input = InputShape { height, width, color: Color::Gray, fit: Fit::Stretch };
        let pictures = pictures(input, 2);
        let (_, file) = network_of("", &pictures);
        let (_folder, path) = on_disk(file.bytes());
        let mut running = EmulatedBoard::start(Board::Qemu, &path).unwrap_or_else(|error| panic!("{error}"));
        let got = running.classify(&pictures.examples[0].pixels, Report::AllValues).unwrap();
        assert_eq!(got, file.engine().run_all(&pictures.examples[0].pixels));
    }
}

/// The other commands: evaluation, explanation, capture, both exports and the import, quantization, and going on.
#[test]
fn every_command_takes_a_rectangle() {
    let folder = temporary();
    let photos = write_drawings(folder.path(), 20, 32);
    let out = trained(folder.path(), [32, 20], "gray", Fit::Letterbox);
    let path = |name: &str| folder.path().join(name);
    let evaluated = Ran::of(pinhole(["evaluate"]).arg(&out).arg(&photos).arg("--json")).ok().json();
    assert_eq!(evaluated["photos"], 6);
    Ran::of(pinhole(["explain"]).arg(&out).arg(&photos).arg("--out").arg(path("why.html"))).ok();
    assert!(std::fs::read_to_string(path("why.html")).unwrap().contains("data:image/png;base64,"));
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    // The start of a PNG file of 20x32 pixels, in Base64.
    assert!(report.contains("iVBORw0KGgoAAAANSUhEUgAAABQAAAAg"), "its pictures have the input's shape");

    // A captured picture, as a file, is a valid input: the same bytes.
    let capture = ["capture", "--label", "a", "--count", "1", "--model"];
    Ran::of(pinhole(capture).arg(&out).arg("--photos").arg(photos.join("a")).arg(path("captured"))).ok();
    let saved = image::open(path("captured").join("a").join("a-0001.png")).unwrap().into_luma8();
    assert_eq!(saved.dimensions(), (20, 32));
    let input = InputShape { height: 32, width: 20, color: Color::Gray, fit: Fit::Letterbox };
    let first = decode::read_input(&photos.join("a").join("0.png"), input).unwrap();
    assert_eq!(saved.as_raw(), &first.pixels);

    Ran::of(pinhole(["export"]).arg(&out).arg("--out").arg(path("model.h"))).ok();
    let header = std::fs::read_to_string(path("model.h")).unwrap();
    for line in ["#define PINHOLE_MODEL_INPUT_HEIGHT 32", "#define PINHOLE_MODEL_INPUT_WIDTH 20"] {
        assert!(header.contains(line), "{header}");
    }
    assert!(!header.contains("INPUT_SIDE"));
    Ran::of(pinhole(["export"]).arg(&out).arg("--out").arg(path("model.tflite"))).ok();
    let mut import = pinhole(["import"]);
    let imported =
        Ran::of(import.arg(path("model.tflite")).arg("--out").arg(path("back.pinhole")).arg("--json")).ok().json();
    assert_eq!((&imported["input_height"], imported.get("input_side")), (&32.into(), None), "{imported}");
    let back = Ran::of(pinhole(["inspect"]).arg(path("back.pinhole")).arg("--json")).ok().json();
    assert_eq!(
        (&back["input_height"], &back["input_width"], &back["fit"]),
        (&32.into(), &20.into(), &"letterbox".into())
    );

    Ran::of(pinhole(["quantize"]).arg(&out).arg(path("train")).args(["--weights", "4", "--fine-tune", "1"])).ok();
    let next = path("next");
    let go_on = ["--epochs", "1", "--json", "--out"];
    Ran::of(pinhole(["train"]).arg(path("train")).arg("--from").arg(&out).args(go_on).arg(&next)).ok();
    let summary = read_json(&next.join("run.json"));
    assert_eq!(summary["from"]["last_layer"], "kept");
    let budget = Ran::of(pinhole(["inspect", "--board", "pico"]).arg(&next).arg("--json")).ok().json();
    assert_eq!((&budget["board"]["model"]["input_bytes"], &budget["board"]["fits"]), (&640.into(), &true.into()));
    assert!(budget["input_side"].is_null() && budget["board"]["model"]["input_side_px"].is_null(), "{budget}");
}

#[test]
fn a_network_keeps_its_size_and_fit_when_training_goes_on_unless_another_is_asked_for() {
    let folder = temporary();
    write_drawings(folder.path(), 46, 28);
    let out = trained(folder.path(), [28, 46], "gray", Fit::Stretch);
    for (more, fit) in [(&[][..], "stretch"), (&["--fit", "crop"][..], "crop")] {
        let next = folder.path().join("next");
        let train = pinhole(["train"])
            .arg(folder.path().join("train"))
            .arg("--from")
            .arg(&out)
            .args(["--epochs", "1", "--out"])
            .arg(&next)
            .args(more)
            .output();
        assert!(train.unwrap().status.success());
        let told = Ran::of(pinhole(["inspect"]).arg(&next).arg("--json")).ok().json();
        assert_eq!((&told["input_height"], &told["input_width"]), (&28.into(), &46.into()));
        assert_eq!(told["fit"], fit);
    }
}
