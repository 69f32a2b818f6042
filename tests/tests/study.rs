//! Studies: the same bytes however they are run, correct numbers, and conclusions that follow from them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use pinhole::photos::PhotoOptions;
use pinhole::random::Random;
use pinhole::recipe::Initialization;
use pinhole::runs::pretrained::PretrainedSource;
use pinhole::study::{
    self, FinishedStudy, PhotoFolders, Shard, StudyError, StudyFolder, StudyOptions, StudyOutcome, StudyPhotos,
    StudyPlan, StudySize, System,
};
use pinhole_tests::{
    Ran as Program, contents, dense_mut, files_in, photos as real_photos, pinhole, read_json, synthetic, temporary,
};
use tempfile::TempDir;

/// A study of the bundled pictures, small enough to be run often.
struct Small {
    systems: Vec<System>,
    photos: StudyPhotos,
    plan: StudyPlan,
}

const EXTENT: StudySize = StudySize { seeds: 2, folds: 3, repeats: 2 };

fn systems(names: &[&str], epochs: u32) -> Vec<System> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut systems = study::systems::named(&names).unwrap();
    systems.iter_mut().for_each(|system| system.recipe.training.epochs = epochs);
    systems
}

impl Small {
    fn new(systems: Vec<System>, size: StudySize) -> Self {
        let source = PhotoFolders {
            training: synthetic("train"),
            validation: Some(synthetic("validation")),
            options: PhotoOptions::default(),
        };
        let photos = StudyPhotos::load(&source, &systems).unwrap();
        let plan = StudyPlan::new(&photos, &systems, size).unwrap();
        Self { systems, photos, plan }
    }

    fn run(&self, folder: &Path, threads: usize, shard: Shard) -> StudyOutcome {
        let stop = AtomicBool::new(false);
        let options = StudyOptions { threads, shard, stop: &stop };
        let store = StudyFolder::create(folder).unwrap();
        study::run(&self.plan, &self.photos, &self.systems, &store, options, &|_| ()).unwrap()
    }

    fn whole(&self, folder: &Path) -> FinishedStudy {
        match self.run(folder, 2, Shard::WHOLE) {
            StudyOutcome::Whole(finished) => *finished,
            other => panic!("{other:?}"),
        }
    }
}

fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (contents(one), contents(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (path, bytes) in &one {
        assert!(bytes == &other[path], "{} differs", path.display());
    }
}

#[test]
fn threads_and_shards_change_no_byte() {
    let small = Small::new(systems(&["smaller", "baseline-dropout", "augmented", "baseline-sgd"], 4), EXTENT);
    let (one, four) = (temporary(), temporary());
    assert!(matches!(small.run(one.path(), 1, Shard::WHOLE), StudyOutcome::Whole(_)));
    assert!(matches!(small.run(four.path(), 4, Shard::WHOLE), StudyOutcome::Whole(_)));
    let whole = contents(one.path());
    let files = whole.values().filter(|bytes| bytes.is_some()).count();
    assert_eq!(files, 4 * (2 + 2 * 3) + 5, "{:?}", whole.keys());
    assert_same(one.path(), four.path());

    let shards: Vec<TempDir> = (0..3).map(|_| temporary()).collect();
    let paths: Vec<PathBuf> = shards.iter().map(|shard| shard.path().to_owned()).collect();
    let merged = temporary();
    for (index, path) in paths.iter().enumerate() {
        // Every shard but the last: merging reports the missing ones.
        if index == 2 {
            let error = study::merge(&paths[..2], merged.path()).unwrap_err();
            assert!(matches!(error, StudyError::Missing { missing: 10, total: 32, .. }), "{error}");
        }
        assert!(matches!(small.run(path, 2, Shard { index: index as u32 + 1, count: 3 }), StudyOutcome::ShardDone));
    }
    study::merge(&paths, merged.path()).unwrap();
    assert_same(one.path(), merged.path());

    // All shards into one folder, as on a shared disk, and merged in place.
    let shared = temporary();
    for index in [3, 1, 2] {
        small.run(shared.path(), 1, Shard { index, count: 3 });
    }
    study::merge(&[shared.path().to_owned()], shared.path()).unwrap();
    assert_same(one.path(), shared.path());
}

/// A system can continue from a trained network. Its result depends on that network, and the plan names it.
#[test]
fn a_system_continues_from_a_trained_network() {
    let mut all = systems(&["conv-50-tiny"], 1);
    let source = PretrainedSource::read(Path::new("conv-50-tiny")).unwrap();
    let checksum = source.checksum;
    let mut from = System::continuing(source);
    from.recipe.training.epochs = 1;
    assert_eq!((from.name.as_str(), &from.recipe.layers), ("from-conv-50-tiny", &all[0].recipe.layers));
    study::systems::add(&mut all, from).unwrap();
    let small = Small::new(all.clone(), StudySize { seeds: 1, folds: 0, repeats: 0 });
    let start = small.plan.systems[1].from.clone().unwrap();
    assert_eq!((small.plan.systems[0].from.is_none(), start.checksum), (true, checksum));
    let folder = temporary();
    let results = small.whole(folder.path()).results;
    let losses: Vec<f64> =
        results.systems.iter().map(|system| system.given_split.as_ref().unwrap().best_loss.mean).collect();
    assert_ne!(losses[0], losses[1], "both begin with the same network");
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains(&format!("checksum {checksum:08x}")), "the page does not name the network");

    // The same recipe and another network: other trials.
    let trial = small.plan.trials()[1];
    let mut other = small.plan.clone();
    other.systems[1].from.as_mut().unwrap().checksum += 1;
    let mut new = small.plan.clone();
    new.systems[1].from = None;
    assert!(small.plan.key(trial) != other.key(trial) && small.plan.key(trial) != new.key(trial));
}

#[test]
fn shards_of_different_studies_are_not_mixed() {
    let small = Small::new(systems(&["smaller", "baseline-dropout"], 2), EXTENT);
    let longer = Small::new(systems(&["smaller", "baseline-dropout"], 3), EXTENT);
    let more = Small::new(systems(&["smaller", "baseline-dropout"], 2), StudySize { seeds: 3, ..EXTENT });
    let half = |index| Shard { index, count: 2 };
    let folders: Vec<TempDir> = (0..3).map(|_| temporary()).collect();
    small.run(folders[0].path(), 2, half(1));
    longer.run(folders[1].path(), 2, half(2));
    more.run(folders[2].path(), 2, half(2));
    for (other, expected) in [(1, "systems"), (2, "seeds, folds or repeats")] {
        let shards = [folders[0].path().to_owned(), folders[other].path().to_owned()];
        let out = temporary();
        let error = study::merge(&shards, out.path()).unwrap_err();
        assert!(matches!(error, StudyError::DifferentStudies { what, .. } if what == expected), "{error}");
        assert!(contents(out.path()).is_empty(), "something was written");
    }
    let nothing = temporary();
    assert!(matches!(study::merge(&[nothing.path().to_owned()], nothing.path()), Err(StudyError::NoStudy { .. })));
}

/// A finished trial is read, not trained again: a record changed by hand is still there, and in the results, after a
/// second run. A damaged record, or one with other inputs, is replaced.
#[test]
fn finished_cells_are_not_trained_again_and_damaged_ones_are() {
    let small = Small::new(systems(&["smaller", "baseline-dropout"], 3), EXTENT);
    let folder = temporary();
    let first = small.whole(folder.path());
    let trial = folder.path().join("cells").join("smaller.seed-1.json");
    let (original, all) = (std::fs::read_to_string(&trial).unwrap(), contents(folder.path()));
    let mut record: serde_json::Value = serde_json::from_str(&original).unwrap();
    record["best"]["epoch"] = 1.into();
    record["curves"]["validation_loss"][0] = 0.125.into();
    std::fs::write(&trial, record.to_string()).unwrap();
    let marked = small.whole(folder.path()).results;
    assert_ne!(marked.systems[0].given_split, first.results.systems[0].given_split, "the trial was trained again");

    for damaged in [&original[..original.len() / 2], "", "{}", &original.replacen("\"key\":\"", "\"key\":\"0", 1)] {
        std::fs::write(&trial, damaged).unwrap();
        assert_eq!(small.whole(folder.path()).results, first.results);
        assert!(contents(folder.path()) == all, "not as before the damage");
    }
    // More seeds: existing records stay, byte for byte.
    let more = Small::new(small.systems.clone(), StudySize { seeds: 3, ..EXTENT });
    let before = std::fs::metadata(&trial).unwrap().modified().unwrap();
    more.whole(folder.path());
    assert_eq!(std::fs::metadata(&trial).unwrap().modified().unwrap(), before);
}

#[test]
fn a_stopped_study_goes_on() {
    let small = Small::new(systems(&["smaller", "baseline-dropout"], 3), EXTENT);
    let (folder, straight) = (temporary(), temporary());
    small.whole(straight.path());
    let store = StudyFolder::create(folder.path()).unwrap();
    let stop = AtomicBool::new(false);
    let options = StudyOptions { threads: 2, shard: Shard::WHOLE, stop: &stop };
    let stop_at_5 = |progress: study::StudyProgress| {
        assert_eq!(progress.all_trials, 16);
        assert!(progress.work <= progress.all_work);
        stop.store(progress.trials >= 5, std::sync::atomic::Ordering::Relaxed);
    };
    let ran = study::run(&small.plan, &small.photos, &small.systems, &store, options, &stop_at_5).unwrap();
    assert!(matches!(ran, StudyOutcome::Stopped), "{ran:?}");
    let done = files_in(&folder.path().join("cells")).len();
    assert!((5..16).contains(&done), "{done} cells");
    small.whole(folder.path());
    assert_same(straight.path(), folder.path());
}

/// Killed ten times at random moments from a seed, without cleanup, then run to its end.
#[cfg(unix)]
#[test]
fn a_killed_study_goes_on_to_the_same_bytes() {
    let arguments = |out: &Path| {
        let mut arguments: Vec<std::ffi::OsString> = vec!["study".into(), synthetic("train").into()];
        let rest = "--systems smaller,baseline-dropout,inverted,augmented,baseline-l2 --epochs 40 --seeds 3 --folds 3";
        arguments.extend(rest.split(' ').map(Into::into));
        arguments.extend(["--out".into(), out.into()]);
        arguments
    };
    let (straight, killed) = (temporary(), temporary());
    let told = Program::of(&mut pinhole(arguments(straight.path()))).ok();
    let mut random = Random::seeded(20_190_201);
    let mut interrupted = 0;
    for _ in 0..10 {
        let mut command = pinhole(arguments(killed.path()));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(20 + random.below(400) as u64));
        // SIGKILL: no cleanup runs.
        child.kill().unwrap();
        interrupted += usize::from(!child.wait().unwrap().success());
    }
    println!("{interrupted} of 10 runs were killed before their end");
    assert!(interrupted >= 3, "{interrupted} of 10: the study is too short to be killed");
    // The leftover of a process that was killed while writing.
    std::fs::write(killed.path().join("cells").join(".pinhole-tmp-AbCdEf"), b"{\"key\":").unwrap();
    let again = Program::of(&mut pinhole(arguments(killed.path()))).ok();
    let table = |told: &Program| told.stdout.lines().filter(|line| !line.starts_with("report")).collect::<String>();
    assert_eq!(table(&told), table(&again));
    assert_same(straight.path(), killed.path());
}

/// Runs that learn nothing and runs that diverge are flagged, and do not end a study.
#[test]
fn runs_that_do_not_learn_are_flagged() {
    let mut systems = systems(&["smaller", "baseline-sgd", "bigger2-dropout"], 30);
    systems[1].recipe.training.learning_rate = 1e-9;
    systems[2].recipe.layers.truncate(1);
    dense_mut(&mut systems[2].recipe, 0).outputs = 8;
    systems[2].recipe.training.optimizer = pinhole::recipe::OptimizerSettings::Sgd { momentum: 0.9, nesterov: false };
    systems[2].recipe.training.learning_rate = 1e30;
    let small = Small::new(systems, EXTENT);
    let folder = temporary();
    let results = small.whole(folder.path()).results;
    let flags: Vec<_> = results.systems.iter().map(|system| (system.not_converged, system.diverged)).collect();
    assert_eq!(results.systems[0].runs, 8);
    assert_eq!(flags[0], (0, 0));
    assert_eq!(flags[1], (8, 0));
    assert_eq!(flags[2].1, 8, "{flags:?}");
    let report = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(report.contains("8 of 8 runs not converged") && report.contains("8 of 8 runs diverged"));
    let told = std::fs::read_to_string(folder.path().join("table.csv")).unwrap();
    assert_eq!(told.lines().count(), 4);
}

/// If all networks diverge, including the one to be shown, the report states it.
#[test]
fn a_study_of_nothing_but_diverging_runs_is_one() {
    let mut systems = systems(&["smaller"], 4);
    systems[0].recipe.training.learning_rate = 1e38;
    // It requests early stopping, which no study does: that would choose the last epoch.
    systems[0].recipe.training.patience = Some(1);
    let small = Small::new(systems, EXTENT);
    let folder = temporary();
    let results = small.whole(folder.path()).results;
    assert_eq!((results.systems[0].diverged, results.systems[0].runs), (8, 8));
    let report = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    for said in ["Every run of every system diverged.", "There is no network of smaller to show"] {
        assert!(report.contains(said), "{said}");
    }
    assert!(!report.contains("NaN"));
}

#[test]
fn patience_is_not_used() {
    let mut systems = systems(&["smaller"], 12);
    systems[0].recipe.training.patience = Some(1);
    let small = Small::new(systems, StudySize { seeds: 1, folds: 0, repeats: 0 });
    let folder = temporary();
    small.whole(folder.path());
    let trial = read_json(&folder.path().join("cells").join("smaller.seed-1.json"));
    let record: study::TrialRecord = serde_json::from_value(trial).unwrap();
    assert_eq!((record.curves.validation_loss.len(), record.last.unwrap().epoch), (12, 12));
}

/// The report of another plan's records is removed under a new plan.
#[test]
fn another_plan_removes_the_old_report() {
    let folder = temporary();
    Small::new(systems(&["smaller"], 2), EXTENT).whole(folder.path());
    assert!(folder.path().join("report.html").exists());
    let more = Small::new(systems(&["smaller", "baseline"], 2), EXTENT);
    more.run(folder.path(), 2, Shard { index: 1, count: 2 });
    for name in ["report.html", "results.json", "table.csv"] {
        assert!(!folder.path().join(name).exists(), "{name}");
    }
}

/// The report is self-contained, labels both axes of every figure and explains each.
#[test]
fn the_report_is_whole() {
    let small =
        Small::new(systems(&["baseline", "smaller", "bigger", "baseline-dropout", "bigger-dropout"], 3), EXTENT);
    let folder = temporary();
    let results = small.whole(folder.path()).results;
    let report = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    for outside in ["src=\"http", "href=", "url(", "@import", "<script", "<link"] {
        assert!(!report.contains(outside), "{outside}");
    }
    let charts: Vec<&str> = report.split("<figure class=\"chart\">").skip(1).collect();
    assert_eq!(charts.len(), results.comparisons.len() + 1);
    for chart in &charts {
        let (svg, rest) = chart.split_once("<figcaption>").unwrap();
        let axes = ["cross-entropy, nats", "epoch", "fraction right", "probability of the decided class"];
        assert_eq!(axes.iter().filter(|title| svg.contains(*title)).count(), 2, "{}", &svg[..200]);
        let reading = rest.split_once("</figcaption>").unwrap().0;
        assert!(reading.ends_with('.') && reading.len() > 40, "{reading}");
    }
    for system in &results.systems {
        assert!(report.contains(&format!("<th scope=\"row\">{}", system.name)), "{}", system.name);
    }
    assert!(report.contains("not distinguishable"), "14 and 40 photos tell nothing apart after 3 epochs");
    assert_eq!(report.matches("tinted").count(), 14, "every held-out photo is explained");
}

/// A copy of a training photo among the held-out ones is found, and both paths are reported.
#[test]
fn leaks_are_named() {
    let temp = temporary();
    let (train, test) = (temp.path().join("photos").join("train"), temp.path().join("photos").join("test"));
    for (from, to) in [("train", &train), ("validation", &test)] {
        std::fs::create_dir_all(to).unwrap();
        for file in files_in(&synthetic(from)) {
            std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
        }
    }
    std::fs::copy(train.join("muffin-3.jpg"), test.join("muffin-leaked.jpg")).unwrap();
    let out = temp.path().join("study");
    let mut arguments: Vec<std::ffi::OsString> = vec!["study".into(), temp.path().join("photos").into()];
    let rest = "--systems smaller,baseline-dropout --epochs 2 --seeds 2 --folds 3 --json";
    arguments.extend(rest.split(' ').map(Into::into));
    arguments.extend(["--out".into(), out.clone().into()]);
    let told = Program::of(&mut pinhole(arguments)).ok();
    for name in ["muffin-3.jpg", "muffin-leaked.jpg"] {
        assert!(told.stderr.contains(name), "{}", told.stderr);
    }
    assert_eq!((&told.json()["photos"], &told.json()["given_photos"]), (&41.into(), &15.into()));
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(report.contains("muffin-3.jpg and test/muffin-leaked.jpg. <b>One is trained on"), "no leak in the report");
    // In the cross-validation both are held out together.
    let plan: StudyPlan = serde_json::from_value(read_json(&out.join("plan.json"))).unwrap();
    assert_eq!(plan.duplicates.len(), 1);
    let (first, second) = plan.duplicates[0];
    assert_eq!(plan.assignments.len(), 2);
    for folds in &plan.assignments {
        assert_eq!(folds[first], folds[second]);
    }
}

/// Keras' numbers on the article's photos (Keras 3, TensorFlow, at least 10 seeds): the minimum validation loss, mean
/// and standard deviation, and the accuracy there.
const KERAS: [(&str, [f64; 2], f64); 7] = [
    ("baseline-dropout", [0.272, 0.019], 0.929),
    ("baseline", [0.262, 0.021], 0.907),
    ("smaller-dropout", [0.249, 0.018], 0.929),
    ("baseline-relu", [0.243, 0.027], 0.914),
    ("baseline-l2", [0.228, 0.009], 0.907),
    ("inverted", [0.647, 0.051], 0.600),
    ("inverted-rotated", [0.678, 0.043], 0.429),
];
const KERAS_SEEDS: u32 = 5;
/// Allowed distance of the means, in combined standard deviations of one Keras run and one of ours.
const KERAS_TOLERANCE: f64 = 1.0;
/// One of 14 photos, and rounding.
const KERAS_PHOTO: f64 = 0.072;

#[test]
fn systems_do_as_they_do_in_keras() {
    let Some(folder) = real_photos() else { return };
    let mut systems = systems(&KERAS.map(|(name, ..)| name), 400);
    // Keras' initialization; Pinhole's own gives a smaller loss.
    systems.iter_mut().for_each(|system| system.recipe.training.initialization = Initialization::Independent);
    let source = PhotoFolders::find(&folder.join("article"), None).unwrap();
    assert!(source.validation.is_some(), "the article's folders are a given split");
    let photos = StudyPhotos::load(&source, &systems).unwrap();
    let size = StudySize { seeds: KERAS_SEEDS, folds: 0, repeats: 0 };
    let small = Small { plan: StudyPlan::new(&photos, &systems, size).unwrap(), systems, photos };
    let out = temporary();
    let results = small.whole(out.path()).results;
    for ((name, [loss, deviation], accuracy), system) in KERAS.iter().zip(&results.systems) {
        let ours = system.given_split.as_ref().unwrap();
        println!(
            "{name}: loss {:?} (Keras {loss}), accuracy {:?} (Keras {accuracy})",
            ours.best_loss, ours.best_accuracy
        );
        let together = (deviation * deviation + ours.best_loss.deviation * ours.best_loss.deviation).sqrt();
        assert!((ours.best_loss.mean - loss).abs() <= KERAS_TOLERANCE * together, "{name}: {ours:?}");
        assert!((ours.best_accuracy.mean - accuracy).abs() <= KERAS_PHOTO, "{name}: {ours:?}");
    }
}

/// A shard's files may come from anybody: names that lead out of the folder, and counts that no memory holds, are refused, and
/// nothing is written.
#[test]
fn hostile_plans_are_refused() {
    let small = Small::new(systems(&["smaller"], 1), StudySize { seeds: 1, folds: 0, repeats: 0 });
    let temp = temporary();
    let (shard, out) = (temp.path().join("shard"), temp.path().join("a/b/out"));
    small.whole(&shard);
    let path = shard.join("plan.json");
    let plan: serde_json::Value = read_json(&path);
    let changed = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut plan = plan.clone();
        change(&mut plan);
        std::fs::write(&path, plan.to_string()).unwrap();
        let refused = study::merge(std::slice::from_ref(&shard), &out).unwrap_err();
        assert!(matches!(&refused, StudyError::Malformed { path: named, .. } if *named == path), "{refused}");
        assert!(!temp.path().join("a").exists(), "{refused}");
        refused.to_string()
    };
    for name in ["../../../up", "/up", "..", "", "a/b", "a\nb", "\u{1b}[2J", &"n".repeat(300)] {
        let refused = changed(&|plan| plan["systems"][0]["name"] = name.into());
        assert!(refused.contains("a system's name"), "{refused}");
    }
    assert!(changed(&|plan| plan["seeds"] = u32::MAX.into()).contains("seeds"));
    let many = |plan: &mut serde_json::Value| {
        let system = plan["systems"][0].clone();
        let numbered = |number: usize| {
            let mut system = system.clone();
            system["name"] = format!("system-{number}").into();
            system
        };
        plan["systems"] = (0..2000).map(numbered).collect();
        plan["seeds"] = 1000.into();
    };
    assert!(changed(&many).contains("a million trainings"));
    let twice = |plan: &mut serde_json::Value| plan["systems"] = vec![plan["systems"][0].clone(); 2].into();
    assert!(changed(&twice).contains("the same name"));
    // Nor are they made.
    let size = StudySize { seeds: 2_000_000, folds: 0, repeats: 0 };
    let made = StudyPlan::new(&small.photos, &small.systems, size);
    assert!(matches!(made, Err(StudyError::TooManyTrainings { count: 2_000_000 })));
}

/// The report of a merged study has no script, and asks no other machine for pictures.
#[test]
fn a_hostile_showcase_stays_text() {
    let small = Small::new(systems(&["smaller"], 1), StudySize { seeds: 1, folds: 0, repeats: 0 });
    let temp = temporary();
    let shard = temp.path().join("shard");
    small.whole(&shard);
    let path = shard.join("showcase.json");
    let showcase: serde_json::Value = read_json(&path);
    let merged = |showcase: &serde_json::Value| {
        std::fs::write(&path, showcase.to_string()).unwrap();
        let _ = std::fs::remove_file(shard.join("report.html"));
        study::merge(std::slice::from_ref(&shard), &shard)
    };
    let mut named = showcase.clone();
    named["system"] = "<script>alert(1)</script>".into();
    merged(&named).unwrap();
    let page = std::fs::read_to_string(shard.join("report.html")).unwrap();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
    let mut failed = showcase.clone();
    failed["shown"] = serde_json::json!({ "Err": "<img src=x onerror=alert(1)>" });
    merged(&failed).unwrap();
    let page = std::fs::read_to_string(shard.join("report.html")).unwrap();
    assert!(page.contains("&lt;img") && !page.contains("<img src=x"));
    for uri in ["https://example.com/seen.png", "javascript:alert(1)", "data:image/svg+xml;base64,AAAA"] {
        for field in ["input", "explained"] {
            let mut remote = showcase.clone();
            remote["shown"]["Ok"]["photos"][0][field] = uri.into();
            assert!(matches!(merged(&remote), Err(StudyError::NoShowcase)), "{uri}");
        }
        let mut remote = showcase.clone();
        remote["shown"]["Ok"]["weights"] = uri.into();
        assert!(matches!(merged(&remote), Err(StudyError::NoShowcase)), "{uri}");
    }
    merged(&showcase).unwrap();
}
