//! Answers of "unknown": set by `quantize`, shown by every command that answers.

use super::*;

/// Quantizes the run folder's model again with these arguments.
fn quantized(folder: &Path, arguments: &[&dyn AsRef<OsStr>]) -> Ran {
    let photos = synthetic("train");
    run(&[&[&"quantize", &folder as &dyn AsRef<OsStr>, &photos], arguments].concat())
}

#[test]
fn a_least_probability_all_the_way() {
    let run_folder = run_folder();
    let folder = run_folder.path();
    let test = synthetic("validation");
    let plain = std::fs::read(folder.join(files::MODEL)).unwrap();
    let answers = |model: &Path| run(&[&"classify", &model, &test, &"--json"]).ok().json();
    let before = answers(folder);
    let mut probabilities: Vec<f64> =
        before.as_array().unwrap().iter().map(|one| one["probability"].as_f64().unwrap()).collect();
    probabilities.sort_by(f64::total_cmp);
    // Five of the fourteen are below.
    let least = probabilities[5];
    let told = quantized(folder, &[&"--min-confidence", &least.to_string(), &"--smooth", &"2/3", &"--json"]).ok();
    let policy = serde_json::json!({ "min_probability": least, "needed": 2, "window": 3 });
    assert_eq!(told.json()["policy"], policy);
    assert_whole_run(folder);
    assert_eq!(run(&[&"inspect", &folder, &"--json"]).ok().json()["policy"], policy);
    let inspected = run(&[&"inspect", &folder]).ok().stdout;
    for words in [format!("unknown below {least:.3}"), "fewer than 2 of the last 3 frames".into()] {
        assert!(inspected.contains(&words), "no {words:?} in:\n{inspected}");
    }

    // Each photo alone: the same decisions, and an answer if they are probable enough.
    let after = answers(folder);
    let mut unknown = 0;
    for (before, after) in before.as_array().unwrap().iter().zip(after.as_array().unwrap()) {
        assert_eq!((&before["class"], &before["probability"]), (&after["class"], &after["probability"]));
        assert_eq!(before["answer"], before["class"]);
        let known = after["probability"].as_f64().unwrap() >= least;
        assert_eq!(after["answer"], if known { after["class"].clone() } else { Value::Null }, "{after}");
        unknown += usize::from(!known);
    }
    assert_eq!(unknown, 5);
    let told = run(&[&"classify", &folder, &test]).ok().stdout;
    assert_eq!(told.matches(": unknown (").count(), unknown, "{told}");

    let evaluated = run(&[&"evaluate", &folder, &test, &"--json"]).ok().json();
    let answered = &evaluated["answered"];
    assert_eq!(
        (&answered["answered"], &answered["photos"], &answered["min_probability"]),
        (&9.into(), &14.into(), &policy["min_probability"])
    );
    let wrong = answered["wrong"].as_u64().unwrap() as f64;
    assert_eq!(answered["accuracy"].as_f64().unwrap(), (9.0 - wrong) / 9.0);
    let told = run(&[&"evaluate", &folder, &test]).ok().stdout;
    assert!(told.contains("answered  9 of 14 (coverage 0.6429)") && told.contains("accuracy of these"), "{told}");

    // The policy is packed with the model, and removed by a quantization without one, which reports it.
    let packed = folder.join("packed.bin");
    run(&[&"pack", &folder, &"--board", &"qemu", &"--out", &packed]).ok();
    assert_eq!(run(&[&"inspect", &packed, &"--json"]).ok().json()["policy"], policy);
    std::fs::remove_file(packed).unwrap();
    let told = quantized(folder, &[]).ok();
    assert!(
        told.stderr.contains(&format!("had a policy, and this one has none; the policy was: unknown below {least:.3}")),
        "{}",
        told.stderr
    );
    assert!(std::fs::read(folder.join(files::MODEL)).unwrap() == plain, "without a policy the bytes are as before");
    assert_eq!(run(&[&"evaluate", &folder, &test, &"--json"]).ok().json()["answered"], Value::Null);
}

/// A threshold chosen on photos: its coverage equals that of their evaluation, and a small number of photos is
/// reported.
#[test]
fn a_least_probability_for_an_error_rate() {
    let run_folder = run_folder();
    let (folder, test) = (run_folder.path(), synthetic("validation"));
    let choose: [&dyn AsRef<OsStr>; 4] = [&"--error-rate", &"0.02", &"--validation", &test];
    let told = quantized(folder, &choose).ok().stdout;
    for words in ["(chosen)", "to be surer of 0.02:", "it would take 189 answers", "chose the epoch", "on others"] {
        assert!(told.contains(words), "no {words:?} in:\n{told}");
    }
    let told = quantized(folder, &[&choose[..], &[&"--json"]].concat()).ok().json();
    let threshold = &told["threshold"];
    assert_eq!((&threshold["photos"], &threshold["wrong"]), (&14.into(), &0.into()));
    assert_eq!(threshold["min_probability"], told["policy"]["min_probability"]);
    let answered = run(&[&"evaluate", &folder, &test, &"--json"]).ok().json()["answered"].clone();
    // If no photo is refused, there is no policy.
    assert!(
        answered == *threshold || (answered == Value::Null && threshold["coverage"] == 1.0),
        "{answered} {threshold}"
    );
}

#[test]
fn policies_there_are_not() {
    let run_folder = run_folder();
    let (folder, photos, test) = (run_folder.path(), synthetic("train"), synthetic("validation"));
    let quantize: [&dyn AsRef<OsStr>; 3] = [&"quantize", &folder, &photos];
    let with = |more: &[&'static str]| -> Vec<&dyn AsRef<OsStr>> {
        more.iter().map(|argument| Box::leak(Box::new(*argument)) as &dyn AsRef<OsStr>).collect()
    };
    let refuse = |more: Vec<&dyn AsRef<OsStr>>, words: &[&dyn AsRef<OsStr>]| {
        refused(folder, &[&quantize[..], &more].concat(), words);
    };
    refuse(with(&["--error-rate", "0.02"]), &[&"--validation", &"trained on", &"--min-confidence"]);
    refuse(vec![&"--error-rate", &"0.02", &"--validation", &photos], &[&photos, &"trained on"]);
    let dot = photos.join("..").join("train");
    refuse(vec![&"--error-rate", &"0.02", &"--validation", &dot], &[&"trained on"]);
    // Every network is wrong on wrongly labeled photos.
    let temp = temporary();
    for path in files_in(&test) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let other = if name.starts_with("muffin") {
            name.replace("muffin", "chihuahua")
        } else {
            name.replace("chihuahua", "muffin")
        };
        std::fs::copy(&path, temp.path().join(other)).unwrap();
    }
    let words: [&dyn AsRef<OsStr>; 2] = [&"no threshold lowers the error rate", &"at best "];
    refuse(vec![&"--error-rate", &"0.02", &"--validation", &temp.path()], &words);
    for arguments in [
        &["--min-confidence", "1.5"][..],
        &["--min-confidence", "80%"],
        &["--min-confidence", "NaN"],
        &["--min-confidence", "0.5", "--error-rate", "0.1"],
        &["--error-rate", "-1"],
        &["--validation", "."],
        &["--smooth", "1/2"],
        &["--smooth", "3/2"],
        &["--smooth", "0/0"],
        &["--smooth", "9/17"],
        &["--smooth", "2"],
    ] {
        let ran = run(&[&quantize[..], &with(arguments)].concat());
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    }
}

/// On the board, answers to consecutive photos are smoothed; the proof covers it.
#[test]
fn the_board_says_unknown_too() {
    let run_folder = run_folder();
    let (folder, test) = (run_folder.path(), synthetic("validation"));
    quantized(folder, &[&"--smooth", &"2/2"]).ok();
    // Chihuahuas, then muffins: the first photo has no predecessor to agree with.
    let simulated = run(&[&"simulate", &folder, &test, &"--json"]).ok().json();
    let all = simulated.as_array().unwrap();
    assert_eq!(all[0]["answer"], Value::Null);
    for two in all.windows(2) {
        let same = two[0]["class"] == two[1]["class"];
        assert_eq!(two[1]["answer"], if same { two[1]["class"].clone() } else { Value::Null });
    }
    let told = run(&[&"prove", &folder, &test]).ok();
    assert_eq!(told.last_line(), verdict(Board::Qemu, 14 * VALUES, 14));
}
