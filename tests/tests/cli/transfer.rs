//! `pinhole train --from`: continuing from a trained network, and what is refused.

use super::*;

#[test]
fn other_classes_with_frozen_layers() {
    let (run_folder, temp) = (run_folder(), temporary());
    let (photos, out) = (temp.path().join("photos"), temp.path().join("run"));
    cats_and_dogs(&photos);
    let arguments: [&dyn AsRef<OsStr>; 10] =
        [&"train", &photos, &"--from", &run_folder.path(), &"--freeze", &"--epochs", &"3", &"--json", &"--out", &out];
    let ran = run(&arguments).ok();
    let weights = run_folder.path().join(files::WEIGHTS);
    for words in [weights.to_str().unwrap(), "cat, dog", "chihuahua, muffin", "the last layer starts anew"] {
        assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.stderr);
    }
    let summary = ran.json();
    assert_eq!(
        (&summary["frozen"], &summary["epochs"], &summary["recipe"]),
        (&true.into(), &3.into(), &DEFAULT.into())
    );
    let checksum = crc32(&std::fs::read(&weights).unwrap());
    let from = serde_json::json!({
        "path": weights, "checksum": checksum, "dequantized": false, "last_layer": "replaced"
    });
    assert_eq!(summary["from"], from);
    assert_whole_run(&out);
    let report = std::fs::read_to_string(out.join(files::REPORT)).unwrap();
    for words in ["Continued from ", &format!("{checksum:08x}"), "last layer started anew; only the last layer"] {
        assert!(report.contains(words), "no {words:?} in the report");
    }
    // Once more from there, in place: now the classes are the same.
    let ran = run(&[&"train", &photos, &"--from", &out, &"--epochs", &"2", &"--out", &out]).ok();
    assert!(ran.stderr.contains("the last layer is kept"), "{}", ran.stderr);
    assert_whole_run(&out);
}

fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    }) ^ !0
}

#[test]
fn a_bare_model_and_a_recipe_of_ones_own() {
    let temp = temporary();
    let (recipe, out, photos) = (temp.path().join("my.toml"), temp.path().join("run"), synthetic("train"));
    let text = run(&[&"recipes", &"baseline"]).ok().stdout.replace("epochs = 400", "epochs = 2");
    std::fs::write(&recipe, text).unwrap();
    let model = bundled_model();
    let ran = run(&[&"train", &photos, &"--from", &model, &"--recipe", &recipe, &"--out", &out, &"--json"]).ok();
    assert!(ran.stderr.contains("the int8 weights of") && ran.stderr.contains("is kept"), "{}", ran.stderr);
    let summary = ran.json();
    assert_eq!((&summary["from"]["dequantized"], &summary["epochs"]), (&true.into(), &2.into()));
    assert_eq!((&summary["frozen"], summary["recipe"].as_str()), (&false.into(), recipe.to_str()));
}

#[test]
fn what_cannot_be_continued_from() {
    let temp = temporary();
    let (out, photos, model) = (temp.path().join("run"), synthetic("train"), bundled_model());
    let refuses = |arguments: &[&dyn AsRef<OsStr>], words: &[&dyn AsRef<OsStr>]| {
        let mut all: Vec<&dyn AsRef<OsStr>> = vec![&"train", &photos, &"--out", &out];
        all.extend(arguments);
        refused(temp.path(), &all, words);
    };
    let missing = temp.path().join("none");
    refuses(&[&"--from", &missing], &[&missing, &"run folder"]);
    refuses(&[&"--from", &photos], &[&photos, &files::WEIGHTS, &files::MODEL]);
    let jpeg = photos.join("muffin-1.jpg");
    refuses(&[&"--from", &jpeg], &[&jpeg, &"does not contain the weights"]);
    let damaged = temp.path().join("damaged.pinhole");
    std::fs::write(&damaged, &std::fs::read(&model).unwrap()[..4000]).unwrap();
    refuses(&[&"--from", &damaged], &[&damaged, &"truncated"]);
    refuses(&[&"--from", &model, &"--recipe", &"smaller"], &[&"number of [[layer]]s = 2", &"the recipe has 1"]);
    let other_side = temp.path().join("side.toml");
    let text = run(&[&"recipes", &"baseline"]).ok().stdout.replace("input_side = 50", "input_side = 40");
    std::fs::write(&other_side, text).unwrap();
    refuses(&[&"--from", &model, &"--recipe", &other_side], &[&"input_side = 50", &"the recipe has 40"]);

    let one_class = temp.path().join("photos");
    photo(&one_class.join("cat-1.jpg"), 60, 9);
    let arguments: [&dyn AsRef<OsStr>; 6] = [&"train", &one_class, &"--from", &model, &"--out", &out];
    refused(temp.path(), &arguments, &[&one_class, &"1 class: cat"]);
}
