//! Studies, merges and searches that are refused, by what is wrong with them.

use super::*;

#[test]
fn photos_that_cannot_be_studied() {
    let place = temporary();
    let (photos, out) = (place.path().join("photos"), place.path().join("study"));
    refused(place.path(), &[&"study", &photos, &"--out", &out], &[&photos]);
    cats_and_dogs(&photos);
    // Three photos of a class in five folds.
    refused(place.path(), &[&"study", &photos, &"--out", &out], &[&"cat", &"fold"]);
    refused(place.path(), &[&"study", &photos, &"--folds", &"0", &"--out", &out], &[&"photos", &"--folds"]);
    assert!(!out.exists());
}

#[test]
fn systems_that_are_none() {
    let place = temporary();
    let (photos, out) = (drawn("train"), place.path().join("study"));
    let with = |systems: &str, words: &[&dyn AsRef<OsStr>]| {
        refused(place.path(), &[&"study", &photos, &"--systems", &systems, &"--out", &out], words);
    };
    with("best", &[&"\"best\"", &"baseline-dropout"]);
    with("smaller,smaller", &[&"smaller"]);
    let recipe = place.path().join("smaller.toml");
    std::fs::write(&recipe, run(&[&"recipes", &"bigger"]).ok().stdout).unwrap();
    with(&format!("smaller,{}", recipe.display()), &[&"\"smaller\""]);
}

#[test]
fn merging_what_is_no_study() {
    let place = temporary();
    let empty = place.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    refused(place.path(), &[&"merge", &empty], &[&empty, &"--shard"]);
    std::fs::write(empty.join("plan.json"), "{}").unwrap();
    refused(place.path(), &[&"merge", &empty], &[&"plan.json"]);
    std::fs::remove_file(empty.join("plan.json")).unwrap();

    let (photos, shard) = (drawn("train"), place.path().join("shard"));
    let mut arguments: Vec<&dyn AsRef<OsStr>> =
        vec![&"study", &photos, &"--systems", &"smaller", &"--epochs", &"1", &"--seeds", &"1", &"--folds", &"2"];
    arguments.extend([&"--shard" as &dyn AsRef<OsStr>, &"2/2", &"--out", &shard]);
    let told = run(&arguments).ok();
    assert!(told.stderr.contains("pinhole merge"), "{}", told.stderr);
    let out = place.path().join("out");
    refused(place.path(), &[&"merge", &shard, &"--out", &out], &[&"1 of 2", &"smaller.fold-1-of-2.seed-1"]);
}

#[test]
fn a_budget_that_nothing_fits() {
    let place = temporary();
    let out = place.path().join("tune");
    let photos = drawn("train");
    let arguments: [&dyn AsRef<OsStr>; 8] = [&"tune", &photos, &"--flash", &"1K", &"--ram", &"32K", &"--out", &out];
    refused(place.path(), &arguments, &[&"1024 bytes of flash", &"the smallest takes"]);
}
