//! `quantize --fine-tune`.

use super::*;

/// 4-bit weights, fine-tuned: other commands measure the reported values, and the file is the same every time.
#[test]
fn fine_tuned_all_the_way() {
    let run_folder = run_folder();
    let folder = run_folder.path();
    let (photos, validation) = (synthetic("train"), synthetic("validation"));
    let (plain, four, again) =
        (folder.join("plain.pinhole"), folder.join("four.pinhole"), folder.join("again.pinhole"));
    run(&[&"quantize", &folder, &photos, &"--weights", &"4", &"--out", &plain]).ok();
    let tuned = |out: &Path, more: &[&dyn AsRef<OsStr>]| {
        let arguments: [&dyn AsRef<OsStr>; 11] = [
            &"quantize",
            &folder,
            &photos,
            &"--weights",
            &"4",
            &"--fine-tune",
            &"3",
            &"--validation",
            &validation,
            &"--out",
            &out,
        ];
        run(&[&arguments, more].concat()).ok()
    };
    let told = tuned(&four, &[&"--json"]).json();
    let table = &told["on_validation_photos"];
    let scored = |model: &Path| run(&[&"evaluate", &model, &validation, &"--json"]).ok().json()["int8"].clone();
    for (name, model) in [("before", &plain), ("written", &four)] {
        for figure in ["loss", "accuracy"] {
            assert_eq!(table[name][figure], scored(model)[figure], "{name}, {figure}");
        }
    }
    for name in ["float", "int8"] {
        assert!(table[name]["accuracy"].is_number(), "{table}");
    }
    let tuning = &told["fine_tuning"];
    let epochs = tuning["epochs"].as_array().unwrap();
    assert_eq!((epochs.len(), &tuning["stopped"]), (4, &"finished".into()));
    let best = &epochs[tuning["best_epoch"].as_u64().unwrap() as usize];
    assert_eq!(best["validation_loss"], table["written"]["loss"]);
    assert_eq!(epochs[0]["validation_loss"], table["before"]["loss"]);
    assert!(epochs.iter().all(|epoch| epoch["validation_loss"].as_f64() >= best["validation_loss"].as_f64()));

    let told = tuned(&again, &[]).stdout;
    assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&four).unwrap());
    for words in [
        "fine-tuned for 3 epochs",
        "on the 14 validation photos",
        "int, bits 4,4,4, fine-tuned",
        "did not choose the epoch",
    ] {
        assert!(told.contains(words), "no {words:?} in {told}");
    }
}

/// Without a folder of validation photos some are held out, by the run's seed, and the run's own model is replaced.
#[test]
fn photos_are_held_out_as_in_training() {
    let run_folder = run_folder();
    let folder = run_folder.path();
    let photos = synthetic("train");
    let seed = runs::summary(folder).unwrap().seed;
    let ran = run(&[&"quantize", &folder, &photos, &"--fine-tune", &"1", &"--learning-rate", &"0.01", &"--json"]).ok();
    let told = ran.json();
    assert_eq!(told["fine_tuning"]["seed"], seed);
    assert_eq!(told["fine_tuning"]["learning_rate"].as_f64().unwrap() as f32, 0.01);
    let held_out = told["on_validation_photos"]["photos"].as_u64().unwrap();
    assert!((4..=6).contains(&held_out), "{held_out} of 26");
    assert!(told["on_validation_photos"].get("int8").is_none(), "{told}");
    assert!(ran.stderr.contains("were training photos of the run"), "{}", ran.stderr);
    assert_whole_run(folder);
}

#[test]
fn a_network_that_ships_is_written_elsewhere() {
    let temp = temporary();
    let photos = synthetic("train");
    refused(temp.path(), &[&"quantize", &"conv-50-tiny", &photos, &"--fine-tune", &"1"], &[&"conv-50-tiny", &"--out"]);
    let out = temp.path().join("tiny.pinhole");
    refused(temp.path(), &[&"quantize", &"drawn", &photos, &"--out", &out], &[&"drawn", &"float weights"]);
    run(&[&"quantize", &"conv-50-tiny", &photos, &"--weights", &"4", &"--fine-tune", &"1", &"--out", &out]).ok();
    let told = run(&[&"inspect", &out, &"--json"]).ok().json();
    assert_eq!(told["layers"][0]["weight_bits"], 4);
}

#[test]
fn what_cannot_be_fine_tuned() {
    let run_folder = run_folder();
    let folder = run_folder.path();
    let photos = synthetic("train");
    let tune: [&dyn AsRef<OsStr>; 5] = [&"quantize", &folder, &photos, &"--fine-tune", &"2"];
    let wrong: [&[&dyn AsRef<OsStr>]; 5] = [
        &[&"quantize", &folder, &photos, &"--fine-tune", &"0"],
        &[&"quantize", &folder, &photos, &"--learning-rate", &"0.1"],
        &[&"quantize", &folder, &photos, &"--validation", &photos],
        &[&"quantize", &folder, &photos, &"--fine-tune", &"2", &"--learning-rate", &"0"],
        &[&"quantize", &folder, &photos, &"--fine-tune", &"2", &"--learning-rate", &"inf"],
    ];
    for arguments in wrong {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
    }
    refused(folder, &[&tune[..], &[&"--validation", &photos]].concat(), &[&photos, &"was trained on"]);
    refused(folder, &[&tune[..], &[&"--learning-rate", &"1e30"]].concat(), &[&"epoch 1", &"lower learning rate"]);
    let out = folder.join("no/such/folder/four.pinhole");
    refused(folder, &[&tune[..], &[&"--out", &out]].concat(), &[&out, &"cannot be written"]);
    let empty = temporary();
    refused(folder, &[&"quantize", &folder, &empty.path(), &"--fine-tune", &"2"], &[&empty.path()]);
    let model = folder.join(files::MODEL);
    refused(folder, &[&"quantize", &model, &photos, &"--fine-tune", &"2"], &[&model, &"weights.safetensors"]);
}
