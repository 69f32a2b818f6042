//! Recipes that are refused, with the cause.

use super::*;

#[test]
fn an_unknown_name() {
    let temp = temporary();
    let out = temp.path().join("run");
    let arguments: [&dyn AsRef<OsStr>; 6] = [&"train", &synthetic("train"), &"--recipe", &"best", &"--out", &out];
    refused(temp.path(), &arguments, &[&"\"best\"", &"baseline-dropout", &"bigger2"]);
    refused(temp.path(), &[&"recipes", &"best"], &[&"\"best\"", &"baseline-dropout"]);
}

#[test]
fn files_that_are_no_recipe_name_the_line() {
    let temp = temporary();
    let (recipe, out) = (temp.path().join("my.toml"), temp.path().join("run"));
    let good = run(&[&"recipes", &"baseline"]).ok().stdout;
    for (from, to, words) in [
        ("epochs = 400", "epochs = many", &["line 5"][..]),
        ("epochs = 400", "epoch = 400", &["line 5", "`epoch`", "`epochs`"]),
        ("activation = \"sigmoid\"", "activation = \"tanh\"", &["tanh", "sigmoid"]),
        ("batch = 32", "batch = 0", &["training.batch", "at least 1"]),
        ("learning_rate = 0.001", "learning_rate = -1.0", &["learning_rate", "positive"]),
    ] {
        assert!(good.contains(from), "{good}");
        std::fs::write(&recipe, good.replacen(from, to, 1)).unwrap();
        let words: Vec<&dyn AsRef<OsStr>> =
            words.iter().map(|word| word as &dyn AsRef<OsStr>).chain([&recipe as &dyn AsRef<OsStr>]).collect();
        let photos = synthetic("train");
        refused(temp.path(), &[&"train", &photos, &"--recipe", &recipe, &"--out", &out], &words);
    }
    let missing = temp.path().join("none.toml");
    refused(temp.path(), &[&"train", &synthetic("train"), &"--recipe", &missing, &"--out", &out], &[&missing]);
}

/// Too large a learning rate is an error, not a network full of NaN.
#[test]
fn a_training_that_diverges() {
    let temp = temporary();
    let (recipe, out) = (temp.path().join("my.toml"), temp.path().join("run"));
    let text = run(&[&"recipes", &"baseline-relu"]).ok().stdout.replace("0.001", "1e30");
    std::fs::write(&recipe, text).unwrap();
    let photos = synthetic("train");
    refused(temp.path(), &[&"train", &photos, &"--recipe", &recipe, &"--out", &out], &[&"learning rate"]);
}

/// The tests' build has no support for graphics cards.
#[test]
fn a_card_that_is_not_there() {
    let (temp, photos) = (temporary(), synthetic("train"));
    let out = temp.path().join("out");
    let words: [&dyn AsRef<OsStr>; 2] = [&"without support for graphics cards", &"--features cuda"];
    refused(temp.path(), &[&"train", &photos, &"--device", &"gpu", &"--out", &out], &words);
}

/// A penalty so large that the weights are no numbers after the first epoch, while the loss still is one. This training did not end:
/// quantization searched for a scale of weights that have none.
#[test]
fn a_training_without_one_good_epoch_is_an_error() {
    let temp = temporary();
    let recipe = pinhole_tests::repository().join("tests/hostile/conv-l1-1e20.toml");
    let out = temp.path().join("run");
    let arguments: [&dyn AsRef<OsStr>; 6] = [&"train", &synthetic("train"), &"--recipe", &recipe, &"--out", &out];
    refused(temp.path(), &arguments, &[&"diverged", &"epoch 1", &"lower learning rate", &"penalties"]);
    assert!(!out.exists());
}
