//! The program as a process: arguments, signals, environment.

use super::*;

#[test]
fn wrong_arguments_are_told_with_usage() {
    for arguments in [
        &["train"][..],
        &["train", "photos", "--epochs", "0"],
        &["train", "photos", "--seed", "-1"],
        &["train", "photos", "--threads", "many"],
        &["train", "photos", "--freeze"],
        &["classify"],
        &["prove", "model.pinhole", "photos", "--limit", "0"],
        &["prove", "model.pinhole", "photos", "--board", "toaster"],
        &["study", "photos", "--shard", "4/3"],
        &["study", "photos", "--folds", "1"],
        &["study", "photos", "--seeds", "0"],
        &["merge"],
        &["tune", "photos", "--ram", "32K"],
        &["tune", "photos", "--board", "pico", "--time", "0"],
        &["tune", "photos", "--flash", "1M", "--ram", "32K", "--time", "9"],
        &["tune", "photos", "--flash", "lots", "--ram", "32K"],
        &["bake"],
        &[],
    ] {
        let ran = Ran::of(&mut pinhole(arguments));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("--help") || ran.stderr.contains("Usage:"), "{arguments:?}: {}", ran.stderr);
    }
}

/// Without an emulator, and with no permission to download one: one message, with the commands to run.
#[cfg(unix)]
#[test]
fn no_emulator_is_said_in_one_message() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let temp = temporary();
    // As the user nobody, who must be able to read the files.
    std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let root = std::fs::metadata(temp.path()).unwrap().uid() == 0;
    let copy = |from: &Path, name: &str| {
        let to = temp.path().join(name);
        std::fs::copy(from, &to).unwrap();
        to
    };
    let program = copy(pinhole_tests::program(), "pinhole");
    let model = copy(&bundled_model(), "model.pinhole");
    let photo = copy(&synthetic("train").join("muffin-1.jpg"), "muffin-1.jpg");
    for command in ["simulate", "prove"] {
        let mut pinhole = std::process::Command::new(&program);
        pinhole.args([command.as_ref(), model.as_os_str(), photo.as_os_str()]).env("PATH", temp.path());
        pinhole.env("PINHOLE_OFFLINE", "1").env("PINHOLE_CACHE", temp.path().join("cache"));
        pinhole.current_dir(temp.path()).stdin(Stdio::null());
        if root {
            let nobody = 65_534;
            pinhole.uid(nobody).gid(nobody);
        }
        let ran = Ran::of(&mut pinhole);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{}", ran.stderr);
        assert_eq!(ran.stderr.matches("the emulator (qemu-system-arm) is not installed").count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("help: ") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
    }
}

/// Waits until a program has begun to train, or has ended. That is when it catches SIGINT (bit 1 of the mask), because it shows no
/// progress without a terminal.
#[cfg(target_os = "linux")]
fn wait_for_training(child: &mut std::process::Child) {
    use std::time::{Duration, Instant};

    let catches = |id: u32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(mask, 16).unwrap() & 2 != 0
    };
    let deadline = Instant::now() + Duration::from_secs(600);
    while child.try_wait().unwrap().is_none() && !catches(child.id()) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends SIGINT to a program as soon as it has begun to train.
#[cfg(target_os = "linux")]
pub(super) fn interrupt_when_training(child: &mut std::process::Child) {
    wait_for_training(child);
    let interrupt = format!("kill -INT {}", child.id());
    assert!(std::process::Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
}

/// Ctrl-C ends a study whose trainings would take days; it reports how to resume, and has written no report.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_study_says_how_to_go_on() {
    let temp = temporary();
    let out = temp.path().join("study");
    let photos = synthetic("train");
    let arguments: [&dyn AsRef<OsStr>; 8] =
        [&"study", &photos, &"--systems", &"smaller", &"--epochs", &"1000000000", &"--out", &out];
    let mut command = pinhole(arguments.iter().map(|argument| argument.as_ref()));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    interrupt_when_training(&mut child);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(130), ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("to go on from here, run the same command again"), "{}", ran.stderr);
    assert_eq!(names_in(&out), ["cells", "plan.json"]);
    assert!(names_in(&out.join("cells")).is_empty());
}

/// Ctrl-C ends a training that would take days, and keeps its progress.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_training_leaves_a_whole_run() {
    let temp = temporary();
    let out = temp.path().join("run");
    let (photos, validation) = (synthetic("train"), synthetic("validation"));
    let mut command = pinhole(["train"]);
    command.arg(&photos).arg("--validation").arg(&validation).args([
        "--recipe",
        DEFAULT,
        "--epochs",
        "1000000000",
        "--out",
    ]);
    command.arg(&out);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    interrupt_when_training(&mut child);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert!(ran.stderr.contains("interrupted"), "{}", ran.stderr);
    // The checkpoint for `--resume`.
    std::fs::remove_file(out.join(files::CHECKPOINT)).unwrap();
    assert_whole_run(&out);
    let summary = runs::summary(&out).unwrap();
    assert_eq!(summary.stopped, "interrupted");
    ModelFile::read(&out.join(files::MODEL)).unwrap();
    run(&[&"classify", &out, &validation]).ok();
}

/// Two trainings into one folder: the second is refused while the first runs, whatever it is asked for, and the first is not
/// disturbed. The claim of a killed training does not count.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_has_one_training_at_a_time() {
    let temp = temporary();
    let out = temp.path().join("run");
    let photos = synthetic("train");
    let long: [&dyn AsRef<OsStr>; 8] =
        [&"train", &photos, &"--recipe", &DEFAULT, &"--epochs", &"1000000000", &"--out", &out];
    let mut command = pinhole(long.iter().map(|argument| argument.as_ref()));
    let mut first = Killed(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for_training(&mut first.0);
    let path = out.to_str().unwrap();
    for more in [&[][..], &["--resume"], &["--replace"], &["--seed", "2"]] {
        let arguments = long.iter().map(|argument| argument.as_ref());
        let ran = Ran::of(&mut pinhole(arguments.chain(more.iter().map(OsStr::new))));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{}", ran.stderr);
        for words in ["another Pinhole process is writing to", path, "help: wait until it has ended"] {
            assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.stderr);
        }
    }
    assert!(first.0.try_wait().unwrap().is_none(), "the first training has ended");
    drop(first);
    let once: [&dyn AsRef<OsStr>; 7] = [&"train", &photos, &"--epochs", &"1", &"--replace", &"--out", &out];
    run(&once).ok();
    assert_whole_run(&out);
}

/// A program that is killed on drop.
#[cfg(target_os = "linux")]
struct Killed(std::process::Child);

#[cfg(target_os = "linux")]
impl Drop for Killed {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A killed `pinhole`, for example by a time limit, must not leave its emulator running.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_program_leaves_no_emulator() {
    use std::io::{BufRead, BufReader};
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    let temp = temporary();
    let model = temp.path().join("model.pinhole");
    std::fs::copy(bundled_model(), &model).unwrap();
    // Arguments of the emulators started in this test: they inherit its environment.
    let emulators = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let read = |process: &std::fs::DirEntry, what: &str| {
            let bytes = std::fs::read(process.path().join(what)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let ours = processes.filter(|process| read(process, "environ").contains(temp.path().to_str().unwrap()));
        let arguments = ours.map(|process| read(&process, "cmdline"));
        arguments.filter(|arguments| arguments.contains("loader,")).collect::<Vec<String>>()
    };
    // Enough photos that it cannot finish before it is killed.
    let photos = synthetic("train");
    let many = std::iter::repeat_n(photos.as_os_str(), 500);
    let mut command = pinhole(["prove".as_ref(), model.as_os_str(), "--log".as_ref()].into_iter().chain(many));
    command.env("TMPDIR", temp.path());
    // Ended even if an assertion fails first.
    let mut child = Killed(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let mut log = BufReader::new(child.0.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("ready")), "the board did not start");
    let [arguments] = &emulators()[..] else { panic!("not one emulator: {:?}", emulators()) };
    // The emulator's files, firmware and model, are removed after it has read them, so a killed program leaves none.
    let arguments: Vec<&str> = arguments.split('\0').collect();
    let kernel = arguments.iter().position(|argument| *argument == "-kernel").unwrap();
    let loader = arguments.iter().find_map(|argument| argument.strip_prefix("loader,file=")).unwrap();
    let files = [arguments[kernel + 1], loader.split(',').next().unwrap()].map(Path::new);
    assert!(files.iter().all(|file| file.is_absolute()), "{files:?}");
    // The log line may come a moment before the files are removed.
    let deadline = Instant::now() + Duration::from_secs(300);
    while files.iter().any(|file| file.exists()) && Instant::now() < deadline {
        sleep(Duration::from_millis(10));
    }
    assert!(!files.iter().any(|file| file.exists()), "{files:?}");
    drop(child);
    let deadline = Instant::now() + Duration::from_secs(300);
    while !emulators().is_empty() && Instant::now() < deadline {
        sleep(Duration::from_millis(10));
    }
    assert_eq!(emulators().len(), 0, "the emulator outlived the program");
}

/// The program's results must not depend on its working directory: nothing is read relative to it.
#[test]
fn it_runs_from_anywhere() {
    let temp = temporary();
    assert!(!temp.path().starts_with(repository()));
    let mut command = pinhole(["prove", "model.pinhole", "."]);
    std::fs::copy(bundled_model(), temp.path().join("model.pinhole")).unwrap();
    std::fs::copy(synthetic("train").join("muffin-1.jpg"), temp.path().join("muffin-1.jpg")).unwrap();
    let ran = Ran::of(command.current_dir(temp.path())).ok();
    assert_eq!(ran.last_line(), verdict(Board::Qemu, VALUES, 1));
    assert!(ran.stderr.contains("model.pinhole: its ending is not that of a picture"), "{}", ran.stderr);
}
