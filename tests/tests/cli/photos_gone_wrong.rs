//! Photo folders that are refused, and photos that are left out by name.

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
    refused(place.path(), &[&"explain", &model, &missing], &[&missing]);
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
    // The decoder would fill the missing tenth with gray and say nothing.
    let nearly_whole = photos.join("dog-nearly-whole.jpg");
    std::fs::write(&nearly_whole, &whole[..whole.len() * 9 / 10]).unwrap();
    let small = photos.join("dog-small.jpg");
    photo(&small, 49, 200);
    let out = place.path().join("run");
    let ran = run(&[&"train", &photos, &"--epochs", &"2", &"--json", &"--out", &out]).ok();
    for path in [&text, &empty, &cut, &nearly_whole, &small] {
        let line = ran.stderr.lines().find(|line| line.contains(path.to_str().unwrap()));
        let line = line.unwrap_or_else(|| panic!("nothing of {} in:\n{}", path.display(), ran.stderr));
        assert!(line.starts_with("warning: left out "), "{line}");
    }
    assert_eq!(ran.stderr.matches("warning:").count(), 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("49 pixels") && ran.stderr.contains("50"), "{}", ran.stderr);
    let summary = ran.json();
    assert_eq!([&summary["training_photos"], &summary["validation_photos"]], [4, 2]);

    let model = shipped_model();
    for path in [&text, &empty, &cut, &nearly_whole, &small] {
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
