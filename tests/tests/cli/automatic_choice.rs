//! `pinhole train` without a recipe: it chooses a network to continue from, and settings.

use super::*;

/// The default chooses a network and settings, says so, and prints a command that gives the same bytes.
#[test]
fn train_chooses_and_says_what() {
    let temp = temporary();
    let (out, again) = (temp.path().join("run"), temp.path().join("again"));
    let (photos, validation) = (synthetic("train"), synthetic("validation"));
    let arguments: [&dyn AsRef<OsStr>; 8] =
        [&"train", &photos, &"--validation", &validation, &"--epochs", &"12", &"--out", &out];
    let told = run(&arguments).ok();
    let choice = &read_json(&out.join(files::SUMMARY))["choice"];
    let (sentence, command) = (choice["sentence"].as_str().unwrap(), choice["command"].as_str().unwrap());
    assert!(
        sentence.starts_with("training continues in color from conv-96") && sentence.contains("2 classes of 13 photos"),
        "{sentence}"
    );
    assert!(told.stderr.contains(&format!("{sentence}\nthe same by hand: {command}\n")), "{}", told.stderr);
    // A tenth of the epochs trains the last layer alone, and the others all layers.
    assert!(command.contains("--epochs 12 --patience 4 --frozen-epochs 1 "), "{command}");
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!((words[0], words[1]), ("pinhole", "train"));
    Ran::of(pinhole(&words[1..]).arg("--out").arg(&again)).ok();
    assert!(read_json(&again.join(files::SUMMARY))["choice"].is_null());
    for file in [files::MODEL, files::WEIGHTS, files::RECIPE] {
        assert!(std::fs::read(out.join(file)).unwrap() == std::fs::read(again.join(file)).unwrap(), "{file}");
    }
}

/// A board's memory and speed are kept to; a network that the user names is continued from.
#[test]
fn train_chooses_for_a_board_and_from_a_network() {
    let temp = temporary();
    let (out, photos) = (temp.path().join("run"), synthetic("train"));
    let chosen = |more: &[&str]| {
        let all = ["--epochs", "1", "--recipe", "auto", "--replace", "--json"].iter().chain(more);
        let ran = Ran::of(pinhole(["train"]).arg(&photos).args(all).arg("--out").arg(&out)).ok();
        ran.json()["choice"]["command"].as_str().unwrap().to_owned()
    };
    assert!(chosen(&["--board", "pico"]).contains("--from conv-96 --color rgb"));
    let given = chosen(&["--from", "conv-50-tiny", "--batch", "7", "--no-flip"]);
    assert!(given.contains("--from conv-50-tiny --epochs 1") && given.contains("--batch 7"), "{given}");
    assert!(given.contains("--no-flip") && !given.contains("--color"), "{given}");
    // A board's room counts for every recipe.
    let large: [&dyn AsRef<OsStr>; 8] =
        [&"train", &photos, &"--board", &"pico", &"--input-size", &"200", &"--out", &out];
    refused(temp.path(), &large, &[&"pico", &"--recipe"]);
    let vgg: [&dyn AsRef<OsStr>; 8] = [&"train", &photos, &"--recipe", &"vgg", &"--board", &"pico", &"--out", &out];
    refused(temp.path(), &vgg, &[&"vgg does not fit pico"]);
    // An input that is too small for the first network is one for another.
    assert!(chosen(&["--input-size", "24"]).contains("--from conv-50 "));
}

/// Small pictures of one shape, as of a microcontroller's camera, are seen whole.
#[test]
fn small_photos_of_one_shape_are_seen_whole() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    for class in ["cat", "dog"] {
        std::fs::create_dir_all(photos.join(class)).unwrap();
        for number in 0..4_u8 {
            let pixel = |x, y| image::Luma([(x * 5 + y * 3) as u8 ^ (number * 32) ^ u8::from(class == "cat")]);
            image::GrayImage::from_fn(46, 28, pixel).save(photos.join(class).join(format!("{number}.png"))).unwrap();
        }
    }
    let trained = |more: &[&str]| {
        let out = temp.path().join("run");
        let all = ["--no-duplicate-search", "--epochs", "1", "--replace"];
        Ran::of(pinhole(["train"]).arg(&photos).args(all).args(more).arg("--out").arg(&out)).ok();
        Ran::of(pinhole(["inspect", "--json"]).arg(&out)).ok().json()
    };
    let model = trained(&[]);
    let [width, height, fit] = ["input_width", "input_height", "fit"].map(|key| &model[key]);
    assert_eq!((width, height, fit), (&48.into(), &32.into(), &"stretch".into()));
    let model = trained(&["--fit", "letterbox", "--input-size", "40x64"]);
    let [width, height, fit] = ["input_width", "input_height", "fit"].map(|key| &model[key]);
    assert_eq!((width, height, fit), (&40.into(), &64.into(), &"letterbox".into()));
}

/// A file or folder with a bundled network's name is not continued from.
#[test]
fn a_run_named_like_a_bundled_network_is_not_chosen() {
    let temp = temporary();
    let trained = || {
        let mut command = pinhole(["train"]);
        command.arg(synthetic("train")).args(["--epochs", "1", "--out", "conv-96"]).current_dir(temp.path());
        Ran::of(&mut command).ok();
        std::fs::read(temp.path().join("conv-96").join(files::MODEL)).unwrap()
    };
    assert!(trained() == trained(), "the second training continued from the first");
}

/// The sample of photos that flips are tested on may have none of a class.
#[test]
fn a_rare_class_among_many_photos_is_trained_on() {
    let temp = temporary();
    let (photos, out) = (temp.path().join("photos"), temp.path().join("run"));
    let drawn = files_in(&synthetic("train"));
    for (class, count) in [("a", 450), ("rare", 2)] {
        std::fs::create_dir_all(photos.join(class)).unwrap();
        for number in 0..count {
            std::fs::copy(&drawn[number % drawn.len()], photos.join(class).join(format!("{number}.jpg"))).unwrap();
        }
    }
    // Their order by name puts the rare photos between two that are sampled.
    let arguments: [&dyn AsRef<OsStr>; 9] =
        [&"train", &photos, &"--no-duplicate-search", &"--epochs", &"1", &"--input-size", &"32", &"--out", &out];
    run(&arguments).ok();
    assert_eq!(read_json(&out.join(files::SUMMARY))["verdict"]["classes"][1]["training_photos"], 1);
}
