//! Photos of nearly the same picture: named, kept together, and cut into blocks where they are a series.

use super::*;

/// Copies the synthetic training pictures into a new folder.
fn copy_synthetic(photos: &Path) {
    std::fs::create_dir(photos).unwrap();
    for path in files_in(&synthetic("train")) {
        std::fs::copy(&path, photos.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn near_duplicates_are_named_and_never_split() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    copy_synthetic(&photos);
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
    // Seeds that hold the pair out.
    let mut held_out = Vec::new();
    for seed in 0..6 {
        let ran = train(&[&"--seed", &seed.to_string()]);
        assert!(ran.stderr.contains(&format!("warning: near-duplicates: {pair}")), "{}", ran.stderr);
        let report = std::fs::read_to_string(out.join(files::REPORT)).unwrap();
        assert!(report.contains(&pair), "the report does not list the pair");
        // The gallery shows the six validation photos: both of the pair, or neither.
        let shown = |name: &str| report.contains(&format!("<small>{name}</small>"));
        assert_eq!(shown("muffin-1.jpg"), shown("muffin-1-mirrored.png"), "seed {seed}");
        held_out.extend(shown("muffin-1.jpg").then_some(seed));
    }
    assert_eq!(held_out, [4]);

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
    train_refuses(temp.path(), &photos, &[&"cow", &"1 different photo", &"near-duplicates", &"--validation"]);
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

#[test]
fn one_picture_in_two_classes_is_said() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    copy_synthetic(&photos);
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
fn near_duplicates_are_not_searched_for_on_request() {
    let temp = temporary();
    let (photos, out) = (temp.path().join("photos"), temp.path().join("run"));
    cats_and_dogs(&photos);
    for number in 1..=3 {
        photo(&photos.join(format!("cow-{number}.jpg")), 60, 120);
    }
    train_refuses(temp.path(), &photos, &[&"cow", &"1 different photo"]);
    let (warnings, summary) = trained_on(&photos, &out, &["--no-duplicate-search"]);
    assert_eq!((warnings.len(), &summary["no_duplicate_search"]), (0, &true.into()), "{warnings:?}");
}
