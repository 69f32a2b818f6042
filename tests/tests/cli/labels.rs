//! Labels that may be wrong.

use super::*;

/// A training photo with another class's label is found, and is still listed when the model is quantized again.
#[test]
fn a_wrong_label_among_the_training_photos_is_doubted() {
    let temp = temporary();
    let (photos, out) = (temp.path().join("photos"), temp.path().join("run"));
    let wrong = photos.join("muffin").join("wrong.jpg");
    for photo in files_in(&synthetic("train")) {
        let name = photo.file_name().unwrap().to_str().unwrap();
        let class = photos.join(name.split('-').next().unwrap());
        std::fs::create_dir_all(&class).unwrap();
        std::fs::copy(&photo, class.join(name)).unwrap();
    }
    std::fs::rename(photos.join("chihuahua").join("chihuahua-1.jpg"), &wrong).unwrap();
    let arguments: [&dyn AsRef<OsStr>; 7] =
        [&"train", &photos, &"--validation", &synthetic("validation"), &"--epochs=2", &"--out", &out];
    let told = run(&arguments).ok().stdout;
    let doubted = || read_json(&out.join(files::SUMMARY))["verdict"]["doubted"].clone();
    let first = doubted();
    assert_eq!(first[0]["path"], wrong.to_str().unwrap(), "{first}");
    assert_eq!((&first[0]["class"], &first[0]["decided"]), (&"muffin".into(), &"chihuahua".into()));
    assert!(told.contains(&format!("doubted label: {} is muffin, decided chihuahua", wrong.display())), "{told}");
    run(&[&"quantize", &out, &"--activations", &"8"]).ok();
    assert_eq!(doubted()[0], first[0]);
}
