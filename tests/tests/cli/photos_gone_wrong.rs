//! Photo folders that are refused, and photos that are left out and named.

use super::*;

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
    train_refuses(temp.path(), &photos.join("cat").join("2023"), &[&"summer", &"photos of 1 class"]);
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
