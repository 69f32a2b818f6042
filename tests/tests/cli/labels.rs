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
    std::fs::rename(photos.join("chihuahua").join("chihuahua-5.jpg"), &wrong).unwrap();
    let arguments: [&dyn AsRef<OsStr>; 7] =
        [&"train", &photos, &"--validation", &synthetic("validation"), &"--epochs=2", &"--out", &out];
    let told = run(&arguments).ok().stdout;
    let doubted = || read_json(&out.join(files::SUMMARY))["verdict"]["doubted"].clone();
    let found = doubted();
    let label = found.as_array().unwrap().iter().find(|label| label["path"] == wrong.to_str().unwrap());
    let label = label.unwrap_or_else(|| panic!("{found}"));
    assert_eq!((&label["class"], &label["decided"]), (&"muffin".into(), &"chihuahua".into()));
    assert!(told.contains(&format!("doubted label: {} is muffin, decided chihuahua", wrong.display())), "{told}");
    run(&[&"quantize", &out, &photos, &"--activations", &"8"]).ok();
    assert!(doubted().as_array().unwrap().contains(label), "{}", doubted());
}
