//! Paths that cannot be written to: nothing half-written, nothing lost.

use super::*;

/// A file at the path of a folder. (These tests may run as root, whom permissions do not stop.)
#[test]
fn a_file_in_the_way() {
    let temp = temporary();
    let file = temp.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let (photos, below) = (synthetic("train"), file.join("run"));
    for out in [&file, &below] {
        refused(temp.path(), &[&"train", &photos, &"--epochs", &"1", &"--out", out], &[out]);
        refused(temp.path(), &[&"demo", &"--out", out], &[out]);
        refused(temp.path(), &[&"draw", out], &[out]);
    }
    let run_folder = run_folder();
    let arguments: [&dyn AsRef<OsStr>; 5] = [&"quantize", &run_folder.path(), &photos, &"--out", &below];
    refused(temp.path(), &arguments, &[&below]);
    let arguments: [&dyn AsRef<OsStr>; 5] = [&"explain", &run_folder.path(), &photos, &"--out", &below];
    refused(temp.path(), &arguments, &[&below]);
    let missing = temp.path().join("no/such/folder/a.pinhole");
    let arguments: [&dyn AsRef<OsStr>; 5] = [&"quantize", &run_folder.path(), &photos, &"--out", &missing];
    refused(temp.path(), &arguments, &[&missing]);
}

/// `--out /dev/null` writes there, and does not replace it by a file. Tested through a link, so that a failure does no
/// harm.
#[cfg(unix)]
#[test]
fn a_device_stays_a_device() {
    let temp = temporary();
    let device = temp.path().join("device");
    std::os::unix::fs::symlink("/dev/null", &device).unwrap();
    let model = bundled_model();
    let commands: [&[&dyn AsRef<OsStr>]; 3] = [
        &[&"pack", &model, &"--board", &"qemu", &"--out", &device],
        &[&"export", &model, &"--to", &"c-header", &"--out", &device],
        &[&"explain", &model, &synthetic("validation"), &"--limit", &"1", &"--out", &device],
    ];
    for arguments in commands {
        run(arguments).ok();
        assert!(device.is_symlink() && !device.is_file(), "{:?}", arguments[0].as_ref());
    }
}

/// A run that cannot be written completely changes nothing. A folder at the place of a file is found before training.
#[test]
fn a_folder_in_the_way_of_a_run() {
    let temp = temporary();
    let out = temp.path().join("run");
    finished_run(&out);
    let model = out.join(files::MODEL);
    std::fs::remove_file(&model).unwrap();
    std::fs::create_dir(&model).unwrap();
    let arguments: [&dyn AsRef<OsStr>; 6] = [&"train", &synthetic("train"), &"--epochs", &"1000000", &"--out", &out];
    refused(temp.path(), &arguments, &[&model, &"it is a folder"]);
}

fn finished_run(out: &Path) {
    std::fs::create_dir(out).unwrap();
    let TrainedJob { data, finished } = trained();
    finished.write(out, data).unwrap();
}

/// Runs a command that can write files of 64 KiB at most: as on a full disk, writing fails in the middle of a file.
#[cfg(unix)]
fn on_a_full_disk(arguments: &[&dyn AsRef<OsStr>]) -> Ran {
    // The signal of a file that is too large would end the program. The limit is in blocks of 512 bytes.
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""]).arg(pinhole_tests::program());
    command.args(arguments.iter().map(|argument| argument.as_ref())).env("NO_COLOR", "1");
    Ran::of(command.stdin(Stdio::null()))
}

/// The weights have more than 64 KiB, and come after other files: the run stays as it was.
#[cfg(unix)]
#[test]
fn a_full_disk_mixes_no_files() {
    let temp = temporary();
    let out = temp.path().join("run");
    finished_run(&out);
    std::fs::write(out.join("notes.txt"), "mine").unwrap();
    let before = contents(temp.path());
    let (photos, other) = (synthetic("train"), bundled_model());
    let commands: [&[&dyn AsRef<OsStr>]; 3] = [
        &[&"train", &photos, &"--epochs", &"2", &"--out", &out],
        &[&"train", &photos, &"--epochs", &"2", &"--out", &out, &"--replace"],
        &[&"quantize", &out, &photos, &"--weights", &"4"],
    ];
    for arguments in commands {
        let ran = on_a_full_disk(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{}", ran.stderr);
        for words in ["cannot be written: ", out.to_str().unwrap(), "help: check that", "no partial file was left"] {
            assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.stderr);
        }
        assert!(contents(temp.path()) == before, "files have changed: {:?}", names_in(&out));
    }
    let fresh = temp.path().join("deep/fresh");
    let arguments: [&dyn AsRef<OsStr>; 6] = [&"train", &photos, &"--epochs", &"2", &"--out", &fresh];
    assert_eq!(on_a_full_disk(&arguments).code, Some(1));
    assert!(contents(temp.path()) == before, "a folder is left");
    let copy = temp.path().join("copy.pinhole");
    assert_eq!(on_a_full_disk(&[&"pack", &other, &"--out", &copy]).code, Some(1));
    assert!(contents(temp.path()) == before, "a file is left");
}

/// Output that would be taken for photos or a class is refused before anything is read or written.
#[test]
fn output_among_the_photos() {
    let temp = temporary();
    let photos = temp.path().join("photos");
    cats_and_dogs(&photos);
    let held_out = temp.path().join("held-out");
    cats_and_dogs(&held_out);
    let outside = temp.path().join("mine");
    for out in [photos.join("mine"), photos.join("cats/../mine"), held_out.join("mine")] {
        let validation: [&dyn AsRef<OsStr>; 4] = [&"--validation", &held_out, &"--out", &out];
        let commands: [&[&dyn AsRef<OsStr>]; 3] = [
            &[&"train", &photos, &"--epochs", &"1"],
            &[&"study", &photos, &"--systems", &"smaller", &"--epochs", &"1"],
            &[&"tune", &photos, &"--flash", &"1M", &"--ram", &"1M", &"--epochs", &"1"],
        ];
        for command in commands {
            let arguments: Vec<&dyn AsRef<OsStr>> = command.iter().chain(&validation).copied().collect();
            refused(temp.path(), &arguments, &[&out, &outside, &"a folder of photos"]);
        }
    }
    // In the folder of photos, the default --out is inside it.
    let mut command = pinhole(["train", "."]);
    let ran = Ran::of(command.current_dir(&photos));
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("run is inside ., a folder of photos"), "{}", ran.stderr);
    assert!(ran.stderr.contains("such as ../run"), "{}", ran.stderr);
    assert!(!photos.join("run").exists());
}

#[test]
fn nobody_reads_the_output() {
    let (model, photos) = (bundled_model(), synthetic("validation"));
    let commands: [&[&dyn AsRef<OsStr>]; 6] = [
        &[&"--help"],
        &[&"recipes"],
        &[&"inspect", &model, &"--json"],
        &[&"classify", &model, &photos],
        &[&"evaluate", &model, &photos],
        &[&"classify", &model, &"no-such-photo.jpg"],
    ];
    for arguments in commands {
        let mut command = pinhole(arguments.iter().map(|argument| argument.as_ref()));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Closed at once, most likely before anything is written; `| head` closes later, with the same effect.
        drop((child.stdout.take(), child.stderr.take()));
        let code = child.wait().unwrap().code();
        let expected = i32::from(arguments.len() == 3 && arguments[2].as_ref() == "no-such-photo.jpg");
        assert_eq!(code, Some(expected), "{command:?}");
    }
}

/// Standard output on a full disk: an error for every kind of output, also where it is short or JSON.
#[cfg(target_os = "linux")]
#[test]
fn output_on_a_full_disk_is_an_error() {
    let (model, photos) = (bundled_model(), synthetic("validation"));
    let commands: [&[&dyn AsRef<OsStr>]; 10] = [
        &[&"--version"],
        &[&"--help"],
        &[&"train", &"--help"],
        &[&"recipes"],
        &[&"completions", &"bash"],
        &[&"models", &"--json"],
        &[&"inspect", &model],
        &[&"inspect", &model, &"--json"],
        &[&"classify", &model, &photos, &"--limit", &"1"],
        &[&"evaluate", &model, &photos, &"--json"],
    ];
    for arguments in commands {
        let mut command = pinhole(arguments.iter().map(|argument| argument.as_ref()));
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = Ran::from(command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap());
        assert_eq!(ran.code, Some(1), "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("standard output cannot be written"), "{command:?}: {}", ran.stderr);
    }
    let ran = run(&[&"pack", &model, &"--out", &"/dev/full"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("what was written there is incomplete"), "{}", ran.stderr);
}

/// Output is as private as the user's umask says, and a file that was made private stays so.
#[cfg(unix)]
#[test]
fn the_umask_and_permissions_are_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = temporary();
    let out = temp.path().join("a.h");
    let mode = || out.metadata().unwrap().permissions().mode() & 0o777;
    let export = |umask: &str| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(pinhole_tests::program());
        Ran::of(command.args(["export", "drawn", "--to", "c-header", "--out"]).arg(&out).stdin(Stdio::null())).ok();
    };
    for (umask, expected) in [("077", 0o600), ("022", 0o600), ("002", 0o600)] {
        export(umask);
        assert_eq!(mode(), expected, "umask {umask}");
    }
    for (umask, expected) in [("022", 0o644), ("002", 0o664), ("027", 0o640)] {
        std::fs::remove_file(&out).unwrap();
        export(umask);
        assert_eq!(mode(), expected, "umask {umask}");
    }
}

/// What killed processes left is removed by the next one that writes to the same folder.
#[cfg(unix)]
#[test]
fn leftovers_of_killed_processes_are_removed() {
    let temp = temporary();
    for name in [".pinhole-tmp-AbCdEf", ".pinhole-writing-AbCdEf/1.jpg", "train/.pinhole-writing-x/1.jpg"] {
        let path = temp.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    run(&[&"export", &"drawn", &"--to", &"c-header", &"--out", &temp.path().join("a.h")]).ok();
    assert_eq!(names_in(temp.path()), ["a.h", "train"]);
    run(&[&"draw", &"--out", &temp.path()]).ok();
    assert!(!names_in(&temp.path().join("train")).contains(&".pinhole-writing-x".to_owned()));
}

/// A real disk that has room for the earlier run and not for another: the earlier run stays as it was, and the message says so.
/// The disk is in memory, and mounted in a namespace of its own, where it goes away by itself.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_keeps_the_earlier_run() {
    let temp = temporary();
    let (run, disk, after) = (temp.path().join("run"), temp.path().join("disk"), temp.path().join("after"));
    finished_run(&run);
    std::fs::create_dir(&disk).unwrap();
    let before = contents(&run);
    let pages: usize = before.values().flatten().map(|bytes| bytes.len().div_ceil(4096) + 1).sum();
    let namespace = |script: &str| {
        let mut command = std::process::Command::new("unshare");
        // Users may do so in a namespace where they seem to be root.
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command.arg(pinhole_tests::program()).args([&run, &disk, &after]).arg(synthetic("train"));
        command.env("NO_COLOR", "1").stdin(Stdio::null());
        command
    };
    let mount = format!("mount -t tmpfs -o size={}k none \"$2\"", 4 * (pages + 40));
    if !namespace(&mount).output().is_ok_and(|output| output.status.success()) {
        pinhole_tests::skipped("this machine lets nobody mount a disk in a namespace");
        return;
    }
    for more in ["", "--replace"] {
        let train = format!("\"$0\" train \"$4\" --recipe {DEFAULT} --epochs 1 --out \"$2/run\" {more}");
        let script =
            format!("{mount} && cp -r \"$1\" \"$2/run\" && {{ {train}; code=$?; cp -r \"$2\" \"$3\"; exit $code; }}");
        let ran = Ran::of(&mut namespace(&script));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{}", ran.stderr);
        for words in ["cannot be written: No space left", "no partial file was left"] {
            assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.stderr);
        }
        assert_eq!(names_in(&after), ["run"], "{more}");
        assert!(contents(&after.join("run")) == before, "files have changed: {:?}", names_in(&after.join("run")));
        std::fs::remove_dir_all(&after).unwrap();
    }
}
