//! Lists of photos in the place of folders.

use super::*;

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
