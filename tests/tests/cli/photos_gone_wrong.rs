//! Photo folders that are refused, and photos that are left out and named.

use super::*;

/// Asserts that `pinhole train` on this folder fails with these words.
fn train_refuses(folder: &Path, photos: &Path, words: &[&dyn AsRef<OsStr>]) -> String {
    refused(folder, &[&"train", &photos, &"--epochs", &"2", &"--out", &folder.join("run")], words)
}

#[test]
fn a_missing_folder() {
    let temp = temporary();
    let missing = temp.path().join("no-such-folder-with-a-rather-long-name-that-no-line-could-hold-in-one-piece");
    train_refuses(temp.path(), &missing, &[&missing]);
    let (model, out) = (bundled_model(), temp.path().join("run"));
    refused(temp.path(), &[&"evaluate", &model, &missing], &[&missing]);
    refused(temp.path(), &[&"classify", &model, &missing], &[&missing]);
    refused(temp.path(), &[&"explain", &model, &missing], &[&missing]);
    refused(temp.path(), &[&"simulate", &model, &missing], &[&missing]);
    refused(temp.path(), &[&"quantize", &run_folder().path(), &missing], &[&missing]);
    let arguments: [&dyn AsRef<OsStr>; 6] = [&"train", &synthetic("train"), &"--validation", &missing, &"--out", &out];
    refused(temp.path(), &arguments, &[&missing]);
}

#[test]
fn a_file_for_a_folder() {
    let temp = temporary();
    let file = temp.path().join("cat.jpg");
    photo(&file, 60, 9);
    train_refuses(temp.path(), &file, &[&file, &"is a file"]);
    refused(temp.path(), &[&"evaluate", &bundled_model(), &file], &[&file, &"is a file"]);
}

#[test]
fn an_empty_folder() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    train_refuses(temp.path(), &photos, &[&photos, &"no usable photo"]);
    refused(temp.path(), &[&"classify", &bundled_model(), &photos], &[&photos, &"no usable photo"]);
    std::fs::write(photos.join("notes.txt"), "no photo").unwrap();
    train_refuses(temp.path(), &photos, &[&photos, &"1 left out", &photos.join("notes.txt")]);
}

#[test]
fn broken_photos_are_left_out_by_name_in_training_and_errors_when_named() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    cats_and_dogs(&photos);
    let text = photos.join("cat-text.jpg");
    std::fs::write(&text, "this is no picture").unwrap();
    let empty = photos.join("dog-empty.png");
    std::fs::write(&empty, "").unwrap();
    let cut = photos.join("dog-cut.jpg");
    let whole = std::fs::read(synthetic("train").join("muffin-1.jpg")).unwrap();
    std::fs::write(&cut, &whole[..300]).unwrap();
    // The decoder would fill the missing tenth with gray without an error.
    let nearly_whole = photos.join("dog-nearly-whole.jpg");
    std::fs::write(&nearly_whole, &whole[..whole.len() * 9 / 10]).unwrap();
    let out = temp.path().join("run");
    let ran = run(&[&"train", &photos, &"--epochs", &"2", &"--json", &"--out", &out]).ok();
    for path in [&text, &empty, &cut, &nearly_whole] {
        let line = ran.stderr.lines().find(|line| line.contains(path.to_str().unwrap()));
        let line = line.unwrap_or_else(|| panic!("nothing of {} in:\n{}", path.display(), ran.stderr));
        assert!(line.starts_with("warning: left out "), "{line}");
    }
    assert_eq!(ran.stderr.matches("warning:").count(), 4, "{}", ran.stderr);
    let summary = ran.json();
    assert_eq!([&summary["training_photos"], &summary["validation_photos"]], [4, 2]);

    let model = bundled_model();
    for path in [&text, &empty, &cut, &nearly_whole] {
        refused(temp.path(), &[&"classify", &model, &path], &[path]);
    }
    // No board is started for unusable pictures.
    refused(temp.path(), &[&"prove", &model, &text], &[&text]);
}

/// Ten pictures of 49 pixels and one of 9 are smaller than the input of 50; the others are larger.
#[test]
fn small_pictures_are_enlarged_and_counted_by_every_command() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    cats_and_dogs(&photos);
    for number in 10..15 {
        photo(&photos.join(format!("cat-{number}.jpg")), 49, 40 + number);
        photo(&photos.join(format!("dog-{number}.jpg")), 49, 200 + number);
    }
    let smallest = photos.join("dog-15.jpg");
    photo(&smallest, 9, 215);
    let out = temp.path().join("run");
    let told = |ran: &Ran, line: &str| {
        assert_eq!(ran.stderr.lines().filter(|told| *told == line).count(), 1, "{}", ran.stderr)
    };
    let eleven = "11 pictures smaller than the input of 50x50 were enlarged";
    let trained = run(&[&"train", &photos, &"--recipe", &DEFAULT, &"--epochs", &"2", &"--json", &"--out", &out]).ok();
    told(&trained, eleven);
    assert!(!trained.stderr.contains("warning: left out"), "{}", trained.stderr);
    let summary = trained.json();
    assert_eq!(summary["enlarged_photos"], 11);
    let report = std::fs::read_to_string(out.join(files::REPORT)).unwrap();
    assert!(report.contains("11 of these pictures are smaller than the network's input"), "{report}");
    let evaluated = run(&[&"evaluate", &out, &photos, &"--json"]).ok();
    told(&evaluated, eleven);
    assert_eq!([&evaluated.json()["enlarged"], &evaluated.json()["photos"]], [11, 17]);
    let classified = run(&[&"classify", &out, &photos, &"--json"]).ok();
    told(&classified, eleven);
    let classified = classified.json();
    let enlarged = classified.as_array().unwrap().iter().filter(|photo| photo["enlarged"] == true);
    assert_eq!(enlarged.count(), 11);
    // The board sees the same enlarged picture.
    for command in ["simulate", "prove"] {
        told(&run(&[&command, &out, &smallest]).ok(), "1 picture smaller than the input of 50x50 was enlarged");
    }
}

/// Two valid photos and two broken ones.
fn whole_and_broken(photos: &Path) -> [PathBuf; 2] {
    std::fs::create_dir(photos).unwrap();
    for name in ["chihuahua-1.jpg", "muffin-1.jpg"] {
        std::fs::copy(synthetic("train").join(name), photos.join(name)).unwrap();
    }
    let [broken, empty] = ["muffin-2.jpg", "muffin-3.jpg"].map(|name| photos.join(name));
    std::fs::write(&broken, "this is no picture").unwrap();
    std::fs::write(&empty, "").unwrap();
    [broken, empty]
}

/// Asserts that these commands use the valid photos of [`whole_and_broken`], and name the others.
fn use_the_whole_ones(commands: &[&str]) {
    let temp = temporary();
    let photos = temp.path().join("photos");
    let unusable = whole_and_broken(&photos);
    for command in commands {
        let ran = run(&[command, &bundled_model(), &photos, &"--json"]).ok();
        for path in &unusable {
            let warning = format!("warning: left out {}: ", path.display());
            assert_eq!(ran.stderr.matches(&warning).count(), 1, "{command}: {}", ran.stderr);
        }
        let result = ran.json();
        let count = result.as_array().map_or_else(|| result["photos"].as_u64().unwrap(), |all| all.len() as u64);
        assert_eq!(count, 2, "{command}");
    }
}

#[test]
fn broken_photos_in_a_folder_are_left_out_by_every_command() {
    use_the_whole_ones(&["evaluate", "classify"]);
}

#[test]
fn broken_photos_in_a_folder_do_not_reach_the_board() {
    use_the_whole_ones(&["simulate", "prove"]);
}

#[test]
fn a_folder_of_broken_photos_only() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    let [broken, _] = whole_and_broken(&photos);
    for name in ["chihuahua-1.jpg", "muffin-1.jpg"] {
        std::fs::remove_file(photos.join(name)).unwrap();
    }
    for command in ["evaluate", "classify", "simulate", "prove"] {
        refused(temp.path(), &[&command, &bundled_model(), &photos], &[&photos, &"2 left out", &broken]);
    }
}

#[test]
fn class_names_from_a_mac_are_whole_and_the_same() {
    let temp = temporary();
    let (photos, out) = (temp.path().join("photos"), temp.path().join("run"));
    // Accents as separate characters, as a Mac stores names. Cut off before them, both names would be "p".
    for number in 1..=3 {
        photo(&photos.join(format!("pa\u{302}te\u{301}-{number}.jpg")), 60, 40 + number);
        photo(&photos.join(format!("pe\u{302}che-{number}.jpg")), 60, 200 + number);
    }
    run(&[&"train", &photos, &"--epochs", &"1", &"--out", &out]).ok();
    let classes = run(&[&"inspect", &out, &"--json"]).ok().json();
    assert_eq!(classes["classes"], serde_json::json!(["p\u{e2}t\u{e9}", "p\u{ea}che"]));
    // The same photos from a system with composed names.
    let composed = temp.path().join("composed");
    photo(&composed.join("p\u{e2}t\u{e9}").join("1.jpg"), 60, 50);
    photo(&composed.join("pe\u{302}che").join("1.jpg"), 60, 210);
    assert_eq!(run(&[&"evaluate", &out, &composed, &"--json"]).ok().json()["photos"], 2);
}

#[test]
fn pictures_too_deep_are_warned_of() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    for class in ["cat", "dog"] {
        for number in 1..=3 {
            photo(&photos.join(class).join(format!("{number}.jpg")), 60, 40 + number);
        }
    }
    let deep = photos.join("cat").join("2023");
    photo(&deep.join("summer").join("1.jpg"), 60, 99);
    let warning = format!("warning: left out {}: its pictures are more than one folder down", deep.display());
    let out = temp.path().join("run");
    let trained = run(&[&"train", &photos, &"--epochs", &"1", &"--out", &out]).ok();
    let classified = run(&[&"classify", &bundled_model(), &photos]).ok();
    for ran in [trained, classified] {
        assert!(ran.stderr.contains(&warning), "{}", ran.stderr);
    }
    // There is no other problem, and the error gives the cause.
    train_refuses(temp.path(), &photos.join("cat").join("2023"), &[&"summer", &"1 class(es)"]);
    let above = temp.path().join("above");
    std::fs::create_dir(&above).unwrap();
    std::fs::rename(&photos, above.join("photos")).unwrap();
    // A folder around the photos that holds nothing else is seen through, as those of archives.
    let trained = run(&[&"train", &above, &"--epochs", &"1", &"--out", &out]).ok();
    let inner = format!("training on the photos in {}\n", above.join("photos").display());
    assert!(trained.stderr.contains(&inner), "{}", trained.stderr);
    std::fs::create_dir(above.join("notes")).unwrap();
    train_refuses(temp.path(), &above, &[&above, &"only further down", &above.join("photos")]);
}

#[test]
fn a_run_folder_beside_the_classes_is_no_class() {
    let temp = temporary();
    for class in ["cat", "dog"] {
        for number in 1..=3 {
            photo(&temp.path().join("photos").join(class).join(format!("{number}.jpg")), 60, 40 + number);
        }
    }
    let (photos, out) = (temp.path().join("photos"), temp.path().join("run"));
    let train = |expected: &[&str]| {
        let mut command = pinhole(["train", ".", "--epochs", "1", "--out", "../run"]);
        let ran = Ran::of(command.current_dir(&photos)).ok();
        let warnings: Vec<_> = ran.stderr.lines().filter(|line| line.starts_with("warning: left out ")).collect();
        assert_eq!(warnings, expected, "{}", ran.stderr);
    };
    train(&[]);
    // `train` does not write a run there, but it can be moved there.
    std::fs::rename(&out, photos.join("run")).unwrap();
    let run_folder = Path::new(".").join("run");
    train(&[&format!("warning: left out {}: a folder that Pinhole wrote, not photos", run_folder.display())]);
    let classes = run(&[&"inspect", &out, &"--json"]).ok().json();
    assert_eq!(classes["classes"], serde_json::json!(["cat", "dog"]));
    let ran = run(&[&"classify", &bundled_model(), &photos]).ok();
    assert_eq!((ran.stdout.lines().count(), ran.stderr.matches("left out").count()), (6, 1), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere_is_left_out_too() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    cats_and_dogs(&photos);
    std::os::unix::fs::symlink("nowhere.jpg", photos.join("cat-4.jpg")).unwrap();
    let ran = run(&[&"train", &photos, &"--epochs", &"1", &"--out", &temp.path().join("run")]).ok();
    assert!(ran.stderr.contains("warning: left out") && ran.stderr.contains("cat-4.jpg"), "{}", ran.stderr);
}

#[test]
fn many_warnings_are_counted_not_listed() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    cats_and_dogs(&photos);
    for number in 10..35 {
        std::fs::write(photos.join(format!("cat-{number}.jpg")), "broken").unwrap();
    }
    let ran = run(&[&"train", &photos, &"--epochs", &"1", &"--out", &temp.path().join("run")]).ok();
    assert_eq!(ran.stderr.matches("warning:").count(), 11, "{}", ran.stderr);
    assert!(ran.stderr.contains("left out 15 more files"), "{}", ran.stderr);
}

#[test]
fn a_class_of_broken_photos() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    for class in ["cat", "dog"] {
        photo(&photos.join(class).join("1.jpg"), 60, 9);
    }
    std::fs::create_dir(photos.join("cow")).unwrap();
    std::fs::write(photos.join("cow").join("1.jpg"), "broken").unwrap();
    train_refuses(temp.path(), &photos, &[&photos, &"cow", &"1 left out"]);
}

#[test]
fn a_single_class() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    photo(&photos.join("cat-1.jpg"), 60, 9);
    photo(&photos.join("cat-2.jpg"), 60, 9);
    train_refuses(temp.path(), &photos, &[&photos, &"1 class(es): cat"]);
}

#[test]
fn too_few_photos_to_hold_one_out() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    photo(&photos.join("cat-1.jpg"), 60, 9);
    photo(&photos.join("dog-1.jpg"), 60, 99);
    train_refuses(temp.path(), &photos, &[&"cat", &"--validation"]);
}

#[test]
fn class_names_that_collide() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    photo(&photos.join("Cat-1.jpg"), 60, 9);
    photo(&photos.join("cat-2.jpg"), 60, 9);
    train_refuses(temp.path(), &photos, &[&photos, &"\"Cat\"", &"\"cat\""]);
}

#[test]
fn photos_in_and_beside_class_folders() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    cats_and_dogs(&photos);
    photo(&photos.join("cow").join("1.jpg"), 60, 9);
    train_refuses(temp.path(), &photos, &[&photos.join("cat-1.jpg"), &photos.join("cow")]);
}

#[test]
fn a_name_without_a_class() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    cats_and_dogs(&photos);
    photo(&photos.join("2024-03-01.jpg"), 60, 9);
    train_refuses(temp.path(), &photos, &[&photos.join("2024-03-01.jpg")]);
}

#[test]
fn a_class_the_network_does_not_have() {
    let temp = temporary();
    let (photos, other) = (temp.path().join("photos"), temp.path().join("other"));
    cats_and_dogs(&photos);
    photo(&other.join("cat-1.jpg"), 60, 9);
    photo(&other.join("cow-1.jpg"), 60, 9);
    let out = temp.path().join("run");
    let arguments: [&dyn AsRef<OsStr>; 6] = [&"train", &photos, &"--validation", &other, &"--out", &out];
    refused(temp.path(), &arguments, &[&other.join("cow-1.jpg"), &"\"cow\"", &"cat, dog"]);
    refused(temp.path(), &[&"evaluate", &bundled_model(), &photos], &[&"\"cat\"", &"chihuahua, muffin"]);
}

#[test]
fn near_duplicates_are_named_and_never_split() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    for path in files_in(&synthetic("train")) {
        std::fs::copy(&path, photos.join(path.file_name().unwrap())).unwrap();
    }
    let original = photos.join("muffin-1.jpg");
    let mirrored = image::open(&original).unwrap().fliph();
    mirrored.save(photos.join("muffin-1-mirrored.png")).unwrap();
    let out = temp.path().join("run");
    let train = |more: &[&dyn AsRef<OsStr>]| {
        let mut arguments: Vec<&dyn AsRef<OsStr>> =
            vec![&"train", &photos, &"--epochs", &"1", &"--json", &"--out", &out];
        arguments.extend(more);
        run(&arguments).ok()
    };
    let pair = format!("{} and {}, mirrored", photos.join("muffin-1-mirrored.png").display(), original.display());
    for seed in 0..6 {
        let ran = train(&[&"--seed", &seed.to_string()]);
        assert!(ran.stderr.contains(&format!("warning: near-duplicates: {pair}")), "{}", ran.stderr);
        let report = std::fs::read_to_string(out.join(files::REPORT)).unwrap();
        assert!(report.contains(&pair), "the report does not list the pair");
        // The gallery shows the validation photos: both of the pair, or neither.
        let shown = |name: &str| report.contains(&format!("<small>{name}</small>"));
        assert_eq!(shown("muffin-1.jpg"), shown("muffin-1-mirrored.png"), "seed {seed}");
    }

    // Duplicates across the split are worse, and reported: one line each, and the rest is counted.
    let validation = synthetic("train");
    let ran = train(&[&"--validation", &validation]);
    let across = ran.stderr.lines().filter(|line| line.starts_with("warning: the validation photo ")).count();
    assert_eq!(across, 10, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("warning: 17 more validation photos are near-duplicates of training photos"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("warning: near-duplicates: "), "{}", ran.stderr);
    let report = std::fs::read_to_string(out.join(files::REPORT)).unwrap();
    assert_eq!(report.matches("in training and validation: ").count(), 27);

    // Different pictures cause no warning.
    let ran = run(&[
        &"train",
        &synthetic("train"),
        &"--validation",
        &synthetic("validation"),
        &"--epochs",
        &"1",
        &"--out",
        &out,
    ]);
    assert!(!ran.ok().stderr.contains("warning: "));
}

#[test]
fn copies_of_one_photo_are_too_few_to_hold_one_out() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    cats_and_dogs(&photos);
    for number in 1..=3 {
        photo(&photos.join(format!("cow-{number}.jpg")), 60, 120);
    }
    train_refuses(temp.path(), &photos, &[&"cow", &"1 different photo(s)", &"near-duplicates", &"--validation"]);
}

/// A fixed camera's pictures are all near-duplicates: one group, which must not make the class too small.
#[test]
fn a_fixed_camera_is_held_out_in_blocks() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    let view = image::open(synthetic("train").join("muffin-1.jpg")).unwrap().resize_exact(
        60,
        60,
        image::imageops::FilterType::Triangle,
    );
    let view = view.into_luma8();
    for (class, corner) in [("empty", 0), ("parcel", 14)] {
        std::fs::create_dir_all(photos.join(class)).unwrap();
        for frame in 0..30_u32 {
            let picture = image::GrayImage::from_fn(60, 60, |x, y| {
                let noise = ((x * 7 + y * 13 + frame * 5) % 11) as u8;
                let gray = if x < corner && y < corner { 20 } else { view.get_pixel(x, y).0[0] };
                image::Luma([gray.saturating_add(noise)])
            });
            picture.save(photos.join(class).join(format!("frame-{frame}.png"))).unwrap();
        }
    }
    let out = temp.path().join("run");
    let ran = run(&[&"train", &photos, &"--recipe", &DEFAULT, &"--epochs", &"1", &"--json", &"--out", &out]).ok();
    for class in ["empty", "parcel"] {
        let said = format!("warning: class {class}: its 30 photos are nearly one picture (a fixed camera?)");
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("near-duplicate"), "pairs within a series are not named: {}", ran.stderr);
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&summary["training_photos"], &summary["validation_photos"]), (&48.into(), &12.into()));
    // Pictures of the two classes are nearly the same, too, but no label is wrong.
    assert_eq!(summary["verdict"]["contradictory"], serde_json::json!([]));
    // The gallery shows the validation photos: one block of neighbors of each class.
    let report = std::fs::read_to_string(out.join(files::REPORT)).unwrap();
    let held: Vec<usize> = (0..30).filter(|i| report.contains(&format!("<small>frame-{i}.png</small>"))).collect();
    let starts = held.iter().filter(|&&i| i == 0 || !held.contains(&(i - 1))).count();
    assert!((6..=12).contains(&held.len()) && starts <= 2, "{held:?}");
}

/// Returns the warnings of a training of one epoch on these photos, and its summary.
fn trained_on(photos: &Path, out: &Path, more: &[&str]) -> (Vec<String>, Value) {
    let mut arguments: Vec<&dyn AsRef<OsStr>> =
        vec![&"train", &photos, &"--recipe", &DEFAULT, &"--epochs", &"1", &"--json", &"--out", &out];
    arguments.extend(more.iter().map(|argument| argument as &dyn AsRef<OsStr>));
    let ran = run(&arguments).ok();
    let warnings = ran.stderr.lines().filter(|line| line.starts_with("warning: ")).map(str::to_owned).collect();
    (warnings, ran.json())
}

#[test]
fn folders_without_photos_are_left_out() {
    let temp = temporary();
    let (photos, out) = (temp.path().join("photos"), temp.path().join("run"));
    for (class, gray) in [("cat", 40), ("dog", 200)] {
        for number in 1..=3 {
            photo(&photos.join(class).join(format!("{number}.jpg")), 60, gray + number);
        }
    }
    for folder in ["empty", "notes"] {
        std::fs::create_dir(photos.join(folder)).unwrap();
    }
    std::fs::write(photos.join("notes").join("readme.md"), "about cats").unwrap();
    photo(&photos.join("dog").join("puppies").join("1.jpg"), 60, 99);
    let (warnings, summary) = trained_on(&photos, &out, &[]);
    let left_out = |folder: &Path, reason: &str| format!("warning: left out {}: {reason}", folder.display());
    let deep = "its pictures are more than one folder down, in the folder of the class dog; if it is a class, move it beside dog";
    let expected = [
        left_out(&photos.join("dog").join("puppies"), deep),
        left_out(&photos.join("empty"), "it has no pictures"),
        left_out(&photos.join("notes"), "it has no pictures"),
    ];
    assert_eq!(warnings, expected);
    assert_eq!(summary["training_photos"], 4);
    // Two data sets in one folder: one of them has to be given.
    let both = temp.path().join("both");
    std::fs::create_dir(&both).unwrap();
    std::fs::rename(&photos, both.join("first")).unwrap();
    photo(&both.join("second").join("cow").join("1.jpg"), 60, 9);
    train_refuses(temp.path(), &both, &[&both, &"only further down", &both.join("first")]);
}

#[test]
fn a_class_of_unreadable_photos_names_one_of_its_own() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    for class in ["cat", "dog"] {
        photo(&photos.join(class).join("1.jpg"), 60, 9);
    }
    // Another class's fault comes first by name.
    std::fs::write(photos.join("cat").join("0.jpg"), "broken").unwrap();
    std::fs::create_dir(photos.join("cow")).unwrap();
    let own = photos.join("cow").join("5.jpg");
    std::fs::write(&own, "broken").unwrap();
    train_refuses(temp.path(), &photos, &[&"\"cow\"", &"1 left out", &own]);
    let phone = photos.join("cow").join("5.heic");
    std::fs::rename(&own, &phone).unwrap();
    train_refuses(temp.path(), &photos, &[&"\"cow\"", &"1 left out", &phone, &"HEIC"]);
}

#[test]
fn validation_photos_that_lack_a_class_are_said() {
    let temp = temporary();
    let (photos, validation) = (temp.path().join("photos"), temp.path().join("validation"));
    cats_and_dogs(&photos);
    photo(&validation.join("dog-1.jpg"), 60, 201);
    let (warnings, _) = trained_on(&photos, &temp.path().join("run"), &["--validation", validation.to_str().unwrap()]);
    let said = "warning: there are no validation photos of cat: nothing tells how well it will be recognized";
    assert!(warnings.iter().any(|warning| warning == said), "{warnings:?}");
}

#[test]
fn one_picture_in_two_classes_is_said() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    for path in files_in(&synthetic("train")) {
        std::fs::copy(&path, photos.join(path.file_name().unwrap())).unwrap();
    }
    let (right, wrong) = (photos.join("muffin-1.jpg"), photos.join("chihuahua-wrong.jpg"));
    std::fs::copy(&right, &wrong).unwrap();
    let (warnings, _) = trained_on(&photos, &temp.path().join("run"), &[]);
    let pair = format!("warning: near-duplicates: {} and {}", wrong.display(), right.display());
    let expected = [
        "warning: 1 pair of photos shows nearly the same picture in two classes: correct the labels".to_owned(),
        format!("{pair}, labeled chihuahua and muffin"),
    ];
    assert_eq!(warnings, expected);
}

#[test]
fn lists_take_the_place_of_folders() {
    let temp = temporary();
    let (photos, out) = (temp.path().join("photos"), temp.path().join("run"));
    for (number, gray) in (0..6).map(|number| (number, 40 + 30 * number as u8)) {
        photo(&photos.join(format!("{number}.jpg")), 60, gray);
    }
    let write = |name: &str, lines: &[&str]| {
        let list = temp.path().join(name);
        std::fs::write(&list, lines.join("\n")).unwrap();
        list
    };
    let training = write(
        "training.csv",
        &["path,class", "photos/0.jpg,dark", "photos/1.jpg,dark", "photos/4.jpg,light", "photos/9.jpg,light"],
    );
    let validation = write("validation.txt", &["photos/2.jpg,dark", "photos/5.jpg,light"]);
    let (warnings, summary) = trained_on(&training, &out, &["--validation", validation.to_str().unwrap()]);
    assert_eq!([&summary["training_photos"], &summary["validation_photos"]], [3, 2]);
    assert!(warnings.len() == 1 && warnings[0].contains("9.jpg") && warnings[0].contains("line 5 of "), "{warnings:?}");
    let evaluated = run(&[&"evaluate", &out, &validation, &"--json"]).ok().json();
    assert_eq!((&evaluated["photos"], &evaluated["classes"]), (&2.into(), &serde_json::json!(["dark", "light"])));
    assert_eq!(run(&[&"classify", &out, &training, &"--json"]).ok().json().as_array().unwrap().len(), 3);

    let wrong = write("wrong.csv", &["photos/0.jpg,dark", "photos/1.jpg", "photos/5.jpg,light"]);
    train_refuses(temp.path(), &wrong, &[&"line 2", &wrong, &"photos/1.jpg has no class"]);
    let twice = write("twice.csv", &["photos/0.jpg,dark", "photos/5.jpg,light", "photos/0.jpg,light"]);
    train_refuses(temp.path(), &twice, &[&"line 3", &twice, &"\"light\"", &"\"dark\"", &"line 1"]);
}

#[test]
fn classes_from_a_part_of_the_name() {
    let temp = temporary();
    let (photos, out) = (temp.path().join("photos"), temp.path().join("run"));
    for number in 0..4_u8 {
        photo(&photos.join(format!("7-{number}-a.jpg")), 60, 40 + number);
        photo(&photos.join("more").join(format!("3-{number}-b.jpg")), 60, 200 + number);
    }
    train_refuses(temp.path(), &photos, &[&photos, &"--class-from"]);
    let (warnings, summary) = trained_on(&photos, &out, &["--class-from", "first-char"]);
    assert_eq!(
        (&summary["class_from"], summary["training_photos"].as_u64()),
        (&"first-char".into(), Some(6)),
        "{warnings:?}"
    );
    // Other commands read the run's photos in the same way, unless they are told otherwise.
    let evaluated = run(&[&"evaluate", &out, &photos, &"--json"]).ok().json();
    assert_eq!((&evaluated["photos"], &evaluated["classes"]), (&8.into(), &serde_json::json!(["3", "7"])));
    run(&[&"quantize", &out, &photos, &"--weights", &"4", &"--out", &temp.path().join("four.pinhole")]).ok();
    refused(temp.path(), &[&"evaluate", &out, &photos, &"--class-from", &r"regex:-([ab])\."], &[&"\"a\"", &"3, 7"]);
    let wrong = run(&[&"train", &photos, &"--class-from", &"suffix"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("first-char") && wrong.stderr.contains("regex:PATTERN"), "{}", wrong.stderr);
}

#[test]
fn near_duplicates_are_not_searched_for_on_request() {
    let temp = temporary();
    let (photos, out) = (temp.path().join("photos"), temp.path().join("run"));
    cats_and_dogs(&photos);
    for number in 1..=3 {
        photo(&photos.join(format!("cow-{number}.jpg")), 60, 120);
    }
    train_refuses(temp.path(), &photos, &[&"cow", &"1 different photo(s)"]);
    let (warnings, summary) = trained_on(&photos, &out, &["--no-duplicate-search"]);
    assert_eq!((warnings.len(), &summary["no_duplicate_search"]), (0, &true.into()), "{warnings:?}");
}

/// JSON has no such names. They are shown with their bytes, so that two of them stay two.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_in_json() {
    use std::os::unix::ffi::OsStrExt;
    let temp = temporary();
    let photos = temp.path().join("photos");
    std::fs::create_dir_all(photos.join("muffin")).unwrap();
    std::fs::create_dir_all(photos.join("chihuahua")).unwrap();
    for (name, class) in [(&b"\xB9.jpg"[..], "muffin"), (b"\xB8.jpg", "muffin"), (b"1.jpg", "chihuahua")] {
        let original = synthetic("train").join(format!("{class}-1.jpg"));
        std::fs::copy(original, photos.join(class).join(OsStr::from_bytes(name))).unwrap();
    }
    let model = bundled_model();
    let classified = run(&[&"classify", &model, &photos, &"--json"]).ok().json();
    let names: Vec<&str> = classified.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert!(
        names.iter().any(|name| name.ends_with(r"\xB8.jpg")) && names.iter().any(|name| name.ends_with(r"\xB9.jpg"))
    );
    let page = temp.path().join("page.html");
    assert_eq!(
        run(&[&"explain", &model, &photos, &"--json", &"--out", &page]).ok().json().as_array().unwrap().len(),
        3
    );
    assert_eq!(run(&[&"evaluate", &model, &photos, &"--json"]).ok().json()["photos"], 3);
    let odd = temp.path().join(OsStr::from_bytes(b"\xFF.h"));
    let exported = run(&[&"export", &model, &"--json", &"--out", &odd]).ok().json();
    assert!(exported["out"].as_str().unwrap().ends_with(r"\xFF.h"));
}
