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

/// A run that cannot be written completely must not pass as one, nor as the earlier one in its folder.
#[test]
fn a_run_written_in_part_is_no_run() {
    let run_folder = run_folder();
    let model = run_folder.path().join(files::MODEL);
    std::fs::remove_file(&model).unwrap();
    std::fs::create_dir(&model).unwrap();
    let ran = run(&[&"train", &synthetic("train"), &"--epochs", &"1", &"--out", &run_folder.path()]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains(model.to_str().unwrap()) && ran.stderr.contains("help: "), "{}", ran.stderr);
    assert!(runs::summary(run_folder.path()).is_none(), "the earlier run's summary vouches for a mixture");
    // No temporary file is left.
    for name in names_in(run_folder.path()) {
        assert!(RUN_FILES.contains(&name.as_str()), "{name}");
    }
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
