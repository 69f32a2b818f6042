//! Classes of photos: from folders and names, and those that are refused.

use super::*;

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
fn a_single_class() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    photo(&photos.join("cat-1.jpg"), 60, 9);
    photo(&photos.join("cat-2.jpg"), 60, 9);
    train_refuses(temp.path(), &photos, &[&photos, &"1 class: cat"]);
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
