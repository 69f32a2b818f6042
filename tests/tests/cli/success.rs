//! Every command in its intended use.

use super::*;

#[test]
fn train() {
    let temp = temporary();
    let out = temp.path().join("runs").join("first");
    let (photos, validation) = (synthetic("train"), synthetic("validation"));
    let arguments: [&dyn AsRef<OsStr>; 10] =
        [&"train", &photos, &"--validation", &validation, &"--recipe", &DEFAULT, &"--epochs", &"20", &"--out", &out];
    let told = run(&arguments).ok();
    for word in ["best epoch ", "float     accuracy", "int8      accuracy", "agreement", "model.pinhole", "report"] {
        assert!(told.stdout.contains(word), "no {word:?} in:\n{}", told.stdout);
    }
    assert_whole_run(&out);
    let report = std::fs::read_to_string(out.join(files::REPORT)).unwrap();
    for section in [
        "When to answer",
        "What the first layer looks for",
        "Which pixels decided",
        "64 of 128 neurons",
        "14 of 14",
        "data:image/jpeg;base64,",
        "nrf52840-dk",
        "--epochs 20 --seed 1",
    ] {
        assert!(report.contains(section), "no {section:?} in the report");
    }
    let model = std::fs::read(out.join(files::MODEL)).unwrap();

    let mut arguments = arguments.to_vec();
    arguments.extend([&"--json" as &dyn AsRef<OsStr>, &"--threads", &"1"]);
    let again = run(&arguments).ok();
    let kept = temp.path().join("runs").join("first-1");
    let aside = format!("the earlier run is kept in {} (--replace replaces it instead)", kept.display());
    assert!(again.stderr.contains(&aside), "{}", again.stderr);
    assert_whole_run(&kept);
    assert_whole_run(&out);
    let summary = again.json();
    assert_eq!(summary, read_json(&out.join(files::SUMMARY)));
    assert_eq!(
        [&summary["training_photos"], &summary["validation_photos"], &summary["epochs"], &summary["seed"]],
        [26, 14, 20, 1]
    );
    assert_eq!(summary["stopped"], "finished");
    assert!(summary["command"].as_str().unwrap().ends_with("--epochs 20 --seed 1"), "{}", summary["command"]);
    // The verdict on the network, and what follows.
    let verdict = &summary["verdict"];
    assert_eq!([&verdict["photos"], &verdict["classes"][0]["training_photos"]], [14, 13]);
    for line in [format!("verdict   {}", verdict["sentence"].as_str().unwrap()), "always answering".to_owned()] {
        assert!(told.stdout.contains(&line), "no {line:?} in:\n{}", told.stdout);
    }
    assert!(told.stdout.contains("next      1. ") && told.stdout.contains(&format!("{}", out.display())));
    assert!(std::fs::read(out.join(files::MODEL)).unwrap() == model, "one thread gives another model");
}

/// Every second picture of either class is called a cat, and the others dogs: nothing tells them apart. One is in both. The run is
/// written all the same.
#[test]
fn train_says_when_a_network_guesses() {
    let temp = temporary();
    let (pictures, out) = (temp.path().join("my pictures"), temp.path().join("run"));
    for (number, file) in files_in(&synthetic("train")).iter().enumerate() {
        let folder = pictures.join(["cat", "dog"][number % 2]);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(file, folder.join(file.file_name().unwrap())).unwrap();
    }
    std::fs::copy(&files_in(&pictures.join("cat"))[0], pictures.join("dog/same.jpg")).unwrap();
    let told = run(&[&"train", &pictures, &"--recipe", &"smaller", &"--epochs", &"6", &"--out", &out]).ok().stdout;
    for words in ["verdict   It", "warning   these photos do not show that it is better than guessing", "two labels: "]
    {
        assert!(told.contains(words), "no {words:?} in:\n{told}");
    }
    assert!(
        told.contains("pinhole train ")
            && told.contains("without --recipe, train chooses one")
            && told.contains("add photos, at least 20"),
        "{told}"
    );
    if cfg!(unix) {
        assert!(told.contains(&format!("pinhole train '{}'", pictures.display())), "{told}");
    }
    let verdict = &read_json(&out.join(files::SUMMARY))["verdict"];
    assert_eq!(verdict["better_than_guessing"], false);
    assert_eq!(verdict["contradictory"][0]["identical"], true);
}

#[test]
fn train_without_validation_photos() {
    let temp = temporary();
    let out = temp.path().join("run");
    let arguments: [&dyn AsRef<OsStr>; 7] =
        [&"train", &synthetic("train"), &"--epochs", &"2", &"--json", &"--out", &out];
    let summary = run(&arguments).ok().json();
    // A fifth of each class's 13, rounded.
    assert_eq!([&summary["training_photos"], &summary["validation_photos"]], [20, 6]);
    assert_eq!(summary["validation"], Value::Null);
    assert_whole_run(&out);
}

/// The folders are used as their names say. As classes, the network would tell "train" from "validation".
#[test]
fn train_on_a_folder_that_is_split() {
    let temp = temporary();
    let (pictures, out) = (temp.path().join("pictures"), temp.path().join("run"));
    run(&[&"draw", &pictures]).ok();
    let arguments: [&dyn AsRef<OsStr>; 7] = [&"train", &pictures, &"--epochs", &"2", &"--json", &"--out", &out];
    let ran = run(&arguments).ok();
    let summary = ran.json();
    assert_eq!([&summary["training_photos"], &summary["validation_photos"]], [26, 14]);
    assert_eq!(summary["photos"], pictures.join("train").to_str().unwrap());
    assert!(ran.stderr.contains("training on the photos in") && !ran.stderr.contains("to test the"), "{}", ran.stderr);
    assert!(summary["test"].is_null());
    refused(temp.path(), &[&"evaluate", &out, &pictures], &[&pictures, &"train, validation", &"not classes"]);

    // Photos for a test are used after the training. Copies of the others are no test.
    let test = pictures.join("test");
    std::fs::create_dir(&test).unwrap();
    for photo in files_in(&pictures.join("validation")).iter().step_by(2) {
        std::fs::rename(photo, test.join(photo.file_name().unwrap())).unwrap();
    }
    std::fs::copy(pictures.join("train").join("muffin-1.jpg"), test.join("muffin-copy.jpg")).unwrap();
    let ran = run(&arguments).ok();
    let summary = ran.json();
    assert_eq!([&summary["validation_photos"], &summary["test"]["verdict"]["photos"]], [7, 7]);
    assert_eq!(summary["test"]["photos"], test.to_str().unwrap());
    for line in [format!("{} are used once", test.display()), "1 test photo is left out".to_owned()] {
        assert!(ran.stderr.contains(&line), "{}", ran.stderr);
    }
    // A folder that is named for validation comes first.
    let mut named = arguments.to_vec();
    named.extend([&"--validation" as &dyn AsRef<OsStr>, &test]);
    let ran = run(&named).ok();
    assert_eq!(ran.json()["validation_photos"], 8);
    assert!(ran.json()["test"].is_null());
    // A folder in which there is no test does not cost the training; a path that is given must be right.
    std::fs::remove_dir_all(&test).unwrap();
    photo(&test.join("cats").join("1.jpg"), 60, 9);
    let ran = run(&arguments).ok();
    assert!(ran.stderr.contains("warning: the model will not be tested on the photos in"), "{}", ran.stderr);
    let missing = temp.path().join("no such folder");
    let mut wrong = arguments.to_vec();
    wrong.extend([&"--test" as &dyn AsRef<OsStr>, &missing]);
    refused(temp.path(), &wrong, &[&missing]);
}

#[test]
fn train_with_ones_own_recipe() {
    let temp = temporary();
    let (recipe, out) = (temp.path().join("my recipe.toml"), temp.path().join("run"));
    let text = run(&[&"recipes", &"smaller"]).ok().stdout.replace("outputs = 64", "outputs = 7");
    std::fs::write(&recipe, text).unwrap();
    let photos = synthetic("train");
    run(&[&"train", &photos, &"--recipe", &recipe, &"--epochs", &"2", &"--activations", &"8", &"--out", &out]).ok();
    let inspected = run(&[&"inspect", &out, &"--json"]).ok().json();
    assert_eq!(inspected["layers"][0]["outputs"], 7);
    assert_eq!(inspected["layers"][0]["output"], "8 bit");
}

#[test]
fn quantize() {
    let run_folder = run_folder();
    let (photos, model) = (synthetic("train"), run_folder.path().join(files::MODEL));
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

    // A requantized model in the run folder still belongs to its weights; a model elsewhere is independent.
    run(&[&"quantize", &run_folder.path(), &photos, &"--activations", &"8"]).ok();
    assert!(std::fs::read(&model).unwrap() != trained);
    assert_whole_run(run_folder.path());
    let temp = temporary();
    let elsewhere = temp.path().join("small.pinhole");
    let weights = run_folder.path().join(files::WEIGHTS);
    let told = run(&[&"quantize", &weights, &photos, &"--activations", &"16", &"--out", &elsewhere]).ok();
    assert!(told.stdout.contains("accumulator bound"), "{}", told.stdout);
    assert!(std::fs::read(&elsewhere).unwrap() == trained);
}

#[test]
fn evaluate() {
    let (run_folder, photos) = (run_folder(), synthetic("validation"));
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
    let model = bundled_model();
    let one = run(&[&"evaluate", &model, &photos, &"--json"]).ok().json();
    assert_eq!((&one["float"], &one["agreement"]), (&Value::Null, &Value::Null));
    assert_eq!(one["int8"], both["int8"]);
    assert_eq!(one["verdict"], both["verdict"]);
    assert_eq!(one["verdict"]["guess"]["accuracy"], 0.5);
    assert!(one["verdict"]["sentence"].as_str().unwrap().starts_with("It recognizes both classes: "));
    let told = run(&[&"evaluate", &model, &photos]).ok().stdout;
    for word in [
        "photos    14",
        "verdict   It recognizes both",
        "not available",
        "confusion matrix of int8",
        "chihuahua",
        "muffin",
    ] {
        assert!(told.contains(word), "no {word:?} in:\n{told}");
    }
}

#[test]
fn classify_and_simulate_say_the_same() {
    let (model, photos) = (bundled_model(), synthetic("validation"));
    let mut classified = run(&[&"classify", &model, &photos, &"--json"]).ok().json();
    let all = classified.as_array_mut().unwrap();
    assert_eq!(all.len(), 14);
    let mut right = 0;
    for one in all {
        // A board reports logits only if all integers are requested.
        let logits = one.as_object_mut().unwrap().remove("logits").unwrap();
        assert_eq!(logits.as_array().unwrap().len(), 2);
        assert_eq!(one.as_object_mut().unwrap().remove("enlarged").unwrap(), false);
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

    // One photo by its own path, as text.
    let path = photos.join("muffin-unseen-1.jpg");
    let told = run(&[&"classify", &model, &path]).ok().stdout;
    assert!(told.starts_with(&format!("{}: muffin 0.", path.display())), "{told}");
    let on_board = run(&[&"simulate", &model, &path, &"--log"]).ok();
    assert!(
        on_board.stdout.starts_with("emulated board qemu-mps2-an386, kernel cortex-m4-dsp\n"),
        "{}",
        on_board.stdout
    );
    assert_eq!(on_board.last_line(), told.trim_end());
    assert!(on_board.stderr.contains("ready"), "{}", on_board.stderr);
}

#[test]
fn explain() {
    let temp = temporary();
    let (model, photos, out) = (bundled_model(), synthetic("validation"), temp.path().join("why.html"));
    let told = run(&[&"explain", &model, &photos, &"--out", &out]).ok();
    assert_eq!(told.stdout, run(&[&"classify", &model, &photos]).ok().stdout);
    assert!(told.stderr.contains(out.to_str().unwrap()), "{}", told.stderr);
    let page = std::fs::read_to_string(&out).unwrap();
    assert_eq!(page.matches("<img src=\"data:image/png;base64,").count(), 2 * 14, "a photo and its overlay each");
    assert!(page.contains("muffin-unseen-1.jpg") && page.contains("<style>"), "{page:.2000}");
    for elsewhere in ["<link", "<script", "http:", "https:", "url("] {
        assert!(!page.contains(elsewhere), "the page needs {elsewhere}");
    }

    let path = photos.join("muffin-unseen-1.jpg");
    let mut command = pinhole(["explain".as_ref(), model.as_os_str(), path.as_os_str(), "--json".as_ref()]);
    let explained = Ran::of(command.current_dir(temp.path())).ok().json();
    assert_eq!(names_in(temp.path()), ["explain.html", "why.html"]);
    let one = &explained[0];
    assert_eq!((&one["class"], &one["height"], &one["patch_side"]), (&"muffin".into(), &50.into(), &5.into()));
    let contributions: Vec<f64> =
        one["contributions"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    assert_eq!(contributions.len(), 2500);
    assert!(contributions.iter().any(|&value| value > 0.0) && one["margin"].as_f64().unwrap() > 0.0, "{one}");
}

#[test]
fn inspect() {
    let model = bundled_model();
    let inspected = run(&[&"inspect", &model, &"--json"]).ok().json();
    assert_eq!(inspected["format_version"], 1);
    assert_eq!(inspected["bytes"], std::fs::metadata(&model).unwrap().len());
    assert_eq!((&inspected["input_side"], &inspected["macs"]), (&50.into(), &(2500 * 128 + 128 * 16 + 32).into()));
    assert_eq!((&inspected["input_height"], &inspected["fit"]), (&50.into(), &"crop".into()));
    assert_eq!(inspected["classes"], serde_json::json!(["chihuahua", "muffin"]));
    let outputs: Vec<_> = inspected["layers"].as_array().unwrap().iter().map(|layer| &layer["outputs"]).collect();
    assert_eq!(outputs, [128, 16, 2]);
    let told = run(&[&"inspect", &model]).ok().stdout;
    assert_eq!(inspected["policy"], serde_json::json!({ "min_probability": 0.0, "needed": 1, "window": 1 }));
    for word in ["version 1", "50x50", "chihuahua, muffin", "answers   always", "sigmoid", "logits"] {
        assert!(told.contains(word), "no {word:?} in:\n{told}");
    }
}

#[test]
fn prove() {
    let (model, photos) = (bundled_model(), synthetic("train"));
    let proof = run(&[&"prove", &model, &photos, &"--limit", &"3", &"--json"]).ok().json();
    let firmware = Firmware::of(Board::Qemu).unwrap();
    let prebuilt = *firmware.origin() == FirmwareOrigin::Prebuilt;
    let firmware = serde_json::json!({ "digest": firmware.digest(), "prebuilt": prebuilt });
    let expected = serde_json::json!({
        "photos": 3, "values": 3 * VALUES, "mismatches": 0, "first": null, "firmware": firmware
    });
    assert_eq!(proof, expected);
    // Scripts search for the last line: exactly this.
    let told = run(&[&"prove", &model, &photos, &synthetic("validation")]).ok();
    assert_eq!(told.last_line(), verdict(Board::Qemu, 40 * VALUES, 40));
}

#[test]
fn recipes() {
    let list = run(&[&"recipes"]).ok().stdout;
    let mut lines = list.lines();
    let auto = lines.next().unwrap();
    assert!(auto.starts_with("auto ") && auto.ends_with(" (default)"), "{auto}");
    assert_eq!(lines.clone().count(), NAMED.len());
    for ((name, _), line) in NAMED.iter().zip(lines) {
        assert_eq!(line.split(' ').next(), Some(*name));
        let text = run(&[&"recipes", name]).ok().stdout;
        pinhole::recipe::Recipe::parse(&text, name).unwrap();
    }
    assert!(list.contains("baseline-dropout") && list.matches("(default)").count() == 1, "{list}");
}

#[test]
fn draw() {
    let temp = temporary();
    run(&[&"draw", &temp.path()]).ok();
    for set in ["train", "validation"] {
        let (drawn, bundled) = (files_in(&temp.path().join(set)), files_in(&synthetic(set)));
        assert_eq!(drawn.len(), bundled.len());
        for (drawn, bundled) in drawn.iter().zip(&bundled) {
            assert_eq!(drawn.file_name(), bundled.file_name());
            assert!(std::fs::read(drawn).unwrap() == std::fs::read(bundled).unwrap(), "{}", drawn.display());
        }
    }
    let other = temp.path().join("other");
    run(&[&"draw", &"--out", &other, &"--seed", &"5", &"--train", &"2", &"--validation", &"1"]).ok();
    assert_eq!(names_in(&other.join("train")), ["chihuahua-1.jpg", "chihuahua-2.jpg", "muffin-1.jpg", "muffin-2.jpg"]);
    assert_eq!(names_in(&other.join("validation")), ["chihuahua-unseen-1.jpg", "muffin-unseen-1.jpg"]);
}

/// Captured pictures are read again as the same pixels, and earlier ones stay.
#[test]
fn capture() {
    /// Input side of the default bundled model.
    const SIDE: u16 = 96;
    let temp = temporary();
    let (out, photo) = (temp.path().join("seen"), files_in(&synthetic("validation"))[0].clone());
    let command: [&dyn AsRef<OsStr>; 9] =
        [&"capture", &photo, &"--out", &out, &"--label", &"muffin", &"--count", &"2", &"--json"];
    let taken = run(&command).ok().json();
    assert_eq!(taken[0]["of"], photo.to_str().unwrap());
    run(&[
        &"capture",
        &out,
        &"--label",
        &"muffin",
        &"--count",
        &"1",
        &"--photos",
        &photo,
        &"--camera",
        &"arducam-mini",
    ])
    .ok();
    let names = names_in(&out.join("muffin"));
    assert_eq!(names, ["muffin-0001.png", "muffin-0002.png", "muffin-0003.png"]);
    let pixels = |path: &Path| photos::decode::read(path).unwrap().shrink(InputShape::gray(SIDE)).unwrap();
    assert_eq!(pixels(&out.join("muffin").join("muffin-0001.png")), pixels(&photo));
    assert_eq!(pixels(&out.join("muffin").join("muffin-0003.png")).len(), usize::from(SIDE * SIDE));
    refused(temp.path(), &[&"capture", &photo, &"--label", &"muffin"], &[&"--out is missing"]);
    for label in ["", "a/b", ".."] {
        let words: [&dyn AsRef<OsStr>; 1] = [&"is not a valid folder name"];
        refused(temp.path(), &[&"capture", &out, &"--label", &label, &"--photos", &photo], &words);
    }
}

#[test]
fn boards() {
    let told = run(&[&"boards"]).ok().stdout;
    let listed = run(&[&"boards", &"--json"]).ok().json();
    for (board, listed) in Board::ALL.iter().zip(listed.as_array().unwrap()) {
        assert_eq!((&listed["name"], &listed["emulated"]), (&board.name().into(), &board.is_emulated().into()));
        assert_eq!((&listed["input_bytes"], &listed["input_row_bytes"]), (&27_648.into(), &288.into()), "{board:?}");
        let line = told.lines().find(|line| line.starts_with(&format!("{} ", board.name())));
        assert!(line.is_some_and(|line| line.contains("27648, 288 B")), "{told}");
    }
    // The bundled model fits all of them.
    let temp = temporary();
    for board in Board::ALL {
        let packed = temp.path().join(board.name());
        run(&[&"pack", &bundled_model(), &"--board", &board.name(), &"--out", &packed]).ok();
    }
}

/// Refused without a terminal, and on a board that is not connected.
#[test]
fn a_live_view_needs_a_terminal_and_a_board_that_runs() {
    let temp = temporary();
    refused(temp.path(), &[&"watch", &"--photos", &synthetic("validation")], &[&"`pinhole watch` needs a terminal"]);
    let ran = run(&[&"simulate", &"--photos", &synthetic("validation"), &"--board", &"pico"]);
    assert!(ran.stderr.contains("invalid value 'pico'") && ran.stderr.contains("qemu-m0plus"), "{}", ran.stderr);
    // No such probe can be connected.
    let nowhere: [&dyn AsRef<OsStr>; 5] = [&"prove", &"--board", &"pico", &"--probe", &"0001:0001"];
    refused(temp.path(), &nowhere, &[&"no debug probe matches 0001:0001"]);
    refused(temp.path(), &[&"prove", &"--board", &"qemu"], &[&"needs photos, and none are given"]);
    let emulated: [&dyn AsRef<OsStr>; 5] =
        [&"prove", &"--photos", &synthetic("validation"), &"--port", &"/dev/ttyACM0"];
    refused(temp.path(), &emulated, &[&"the board qemu is emulated", &"--port"]);
    let photos: [&dyn AsRef<OsStr>; 8] =
        [&"capture", &temp.path(), &"--label", &"muffin", &"--board", &"pico", &"--photos", &synthetic("validation")];
    refused(temp.path(), &photos, &[&"the board pico has its own camera"]);
    let emulated: [&dyn AsRef<OsStr>; 4] = [&"flash", &bundled_model(), &"--board", &"qemu"];
    refused(temp.path(), &emulated, &[&"the board qemu has no chip that a debug probe reaches", &"flash --out"]);
}

/// The names of bundled models are accepted wherever a model is expected, unless there is a file of that name.
#[test]
fn models_that_ship_have_names() {
    let temp = temporary();
    let photo = synthetic("validation").join("muffin-unseen-1.jpg");
    let told = run(&[&"models", &"--json"]).ok().json();
    let names: Vec<&str> = told.as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["conv-50", "conv-50-tiny", "conv-96", "drawn"]);
    let list = run(&[&"models"]).ok().stdout;
    assert!(names.iter().all(|name| list.lines().any(|line| line.starts_with(&format!("{name} ")))), "{list}");

    let by_default = run(&[&"classify", &photo]).ok();
    assert!(by_default.stderr.contains("using the bundled model conv-96"), "{}", by_default.stderr);
    assert_eq!(by_default.stdout, run(&[&"classify", &"conv-96", &photo]).ok().stdout);
    let by_drawn = run(&[&"classify", &"drawn", &photo]).ok().stdout;
    assert_eq!(by_drawn, run(&[&"classify", &bundled_model(), &photo]).ok().stdout);
    assert_ne!(by_drawn, by_default.stdout);
    refused(temp.path(), &[&"classify", &"conv-96"], &[&"conv-96 is a model: no photos are given"]);

    // A folder of that name takes precedence.
    std::fs::create_dir(temp.path().join("drawn")).unwrap();
    std::fs::copy(&photo, temp.path().join("drawn/one.jpg")).unwrap();
    let mut here = pinhole(["classify", "drawn"]);
    let ran = Ran::of(here.current_dir(temp.path())).ok();
    assert!(
        ran.stdout.starts_with("drawn/one.jpg: ") && ran.stderr.contains("using the bundled model conv-96"),
        "{}",
        ran.stdout
    );
}

#[test]
fn demo() {
    let temp = temporary();
    let out = temp.path().join("my demo");
    let told = run(&[&"demo", &"--out", &out]).ok();
    let trained = ModelFile::read(&out.join("run").join(files::MODEL)).unwrap();
    let values: usize =
        trained.model().inputs() + trained.model().layers().map(|layer| layer.outputs()).sum::<usize>() + 3;
    for line in [
        // A network trained on photos is at chance on synthetic pictures, and learns them.
        "2. the bundled model conv-96, trained on photos, classifies 8 of 14 synthetic pictures correctly",
        "agreement 1.0000 (0 decided differently)",
        &verdict(Board::Qemu, 40 * values, 40),
    ] {
        assert!(told.stdout.lines().any(|told| told == line), "{}", told.stdout);
    }
    assert!(told.stdout.contains("int8      accuracy 1.0000"), "{}", told.stdout);
    assert!(told.stdout.contains("the article's network (baseline-dropout)"), "{}", told.stdout);
    assert_whole_run(&out.join("run"));
    assert_eq!(names_in(&out.join("pictures").join("train")).len(), 26);
    assert!(told.last_line().ends_with("report.html"), "{}", told.stdout);
}

#[test]
fn help_of_every_command() {
    let of_each: [(&str, &[&str]); 20] = [
        ("demo", &["--out", "--seed"]),
        (
            "train",
            &[
                "<PHOTOS>",
                "--validation",
                "--recipe",
                "--from",
                "--freeze",
                "--seed",
                "--epochs",
                "--patience",
                "--activations",
                "--out",
                "--threads",
                "--json",
            ],
        ),
        (
            "quantize",
            &[
                "<MODEL>",
                "<PHOTOS>",
                "--limit",
                "--activations",
                "--min-confidence",
                "--error-rate",
                "--smooth",
                "--out",
                "--json",
            ],
        ),
        ("evaluate", &["<MODEL>", "<PHOTOS>", "--limit", "--beside", "--json"]),
        ("classify", &["[MODEL]", "[PHOTOS]...", "--limit", "--json", "--pixels"]),
        ("explain", &["[MODEL]", "[PHOTOS]...", "--limit", "--out", "--json"]),
        ("inspect", &["<MODEL>", "--json"]),
        ("export", &["<MODEL>", "[PHOTOS]", "--out", "--to", "--board", "--limit", "--json"]),
        ("import", &["<TFLITE>", "--out", "--classes", "--json"]),
        ("simulate", &["[MODEL]", "[PHOTOS]...", "--board", "--camera", "--limit", "--log", "--json"]),
        ("prove", &["[MODEL]", "[PHOTOS]...", "--captures", "--board", "--camera", "--probe", "--port", "--json"]),
        ("watch", &["[MODEL]", "[PHOTOS]...", "--board", "--camera", "--probe", "--every", "--frames"]),
        (
            "capture",
            &["[MODEL]", "[PHOTOS]...", "--out", "--label", "--count", "--board", "--probe", "--port", "--json"],
        ),
        (
            "flash",
            &["<MODEL>", "--board", "--out", "--model-only", "--dry-run", "--unlock", "--probe", "--log", "--json"],
        ),
        ("boards", &["--json"]),
        ("recipes", &["[NAME]"]),
        ("models", &["--json"]),
        ("draw", &["--out", "--seed", "--train", "--validation"]),
        ("completions", &["<SHELL>", "bash"]),
        ("man", &["--out"]),
    ];
    let list = run(&[&"--help"]).ok().stdout;
    for (command, arguments) in of_each {
        assert!(list.contains(&format!("\n  {command} ")), "{list}");
        for flag in ["--help", "-h"] {
            let help = run(&[&command, &flag]).ok().stdout;
            for argument in arguments {
                assert!(help.contains(argument), "{command} {flag} does not mention {argument}:\n{help}");
            }
            assert!(help.contains("Examples:") && help.contains("--quiet"), "{help}");
            // Spellings that are still accepted, but not documented.
            assert!(!help.contains("--photos") && !help.contains("EARLIER"), "{help}");
        }
    }
    assert!(run(&[&"--version"]).ok().stdout.starts_with("pinhole "));
}
