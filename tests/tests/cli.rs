//! The `pinhole` program, run as a user runs it: every command's way to success, every way to go wrong.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use image::{Rgb, RgbImage};
use pinhole::draw::encode_jpeg;
use pinhole::model_file::ModelFile;
use pinhole::recipe::NAMED;
use pinhole::run_folder::{self, files};
use pinhole_shared::model::seal;
use pinhole_tests::{Ran, drawn, files_in, pinhole, repository, run_folder, shipped_model};
use serde_json::Value;
use tempfile::TempDir;

/// Integers of one photo with the default network: pixels, three layers, class and probability.
const VALUES: usize = 50 * 50 + 128 + 16 + 2 + 2;

fn run(arguments: &[&dyn AsRef<OsStr>]) -> Ran {
    Ran::of(&mut pinhole(arguments.iter().map(|argument| argument.as_ref())))
}

fn temporary() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Everything in a folder, with its bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for path in files_in(folder) {
        if path.is_dir() {
            found.extend(contents(&path));
        }
        let bytes = path.is_file().then(|| std::fs::read(&path).unwrap());
        found.insert(path, bytes);
    }
    found
}

/// A command that must fail, saying so as an error should: exit status 1, nothing on stdout, and on stderr what is
/// wrong, with these words in it, and what to do. It must leave everything in `place` as it was.
fn refused(place: &Path, arguments: &[&dyn AsRef<OsStr>], words: &[&dyn AsRef<OsStr>]) -> String {
    let before = contents(place);
    let ran = run(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{}", ran.stderr);
    for word in words.iter().map(|word| word.as_ref().to_str().unwrap()).chain(["help: "]) {
        assert!(ran.stderr.contains(word), "no {word:?} in:\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    let after = contents(place);
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "files came or went");
    assert!(after == before, "a file changed");
    ran.stderr
}

/// A JPEG of one color.
fn photo(path: &Path, side: u32, gray: u8) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, encode_jpeg(&RgbImage::from_pixel(side, side, Rgb([gray; 3])))).unwrap();
}

/// Photos named by class: dark cats, light dogs.
fn cats_and_dogs(folder: &Path) {
    for number in 1..=3 {
        photo(&folder.join(format!("cat-{number}.jpg")), 60, 40 + number);
        photo(&folder.join(format!("dog-{number}.jpg")), 60, 200 + number);
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    files_in(folder).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

const RUN_FILES: [&str; 6] =
    [files::METRICS, files::MODEL, files::RECIPE, files::REPORT, files::SUMMARY, files::WEIGHTS];

fn assert_whole_run(folder: &Path) {
    let mut expected = RUN_FILES;
    expected.sort_unstable();
    assert_eq!(names_in(folder), expected);
    let opened = run_folder::open(folder).unwrap();
    assert!(opened.network.is_some(), "the model was not made from the weights beside it");
}

mod success {
    use super::*;

    #[test]
    fn train() {
        let place = temporary();
        let out = place.path().join("runs").join("first");
        let (photos, validation) = (drawn("train"), drawn("validation"));
        let arguments: [&dyn AsRef<OsStr>; 8] =
            [&"train", &photos, &"--validation", &validation, &"--epochs", &"20", &"--out", &out];
        let told = run(&arguments).ok();
        for word in ["best epoch ", "float     accuracy", "int8      accuracy", "agreement", "model.pinhole", "report"]
        {
            assert!(told.stdout.contains(word), "no {word:?} in:\n{}", told.stdout);
        }
        assert_whole_run(&out);
        let model = std::fs::read(out.join(files::MODEL)).unwrap();

        let mut arguments = arguments.to_vec();
        arguments.extend([&"--json" as &dyn AsRef<OsStr>, &"--threads", &"1"]);
        let again = run(&arguments).ok();
        assert!(again.stderr.contains("replacing the earlier run"), "{}", again.stderr);
        let summary = again.json();
        let written: Value = serde_json::from_slice(&std::fs::read(out.join(files::SUMMARY)).unwrap()).unwrap();
        assert_eq!(summary, written);
        assert_eq!(
            [&summary["training_photos"], &summary["validation_photos"], &summary["epochs"], &summary["seed"]],
            [26, 14, 20, 1]
        );
        assert_eq!(summary["stopped"], "finished");
        assert!(std::fs::read(out.join(files::MODEL)).unwrap() == model, "one thread gives another model");
    }

    #[test]
    fn train_without_validation_photos() {
        let place = temporary();
        let out = place.path().join("run");
        let arguments: [&dyn AsRef<OsStr>; 7] =
            [&"train", &drawn("train"), &"--epochs", &"2", &"--json", &"--out", &out];
        let summary = run(&arguments).ok().json();
        // A fifth of each class's 13, rounded.
        assert_eq!([&summary["training_photos"], &summary["validation_photos"]], [20, 6]);
        assert_eq!(summary["validation"], Value::Null);
        assert_whole_run(&out);
    }

    #[test]
    fn train_with_ones_own_recipe() {
        let place = temporary();
        let (recipe, out) = (place.path().join("my recipe.toml"), place.path().join("run"));
        let text = run(&[&"recipes", &"smaller"]).ok().stdout.replace("outputs = 64", "outputs = 7");
        std::fs::write(&recipe, text).unwrap();
        let photos = drawn("train");
        run(&[&"train", &photos, &"--recipe", &recipe, &"--epochs", &"2", &"--activations", &"8", &"--out", &out]).ok();
        let inspected = run(&[&"inspect", &out, &"--json"]).ok().json();
        assert_eq!(inspected["layers"][0]["outputs"], 7);
        assert_eq!(inspected["layers"][0]["output"], "8 bit");
    }

    #[test]
    fn quantize() {
        let run_folder = run_folder();
        let (photos, model) = (drawn("train"), run_folder.path().join(files::MODEL));
        let trained = std::fs::read(&model).unwrap();
        let summary = std::fs::read_to_string(run_folder.path().join(files::SUMMARY)).unwrap();
        std::fs::remove_file(&model).unwrap();
        let told = run(&[&"quantize", &run_folder.path(), &photos, &"--json"]).ok().json();
        assert!(std::fs::read(&model).unwrap() == trained, "quantizing anew gives another model");
        assert_eq!(told["model"], model.to_str().unwrap());
        assert_eq!(told["bytes"], trained.len());
        assert_eq!(told["layers"].as_array().unwrap().len(), 3);
        assert!(told["layers"][0]["mean_error"].as_f64().unwrap() < 0.01);
        assert_eq!(std::fs::read_to_string(run_folder.path().join(files::SUMMARY)).unwrap(), summary);

        // Another model in its place still belongs to the weights beside it; one elsewhere is on its own.
        run(&[&"quantize", &run_folder.path(), &photos, &"--activations", &"8"]).ok();
        assert!(std::fs::read(&model).unwrap() != trained);
        assert_whole_run(run_folder.path());
        let place = temporary();
        let elsewhere = place.path().join("small.pinhole");
        let weights = run_folder.path().join(files::WEIGHTS);
        let told = run(&[&"quantize", &weights, &photos, &"--out", &elsewhere]).ok();
        assert!(told.stdout.contains("accumulator bound"), "{}", told.stdout);
        assert!(std::fs::read(&elsewhere).unwrap() == trained);
    }

    #[test]
    fn evaluate() {
        let (run_folder, photos) = (run_folder(), drawn("validation"));
        let both = run(&[&"evaluate", &run_folder.path(), &photos, &"--json"]).ok().json();
        assert_eq!(both["photos"], 14);
        for network in ["float", "int8"] {
            let accuracy = both[network]["accuracy"].as_f64().unwrap();
            assert!((0.85..=1.0).contains(&accuracy), "{network}: {accuracy}");
            assert!(both[network]["loss"].as_f64().unwrap() > 0.0);
        }
        assert_eq!(both["agreement"], 1.0);
        assert_eq!(both["disagreements"], Value::Array(Vec::new()));
        assert_eq!(both["classes"], serde_json::json!(["chihuahua", "muffin"]));

        // A model file alone has no float network to compare with.
        let model = shipped_model();
        let one = run(&[&"evaluate", &model, &photos, &"--json"]).ok().json();
        assert_eq!((&one["float"], &one["agreement"]), (&Value::Null, &Value::Null));
        assert_eq!(one["int8"], both["int8"]);
        let told = run(&[&"evaluate", &model, &photos]).ok().stdout;
        for word in ["photos    14", "not at hand", "confusion of int8", "chihuahua", "muffin"] {
            assert!(told.contains(word), "no {word:?} in:\n{told}");
        }
    }

    #[test]
    fn classify_and_simulate_say_the_same() {
        let (model, photos) = (shipped_model(), drawn("validation"));
        let classified = run(&[&"classify", &model, &photos, &"--json"]).ok().json();
        let all = classified.as_array().unwrap();
        assert_eq!(all.len(), 14);
        let mut right = 0;
        for one in all {
            let path = Path::new(one["path"].as_str().unwrap());
            assert!(path.is_file(), "{one}");
            let class = one["class"].as_str().unwrap();
            assert!(["chihuahua", "muffin"].contains(&class), "{one}");
            right += usize::from(path.file_name().unwrap().to_str().unwrap().starts_with(class));
            let probability = one["probability"].as_f64().unwrap();
            assert!((0.5..=1.0).contains(&probability), "{one}");
        }
        assert!(right >= 12, "{classified:#}");
        let simulated = run(&[&"simulate", &model, &photos, &"--json"]).ok().json();
        assert_eq!(simulated, classified);

        // One photo by its own path, for people.
        let path = photos.join("muffin-unseen-1.jpg");
        let told = run(&[&"classify", &model, &path]).ok().stdout;
        assert!(told.starts_with(&format!("{}: muffin 0.", path.display())), "{told}");
        let on_board = run(&[&"simulate", &model, &path, &"--log"]).ok();
        assert!(on_board.stdout.starts_with("emulated board qemu-mps2-an386, kernel scalar\n"), "{}", on_board.stdout);
        assert_eq!(on_board.last_line(), told.trim_end());
        assert!(on_board.stderr.contains("ready"), "{}", on_board.stderr);
    }

    #[test]
    fn inspect() {
        let model = shipped_model();
        let inspected = run(&[&"inspect", &model, &"--json"]).ok().json();
        assert_eq!(inspected["format_version"], 1);
        assert_eq!(inspected["bytes"], std::fs::metadata(&model).unwrap().len());
        assert_eq!((&inspected["input_side"], &inspected["macs"]), (&50.into(), &(2500 * 128 + 128 * 16 + 32).into()));
        assert_eq!(inspected["classes"], serde_json::json!(["chihuahua", "muffin"]));
        let outputs: Vec<_> = inspected["layers"].as_array().unwrap().iter().map(|layer| &layer["outputs"]).collect();
        assert_eq!(outputs, [128, 16, 2]);
        let told = run(&[&"inspect", &model]).ok().stdout;
        for word in ["version 1", "50x50", "chihuahua, muffin", "sigmoid", "logits"] {
            assert!(told.contains(word), "no {word:?} in:\n{told}");
        }
    }

    #[test]
    fn prove() {
        let (model, photos) = (shipped_model(), drawn("train"));
        let proof = run(&[&"prove", &model, &photos, &"--limit", &"3", &"--json"]).ok().json();
        assert_eq!(proof, serde_json::json!({ "photos": 3, "values": 3 * VALUES, "mismatches": 0, "first": null }));
        // The last line is what scripts look for: exactly this.
        let told = run(&[&"prove", &model, &photos, &drawn("validation")]).ok();
        assert_eq!(told.last_line(), format!("compared {} values on 40 photos: 0 mismatches", 40 * VALUES));
    }

    #[test]
    fn recipes() {
        let list = run(&[&"recipes"]).ok().stdout;
        assert_eq!(list.lines().count(), NAMED.len());
        for ((name, _), line) in NAMED.iter().zip(list.lines()) {
            assert_eq!(line.split(' ').next(), Some(*name));
            let text = run(&[&"recipes", name]).ok().stdout;
            pinhole::recipe::Recipe::parse(&text, name).unwrap();
        }
        assert!(list.contains("baseline-dropout") && list.matches("(default)").count() == 1, "{list}");
    }

    #[test]
    fn draw() {
        let place = temporary();
        run(&[&"draw", &place.path()]).ok();
        for set in ["train", "validation"] {
            let (drawn, shipped) = (files_in(&place.path().join(set)), files_in(&drawn(set)));
            assert_eq!(drawn.len(), shipped.len());
            for (drawn, shipped) in drawn.iter().zip(&shipped) {
                assert_eq!(drawn.file_name(), shipped.file_name());
                assert!(std::fs::read(drawn).unwrap() == std::fs::read(shipped).unwrap(), "{}", drawn.display());
            }
        }
        let other = place.path().join("other");
        run(&[&"draw", &other, &"--seed", &"5", &"--train", &"2", &"--validation", &"1"]).ok();
        assert_eq!(
            names_in(&other.join("train")),
            ["chihuahua-1.jpg", "chihuahua-2.jpg", "muffin-1.jpg", "muffin-2.jpg"]
        );
        assert_eq!(names_in(&other.join("validation")), ["chihuahua-unseen-1.jpg", "muffin-unseen-1.jpg"]);
    }

    #[test]
    fn demo() {
        let place = temporary();
        let out = place.path().join("my demo");
        let told = run(&[&"demo", &"--out", &out]).ok();
        let verdict = format!("compared {} values on 40 photos: 0 mismatches", 40 * VALUES);
        assert!(told.stdout.lines().any(|line| line == verdict), "{}", told.stdout);
        assert_whole_run(&out.join("run"));
        assert!(std::fs::read(out.join("run").join(files::MODEL)).unwrap() == std::fs::read(shipped_model()).unwrap());
        assert_eq!(names_in(&out.join("pictures").join("train")).len(), 26);
        assert!(told.last_line().ends_with("report.html"), "{}", told.stdout);
    }

    #[test]
    fn help_of_every_command() {
        let of_each: [(&str, &[&str]); 10] = [
            ("demo", &["--out", "--seed"]),
            (
                "train",
                &[
                    "<PHOTOS>",
                    "--validation",
                    "--recipe",
                    "--seed",
                    "--epochs",
                    "--patience",
                    "--activations",
                    "--out",
                    "--threads",
                    "--json",
                ],
            ),
            ("quantize", &["<RUN>", "<PHOTOS>", "--activations", "--out", "--json"]),
            ("evaluate", &["<MODEL>", "<PHOTOS>", "--json"]),
            ("classify", &["<MODEL>", "<PHOTOS>...", "--json"]),
            ("inspect", &["<MODEL>", "--json"]),
            ("simulate", &["<MODEL>", "<PHOTOS>...", "--board", "--limit", "--log", "--json"]),
            ("prove", &["<MODEL>", "<PHOTOS>...", "--board", "--limit", "--log", "--json"]),
            ("recipes", &["[NAME]"]),
            ("draw", &["<OUT>", "--seed", "--train", "--validation"]),
        ];
        let list = run(&[&"--help"]).ok().stdout;
        for (command, arguments) in of_each {
            assert!(list.contains(&format!("\n  {command} ")), "{list}");
            for flag in ["--help", "-h"] {
                let help = run(&[&command, &flag]).ok().stdout;
                for argument in arguments {
                    assert!(help.contains(argument), "{command} {flag} does not mention {argument}:\n{help}");
                }
            }
        }
        assert!(run(&[&"--version"]).ok().stdout.starts_with("pinhole "));
    }
}

mod photos_gone_wrong {
    use super::*;

    /// `pinhole train` on this folder must fail, saying these words.
    fn train_refuses(place: &Path, photos: &Path, words: &[&dyn AsRef<OsStr>]) -> String {
        refused(place, &[&"train", &photos, &"--epochs", &"2", &"--out", &place.join("run")], words)
    }

    #[test]
    fn a_missing_folder() {
        let place = temporary();
        let missing = place.path().join("no-such-folder-with-a-rather-long-name-that-no-line-could-hold-in-one-piece");
        train_refuses(place.path(), &missing, &[&missing]);
        let (model, out) = (shipped_model(), place.path().join("run"));
        refused(place.path(), &[&"evaluate", &model, &missing], &[&missing]);
        refused(place.path(), &[&"classify", &model, &missing], &[&missing]);
        refused(place.path(), &[&"simulate", &model, &missing], &[&missing]);
        refused(place.path(), &[&"quantize", &run_folder().path(), &missing], &[&missing]);
        let arguments: [&dyn AsRef<OsStr>; 6] = [&"train", &drawn("train"), &"--validation", &missing, &"--out", &out];
        refused(place.path(), &arguments, &[&missing]);
    }

    #[test]
    fn a_file_for_a_folder() {
        let place = temporary();
        let file = place.path().join("cat.jpg");
        photo(&file, 60, 9);
        train_refuses(place.path(), &file, &[&file, &"is a file"]);
        refused(place.path(), &[&"evaluate", &shipped_model(), &file], &[&file, &"is a file"]);
    }

    #[test]
    fn an_empty_folder() {
        let place = temporary();
        let photos = place.path().join("photos");
        std::fs::create_dir(&photos).unwrap();
        train_refuses(place.path(), &photos, &[&photos, &"no usable photo"]);
        refused(place.path(), &[&"classify", &shipped_model(), &photos], &[&photos, &"no usable photo"]);
        std::fs::write(photos.join("notes.txt"), "no photo").unwrap();
        train_refuses(place.path(), &photos, &[&photos, &"1 left out", &photos.join("notes.txt")]);
    }

    #[test]
    fn broken_photos_are_left_out_by_name_in_training_and_errors_when_named() {
        let place = temporary();
        let photos = place.path().join("photos");
        cats_and_dogs(&photos);
        let text = photos.join("cat-text.jpg");
        std::fs::write(&text, "this is no picture").unwrap();
        let empty = photos.join("dog-empty.png");
        std::fs::write(&empty, "").unwrap();
        let cut = photos.join("dog-cut.jpg");
        let whole = std::fs::read(drawn("train").join("muffin-1.jpg")).unwrap();
        std::fs::write(&cut, &whole[..300]).unwrap();
        let small = photos.join("dog-small.jpg");
        photo(&small, 49, 200);
        let out = place.path().join("run");
        let ran = run(&[&"train", &photos, &"--epochs", &"2", &"--json", &"--out", &out]).ok();
        for path in [&text, &empty, &cut, &small] {
            let line = ran.stderr.lines().find(|line| line.contains(path.to_str().unwrap()));
            let line = line.unwrap_or_else(|| panic!("nothing of {} in:\n{}", path.display(), ran.stderr));
            assert!(line.starts_with("warning: left out "), "{line}");
        }
        assert_eq!(ran.stderr.matches("warning:").count(), 4, "{}", ran.stderr);
        assert!(ran.stderr.contains("49 pixels") && ran.stderr.contains("50"), "{}", ran.stderr);
        let summary = ran.json();
        assert_eq!([&summary["training_photos"], &summary["validation_photos"]], [4, 2]);

        let model = shipped_model();
        for path in [&text, &empty, &cut, &small] {
            refused(place.path(), &[&"classify", &model, &path], &[path]);
        }
        // The board itself must not be given pictures it cannot take.
        refused(place.path(), &[&"prove", &model, &text], &[&text]);
        refused(place.path(), &[&"prove", &model, &small], &[&small, &"49 pixels"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nowhere_is_left_out_too() {
        let place = temporary();
        let photos = place.path().join("photos");
        cats_and_dogs(&photos);
        std::os::unix::fs::symlink("nowhere.jpg", photos.join("cat-4.jpg")).unwrap();
        let ran = run(&[&"train", &photos, &"--epochs", &"1", &"--out", &place.path().join("run")]).ok();
        assert!(ran.stderr.contains("warning: left out") && ran.stderr.contains("cat-4.jpg"), "{}", ran.stderr);
    }

    #[test]
    fn many_warnings_are_counted_not_listed() {
        let place = temporary();
        let photos = place.path().join("photos");
        cats_and_dogs(&photos);
        for number in 10..35 {
            std::fs::write(photos.join(format!("cat-{number}.jpg")), "broken").unwrap();
        }
        let ran = run(&[&"train", &photos, &"--epochs", &"1", &"--out", &place.path().join("run")]).ok();
        assert_eq!(ran.stderr.matches("warning:").count(), 11, "{}", ran.stderr);
        assert!(ran.stderr.contains("left out 15 more files"), "{}", ran.stderr);
    }

    #[test]
    fn an_empty_class() {
        let place = temporary();
        let photos = place.path().join("photos");
        for class in ["cat", "dog"] {
            photo(&photos.join(class).join("1.jpg"), 60, 9);
        }
        std::fs::create_dir(photos.join("cow")).unwrap();
        train_refuses(place.path(), &photos, &[&photos, &"cow"]);
        // All of a class's photos broken is no better.
        std::fs::write(photos.join("cow").join("1.jpg"), "broken").unwrap();
        train_refuses(place.path(), &photos, &[&photos, &"cow", &"1 left out"]);
    }

    #[test]
    fn a_single_class() {
        let place = temporary();
        let photos = place.path().join("photos");
        photo(&photos.join("cat-1.jpg"), 60, 9);
        photo(&photos.join("cat-2.jpg"), 60, 9);
        train_refuses(place.path(), &photos, &[&photos, &"1 class(es): cat"]);
    }

    #[test]
    fn too_few_photos_to_hold_one_out() {
        let place = temporary();
        let photos = place.path().join("photos");
        photo(&photos.join("cat-1.jpg"), 60, 9);
        photo(&photos.join("dog-1.jpg"), 60, 99);
        train_refuses(place.path(), &photos, &[&"cat", &"--validation"]);
    }

    #[test]
    fn class_names_that_collide() {
        let place = temporary();
        let photos = place.path().join("photos");
        photo(&photos.join("Cat-1.jpg"), 60, 9);
        photo(&photos.join("cat-2.jpg"), 60, 9);
        train_refuses(place.path(), &photos, &[&photos, &"\"Cat\"", &"\"cat\""]);
    }

    #[test]
    fn photos_in_and_beside_class_folders() {
        let place = temporary();
        let photos = place.path().join("photos");
        cats_and_dogs(&photos);
        photo(&photos.join("cow").join("1.jpg"), 60, 9);
        train_refuses(place.path(), &photos, &[&photos.join("cat-1.jpg"), &photos.join("cow")]);
    }

    #[test]
    fn a_name_without_a_class() {
        let place = temporary();
        let photos = place.path().join("photos");
        cats_and_dogs(&photos);
        photo(&photos.join("2024-03-01.jpg"), 60, 9);
        train_refuses(place.path(), &photos, &[&photos.join("2024-03-01.jpg")]);
    }

    #[test]
    fn a_class_the_network_does_not_have() {
        let place = temporary();
        let (photos, other) = (place.path().join("photos"), place.path().join("other"));
        cats_and_dogs(&photos);
        photo(&other.join("cat-1.jpg"), 60, 9);
        photo(&other.join("cow-1.jpg"), 60, 9);
        let out = place.path().join("run");
        let arguments: [&dyn AsRef<OsStr>; 6] = [&"train", &photos, &"--validation", &other, &"--out", &out];
        refused(place.path(), &arguments, &[&other.join("cow-1.jpg"), &"\"cow\"", &"cat, dog"]);
        refused(place.path(), &[&"evaluate", &shipped_model(), &photos], &[&"\"cat\"", &"chihuahua, muffin"]);
    }
}

mod recipes_gone_wrong {
    use super::*;

    #[test]
    fn an_unknown_name() {
        let place = temporary();
        let out = place.path().join("run");
        let arguments: [&dyn AsRef<OsStr>; 6] = [&"train", &drawn("train"), &"--recipe", &"best", &"--out", &out];
        refused(place.path(), &arguments, &[&"\"best\"", &"baseline-dropout", &"bigger2"]);
        refused(place.path(), &[&"recipes", &"best"], &[&"\"best\"", &"baseline-dropout"]);
    }

    #[test]
    fn files_that_are_no_recipe_name_the_line() {
        let place = temporary();
        let (recipe, out) = (place.path().join("my.toml"), place.path().join("run"));
        let good = run(&[&"recipes", &"baseline"]).ok().stdout;
        for (from, to, words) in [
            ("epochs = 400", "epochs = many", &["line 5"][..]),
            ("epochs = 400", "epoch = 400", &["line 5", "`epoch`", "`epochs`"]),
            ("activation = \"sigmoid\"", "activation = \"tanh\"", &["tanh", "sigmoid"]),
            ("batch = 32", "batch = 0", &["training.batch", "at least 1"]),
            ("learning_rate = 0.001", "learning_rate = -1.0", &["learning_rate", "positive"]),
        ] {
            assert!(good.contains(from), "{good}");
            std::fs::write(&recipe, good.replacen(from, to, 1)).unwrap();
            let words: Vec<&dyn AsRef<OsStr>> =
                words.iter().map(|word| word as &dyn AsRef<OsStr>).chain([&recipe as &dyn AsRef<OsStr>]).collect();
            let photos = drawn("train");
            refused(place.path(), &[&"train", &photos, &"--recipe", &recipe, &"--out", &out], &words);
        }
        let missing = place.path().join("none.toml");
        refused(place.path(), &[&"train", &drawn("train"), &"--recipe", &missing, &"--out", &out], &[&missing]);
    }

    /// Too large a step: not a network full of NaN, but an error.
    #[test]
    fn a_training_that_diverges() {
        let place = temporary();
        let (recipe, out) = (place.path().join("my.toml"), place.path().join("run"));
        let text = run(&[&"recipes", &"baseline-relu"]).ok().stdout.replace("0.001", "1e30");
        std::fs::write(&recipe, text).unwrap();
        let photos = drawn("train");
        refused(place.path(), &[&"train", &photos, &"--recipe", &recipe, &"--out", &out], &[&"learning rate"]);
    }
}

mod models_gone_wrong {
    use super::*;

    /// Every command that takes a model refuses this one.
    fn all_refuse(place: &Path, model: &Path, words: &[&dyn AsRef<OsStr>]) {
        let photos = drawn("validation");
        refused(place, &[&"inspect", &model], words);
        for command in ["classify", "evaluate", "simulate", "prove"] {
            refused(place, &[&command, &model, &photos], words);
        }
    }

    fn changed(place: &Path, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let path = place.join("changed.pinhole");
        let mut bytes = std::fs::read(shipped_model()).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn not_there() {
        let place = temporary();
        let missing = place.path().join("none.pinhole");
        all_refuse(place.path(), &missing, &[&missing, &"run folder"]);
        // A folder that is no run folder.
        let folder = drawn("train");
        refused(place.path(), &[&"inspect", &folder], &[&folder.join(files::MODEL)]);
        refused(place.path(), &[&"quantize", &folder, &folder], &[&folder.join(files::WEIGHTS)]);
    }

    #[test]
    fn of_another_version() {
        let place = temporary();
        let model = changed(place.path(), |bytes| {
            bytes[4] = 2;
            seal(bytes);
        });
        all_refuse(place.path(), &model, &[&model, &"version 2", &"version 1", &"pinhole quantize"]);
    }

    #[test]
    fn of_another_pixel_pipeline() {
        let place = temporary();
        let model = changed(place.path(), |bytes| {
            bytes[16] ^= 1;
            seal(bytes);
        });
        refused(place.path(), &[&"inspect", &model], &[&model, &"pixel pipeline", &"pinhole quantize"]);
    }

    #[test]
    fn damaged() {
        let place = temporary();
        let model = changed(place.path(), |bytes| bytes[5000] ^= 0x10);
        all_refuse(place.path(), &model, &[&model, &"damaged", &"copy it again"]);
        let model = changed(place.path(), |bytes| bytes.truncate(1000));
        refused(place.path(), &[&"inspect", &model], &[&model, &"truncated", &"1000"]);
    }

    #[test]
    fn something_else() {
        let place = temporary();
        let model = place.path().join("holiday.pinhole");
        photo(&model, 60, 9);
        all_refuse(place.path(), &model, &[&model, &"not a Pinhole model"]);
    }

    #[test]
    fn weights_that_are_none() {
        let run_folder = run_folder();
        let weights = run_folder.path().join(files::WEIGHTS);
        std::fs::write(&weights, "no weights").unwrap();
        let photos = drawn("train");
        refused(run_folder.path(), &[&"quantize", &run_folder.path(), &photos], &[&weights]);
        refused(run_folder.path(), &[&"evaluate", &run_folder.path(), &photos], &[&weights]);
    }
}

mod output_gone_wrong {
    use super::*;

    /// Where a folder is to be, a file is. (These tests may run as root, whom permissions do not stop.)
    #[test]
    fn a_file_in_the_way() {
        let place = temporary();
        let file = place.path().join("file");
        std::fs::write(&file, "precious").unwrap();
        let (photos, below) = (drawn("train"), file.join("run"));
        for out in [&file, &below] {
            refused(place.path(), &[&"train", &photos, &"--epochs", &"1", &"--out", out], &[out]);
            refused(place.path(), &[&"demo", &"--out", out], &[out]);
            refused(place.path(), &[&"draw", out], &[out]);
        }
        let run_folder = run_folder();
        let arguments: [&dyn AsRef<OsStr>; 5] = [&"quantize", &run_folder.path(), &photos, &"--out", &below];
        refused(place.path(), &arguments, &[&below]);
        let missing = place.path().join("no/such/folder/a.pinhole");
        let arguments: [&dyn AsRef<OsStr>; 5] = [&"quantize", &run_folder.path(), &photos, &"--out", &missing];
        refused(place.path(), &arguments, &[&missing]);
    }

    /// A run that cannot be written whole must not pass for one, nor for the earlier one in its folder.
    #[test]
    fn a_run_written_in_part_is_no_run() {
        let run_folder = run_folder();
        let model = run_folder.path().join(files::MODEL);
        std::fs::remove_file(&model).unwrap();
        std::fs::create_dir(&model).unwrap();
        let ran = run(&[&"train", &drawn("train"), &"--epochs", &"1", &"--out", &run_folder.path()]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.contains(model.to_str().unwrap()) && ran.stderr.contains("help: "), "{}", ran.stderr);
        assert!(run_folder::summary(run_folder.path()).is_none(), "the earlier run's summary vouches for a mixture");
        // And no temporary file is left.
        for name in names_in(run_folder.path()) {
            assert!(RUN_FILES.contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn nobody_reads_the_output() {
        let (model, photos) = (shipped_model(), drawn("validation"));
        let commands: [&[&dyn AsRef<OsStr>]; 6] = [
            &[&"--help"],
            &[&"recipes"],
            &[&"inspect", &model, &"--json"],
            &[&"classify", &model, &photos],
            &[&"evaluate", &model, &photos],
            &[&"classify", &model, &"no-such-photo.jpg"],
        ];
        for arguments in commands {
            let mut command = pinhole(arguments.iter().map(|argument| argument.as_ref()));
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // Closed at once, most likely before anything is written; `| head` closes later, to the same effect.
            drop((child.stdout.take(), child.stderr.take()));
            let code = child.wait().unwrap().code();
            let expected = i32::from(arguments.len() == 3 && arguments[2].as_ref() == "no-such-photo.jpg");
            assert_eq!(code, Some(expected), "{command:?}");
        }
    }
}

#[test]
fn wrong_arguments_are_told_with_usage() {
    for arguments in [
        &["train"][..],
        &["train", "photos", "--epochs", "0"],
        &["train", "photos", "--seed", "-1"],
        &["train", "photos", "--threads", "many"],
        &["classify", "model.pinhole"],
        &["prove", "model.pinhole", "photos", "--limit", "0"],
        &["prove", "model.pinhole", "photos", "--board", "toaster"],
        &["bake"],
        &[],
    ] {
        let ran = Ran::of(&mut pinhole(arguments));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("--help") || ran.stderr.contains("Usage:"), "{arguments:?}: {}", ran.stderr);
    }
}

/// Without an emulator, and without the right to install one: one message, with what to run.
#[cfg(unix)]
#[test]
fn no_emulator_is_said_in_one_message() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let place = temporary();
    // As root, Pinhole would install the emulator; as nobody it cannot, and must be able to read what it is given.
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let root = std::fs::metadata(place.path()).unwrap().uid() == 0;
    let copy = |from: &Path, name: &str| {
        let to = place.path().join(name);
        std::fs::copy(from, &to).unwrap();
        to
    };
    let program = copy(pinhole_tests::program(), "pinhole");
    let model = copy(&shipped_model(), "model.pinhole");
    let photo = copy(&drawn("train").join("muffin-1.jpg"), "muffin-1.jpg");
    for command in ["simulate", "prove"] {
        let mut pinhole = std::process::Command::new(&program);
        pinhole.args([command.as_ref(), model.as_os_str(), photo.as_os_str()]).env("PATH", place.path());
        pinhole.current_dir(place.path()).stdin(Stdio::null());
        if root {
            let nobody = 65_534;
            pinhole.uid(nobody).gid(nobody);
        }
        let ran = Ran::of(&mut pinhole);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{}", ran.stderr);
        assert_eq!(ran.stderr.matches("the emulator (qemu-system-arm) is not installed").count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("help: ") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
    }
}

/// Ctrl-C ends a training that would take days, and keeps what it has learned.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_training_leaves_a_whole_run() {
    use std::process::Command;
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    let place = temporary();
    let out = place.path().join("run");
    let (photos, validation) = (drawn("train"), drawn("validation"));
    let arguments: [&dyn AsRef<OsStr>; 8] =
        [&"train", &photos, &"--validation", &validation, &"--epochs", &"1000000000", &"--out", &out];
    let mut command = pinhole(arguments.iter().map(|argument| argument.as_ref()));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Training has begun when the program catches SIGINT (bit 1 of the mask); it shows no progress without a terminal.
    let catches = |id: u32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(mask, 16).unwrap() & 2 != 0
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while !catches(child.id()) && Instant::now() < deadline && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(5));
    }
    let interrupt = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert!(ran.stderr.contains("interrupted"), "{}", ran.stderr);
    assert_whole_run(&out);
    let summary = run_folder::summary(&out).unwrap();
    assert_eq!(summary.stopped, "interrupted");
    ModelFile::read(&out.join(files::MODEL)).unwrap();
    run(&[&"classify", &out, &validation]).ok();
}

/// A time limit or an impatient user ends `pinhole` without asking; its emulator must not stay behind at work.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_program_leaves_no_emulator() {
    use std::io::{BufRead, BufReader};
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    let place = temporary();
    let model = place.path().join("model.pinhole");
    std::fs::copy(shipped_model(), &model).unwrap();
    // The emulator has the model's path, of which there is only one, among its arguments.
    let emulators = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let arguments = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        let of_ours = |arguments: &Vec<u8>| {
            let arguments = String::from_utf8_lossy(arguments);
            arguments.contains("loader,") && arguments.contains(model.to_str().unwrap())
        };
        arguments.filter(of_ours).count()
    };
    // As many photos as it takes not to be ready before it is killed.
    let photos = drawn("train");
    let many = std::iter::repeat_n(photos.as_os_str(), 500);
    let mut command = pinhole(["prove".as_ref(), model.as_os_str(), "--log".as_ref()].into_iter().chain(many));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("ready")), "the board did not start");
    assert_eq!(emulators(), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while emulators() > 0 && Instant::now() < deadline {
        sleep(Duration::from_millis(10));
    }
    assert_eq!(emulators(), 0, "the emulator outlived the program");
}

/// What the program says must be true wherever the repository lies: nothing is read relative to the folder it runs in.
#[test]
fn it_runs_from_anywhere() {
    let place = temporary();
    assert!(!place.path().starts_with(repository()));
    let mut command = pinhole(["prove", "model.pinhole", "."]);
    std::fs::copy(shipped_model(), place.path().join("model.pinhole")).unwrap();
    std::fs::copy(drawn("train").join("muffin-1.jpg"), place.path().join("muffin-1.jpg")).unwrap();
    let ran = Ran::of(command.current_dir(place.path())).ok();
    assert_eq!(ran.last_line(), format!("compared {VALUES} values on 1 photos: 0 mismatches"));
    assert!(ran.stderr.contains("model.pinhole: not a picture by its ending"), "{}", ran.stderr);
}
