//! Model files that must be refused, with their messages.

use super::*;

/// Asserts that every command that takes a model refuses this one.
fn all_refuse(place: &Path, model: &Path, words: &[&dyn AsRef<OsStr>]) {
    let photos = drawn("validation");
    for command in ["inspect", "bench"] {
        refused(place, &[&command, &model], words);
    }
    for out in ["export.h", "export.tflite"] {
        refused(place, &[&"export", &model, &place.join(out)], words);
    }
    for command in ["classify", "explain", "evaluate", "simulate", "prove"] {
        refused(place, &[&command, &model, &photos], words);
    }
}

fn changed(place: &Path, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let path = place.join("changed.pinhole");
    let mut bytes = std::fs::read(shipped_model()).unwrap();
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn not_there() {
    let place = temporary();
    let missing = place.path().join("none.pinhole");
    all_refuse(place.path(), &missing, &[&missing, &"run folder"]);
    // A folder that is not a run folder.
    let folder = drawn("train");
    refused(place.path(), &[&"inspect", &folder], &[&folder.join(files::MODEL)]);
    refused(place.path(), &[&"quantize", &folder, &folder], &[&folder.join(files::WEIGHTS)]);
}

#[test]
fn of_another_version() {
    let place = temporary();
    let model = changed(place.path(), |bytes| {
        bytes[4] = 2;
        seal(bytes);
    });
    all_refuse(place.path(), &model, &[&model, &"version 2", &"version 1", &"pinhole quantize"]);
}

#[test]
fn of_another_pixel_pipeline() {
    let place = temporary();
    let model = changed(place.path(), |bytes| {
        bytes[16] ^= 1;
        seal(bytes);
    });
    refused(place.path(), &[&"inspect", &model], &[&model, &"pixel pipeline", &"pinhole quantize"]);
}

#[test]
fn damaged() {
    let place = temporary();
    let model = changed(place.path(), |bytes| bytes[5000] ^= 0x10);
    all_refuse(place.path(), &model, &[&model, &"damaged", &"copy it again"]);
    let model = changed(place.path(), |bytes| bytes.truncate(1000));
    refused(place.path(), &[&"inspect", &model], &[&model, &"truncated", &"1000"]);
}

#[test]
fn something_else() {
    let place = temporary();
    let model = place.path().join("holiday.pinhole");
    photo(&model, 60, 9);
    all_refuse(place.path(), &model, &[&model, &"not a Pinhole model"]);
}

#[test]
fn weights_that_are_none() {
    let run_folder = run_folder();
    let weights = run_folder.path().join(files::WEIGHTS);
    std::fs::write(&weights, "no weights").unwrap();
    let photos = drawn("train");
    refused(run_folder.path(), &[&"quantize", &run_folder.path(), &photos], &[&weights]);
    refused(run_folder.path(), &[&"evaluate", &run_folder.path(), &photos], &[&weights]);
}
