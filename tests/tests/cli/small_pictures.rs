//! Pictures that are smaller than the input of the network.

use super::*;

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
    assert!(report.contains("11 pictures smaller than the network's input were enlarged"), "{report}");
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
