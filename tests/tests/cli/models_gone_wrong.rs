//! Model files that must be refused, with their messages.

use super::*;

/// Asserts that every command that takes a model refuses this one.
fn all_refuse(folder: &Path, model: &Path, words: &[&dyn AsRef<OsStr>]) {
    let photos = synthetic("validation");
    for command in ["inspect", "bench"] {
        refused(folder, &[&command, &model], words);
    }
    for out in ["export.h", "export.tflite"] {
        refused(folder, &[&"export", &model, &folder.join(out)], words);
    }
    for command in ["classify", "explain", "evaluate", "simulate", "prove"] {
        refused(folder, &[&command, &model, &photos], words);
    }
}

fn changed(folder: &Path, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let path = folder.join("changed.pinhole");
    let mut bytes = std::fs::read(bundled_model()).unwrap();
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn not_there() {
    let temp = temporary();
    let missing = temp.path().join("none.pinhole");
    all_refuse(temp.path(), &missing, &[&missing, &"run folder"]);
    // A folder that is not a run folder.
    let folder = synthetic("train");
    refused(temp.path(), &[&"inspect", &folder], &[&folder.join(files::MODEL)]);
    refused(temp.path(), &[&"quantize", &folder, &folder], &[&folder.join(files::WEIGHTS)]);
}

#[test]
fn of_another_version() {
    let temp = temporary();
    let model = changed(temp.path(), |bytes| {
        bytes[4] = 2;
        seal(bytes);
    });
    all_refuse(temp.path(), &model, &[&model, &"version 2", &"version 1", &"pinhole quantize"]);
}

#[test]
fn of_another_pixel_pipeline() {
    let temp = temporary();
    let model = changed(temp.path(), |bytes| {
        bytes[16] ^= 1;
        seal(bytes);
    });
    refused(temp.path(), &[&"inspect", &model], &[&model, &"pixel pipeline", &"pinhole quantize"]);
}

#[test]
fn damaged() {
    let temp = temporary();
    let model = changed(temp.path(), |bytes| bytes[5000] ^= 0x10);
    all_refuse(temp.path(), &model, &[&model, &"damaged", &"copy it again"]);
    let model = changed(temp.path(), |bytes| bytes.truncate(1000));
    refused(temp.path(), &[&"inspect", &model], &[&model, &"truncated", &"1000"]);
}

#[test]
fn something_else() {
    let temp = temporary();
    let model = temp.path().join("holiday.pinhole");
    photo(&model, 60, 9);
    all_refuse(temp.path(), &model, &[&model, &"not a Pinhole model"]);
}

#[test]
fn weights_that_are_none() {
    let run_folder = run_folder();
    let weights = run_folder.path().join(files::WEIGHTS);
    std::fs::write(&weights, "no weights").unwrap();
    let photos = synthetic("train");
    refused(run_folder.path(), &[&"quantize", &run_folder.path(), &photos], &[&weights]);
    refused(run_folder.path(), &[&"evaluate", &run_folder.path(), &photos], &[&weights]);
}

/// A run's summary vouches for its weights, metrics and model: files of two trainings are an error that names both files.
#[test]
fn files_of_two_runs_in_one_folder() {
    let (run_folder, temp) = (run_folder(), temporary());
    let folder = run_folder.path();
    let summary = folder.join(files::SUMMARY);
    let other = temp.path().join("other");
    let train: [&dyn AsRef<OsStr>; 4] = [&"train", &synthetic("train"), &"--recipe", &"baseline-dropout"];
    run(&[&train[..], &[&"--epochs", &"1", &"--seed", &"2", &"--out", &other]].concat()).ok();
    let (photos, out) = (synthetic("validation"), temp.path().join("x"));
    let weights = folder.join(files::WEIGHTS);
    let own = std::fs::read(&weights).unwrap();
    std::fs::copy(other.join(files::WEIGHTS), &weights).unwrap();
    let named: [&dyn AsRef<OsStr>; 3] = [&weights, &summary, &"train again"];
    refused(temp.path(), &[&"evaluate", &folder, &photos], &named);
    refused(temp.path(), &[&"quantize", &folder, &photos, &"--out", &out], &named);
    refused(
        temp.path(),
        &[&"train", &synthetic("train"), &"--from", &folder, &"--epochs", &"1", &"--out", &out],
        &named,
    );
    // Given by itself, the file is what it is.
    run(&[&"quantize", &weights, &photos, &"--out", &temp.path().join("x.pinhole")]).ok();
    std::fs::write(&weights, own).unwrap();
    let model = folder.join(files::MODEL);
    std::fs::copy(other.join(files::MODEL), &model).unwrap();
    refused(temp.path(), &[&"evaluate", &folder, &photos], &[&model, &summary]);
    // Without weights, training continues from the model.
    std::fs::rename(&weights, temp.path().join("aside")).unwrap();
    let from: [&dyn AsRef<OsStr>; 7] =
        [&"train", &synthetic("train"), &"--from", &folder, &"--epochs", &"1", &"--no-flip"];
    refused(temp.path(), &[&from[..], &[&"--out", &out]].concat(), &[&model, &summary]);
    std::fs::rename(temp.path().join("aside"), &weights).unwrap();
    // A recipe that was edited by hand is no fault, and quantizing makes the model anew.
    std::fs::write(folder.join(files::RECIPE), "# mine").unwrap();
    run(&[&"quantize", &folder, &synthetic("train")]).ok();
    run(&[&"evaluate", &folder, &photos]).ok();
}
