//! Repeated quantization of a run's model: what is kept; the report must match the current model.

use super::*;

fn quantize(folder: &Path, arguments: &[&dyn AsRef<OsStr>]) -> Ran {
    let photos = synthetic("train");
    run(&[&[&"quantize", &folder as &dyn AsRef<OsStr>, &photos], arguments].concat()).ok()
}

fn weight_bits(folder: &Path) -> Value {
    run(&[&"evaluate", &folder, &synthetic("validation"), &"--json"]).ok().json()["weight_bits"].clone()
}

/// A policy is independent of weights: setting it keeps them, to the last bit, whatever their origin.
#[test]
fn a_policy_keeps_the_weights() {
    let run_folder = run_folder();
    let folder = run_folder.path();
    let model = || ModelFile::read(&folder.join(files::MODEL)).unwrap();
    for before in [&["--weights", "4"][..], &["--weights", "4", "--fine-tune", "1"], &["--activations", "8"]] {
        let arguments: Vec<&dyn AsRef<OsStr>> = before.iter().map(|word| word as &dyn AsRef<OsStr>).collect();
        quantize(folder, &arguments);
        let plain = model();
        let ran = quantize(folder, &[&"--min-confidence", &"0.8", &"--smooth", &"2/3"]);
        assert!(ran.stderr.contains("keeps its weights"), "{}", ran.stderr);
        let policy = model().model().policy();
        assert!(policy.min_probability().to_f64() > 0.79 && policy.window() == 3);
        assert!(model().bytes() == plain.with_policy(policy).bytes(), "{before:?}: not only the policy changed");
    }
    // Also if the model is written elsewhere, and for a bundled one.
    let out = folder.join("other.pinhole");
    let bundled = pinhole::runs::bundled::Bundled::named(Path::new("conv-50-tiny")).unwrap().model();
    let photos = synthetic("train");
    run(&[&"quantize", &"conv-50-tiny", &photos, &"--min-confidence", &"0.8", &"--out", &out]).ok();
    let written = ModelFile::read(&out).unwrap();
    assert!(written.bytes() == bundled.with_policy(written.model().policy()).bytes());
}

/// Without options, widths stay those of the model, and that is reported.
#[test]
fn widths_stay() {
    let run_folder = run_folder();
    let folder = run_folder.path();
    quantize(folder, &[&"--weights", &"4,8,8", &"--activations", &"8"]);
    let before = std::fs::read(folder.join(files::MODEL)).unwrap();
    let ran = quantize(folder, &[]);
    for words in ["weights have 4,8,8 bits", "activations have 8 bits"] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    assert!(std::fs::read(folder.join(files::MODEL)).unwrap() == before);
    quantize(folder, &[&"--weights", &"8"]);
    assert_eq!(weight_bits(folder), serde_json::json!([8, 8, 8]));
}

/// The report describes the model beside it.
#[test]
fn the_report_follows_the_model() {
    let run_folder = run_folder();
    let folder = run_folder.path();
    let report = || std::fs::read_to_string(folder.join(files::REPORT)).unwrap();
    let checksum = || format!("{:08x}", runs::summary(folder).unwrap().model_checksum);
    let first = report();
    assert!(first.contains(&checksum()) && first.contains("int8 accuracy"));
    quantize(folder, &[&"--weights", &"4"]);
    assert!(report().contains(&checksum()) && report().contains("int4 accuracy"), "not rewritten");
    assert_whole_run(folder);
    // The same model gives the same report: all of it is generated again, as after training.
    quantize(folder, &[&"--weights", &"8"]);
    assert!(report() == first);
}

/// If the training photos are gone, the report states that it describes an earlier model.
#[test]
fn a_report_without_its_photos_says_so() {
    let temp = temporary();
    let (photos, folder) = (temp.path().join("photos"), temp.path().join("run"));
    cats_and_dogs(&photos);
    run(&[&"train", &photos, &"--epochs", &"2", &"--out", &folder]).ok();
    let report = || std::fs::read_to_string(folder.join(files::REPORT)).unwrap();
    let first = report();
    let elsewhere = temp.path().join("elsewhere");
    std::fs::rename(&photos, &elsewhere).unwrap();
    for weights in ["4", "7"] {
        let ran = run(&[&"quantize", &folder, &elsewhere, &"--weights", &weights]).ok();
        assert!(ran.stderr.contains("describes the earlier model"), "{}", ran.stderr);
        let checksum = runs::summary(&folder).unwrap().model_checksum;
        let marked = report();
        assert_eq!(marked.matches("This page describes an earlier model").count(), 1);
        assert!(marked.contains(&format!("now has the checksum {checksum:08x}")));
    }
    // One more photo makes another set of photos.
    std::fs::rename(&elsewhere, &photos).unwrap();
    photo(&photos.join("cat-4.jpg"), 60, 90);
    run(&[&"quantize", &folder, &photos]).ok();
    assert!(report().contains("This page describes an earlier model"));
    std::fs::remove_file(photos.join("cat-4.jpg")).unwrap();
    run(&[&"quantize", &folder, &photos, &"--weights", &"8"]).ok();
    // Not the first report: that model was calibrated on the training photos alone.
    assert!(!report().contains("This page describes an earlier model") && report() != first);
}
