//! Studies, merges and searches that are refused, with the cause.

use super::*;

#[test]
fn photos_that_cannot_be_studied() {
    let temp = temporary();
    let (photos, out) = (temp.path().join("photos"), temp.path().join("study"));
    refused(temp.path(), &[&"study", &photos, &"--out", &out], &[&photos]);
    cats_and_dogs(&photos);
    // Three photos of a class in five folds.
    refused(temp.path(), &[&"study", &photos, &"--out", &out], &[&"cat", &"fold"]);
    refused(temp.path(), &[&"study", &photos, &"--folds", &"0", &"--out", &out], &[&"photos", &"--folds"]);
    let huge = "4000000000";
    refused(temp.path(), &[&"study", &photos, &"--folds", &huge, &"--out", &out], &[&"cat", &huge]);
    let tune: [&dyn AsRef<OsStr>; 10] =
        [&"tune", &photos, &"--flash", &"1M", &"--ram", &"64K", &"--folds", &huge, &"--out", &out];
    refused(temp.path(), &tune, &[&"cat", &huge]);
    assert!(!out.exists());
}

#[test]
fn held_out_photos_that_cannot_be_told() {
    let temp = temporary();
    let (photos, out) = (temp.path().join("photos"), temp.path().join("study"));
    for folder in ["Train", "test", "Valid"] {
        cats_and_dogs(&photos.join(folder));
    }
    refused(temp.path(), &[&"study", &photos, &"--out", &out], &[&"test", &"Valid", &"--validation"]);
    let valid = photos.join("Valid");
    let arguments: [&dyn AsRef<OsStr>; 12] = [
        &"study",
        &photos,
        &"--validation",
        &valid,
        &"--systems",
        &"smaller",
        &"--epochs",
        &"1",
        &"--folds",
        &"0",
        &"--out",
        &out,
    ];
    let told = run(&arguments).ok().stdout;
    assert!(told.contains("smaller"), "{told}");
    let missing = temp.path().join("missing");
    let tune: [&dyn AsRef<OsStr>; 10] =
        [&"tune", &photos, &"--validation", &missing, &"--flash", &"1M", &"--ram", &"64K", &"--out", &"t"];
    refused(temp.path(), &tune, &[&missing]);
}

/// A study of the photos in the current folder, twice: the first one's output, moved there, is not a class of photos.
#[test]
fn a_study_beside_its_photos() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    for class in ["chihuahua", "muffin"] {
        let folder = photos.join(class);
        std::fs::create_dir_all(&folder).unwrap();
        for file in files_in(&synthetic("train")) {
            let name = file.file_name().unwrap().to_str().unwrap();
            if name.starts_with(class) {
                std::fs::copy(&file, folder.join(name)).unwrap();
            }
        }
    }
    let study = || {
        let mut command = pinhole("study . --systems smaller --epochs 1 --seeds 1 --folds 2 --out ../study".split(' '));
        Ran::of(command.current_dir(&photos)).ok()
    };
    let first = study();
    std::fs::rename(temp.path().join("study"), photos.join("study")).unwrap();
    let second = study();
    assert_eq!(first.stdout, second.stdout);
    assert!(second.stderr.contains("study: a folder that Pinhole wrote, not photos"), "{}", second.stderr);
}

/// Trained networks to continue from, and the automatic choice, are systems like others.
#[test]
fn systems_that_continue() {
    let temp = temporary();
    let (photos, out) = (synthetic("train"), temp.path().join("study"));
    let study = |more: &[&str]| {
        let arguments = ["study".as_ref(), photos.as_os_str(), "--out".as_ref(), out.as_os_str()].into_iter();
        let size = "--epochs 1 --seeds 1 --folds 2 --json".split(' ');
        let ran = Ran::of(&mut pinhole(arguments.chain(more.iter().copied().chain(size).map(OsStr::new)))).ok();
        let names: Vec<String> = ran.json()["systems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|system| system["name"].as_str().unwrap().to_owned())
            .collect();
        (names, ran.stderr)
    };
    assert_eq!(study(&["--from", "conv-50-tiny"]).0, ["baseline-dropout", "from-conv-50-tiny"]);
    let (names, told) = study(&["--systems", "smaller,auto", "--from", "conv-50-tiny"]);
    assert_eq!(names, ["smaller", "auto", "from-conv-50-tiny"]);
    assert!(told.contains("auto: training continues"), "{told}");
}

#[test]
fn systems_that_are_none() {
    let temp = temporary();
    let (photos, out) = (synthetic("train"), temp.path().join("study"));
    let with = |systems: &str, words: &[&dyn AsRef<OsStr>]| {
        refused(temp.path(), &[&"study", &photos, &"--systems", &systems, &"--out", &out], words);
    };
    with("best", &[&"\"best\"", &"baseline-dropout"]);
    with("smaller,smaller", &[&"smaller"]);
    with("auto,auto", &[&"\"auto\""]);
    let from: [&dyn AsRef<OsStr>; 6] = [&"study", &photos, &"--from", &"conv-55", &"--out", &out];
    refused(temp.path(), &from, &[&"conv-55", &"conv-50"]);
    let recipe = temp.path().join("smaller.toml");
    std::fs::write(&recipe, run(&[&"recipes", &"bigger"]).ok().stdout).unwrap();
    with(&format!("smaller,{}", recipe.display()), &[&"\"smaller\""]);
}

#[test]
fn merging_what_is_no_study() {
    let temp = temporary();
    let empty = temp.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    refused(temp.path(), &[&"merge", &empty], &[&empty, &"--shard"]);
    std::fs::write(empty.join("plan.json"), "{}").unwrap();
    refused(temp.path(), &[&"merge", &empty], &[&"plan.json"]);
    std::fs::remove_file(empty.join("plan.json")).unwrap();

    let (photos, shard) = (synthetic("train"), temp.path().join("shard"));
    let mut arguments: Vec<&dyn AsRef<OsStr>> =
        vec![&"study", &photos, &"--systems", &"smaller", &"--epochs", &"1", &"--seeds", &"1", &"--folds", &"2"];
    arguments.extend([&"--shard" as &dyn AsRef<OsStr>, &"2/2", &"--out", &shard]);
    let told = run(&arguments).ok();
    assert!(told.stderr.contains("pinhole merge"), "{}", told.stderr);
    let out = temp.path().join("out");
    refused(temp.path(), &[&"merge", &shard, &"--out", &out], &[&"1 of 2", &"smaller.fold-1-of-2.seed-1"]);
    // A plan that was changed by hand is invalid.
    let plan = shard.join("plan.json");
    let mut changed = read_json(&plan);
    changed["assignments"] = Value::Array(Vec::new());
    std::fs::write(&plan, changed.to_string()).unwrap();
    refused(temp.path(), &[&"merge", &shard, &"--out", &out], &[&plan, &"folds"]);
    // Folds without a repeat of them, beside a split that was given.
    let (validation, shard) = (synthetic("validation"), temp.path().join("given"));
    arguments.truncate(arguments.len() - 1);
    arguments.extend([&shard as &dyn AsRef<OsStr>, &"--validation", &validation]);
    run(&arguments).ok();
    let plan = shard.join("plan.json");
    let mut changed = read_json(&plan);
    assert_eq!((&changed["given_split"], &changed["seeds"]), (&Value::Bool(true), &Value::from(1)));
    (changed["assignments"], changed["repeats"]) = (Value::Array(Vec::new()), Value::from(0));
    std::fs::write(&plan, changed.to_string()).unwrap();
    refused(temp.path(), &[&"merge", &shard, &"--out", &out], &[&plan, &"folds without repeats"]);
}

#[test]
fn a_budget_that_nothing_fits() {
    let temp = temporary();
    let out = temp.path().join("tune");
    let photos = synthetic("train");
    let arguments: [&dyn AsRef<OsStr>; 8] = [&"tune", &photos, &"--flash", &"1K", &"--ram", &"32K", &"--out", &out];
    refused(temp.path(), &arguments, &[&"1024 bytes of flash", &"the smallest needs"]);
}
