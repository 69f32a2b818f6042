//! Weights of fewer bits, and packed models: the intended use, and what is refused.

use super::*;

/// A model quantized with fewer bits reports the cost, is scored beside the run's own, and is smaller when packed.
#[test]
fn weights_of_four_bits_all_the_way() {
    let run_folder = run_folder();
    let (folder, photos) = (run_folder.path(), synthetic("train"));
    let before = std::fs::read(folder.join(files::MODEL)).unwrap();
    let four = folder.join("four.pinhole");
    let told = run(&[&"quantize", &folder, &photos, &"--weights", &"4,8,8", &"--out", &four]).ok().stdout;
    for words in ["int8", "int, bits 4,8,8", &format!("--beside {}", four.display())] {
        assert!(told.contains(words), "no {words:?} in {told}");
    }
    assert_eq!(std::fs::read(folder.join(files::MODEL)).unwrap(), before, "the run keeps its own model");
    let told = run(&[&"quantize", &folder, &photos, &"--weights", &"4,8,8", &"--out", &four, &"--json"]).ok().json();
    let beside = &told["on_calibration_photos"];
    assert_eq!((&beside["bits"], &beside["photos"]), (&"4,8,8".into(), &26.into()));
    let scored = run(&[&"evaluate", &four, &photos, &"--json"]).ok().json();
    assert_eq!(beside["written"]["accuracy"], scored["int8"]["accuracy"]);
    let scored = run(&[&"evaluate", &folder, &photos, &"--json"]).ok().json();
    for name in ["float", "int8"] {
        assert_eq!(beside[name]["loss"], scored[name]["loss"], "{name}");
    }
    // Half of the first layer, and all of the others.
    let (few, all) = (std::fs::metadata(&four).unwrap().len(), before.len() as u64);
    assert_eq!(all - few, 320_000 / 2);

    let test = synthetic("validation");
    let scores = run(&[&"evaluate", &folder, &test, &"--beside", &four, &"--json"]).ok().json();
    assert_eq!(scores["beside"][0]["model"], four.to_str().unwrap());
    let by_itself = run(&[&"evaluate", &four, &test, &"--json"]).ok().json();
    assert_eq!(scores["beside"][0]["accuracy"], by_itself["int8"]["accuracy"]);
    assert_eq!(by_itself["weight_bits"], serde_json::json!([4, 8, 8]));
    assert!(run(&[&"evaluate", &four, &test]).ok().stdout.contains("confusion matrix of int4,8,8"));

    let packed = folder.join("packed.bin");
    let told = run(&[&"pack", &four, &"--board", &"qemu", &"--out", &packed, &"--json"]).ok().json();
    assert_eq!(told["bytes"], std::fs::metadata(&packed).unwrap().len());
    for model in [&four, &packed] {
        let layers = run(&[&"inspect", &model, &"--json"]).ok().json()["layers"].clone();
        assert_eq!([0, 1, 2].map(|layer| layers[layer]["weight_bits"].clone()), [4, 8, 8]);
    }
    // A packed model is a model: the same decisions, and packing it again gives the same bytes.
    let classify = |model: &Path| run(&[&"classify", &model, &test, &"--json"]).ok().json();
    assert_eq!(classify(&packed), classify(&four));
    let again = folder.join("again.bin");
    run(&[&"pack", &packed, &"--board", &"qemu", &"--out", &again]).ok();
    assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&packed).unwrap());
}

#[test]
fn widths_there_are_not() {
    let run_folder = run_folder();
    let (folder, photos) = (run_folder.path(), synthetic("train"));
    for widths in ["5", "4,8", "8,8,8,8"] {
        let words: [&dyn AsRef<OsStr>; 3] = [&"--weights", &widths, &"8, 7 or 4"];
        refused(folder, &[&"quantize", &folder, &photos, &"--weights", &widths], &words);
    }
}

/// Existing files that are not models are kept.
#[test]
fn nothing_but_a_model_is_written_over() {
    let run_folder = run_folder();
    let folder = run_folder.path();
    let (weights, photos) = (folder.join(files::WEIGHTS), synthetic("train"));
    let words: [&dyn AsRef<OsStr>; 2] = [&weights, &"is not a model; it is kept"];
    refused(folder, &[&"quantize", &folder, &photos, &"--out", &weights], &words);
    refused(folder, &[&"pack", &folder, &"--out", &weights], &words);
}

#[test]
fn models_of_other_photos_are_not_beside() {
    let run_folder = run_folder();
    let folder = run_folder.path();
    let other = folder.join("other.pinhole");
    let small = pinhole_tests::handmade::tiny(4);
    std::fs::write(&other, small.bytes()).unwrap();
    let photos = synthetic("validation");
    refused(folder, &[&"evaluate", &folder, &photos, &"--beside", &other], &[&other, &"50x50 gray", &"same photos"]);
}

#[test]
fn a_model_without_room_is_not_packed() {
    use pinhole_tests::handmade::{encode, logits};

    let temp = temporary();
    let model = temp.path().join("wide.pinhole");
    std::fs::write(&model, encode(289, &[logits(2)], 3).bytes()).unwrap();
    let out = temp.path().join("out.bin");
    refused(temp.path(), &[&"pack", &model, &"--out", &out], &[&model, &"83521 bytes", &"--board qemu"]);
    assert!(!out.exists());
}
